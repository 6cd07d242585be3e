"""Where a quota is full the next lever is taken: by arithmetic, or by what AWS has refused."""

import json
from dataclasses import replace

import pytest
from support.aws_holds import FIRST, PATH, ROOT, AwsNight, lets_in, trust
from support.fault_proxy import Faults, proxied

from stopline.connectors.aws import marks, opinion
from stopline.model import Address, Breadth, Change, Grant, Plan, Skip, State
from stopline.playbook import Phase, Playbook
from stopline.port import Terms
from stopline.receipts import Cause, Outcome
from stopline.text import Json, canonical

DENY: Json = {"Sid": "", "Effect": "Deny", "Action": "sqs:*", "Resource": "*"}


def policy_of(size: int) -> Json:
    """A policy of exactly so many characters."""
    bare = {"Version": "2012-10-17", "Statement": [DENY]}
    pad = "x" * (size - len(canonical(bare)))
    return {**bare, "Statement": [{**DENY, "Sid": pad}]}


def levers(plan: Plan) -> set[str]:
    """Which classes of document a plan writes."""
    return {c.address.kind for c in plan.changes}


def full(night: AwsNight, kind: str, name: str, inline: int = 0) -> None:
    """A vendor's principal with ten policies attached, and so many characters of its own."""
    if kind == "user":
        night.iam.create_user(UserName=name, Path=PATH)
    else:
        night.role(name, trust(lets_in({"AWS": ROOT})), PATH)
    words = {f"{kind.capitalize()}Name": name}
    for number in range(10):
        arn = f"arn:aws:iam::{night.account}:policy/lab-{number}"
        document = json.dumps({"Version": "2012-10-17", "Statement": [{**DENY, "Sid": "a"}]})
        if number not in night.made:
            night.made.add(number)
            night.iam.create_policy(PolicyName=f"lab-{number}", PolicyDocument=document)
        getattr(night.iam, f"attach_{kind}_policy")(**words, PolicyArn=arn)
    if inline:
        text = json.dumps(policy_of(inline), indent=2)
        put = getattr(night.iam, f"put_{kind}_policy")
        put(**words, PolicyName="theirs", PolicyDocument=text)


# --- by arithmetic -------------------------------------------------------------------------------

OURS = len(canonical(marks.policy_document("0" * 8)))
CASES = [
    ("user", 9, 0, "", "user-attachment"),
    ("user", 10, 0, "", "user-inline-policy"),
    ("user", 10, 2_048 - OURS, "", "user-inline-policy"),
    ("user", 10, 2_049 - OURS, "", "user-boundary"),
    ("user", 10, 2_048, "arn:aws:iam::1:policy/theirs", ""),
    ("role", 10, 2_048, "", "role-inline-policy"),
    ("role", 10, 10_240 - OURS, "", "role-inline-policy"),
    ("role", 10, 10_241 - OURS, "", "role-boundary"),
    ("role", 10, 10_240, "arn:aws:iam::1:policy/theirs", ""),
]


@pytest.mark.parametrize(("kind", "attached", "inline", "boundary", "lever"), CASES)
def test_the_first_lever_that_fits_is_taken(
    night: AwsNight, kind: str, attached: int, inline: int, boundary: str, lever: str
) -> None:
    """Attach, then an inline policy, then a boundary where none is set, then a skip, said."""
    state = {
        "arn": f"arn:aws:iam::111122223333:{kind}/a", "path": "/", "tags": {}, "marks": [],
        "attached": [f"p{n}" for n in range(attached)], "inline": inline, "boundary": boundary,
    }  # fmt: skip
    where = Address("aws", "111122223333", kind, "a")
    grant = Grant(where, State.of(state), state["arn"], kind, state["arn"], "path", "uid")
    said = list(opinion.contained(grant, night.terms(FIRST)))
    taken = [o for o in said if not isinstance(o, Skip) and o.breadth is Breadth.PRINCIPAL]
    assert [c.address.kind for c in taken] == ([lever] if lever else [])
    assert [o.leaves_access for o in said if isinstance(o, Skip)] == ([] if lever else [True])


@pytest.mark.parametrize(
    ("kind", "inline", "lever"),
    [
        ("user", 0, "user-inline-policy"),
        ("role", 0, "role-inline-policy"),
        ("role", 10_200, "role-boundary"),
    ],
)
def test_a_full_principal_is_denied_and_given_back(
    night: AwsNight, kind: str, inline: int, lever: str
) -> None:
    """Whatever the lever: it is ours alone, a second plan is empty, and nothing of it stays."""
    full(night, kind, "crammed", inline)

    def picture() -> Json:
        words = {f"{kind.capitalize()}Name": "crammed"}
        found = getattr(night.iam, f"get_{kind}")(**words)[kind.capitalize()]
        attached = night.attached_of(kind, "crammed")
        bound = found.get("PermissionsBoundary")
        return [sorted(attached), night.inline_of(kind, "crammed"), bound]

    before = picture()
    assert lever in levers(night.plan())
    assert not night.contain().skips
    assert picture() != before
    night.restore()
    assert picture() == before
    assert not night.book.writes.holds()


def test_a_boundary_that_a_stranger_sets_meanwhile_is_a_conflict(night: AwsNight) -> None:
    """The slot is anybody's: it is neither taken nor taken away from under them."""
    full(night, "role", "crammed", 10_200)
    plan = night.plan()
    theirs = f"arn:aws:iam::{night.account}:policy/lab-0"
    night.iam.put_role_permissions_boundary(RoleName="crammed", PermissionsBoundary=theirs)
    night.open(FIRST)
    receipts = night.carry_out(plan)
    (conflict,) = [r for r in receipts if r.outcome is Outcome.CONFLICT]
    assert conflict.change.address.kind == "role-boundary"
    left = [s for s in night.plan(sweep=plan).skips if s.leaves_access]
    assert [s.principal.rpartition("/")[2] for s in left] == ["crammed"]
    night.restore()
    found = night.iam.get_role(RoleName="crammed")["Role"]["PermissionsBoundary"]
    assert found["PermissionsBoundaryArn"] == theirs


# --- by what AWS has refused ----------------------------------------------------------------------


LADDER = [
    ({"AttachRolePolicy"}, {"deny-policy", "role-inline-policy"}),
    ({"CreatePolicy"}, {"role-inline-policy"}),
    ({"AttachRolePolicy", "PutRolePolicy"}, {"deny-policy", "role-boundary"}),
    ({"AttachRolePolicy", "PutRolePolicy", "PutRolePermissionsBoundary"}, {"deny-policy"}),
]


@pytest.mark.parametrize(("operations", "held"), LADDER)
def test_a_limit_at_the_write_leads_to_the_next_lever(
    emulated: str, night: AwsNight, monkeypatch: pytest.MonkeyPatch, operations: set[str],
    held: set[str],
) -> None:  # fmt: skip
    """The arithmetic knows only the default quota: what AWS says counts, and the sweep ends."""
    night.role("intake", trust(lets_in({"AWS": ROOT})), PATH)
    faults = Faults(full=frozenset(operations))
    with proxied(emulated, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        last = night.contain()
        assert {h.address.kind for h in night.book.writes.holds()} == held
        left = [s for s in last.skips if s.leaves_access]
        assert bool(left) == (held == {"deny-policy"})
        assert faults.done["full"] == len(operations)
        causes = [
            r["cause"]
            for event in night.book.store.events(FIRST, "receipts")
            for r in event.data["receipts"]
            if r["outcome"] == Outcome.FAILED
        ]
        assert set(causes) <= {Cause.QUOTA, Cause.GONE}
        night.restore()
        assert not night.book.writes.holds()


def test_a_trust_policy_that_aws_calls_full_is_left_and_said(
    emulated: str, night: AwsNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both forms are tried; what is left open is told, and the sweep ends."""
    night.role("desk", trust(lets_in({"AWS": [ROOT, "777788889999"]})))
    before = night.trust_of("desk")
    faults = Faults(full=frozenset({"UpdateAssumeRolePolicy"}))
    with proxied(emulated, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        last = night.contain()
    (skip,) = last.skips
    assert skip.leaves_access
    assert "no room" in skip.reason
    assert faults.done["full"] == 2
    assert night.trust_of("desk") == before


def test_what_a_quota_refused_is_no_matter_for_other_principals(
    emulated: str, night: AwsNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals are addresses: one full user changes no lever of another's."""
    night.iam.create_user(UserName="one", Path=PATH)
    faults = Faults(full=frozenset({"AttachUserPolicy"}))
    with proxied(emulated, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        night.contain()
        night.iam.create_user(UserName="two", Path=PATH)
        plan = night.plan()
    assert {c.address.id.partition("#")[0] for c in plan.changes} == {"two"}
    assert levers(plan) == {"user-attachment"}


def test_a_policy_that_aws_keeps_as_text_is_read_as_it_is(night: AwsNight) -> None:
    """The SDK would parse policies, and lose white space, order and doubles."""
    text = '{ "Version":"2012-10-17",\n"Statement": [' + json.dumps(lets_in({"AWS": ROOT})) + "] }"
    night.role("odd", text)
    document = Address("aws", night.account, "trust-policy-statement", "odd").document
    assert night.connector.read(document).raw == text


def test_the_foundation_is_there_before_the_first_that_stands_on_it(night: AwsNight) -> None:
    """Users and roles in phases of their own stand on one policy: it is made in the earlier."""
    rules = {rule.contains: rule for phase in night.rules.phases for rule in phase.rules}
    phases = tuple(Phase(name=name, rules=(rules[name],)) for name in ("users", "roles"))
    night.rules = Playbook(playbook="default", phases=phases)
    night.iam.create_user(UserName="one", Path=PATH)
    night.role("a-role", trust(lets_in({"AWS": ROOT})), PATH)
    kinds = [[c.address.kind for c in batch] for batch in night.batches(night.plan())]
    assert kinds == [["deny-policy"], ["user-attachment"], ["role-attachment"]]
    assert not [s for s in night.contain().skips if s.leaves_access and "one" in s.principal]


# --- by what somebody takes away -----------------------------------------------------------------

ABOVE = [
    ("user", ("user-attachment",), ["user-attachment", "user-inline-policy"]),
    ("role", ("role-attachment",), ["role-attachment", "role-inline-policy"]),
    (
        "user",
        ("user-attachment", "user-inline-policy"),
        ["user-attachment", "user-inline-policy", "user-boundary"],
    ),
]


@pytest.mark.parametrize(("kind", "removed", "wanted"), ABOVE)
def test_above_a_lever_that_is_removed_again_and_again_the_next_one_is_taken(
    night: AwsNight, kind: str, removed: tuple[str, ...], wanted: list[str]
) -> None:
    """Besides the one below, which is put back; the words say why, and of which it is."""
    state = {
        "arn": f"arn:aws:iam::111122223333:{kind}/a", "path": "/", "tags": {}, "marks": [],
        "attached": [], "inline": 0, "boundary": "",
    }  # fmt: skip
    where = Address("aws", "111122223333", kind, "a")
    grant = Grant(where, State.of(state), state["arn"], kind, state["arn"], "path", "uid")

    def rungs(terms: Terms) -> list[Change]:
        said = opinion.contained(grant, terms)
        return [c for c in said if isinstance(c, Change) and c.breadth is Breadth.PRINCIPAL]

    terms = night.terms(FIRST)
    for name in removed:
        (below,) = (c for c in rungs(terms) if c.address.kind == name)
        terms = replace(terms, removed=terms.removed | {below.address})
    found = rungs(terms)
    assert [c.address.kind for c in found] == wanted
    assert [c.over for c in found] == [None, *(c.address for c in found[:-1])]
    assert all("removed again and again" in c.summary for c in found[1:])


def test_who_detaches_our_deny_again_and_again_meets_an_inline_policy_and_a_boundary(
    night: AwsNight,
) -> None:
    """Each is another permission; who has all of them is a breach; all of it is given back."""
    night.role("fought", trust(lets_in({"AWS": ROOT})), PATH)

    def picture() -> Json:
        bound = night.iam.get_role(RoleName="fought")["Role"].get("PermissionsBoundary")
        inline = night.inline_of("role", "fought")
        return [sorted(night.attached_of("role", "fought")), inline, bound]

    def detach() -> None:
        arn = marks.policy_arn(night.account, night.book.id)
        night.iam.detach_role_policy(RoleName="fought", PolicyArn=arn)

    before = picture()
    night.contain()
    for _ in range(2):
        assert not picture()[1]
        detach()
        night.contain()
    assert picture()[0]
    assert picture()[1]
    detach()
    name = marks.policy_name(night.book.id)
    night.iam.delete_role_policy(RoleName="fought", PolicyName=name)
    night.contain()
    assert all(picture())
    assert not night.breaches()
    night.iam.delete_role_permissions_boundary(RoleName="fought")
    night.contain()
    assert all(picture())
    (breach,) = night.breaches()
    assert breach.address.kind == "role-boundary"
    night.restore()
    assert picture() == before
    assert not night.book.writes.holds()
