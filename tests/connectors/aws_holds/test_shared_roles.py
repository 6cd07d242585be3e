"""A role that the vendor shares: the vendor is denied, the others keep it, and it comes back."""

import json
from typing import Any

import pytest
from support.aws_holds import (
    EXTERNAL_ID,
    FIRST,
    OTHER,
    OTHER_ACCOUNT,
    PATH,
    PROPAGATION,
    ROOT,
    SECOND,
    VENDOR,
    VENDOR_ACCOUNT,
    AwsNight,
    admits,
    denies,
    lets_in,
    of_kind,
    playbook,
    trust,
)

from stopline import planner
from stopline.connectors.aws import lockout, marks
from stopline.model import Scope, Severity
from stopline.receipts import Cause, Outcome
from stopline.text import Json, canonical
from stopline.vendors import AwsSelectors

BY_SAML = "sts:AssumeRoleWithSAML"
BOTH = trust(lets_in({"AWS": [ROOT, OTHER]}))
COMPACT = (
    '{"Statement":[{"Principal":{"AWS":["444455556666","777788889999"]},'
    '"Effect":"Allow", "Action":["sts:AssumeRole"]}],\n "Version":"2012-10-17"}'
)


def saml_providers(night: AwsNight) -> list[str]:
    """The vendor's identity provider, and the lab's."""
    return [
        night.iam.create_saml_provider(
            Name=name, SAMLMetadataDocument="<EntityDescriptor/>".ljust(1024)
        )["SAMLProviderArn"]
        for name in ("mercor-idp", "lab-idp")
    ]


# --- the trust policy --------------------------------------------------------------------------


def test_the_vendor_is_denied_and_the_others_keep_the_role(night: AwsNight) -> None:
    """After containment the trust policy refuses the vendor, and nobody else."""
    night.role("desk", BOTH)
    last = night.contain()
    assert not [s for s in last.skips if s.leaves_access]
    assert not admits(night.trust_of("desk"), ROOT)
    assert not admits(night.trust_of("desk"), f"arn:aws:iam::{VENDOR_ACCOUNT}:role/x")
    assert admits(night.trust_of("desk"), OTHER)
    assert "StoplineDenyAll" not in str(night.attached_of("role", "desk"))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(BOTH, indent=4),
        json.dumps({"Id": "kept", **BOTH}),
        json.dumps({**BOTH, "Statement": BOTH["Statement"][0]}),
        COMPACT,
    ],
)
def test_a_trust_policy_comes_back_byte_for_byte(night: AwsNight, text: str) -> None:
    """Odd but legal texts are given back as they were."""
    night.role("desk", text)
    night.contain()
    assert night.trust_of("desk") != text
    night.restore()
    assert night.trust_of("desk") == text
    assert not night.inline_of("role", "desk")
    assert not night.book.writes.holds()


def test_what_a_stranger_does_to_a_trust_policy_meanwhile_stays(night: AwsNight) -> None:
    """Only our statements are taken out; the stranger's, made during the pause, is kept."""
    night.role("desk", BOTH)
    night.contain()
    now = json.loads(night.trust_of("desk"))
    now["Statement"].append(lets_in({"AWS": "888888888888"}))
    night.iam.update_assume_role_policy(RoleName="desk", PolicyDocument=json.dumps(now))
    night.restore()
    left = json.loads(night.trust_of("desk"))["Statement"]
    assert left == [*BOTH["Statement"], lets_in({"AWS": "888888888888"})]


def test_our_statement_is_mended_when_it_was_edited(night: AwsNight) -> None:
    """What bears our mark is ours: a sweep puts it back as it was."""
    night.role("desk", BOTH)
    night.contain()
    text = night.trust_of("desk").replace('"Deny"', '"Allow"')
    night.iam.update_assume_role_policy(RoleName="desk", PolicyDocument=text)
    night.contain()
    assert not admits(night.trust_of("desk"), ROOT)


WAYS = [
    (lets_in({"AWS": [VENDOR_ACCOUNT, OTHER_ACCOUNT]}), "Acct", ROOT, {}),
    (
        lets_in({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": [EXTERNAL_ID, "mercer-1"]}}),
        "Ext",
        "arn:aws:iam::121212121212:role/unknown",
        {"sts:externalid": EXTERNAL_ID},
    ),
    (
        lets_in({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        "Own",
        f"arn:aws:iam::999999999999:user{PATH}annotator",
        {"aws:principalorgid": "o-1"},
    ),
]


@pytest.mark.parametrize(("statement", "part", "who", "context"), WAYS)
def test_each_way_in_is_denied(
    night: AwsNight, statement: Json, part: str, who: str, context: dict[str, str]
) -> None:
    """By account, by an external id of an account that nobody knows, by a principal of ours."""
    night.role("desk", trust(statement))
    before = night.trust_of("desk")
    assert part in denies(night.plan())
    night.contain()
    assert admits(before, who, **context)
    assert not admits(night.trust_of("desk"), who, **context)
    assert admits(night.trust_of("desk"), OTHER, **{**context, "sts:externalid": "mercer-1"})


def test_the_vendors_identity_provider_is_denied_and_the_labs_is_not(night: AwsNight) -> None:
    """Federated users of one role are told apart by who vouches for them."""
    arns = saml_providers(night)
    night.role("console", trust(lets_in({"Federated": arns}, action=BY_SAML)))
    night.contain()
    text = night.trust_of("console")
    assert not admits(text, "arn:aws:iam::1:x", BY_SAML, federated=arns[0])
    assert admits(text, "arn:aws:iam::1:x", BY_SAML, federated=arns[1])


def test_a_role_for_federated_users_alone_spends_no_room_on_naming_principals(
    night: AwsNight,
) -> None:
    """A provider's ARN holds the account, yet nobody of IAM comes in by it."""
    arns = saml_providers(night)
    for n in range(3):
        night.iam.create_user(UserName=f"own-{n}", Path=PATH)
    night.role("console", trust(lets_in({"Federated": arns}, action=BY_SAML)))
    assert set(denies(night.plan())) == {"Acct", "Fed"}


def test_a_role_behind_a_shared_role_is_shared_as_well(night: AwsNight) -> None:
    """Whoever else holds the first comes to the second: it is not denied everything."""
    desk = night.role("desk", BOTH)
    night.role("behind", trust(lets_in({"AWS": desk})))
    plan = night.plan()
    assert not of_kind(plan, "role-attachment")
    assert {c.principal for c in of_kind(plan, "role-inline-policy")} == {
        desk, desk.replace("desk", "behind"),
    }  # fmt: skip
    night.contain()
    assert admits(night.trust_of("behind"), desk)


def test_a_deny_never_hits_the_others_ourselves_or_root(night: AwsNight) -> None:
    """Of every statement that is planned, the vendor is hit, and those three are not."""
    staff = f"arn:aws:iam::{night.account}:user/staff/ann"
    root = f"arn:aws:iam::{night.account}:root"
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER, staff, root]})))
    statements = list(denies(night.plan()).values())
    us = night.clients.identity(night.account)
    assert lockout.hit(statements, [OTHER, staff, root, us]) == ""
    assert lockout.hit(statements, [ROOT]) == ROOT


def test_a_deny_that_would_hit_ourselves_is_not_sent(night: AwsNight) -> None:
    """Who lists the lab's own account as the vendor's is stopped before the write."""
    selectors = AwsSelectors(accounts=(VENDOR_ACCOUNT, night.account))
    night.vendor = VENDOR.model_copy(update={"aws": selectors})
    night.role("desk", BOTH)
    before = night.trust_of("desk")
    receipts = night.carry_out(night.plan())
    refused = [r for r in receipts if r.change.address.kind == "trust-policy-statement"]
    assert {(r.outcome, r.cause) for r in refused} == {(Outcome.FAILED, Cause.REFUSED)}
    assert night.trust_of("desk") == before


# --- what keeps it from being contained ----------------------------------------------------------


def test_a_trust_policy_with_a_deleted_principal_is_left_and_said(night: AwsNight) -> None:
    """AWS takes no such text back, so it is not edited."""
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER, "AROA0123456789ABCDEFG"]})))
    plan = night.plan()
    assert not plan.work
    (skip,) = plan.skips
    assert skip.leaves_access
    assert "AROA0123456789ABCDEFG" in skip.reason


def padded(size: int) -> Json:
    """A trust policy of exactly so many characters."""
    bare = {**BOTH, "Id": ""}
    return {**BOTH, "Id": "x" * (size - len(canonical(bare)))}


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (1_500, {"Acct", "Own"}),
        (1_700, {"All"}),
        (1_900, set()),
        (2_100, {"Acct", "Own"}),  # its account has been given more than the default
        (8_100, set()),
    ],
)
def test_a_full_trust_policy_takes_a_shorter_deny_or_none(
    night: AwsNight, size: int, parts: set[str]
) -> None:
    """Two statements, one for both, or a skip: by what is left of the quota."""
    night.role("desk", padded(size))
    plan = night.plan()
    assert set(denies(plan)) == parts
    assert [s.leaves_access for s in plan.skips] == ([] if parts else [True])
    assert bool(of_kind(plan, "role-inline-policy")) == bool(parts)


def test_a_merged_deny_hits_all_that_two_hit(night: AwsNight) -> None:
    """The account's users, roles, root and sessions by ARN, and our principals of the vendor's."""
    night.role("desk", padded(1_700))
    night.contain()
    text = night.trust_of("desk")
    for kind in ("root", "user/a", "role/b/c"):
        assert not admits(text, f"arn:aws:iam::{VENDOR_ACCOUNT}:{kind}")
    assert not admits(text, f"arn:aws:sts::{VENDOR_ACCOUNT}:federated-user/z")
    assert admits(text, OTHER)


def test_no_room_for_the_cut_is_said(night: AwsNight) -> None:
    """New sessions are denied all the same; that old ones live on is an open skip."""
    night.role("desk", BOTH)
    deny = {"Sid": "x" * 10_000, "Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    long = {"Version": "2012-10-17", "Statement": [deny]}
    night.iam.put_role_policy(RoleName="desk", PolicyName="l", PolicyDocument=json.dumps(long))
    plan = night.plan()
    assert set(denies(plan)) == {"Acct", "Own"}
    assert not of_kind(plan, "role-inline-policy")
    (skip,) = plan.skips
    assert skip.leaves_access
    assert "live on" in skip.reason


def test_without_a_rule_a_shared_role_is_left_and_said(night: AwsNight) -> None:
    """The playbook decides whether shared roles are contained at all."""
    night.rules = playbook(shared_roles="")
    night.role("desk", BOTH)
    plan = night.plan()
    assert not plan.work
    assert [s.leaves_access for s in plan.skips] == [True]
    assert f"account {OTHER_ACCOUNT}" in plan.skips[0].reason


def test_a_protected_role_is_left_whatever_leads_to_it(night: AwsNight) -> None:
    """Somebody who adds the vendor to a break-glass role's trust stops no containment."""
    night.role("repair", BOTH, "/break-glass/")
    night.role("desk", BOTH)
    plan = night.plan()
    assert {c.address.document.id.split("/")[0] for c in plan.changes} == {"desk"}
    assert [s.leaves_access for s in plan.skips if "repair" in s.principal] == [True] * 3
    assert not [f for f in night.findings(plan) if f.severity is Severity.REFUSE]
    arn = f"arn:aws:iam::{night.account}:role/desk"
    night.vendor = night.vendor.model_copy(update={"protected": (arn,)})
    assert not night.plan().work


def test_a_role_made_for_the_vendor_with_a_stranger_in_its_trust_is_said(night: AwsNight) -> None:
    """Who has the vendor's keys may add itself, to look like one of the others."""
    ours = "999999999999"
    night.role("intake", BOTH, PATH)
    night.role("lab", trust(lets_in({"AWS": [ROOT, ours]})), PATH)
    plan = night.plan()
    (skip,) = [s for s in plan.skips if s.leaves_access]
    assert skip.principal.endswith("intake")
    assert f"account {OTHER_ACCOUNT}" in skip.reason
    assert denies(plan)


def test_a_role_made_anew_under_the_name_is_somebody_elses(night: AwsNight) -> None:
    """Another immutable id: a conflict, and the new role's trust policy stays as it is."""
    night.role("desk", BOTH)
    night.contain()
    night.iam.delete_role_policy(
        RoleName="desk", PolicyName=next(iter(night.inline_of("role", "desk")))
    )
    night.iam.delete_role(RoleName="desk")
    night.role("desk", BOTH)
    receipts = night.restore()
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.CONFLICT, Cause.RECREATED)}
    assert json.loads(night.trust_of("desk")) == BOTH


# --- sessions that were issued before ------------------------------------------------------------


def cut_of(night: AwsNight, role: str) -> dict[str, str]:
    """The times that our policies of a role cut at, by the policy's name."""
    return {
        name: document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
        for name, document in night.inline_of("role", role).items()
        if marks.journal_of_inline(name)
    }


def test_the_cut_is_stamped_again_once_the_trust_was_seen_everywhere(night: AwsNight) -> None:
    """At the beginning of the pause first, then a propagation after the write of the trust."""
    night.role("desk", BOTH)
    night.open(FIRST)
    plan = night.plan()
    night.carry_out(plan)
    first = cut_of(night, "desk")
    assert set(first.values()) == {night.book.pauses.cut_at(FIRST)}
    night.now += PROPAGATION + 2
    again = night.plan(sweep=plan)
    assert [c.address.kind for c in again.work] == ["role-inline-policy"]
    night.carry_out(again)
    (second,) = cut_of(night, "desk").values()
    assert second > next(iter(first.values()))
    night.now += 86_400
    assert not night.plan(sweep=plan).work


def test_the_trust_comes_before_the_cut_and_goes_after_it(night: AwsNight) -> None:
    """By the playbook's own order of stages: never is a session ended that could begin anew."""
    night.role("desk", BOTH)
    there = [[c.address.kind for c in batch] for batch in night.batches(night.plan())]
    assert there == [["trust-policy-statement"] * 2, ["role-inline-policy"]]
    night.contain()
    back = planner.plan_restore("mercor", FIRST, night.book.writes.holds(), Scope())
    assert [[c.address.kind for c in batch] for batch in night.batches(back)] == there[::-1]


def test_a_policy_of_that_purpose_made_by_hand_stays(night: AwsNight) -> None:
    """AWSRevokeOlderSessions is a person's: neither written over nor taken away."""
    night.role("desk", BOTH)
    by_hand = marks.cut_document("0" * 8, "0" * 8, "2020-01-01T00:00:00Z")
    night.iam.put_role_policy(
        RoleName="desk", PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(by_hand)
    )
    night.contain()
    assert len(night.inline_of("role", "desk")) == 2
    night.restore()
    assert night.inline_of("role", "desk") == {"AWSRevokeOlderSessions": by_hand}


def test_two_pauses_on_one_role_are_lifted_one_after_the_other(night: AwsNight) -> None:
    """Each has its own statements and its own cut; the last to let go gives back what was."""
    text = json.dumps(BOTH, indent=2)
    night.role("desk", text)
    night.contain(FIRST)
    first = cut_of(night, "desk")
    night.contain(SECOND)
    assert first.items() < cut_of(night, "desk").items()
    night.restore(FIRST)
    assert not admits(night.trust_of("desk"), ROOT)
    assert len(cut_of(night, "desk")) == 1
    night.restore(SECOND)
    assert night.trust_of("desk") == text
    assert not night.inline_of("role", "desk")


def test_who_must_sign_in_again_is_a_note_with_numbers_and_names(night: AwsNight) -> None:
    """It is to be read, and asks for no override: nobody loses the role."""
    others = [f"arn:aws:iam::{n}:root" for n in ("777788889991", "777788889992", "777788889993")]
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER, *others]})))
    findings: list[Any] = list(night.findings(night.plan()))
    (note,) = [f for f in findings if f.guard == "felt-by-others"]
    assert note.severity is Severity.NOTE
    assert "(4)" in note.what
    assert "account 777788889991" in note.what
    assert "sign in again" in note.what
    assert not [f for f in findings if f.guard == "shared"]


def test_a_service_that_runs_as_the_role_is_named(night: AwsNight) -> None:
    """A machine of ours renews its credentials by and by: whoever runs it should know."""
    service = {"Service": ["ec2.amazonaws.com"]}
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER]}), lets_in(service)))
    (note,) = [f for f in night.findings(night.plan()) if f.guard == "felt-by-others"]
    assert "ec2.amazonaws.com" in note.what


def test_ending_the_sessions_of_most_roles_asks_for_a_word(night: AwsNight) -> None:
    """A wide reach (every role that trusts the account's root) is no note any more."""
    for number in range(12):
        night.role(f"desk-{number}", BOTH)
    limits = [f for f in night.findings(night.plan(), share=0.5) if f.severity is Severity.LIMIT]
    assert "felt by others too" in {f.what for f in limits}.pop()


def test_a_forged_mark_hides_nobody(night: AwsNight) -> None:
    """An allow that bears a mark of stopline's is read like any other: who it lets in is named."""
    forged = {**lets_in({"AWS": OTHER}), "Sid": "StoplineJdeadbeefP00000000Acct"}
    night.role("intake", trust(lets_in({"AWS": ROOT}), forged), PATH)
    plan = night.plan()
    assert any(OTHER_ACCOUNT in s.reason for s in plan.skips if s.leaves_access)
    assert denies(plan)


@pytest.mark.parametrize("path", [PATH, "/", "/service-role/"])
def test_sharing_is_inherited_however_the_first_role_was_selected(
    night: AwsNight, path: str
) -> None:
    """By path, by ARN or by its trust: who shares the first role keeps the one behind it."""
    first = night.role("first", BOTH, path)
    if path == "/service-role/":
        selectors = VENDOR.aws.model_copy(update={"principals": (first,)})
        night.vendor = VENDOR.model_copy(update={"aws": selectors})
    night.role("behind", trust(lets_in({"AWS": first})))
    assert not of_kind(night.plan(), "role-attachment")
    night.contain()
    assert admits(night.trust_of("behind"), first)


def test_a_deny_names_no_role_that_others_share_though_it_is_under_the_path(
    night: AwsNight,
) -> None:
    """The vendor's other principals under that path are named one by one."""
    shared = night.role("first", BOTH, PATH)
    own = night.role("own", trust(lets_in({"AWS": ROOT})), PATH)
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER, own]})))
    night.contain()
    text = night.trust_of("desk")
    who = json.loads(text)["Statement"]
    arns = [
        a
        for s in who
        for a in s.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn", [])
    ]
    assert own in arns
    assert not lockout.hit([s for s in who if s["Effect"] == "Deny"], [shared])
