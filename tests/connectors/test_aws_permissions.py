"""The IAM policies are what the connector declares, what AWS knows, and what is really called."""

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest
from botocore.session import get_session
from support import permissions
from support.recorded import ENFORCED, PAUSE, READER, WRITER, Night, a_night
from support.tree import ROOT

from stopline.connectors.aws import marks, policies
from stopline.connectors.aws.clients import BY_SDK
from stopline.connectors.aws.destinations import ACTIONS
from stopline.connectors.aws.levers import ATTACHED
from stopline.connectors.aws.outbound import SUBSCRIPTION_ACTIONS, TARGET_ACTIONS
from stopline.connectors.aws.permissions import (
    CANARY,
    PERMISSIONS,
    READ,
    TERMINATE,
    WRITE,
    operation_of,
)
from stopline.drill import doors
from stopline.drill.manifest import DATA, RESEARCH
from stopline.errors import ConnectorError
from stopline.estate import Protected
from stopline.receipts import Cause, Outcome
from stopline.text import Json, canonical

ALL = READ | WRITE | CANARY | TERMINATE
UNNARROWED = {
    "cloudfront:UpdateKeyGroup",
    "ecr:DeleteRegistryPolicy",
    "ecr:PutRegistryPolicy",
    "events:PutPermission",
    "events:RemovePermission",
    "lakeformation:GrantPermissions",
    "lakeformation:RevokePermissions",
    "logs:DeleteAccountPolicy",
    "logs:PutAccountPolicy",
    "ram:CreateResourceShare",  # but by what is shared, which is a condition
    "redshift:AuthorizeEndpointAccess",
    "redshift:RevokeEndpointAccess",
    "sns:SetSubscriptionAttributes",
}
"""AWS has no resource for key groups, Lake Formation, endpoints of Redshift, subscriptions of SNS,
policies of all log groups, who may send to a bus, nor for the one registry of an account in a
region.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html"""
WITHOUT_A_RESOURCE = {
    *UNNARROWED - {"ecr:DeleteRegistryPolicy", "ecr:PutRegistryPolicy"},
    "rolesanywhere:ListTagsForResource",
    "sns:GetSubscriptionAttributes",
}
"""Actions for which AWS's reference names no type of resource, among those that a rule knows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html"""
WITHOUT_A_CALL = {"iam:PassRole"}
"""What AWS asks for besides, where a call names a role."""
PRINCIPALS = {"arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """An emulated estate that holds us to the policies: one role reads, another one writes."""
    folder = tmp_path_factory.mktemp("aws")
    with a_night(folder, role=WRITER, read_role=READER, resources=ENFORCED) as night:
        night.emulator.enforce(on=True)
        yield night


# --- the files -----------------------------------------------------------------------------------


def test_the_files_are_fresh() -> None:
    """config/permissions/aws holds what the declaration makes; `make permissions` writes it."""
    assert permissions.stale(ROOT / permissions.FOLDER) == []


def test_a_stale_file_would_be_found(tmp_path: permissions.Path) -> None:
    """One that is missing, one that was edited by hand, and one that nothing makes."""
    permissions.write(tmp_path)
    assert permissions.stale(tmp_path) == []
    (tmp_path / "read.json").unlink()
    (tmp_path / "write-resources.json").write_text("{}")
    (tmp_path / "old.json").write_text("{}")
    assert permissions.stale(tmp_path) == ["old.json", "read.json", "write-resources.json"]


@pytest.mark.parametrize("name", sorted(policies.policies()))
def test_a_policy_fits_into_a_managed_one(name: str) -> None:
    """AWS takes 6,144 characters, and some stay free; a Sid is letters and digits, stands once."""
    policy = policies.policies()[name]
    assert len(canonical(policy)) <= policies.ROOM < policies.MOST
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert all(sid.isalnum() for sid in sids)
    assert len(set(sids)) == len(sids)


def test_what_grows_beyond_a_managed_policy_is_in_a_second_file() -> None:
    """Whole statements in their order, none lost; the deny is in the first, which nobody omits."""
    said = [
        {"Sid": f"S{n}", "Effect": "Allow", "Action": ["s3:Get" + "x" * 900], "Resource": ["*"]}
        for n in range(12)
    ]
    deny = {"Sid": "Spared", "Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"]}
    made = policies.in_files("read", [deny, *said])
    assert list(made) == ["read", "read-2", "read-3"]
    assert made["read"][-1] == deny
    assert [s for part in made.values() for s in part if s != deny] == said
    whole = {"Version": "2012-10-17", "Statement": []}
    sizes = [len(canonical({**whole, "Statement": part})) for part in made.values()]
    assert all(size <= policies.ROOM for size in sizes)
    assert policies.in_files("read", said[:1]) == {"read": said[:1]}


def test_one_role_may_have_all_of_them() -> None:
    """Ten policies can be attached to a role: read, write, canary and terminate leave room."""
    of_others = ("organization", "worker")
    kinds = [name for name in policies.policies() if not name.startswith(of_others)]
    assert len(kinds) <= ATTACHED - len(("the", "lab's", "own"))
    text = (ROOT / "docs" / "how-to" / "run-in-production.md").read_text("utf-8")
    number = {6: "six", 7: "seven"}[len(kinds)]
    assert f"a role that does everything takes {number}," in text
    assert not [name for name in policies.policies() if f"`{name}.json`" not in text]


def test_who_lacks_an_action_is_sent_to_the_file_that_allows_it() -> None:
    """Each file once; never to one of another purpose, though that may allow the same."""
    one, two = "iam:DetachUserPolicy", "s3:PutBucketPolicy"
    assert one in TERMINATE
    folder = "config/permissions/aws"
    assert policies.where_said("write", [two, two]) == f"{folder}/write-resources.json says"
    both = f"{folder}/write-principals.json and {folder}/write-resources.json say"
    assert policies.where_said("write", [one, two]) == both


def test_each_declared_action_is_allowed_once_and_no_other() -> None:
    """The policies together allow what is declared: nothing more, nothing twice for one purpose."""
    allowed = [
        action
        for policy in policies.policies().values()
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    assert sorted(allowed) == sorted(a for declared in PERMISSIONS.values() for a in declared)


def test_what_nobody_has_foreseen_is_allowed_too() -> None:
    """An action that no rule knows is in the policy all the same, on everything, and seen there."""
    said = policies.statements(frozenset({"ram:TagResource"}))
    assert [(s["Action"], s["Resource"]) for s in said] == [(["ram:TagResource"], ["*"])]


def test_no_write_is_allowed_on_everything() -> None:
    """Each write is narrowed to a kind of thing; what could let us in elsewhere, to ours."""
    for statement in policies.statements(WRITE | CANARY):
        narrowed = set(statement["Action"]) - UNNARROWED
        assert statement["Resource"] != ["*"] or not narrowed, narrowed
        if any("tach" in action for action in statement["Action"]):
            assert statement["Condition"] == {"ArnLike": {"iam:PolicyARN": policies.OURS}}
        if any(action.startswith("iam:CreatePolicy") for action in statement["Action"]):
            assert statement["Resource"] == [f"arn:aws:iam::*:policy{marks.PATH}*"]


@pytest.mark.parametrize("action", sorted(WITHOUT_A_RESOURCE))
def test_trap_what_aws_has_no_resource_for_is_allowed_on_everything(action: str) -> None:
    """A policy that narrows such an action to an ARN allows nothing, and AWS refuses the call."""
    assert policies.rule_of(action).resources == ("*",)


def test_what_cannot_be_given_back_is_in_a_policy_of_its_own() -> None:
    """A lab that never terminates grants none of it; and it spares our own kind and break-glass."""
    *allowed, deny = policies.policies()["terminate"]["Statement"]
    assert all(statement["Resource"] != ["*"] for statement in allowed)
    about = {a for s in allowed for a in s["Action"] if set(s["Resource"]) & PRINCIPALS}
    assert set(deny["Action"]) == about
    assert "arn:aws:iam::*:user/break-glass/*" in deny["Resource"]
    bounds = [s for s in allowed if any("Boundary" in action for action in s["Action"])]
    only = {"ArnEquals": {"iam:PermissionsBoundary": marks.DENY_ALL}}
    assert [s["Condition"] for s in bounds] == [only, only]
    gone = {a for a in TERMINATE if a.startswith("iam:Delete") and not a.endswith("Policy")}
    assert not gone & (READ | WRITE)


def test_our_own_kind_and_break_glass_are_spared() -> None:
    """Whoever holds the writing role's credentials cannot turn it on us, nor on the responders."""
    deny = next(
        s for s in policies.policies()["write-principals"]["Statement"] if s["Effect"] == "Deny"
    )
    about = {a for a in WRITE if policies.rule_of(a).resources[0].endswith(("user/*", "role/*"))}
    assert set(deny["Action"]) == about
    assert "arn:aws:iam::*:role/stopline/*" in deny["Resource"]
    assert "arn:aws:iam::*:user/break-glass/*" in deny["Resource"]


@cache
def _operations(service: str) -> frozenset[str]:
    sdk = BY_SDK.get(service, service)
    return frozenset(get_session().get_service_model(sdk).operation_names)


@pytest.mark.parametrize("action", sorted(ALL - WITHOUT_A_CALL))
def test_an_action_is_one_of_the_providers(action: str) -> None:
    """Each action is named after an operation that AWS's own model of the service has."""
    service, operation = operation_of(action)
    assert operation in _operations(service)


# --- the calls -----------------------------------------------------------------------------------


def _mend(night: Night) -> None:
    """A stranger empties our policy time and again, until its versions are full; we mend it."""
    made = night.plan().pause
    arn = marks.policy_arn(RESEARCH, night.book.id)
    owner: Json = night.owner(RESEARCH, "iam")
    for _ in range(4):
        owner.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(_NOTHING), SetAsDefault=True
        )
    receipts = night.carry_out(night.plan())
    assert made == night.plan().pause
    assert [str(r.outcome) for r in receipts] == ["applied"]


def _furnish(night: Night) -> None:
    """The vendor's principals have what nobody in the drill has."""
    iam: Json = night.owner(RESEARCH, "iam")
    user = {"UserName": "svc-annotation-sync"}
    iam.create_service_specific_credential(**user, ServiceName="codecommit.amazonaws.com")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="sync")["VirtualMFADevice"]
    serial, codes = device["SerialNumber"], {"AuthenticationCode1": "1" * 6}
    iam.enable_mfa_device(**user, **codes, SerialNumber=serial, AuthenticationCode2="2" * 6)
    iam.create_instance_profile(InstanceProfileName="box")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="intake-1")


def _leave_ours_alone(night: Night) -> None:
    """A stranger takes everything out of three policies but our statements: then none is left."""
    ours = {kind: _ours(night, kind) for kind in ("secret", "repository", "table")}
    (name, text), *_ = ours["secret"].items()
    secrets = night.owner(DATA, "secretsmanager")
    secrets.put_resource_policy(SecretId=name, ResourcePolicy=text)
    (name, text), *_ = ours["repository"].items()
    night.owner(DATA, "ecr").set_repository_policy(repositoryName=name, policyText=text)
    (name, text), *_ = ours["table"].items()
    night.owner(DATA, "dynamodb").put_resource_policy(ResourceArn=name, Policy=text)


def _ours(night: Night, wanted: str) -> dict[str, str]:
    """The policies of one kind without what is not ours."""
    found = {}
    for (kind, name), raw in doors.policies(night.access, DATA).items():
        if kind == wanted:
            body: Json = json.loads(raw)
            kept = [s for s in body["Statement"] if s["Sid"].startswith("Stopline")]
            found[name] = json.dumps({**body, "Statement": kept})
    return found


_NOTHING: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}],
}


_ELSEWHERE = (
    "lambda:", "elasticfilesystem:", "es:", "sso:", "identitystore:",
    "backup:", "ec2:", "kinesis:", "ram:", "rds:", "glue:", "rolesanywhere:",
    "cognito-idp:", "cognito-identity:", "cloudfront:", "apigateway:", "eks:", "transfer:",
    "ssm:", "redshift:", "signer:", "serverlessrepo:", "lakeformation:",
    "acm-pca:", "cloudtrail:", "codeartifact:", "redshift", "s3express:", "s3tables:", "s3vectors:",
    "logs:", "ses:", "vpc-lattice:", "dynamodb:ListStreams",
)  # fmt: skip
_UNASKED = r"AccessPoint|AccessGrants|(Put|Delete)RegistryPolicy|DelegationRequests"
UNSERVED = {
    *WITHOUT_A_CALL,
    *TARGET_ACTIONS,
    *SUBSCRIPTION_ACTIONS,
    "events:PutTargets",
    "events:RemovePermission",
    "events:RemoveTargets",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "sns:SetSubscriptionAttributes",
} | {
    action
    for action in READ | WRITE
    if action.startswith(_ELSEWHERE) or action in ACTIONS or re.search(_UNASKED, action)
}
"""No boundary is given back here, since whom one is on is removed: test_levers does; nor is a bus,
from which the vendor is removed: test_buses does. The emulator
takes the signatures of the others for forged while it holds us to policies: functions, vaults and
resource shares against AWS's own model, file systems, domains, people, streams, catalogs, access
points and the other shares by the contract, which holds the calls to what is declared as well."""


@pytest.mark.night
@pytest.mark.timeout(180)
def test_every_call_is_declared_and_every_declared_action_is_called(night: Night) -> None:
    """A night, a preflight and a canary under enforced policies: each right is used, none missing.

    The reading role has what reads alone, the writing one what writes, canary and terminate.
    """
    _furnish(night)
    plan = night.plan()
    assert plan.gaps == ()
    assert {r.outcome for r in night.carry_out(plan)} == {Outcome.APPLIED}
    _mend(night)
    assert night.verify() == {"verified": len(plan.work), "unverified": 0}
    night.emulator.enforce(on=False)  # the owner reads all kinds
    _leave_ours_alone(night)
    night.emulator.enforce(on=True)
    assert {r.outcome for r in night.carry_out(night.end())} == {Outcome.APPLIED}
    assert len(night.book.pauses.removed(PAUSE)) > 1
    night.over()
    assert {r.outcome for r in night.carry_out(night.give_back())} == {Outcome.APPLIED}
    assert [check for check in night.connector.preflight(Protected()) if not check.ok] == []
    canary = night.connector.make_canary(DATA, "0000c0de")
    assert list(night.connector.remove_canary(canary)) == []
    undeclared, unused = night.recorder.actions - ALL, ALL - night.recorder.actions - UNSERVED
    assert not undeclared, f"called, and not declared in permissions.py: {sorted(undeclared)}"
    assert not unused, f"declared in permissions.py, and never called: {sorted(unused)}"


def test_a_canary_is_made_once_and_a_strangers_user_of_its_name_is_let_be(night: Night) -> None:
    """Asked again it is the same; a user under another path, whatever it is called, stays."""
    connector, owner = night.connector, night.owner(DATA, "iam")
    assert connector.make_canary(DATA, "0000aaaa") == connector.make_canary(DATA, "0000aaaa")
    assert (
        len(owner.list_access_keys(UserName="stopline-canary-0000aaaa")["AccessKeyMetadata"]) == 1
    )
    canary = connector.make_canary(DATA, "0000aaaa")
    owner.update_user(UserName="stopline-canary-0000aaaa", NewPath="/staff/")
    with pytest.raises(ConnectorError, match="none of our canaries"):
        list(connector.remove_canary(canary))
    assert owner.get_user(UserName="stopline-canary-0000aaaa")
    owner.update_user(UserName="stopline-canary-0000aaaa", NewPath=marks.CANARY_PATH)
    assert list(connector.remove_canary(canary)) != []  # its bucket is gone: it says so
    assert list(connector.remove_canary(canary)) != []  # and again, of all of it
    names = [user["UserName"] for user in owner.list_users()["Users"]]
    assert "stopline-canary-0000aaaa" not in names


def test_the_reading_role_cannot_write(night: Night) -> None:
    """The emulator refuses a write with the reading role: the test above rests on that."""
    words = {"UserName": "pilot", "PolicyArn": marks.policy_arn(DATA, "00000000")}
    with pytest.raises(ConnectorError) as refused:
        night.connector.clients.ask(DATA, "iam", "attach_user_policy", **words)
    assert refused.value.cause is Cause.DENIED
