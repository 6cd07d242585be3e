"""Permissions of Lake Formation for the vendor's accounts, over an emulated account."""

import json
import shlex
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.aws import DATA, MERCER, MERCOR, ROLE, VENDOR, Cloud, answer, error_text
from support.aws_cli import parsed
from support.aws_nights import AwsNight
from support.aws_shares import Sharer, lake_permission, playbook

from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.kinds import Edit, where_of
from stopline.connectors.aws.lake import (
    LAKE_PERMISSIONS,
    about,
    is_administrator,
    permissions,
)
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Grant, Scope
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json, canonical

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("lake-permissions",),
}
CATALOG = Document("aws", DATA, "lake-permission", "us-east-1/catalog")
TABLE = {"DatabaseName": "labels", "Name": "claims", "CatalogId": DATA}
THEIRS = f"arn:aws:iam::{MERCOR}:role/analyst"


def granted(who: str, resource: Json, *permissions: str, **more: Any) -> Json:
    """One permission, as Lake Formation lists it."""
    said = {"Principal": {"DataLakePrincipalIdentifier": who}, "Resource": resource}
    return {**said, "Permissions": [*permissions], "PermissionsWithGrantOption": [], **more}


OTHERS = (
    granted(MERCER, {"Table": TABLE}, "SELECT"),
    granted("IAM_ALLOWED_PRINCIPALS", {"Table": TABLE}, "ALL"),
    granted(f"arn:aws:iam::{DATA}:role/analyst", {"Table": TABLE}, "SELECT"),
)
POLICY = {
    "CatalogId": DATA,
    "ResourceType": "TABLE",
    "Expression": [{"TagKey": "for", "TagValues": ["vendors", "labels"]}],
}
SHAPES = (
    granted(MERCOR, {"Table": TABLE}, "DESCRIBE", "SELECT"),
    granted(THEIRS, {"Table": TABLE}, "SELECT"),
    granted(MERCOR, {"Table": {"DatabaseName": "labels", "TableWildcard": {}}}, "SELECT"),
    granted(MERCOR, {"TableWithColumns": {**TABLE, "ColumnWildcard": {}}}, "SELECT"),
    granted(MERCOR, {"LFTagPolicy": POLICY}, "SELECT", PermissionsWithGrantOption=["SELECT"]),
    granted(MERCOR, {"Catalog": {}}, "DESCRIBE"),
    granted(f"{MERCOR}:IAMPrincipals", {"Database": {"Name": "labels"}}, "DESCRIBE"),
)


@pytest.fixture
def owner(cloud: Cloud) -> Any:
    """The owner's own view of a data lake, in which others are let in to a table."""
    lake = Sharer(cloud).client("lakeformation")
    for one in OTHERS:
        lake.grant_permissions(**one)
    return lake


@pytest.fixture
def night(cloud: Cloud) -> AwsNight:
    """A pause that looks at data lakes alone."""
    return AwsNight(cloud.connector(**WORDS), playbook=playbook())


def listed(lake: Any) -> list[str]:
    """All permissions; neither they nor what is in them has an order."""
    found = lake.list_permissions()["PrincipalResourcePermissions"]
    lists = ("Permissions", "PermissionsWithGrantOption")
    return sorted(canonical({**one, **{k: sorted(one[k]) for k in lists}}) for one in found)


def outcomes(receipts: tuple[Receipt, ...]) -> set[Outcome]:
    """What became of all changes."""
    return {receipt.outcome for receipt in receipts}


def test_every_shape_is_revoked_and_granted_word_for_word(owner: Any, night: AwsNight) -> None:
    """Tables, columns, all tables, tags, the catalog: another principal of the same table stays,
    and what IAM alone decides.
    """
    others = listed(owner)
    for one in SHAPES:
        owner.grant_permissions(**one)
    before = listed(owner)
    assert len(before) == len(OTHERS) + len(SHAPES)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert listed(owner) == others
    assert not night.plan().work
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert listed(owner) == before


ALL_TABLES = {"CatalogId": DATA, "DatabaseName": "labels", "Name": "ALL_TABLES"}


@pytest.mark.parametrize(
    ("listed_as", "taken"),
    [
        ({"Table": {**ALL_TABLES, "TableWildcard": {}}}, True),
        ({"TableWithColumns": {**ALL_TABLES, "ColumnWildcard": {}}}, True),
        ({"TableWithColumns": {**ALL_TABLES, "ColumnNames": ["age"]}}, False),
        ({"TableWithColumns": {**TABLE, "ColumnWildcard": {}}}, False),
        ({"Table": TABLE}, False),
    ],
)
@pytest.mark.parametrize("edit", [LAKE_PERMISSIONS.give, LAKE_PERMISSIONS.take])
def test_trap_all_tables_are_not_revoked_by_the_name_that_a_list_gives_them(
    edit: Edit,
    listed_as: Json,
    taken: bool,  # noqa: FBT001 - a case
) -> None:
    """No table has it. The emulator lists all tables as they were granted, which AWS does not."""
    (entry,) = permissions({"PrincipalResourcePermissions": [granted(MERCOR, listed_as, "SELECT")]})
    assert entry.state["Resource"] == listed_as
    all_of_them = {"Table": {"CatalogId": DATA, "DatabaseName": "labels", "TableWildcard": {}}}
    said = edit.words(where_of(CATALOG), entry.state)
    assert said["Resource"] == (all_of_them if taken else listed_as)


def test_the_plan_says_what_is_revoked_on_what(owner: Any, night: AwsNight) -> None:
    """A person approves that, and not a hash."""
    owner.grant_permissions(**SHAPES[0])
    (change,) = night.plan().work
    assert change.summary.endswith(
        f"from account {MERCOR}: DESCRIBE, SELECT on Table labels/claims"
    )
    assert about(SHAPES[5]) == ": DESCRIBE on Catalog"


def test_what_is_granted_meanwhile_to_others_stays(owner: Any, night: AwsNight) -> None:
    """And what the vendor is granted meanwhile is revoked by the next sweep, and given back."""
    owner.grant_permissions(**SHAPES[0])
    night.contain()
    owner.grant_permissions(**lake_permission("999999999999"))
    owner.grant_permissions(**SHAPES[1])
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    night.restore()
    assert len(listed(owner)) == len(OTHERS) + 3


def test_a_permission_that_its_owner_has_changed_is_not_touched(
    owner: Any, night: AwsNight
) -> None:
    """Somebody widened it since the plan: it is judged anew, and planned anew. The emulator cannot
    revoke what was added to.
    """
    owner.grant_permissions(**SHAPES[0])
    plan = night.plan()
    owner.grant_permissions(**granted(MERCOR, {"Table": TABLE}, "ALTER"))
    assert outcomes(night.carry_out(plan)) == {Outcome.CONFLICT}
    (change,) = night.plan().work
    assert "ALTER, DESCRIBE, SELECT" in change.summary


def shown(cloud: Cloud, *pages: Json, settings: Json = None, status: int = 200) -> list[Any]:
    """What is found where Lake Formation shows this, page by page."""
    left = [*pages]

    def said(request: Any) -> Any:
        if request.url.endswith("/ListPermissions"):
            return answer(200, json.dumps(left.pop(0)))
        if request.url.endswith("/GetDataLakeSettings") and status != 200:
            return answer(status, json.dumps({"__type": "AccessDeniedException"}))
        if request.url.endswith("/GetDataLakeSettings") and settings is not None:
            return answer(200, json.dumps({"DataLakeSettings": settings}))
        return None

    cloud.interfere = said
    found = cloud.connector(**WORDS).discover(VENDOR, Scope())
    return [thing for thing in found if isinstance(thing, Gap | Grant)]


def page(*items: Json, **more: str) -> Json:
    """One page of permissions."""
    return {"PrincipalResourcePermissions": [*items], **more}


def test_trap_a_permission_on_the_second_page_is_found(cloud: Cloud) -> None:
    """The models do not say how this call pages."""
    (grant,) = shown(cloud, page(OTHERS[0], NextToken="t"), page(SHAPES[0]))
    assert isinstance(grant, Grant)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"Principal": {}, "Resource": {"Catalog": {}}, "Permissions": ["ALL"]},
        {"Principal": {"DataLakePrincipalIdentifier": MERCOR}, "Permissions": ["ALL"]},
        {"Principal": {"DataLakePrincipalIdentifier": MERCOR}, "Resource": {"NewKind": {}}},
    ],
)
def test_trap_a_permission_that_nobody_can_read_is_a_gap_and_hides_no_other(
    cloud: Cloud, bad: Json
) -> None:
    """One of a kind that the SDK's model does not know yet, too."""
    things = shown(cloud, page(bad, SHAPES[0]))
    assert [type(thing) for thing in things] == [Gap, Grant]


def test_an_organisation_is_a_gap(cloud: Cloud) -> None:
    """Whether an account of the vendor's is in it is not read."""
    unit = "arn:aws:organizations::111122223333:ou/o-lab0123456/ou-ab12-labels"
    (gap,) = shown(cloud, page(granted(unit, {"Table": TABLE}, "SELECT")))
    assert unit in gap.what


@pytest.mark.parametrize("admins", ["DataLakeAdmins", "ReadOnlyAdmins"])
@pytest.mark.parametrize("ours", [True, False])
def test_trap_who_is_no_administrator_sees_others_permissions_as_nothing(
    cloud: Cloud,
    admins: str,
    ours: bool,  # noqa: FBT001 - a case
) -> None:
    """An empty list is no answer then: a gap, whichever kind of administrators there are."""
    arn = f"arn:aws:iam::{DATA}:role/{ROLE if ours else 'lake'}"
    things = shown(cloud, page(), settings={admins: [{"DataLakePrincipalIdentifier": arn}]})
    assert [("read-only" in thing.cause) for thing in things] == [True] * (not ours)


def test_who_may_not_ask_who_administers_is_told_and_what_is_shown_is_found(cloud: Cloud) -> None:
    """A refused read is a gap; the vendor's permission beside it is contained all the same."""
    things = shown(cloud, page(SHAPES[0]), status=400)
    assert [type(thing) for thing in things] == [Grant, Gap]


def test_where_nobody_administers_a_data_lake_there_is_no_gap() -> None:
    """Most accounts: what is shared there is a resource share of RAM, and found as such."""
    assert is_administrator({"DataLakeSettings": {"DataLakeAdmins": []}}, "arn")
    assert is_administrator({}, "arn")


def test_a_refusal_is_said_and_the_next_sweep_revokes_it(
    owner: Any, cloud: Cloud, night: AwsNight
) -> None:
    """Whoever writes must be an administrator of Lake Formation, too."""
    owner.grant_permissions(**SHAPES[0])
    cloud.interfere = lambda request: (
        answer(400, json.dumps({"__type": "AccessDeniedException"}))
        if request.url.endswith("/RevokePermissions")
        else None
    )
    assert outcomes(night.contain()) == {Outcome.FAILED}
    cloud.interfere = lambda _: None
    assert outcomes(night.contain()) == {Outcome.APPLIED}


def test_a_reply_that_is_lost_leaves_it_unproven(owner: Any, cloud: Cloud, night: AwsNight) -> None:
    """It was revoked and answered 503: a person says whether it was us."""
    owner.grant_permissions(**SHAPES[0])
    plan = night.plan()

    def lost(request: Any) -> Any:
        if not request.url.endswith("/RevokePermissions"):
            return None
        owner.revoke_permissions(**SHAPES[0])
        return answer(503, error_text("ServiceUnavailable"))

    cloud.interfere = lost
    assert outcomes(night.carry_out(plan)) == {Outcome.UNPROVEN}


def test_by_hand_the_same_calls_are_made(owner: Any, cloud: Cloud, night: AwsNight) -> None:
    """Word for word, as the model names them."""
    owner.grant_permissions(**SHAPES[4])
    (change,) = night.plan().work
    client = boto3.client("lakeformation", region_name="us-east-1")
    for one, verb in ((change, "Revoke"), (change.inverse(), "Grant")):
        (line,) = cloud.connector(**WORDS).commands(CATALOG, [one], None).lines
        aws, service, command, *words = shlex.split(line.removesuffix(" > /dev/null"))
        assert (aws, service, command) == ("aws", "lakeformation", f"{verb.lower()}-permissions")
        given, _, _ = parsed(client, f"{verb}Permissions", words)
        assert given == SHAPES[4]


def test_trap_a_write_that_timed_out_there_may_have_landed() -> None:
    """Lake Formation gives up waiting for itself: what became of the grant, a read must say."""
    said: Any = {
        "Error": {"Code": "OperationTimeoutException", "Message": "it took too long"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    found = translated(ClientError(said, "GrantPermissions"), "grant", writing=True)
    assert (found.cause, found.landed) == (Cause.UNREACHABLE, None)


def test_credentials_that_it_has_handed_out_are_told_with_their_time() -> None:
    """They are good until they expire; the documented longest is twelve hours."""
    assert ("credentials that Lake Formation has handed out already", "PT12H") in (
        LAKE_PERMISSIONS.outlives
    )
