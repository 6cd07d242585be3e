"""What is shared entry by entry and the emulator does not have: against AWS's own models of it."""

import shlex
from dataclasses import replace
from functools import partial

import boto3
import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, VENDOR
from support.aws_cli import parsed
from support.aws_entries import CASES, Case, associated, authorization, datashare, signer
from support.aws_shares import playbook
from support.aws_stubs import REACH, answering

from stopline.connectors.aws import AwsConnector, proving, reached
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Found, Gap, Grant, Skip, State
from stopline.port import Mark, Terms
from stopline.receipts import Cause
from stopline.text import Json

TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))
BY_KIND = {case.kind: case for case in CASES}
DATASHARE, CLUSTER = BY_KIND["datashare-consumer"], BY_KIND["endpoint-authorization"]
PROFILE, SNAPSHOT = BY_KIND["signing-permission"], BY_KIND["redshift-snapshot-share"]
FPGA = BY_KIND["fpga-image-share"]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


def looking_at(case: Case) -> AwsConnector:
    """A connector that looks at one kind, and that nobody answers yet."""
    return aws_stubs.looking_at(case.contains)


def found(case: Case, *shown: Json, read: bool = True) -> list[Found]:
    """What is found where it is shown so: a page each, or with the vendor and a look-alike."""
    connector = looking_at(case)
    with answering(case.service, "reading", connector) as stub:
        case.lists(stub)
        if not shown:
            case.shows(stub, MERCER, MERCOR, found=True)
        for page in shown:
            stub.add_response(case.show[0], page)
        if shown and read and case.same:
            stub.add_response(case.same[0], case.same[2])
        return list(reached.discover(connector.clients, [DATA], {}, REACH))


def grants(things: list[Found]) -> list[Grant]:
    """Those that are the vendor's."""
    return [thing for thing in things if isinstance(thing, Grant)]


def opinion(case: Case, *shown: Json) -> list[Change | Skip]:
    """What would be done about what is shown so."""
    connector = looking_at(case)
    return [c for g in grants(found(case, *shown)) for c in connector.contained(g, TERMS)]


def change_of(case: Case) -> Change:
    """The one change, from the entry as it is found."""
    (grant,) = grants(found(case))
    (change,) = looking_at(case).contained(grant, TERMS)
    assert isinstance(change, Change)
    return replace(change, before=grant.state)


@every
def test_only_the_vendors_entry_is_taken_out_and_given_back(case: Case) -> None:
    """The look-alike stays; each way is one call, and the same entry is there afterwards."""
    connector, change = looking_at(case), change_of(case)
    assert (change.address, change.after) == (case.ours, None)
    with (
        answering(case.service, "reading", connector) as reads,
        answering(case.service, "writing", connector) as writes,
    ):
        case.shows(reads, MERCER, MERCOR, found=True)
        before = connector.read(case.document)
        assert before.states[case.ours] == change.before
        if case.before:
            case.shows(reads, MERCER, MERCOR)
        writes.add_response(case.take[0], _answered(case, case.take[0]), case.take[1])
        connector.write(before, [change], None, "t")
        case.shows(reads, MERCER, found=True)
        during = connector.read(case.document)
        assert during.states.keys() == before.states.keys() - {case.ours}
        writes.add_response(case.give[0], _answered(case, case.give[0]), case.give[1])
        connector.write(during, [change.inverse()], None, "t")
        case.shows(reads, MERCER, MERCOR, found=True)
        assert connector.read(case.document).states == before.states


def _answered(case: Case, operation: str) -> Json:
    return {"revisionId": "r9"} if case is PROFILE and operation else {}


@every
def test_the_plan_tells_what_outlives_it_and_names_who_loses_it(case: Case) -> None:
    """Before anybody approves."""
    change, connector = change_of(case), looking_at(case)
    assert MERCOR in change.summary
    assert [*connector.residuals(change)]


@every
def test_what_may_not_be_read_is_a_gap_and_never_nobody(case: Case) -> None:
    """Refused for the list, and for one thing."""
    for operations in ((case.listed[0],), (case.listed[0], case.show[0])):
        connector = looking_at(case)
        with answering(case.service, "reading", connector) as stub:
            if len(operations) > 1:
                case.lists(stub)
            stub.add_client_error(operations[-1], "AccessDeniedException", http_status_code=400)
            things = list(reached.discover(connector.clients, [DATA], {}, REACH))
        (gap,) = (thing for thing in things if isinstance(thing, Gap))
        assert "AccessDenied" in gap.cause
        assert not grants(things)


@every
def test_by_hand_the_same_calls_are_made(case: Case) -> None:
    """Taken out and given back: as the model names them; a tag is read right before."""
    change, connector = change_of(case), looking_at(case)
    client = boto3.client(case.service, region_name="us-east-1")  # type: ignore[call-overload]
    for one, (operation, wanted) in ((change, case.take), (change.inverse(), case.give)):
        (line,) = connector.commands(case.document, [one], None).lines
        if "$(" in line:
            start, _, rest = line.partition(' --revision-id "$(')
            assert rest.startswith("aws signer list-profile-permissions --profile-name labels")
            line = f"{start} --revision-id r2"
        aws, service, command, *words = shlex.split(line.removesuffix(" > /dev/null"))
        assert (aws, service, command) == ("aws", case.service, operation.replace("_", "-"))
        api = "".join(part.title() for part in operation.split("_"))
        given, _, _ = parsed(client, api, words)
        assert given == wanted


# --- traps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "bad"),
    [
        (FPGA, {"FpgaImageAttribute": {"LoadPermissions": [{}, {"UserId": MERCOR}]}}),
        (DATASHARE, datashare([{"Status": "ACTIVE"}, associated(MERCOR)])),
        (CLUSTER, {"EndpointAuthorizationList": [
            {"AllowedAllVPCs": True, "Status": "Authorized"}, authorization(MERCOR)]}),
        (SNAPSHOT, {"Snapshots": [{"AccountsWithRestoreAccess": [{}, {"AccountId": MERCOR}]}]}),
        (PROFILE, {"revisionId": "r1", "permissions": [{"statementId": "x"}, signer(MERCOR)]}),
    ],
    ids=lambda value: value.kind if isinstance(value, Case) else "",
)  # fmt: skip
def test_trap_an_entry_that_names_nobody_is_a_gap_and_hides_no_other(case: Case, bad: Json) -> None:
    """Whose it is nobody can say; the vendor's beside it is found all the same."""
    things = found(case, bad)
    assert [thing.what for thing in things if isinstance(thing, Gap)]
    assert [grant.address for grant in grants(things)] == [case.ours]


@pytest.mark.parametrize("status", ["DEAUTHORIZED", "PENDING_AUTHORIZATION", "REJECTED"])
def test_trap_a_datashare_that_nobody_authorized_is_not_given_by_a_rollback(status: str) -> None:
    """Authorized by us the vendor would have what it never had."""
    assert not grants(found(DATASHARE, datashare([associated(MERCOR, status)])))


def test_a_datashare_in_many_regions_and_by_a_data_catalog_is_one_entry_each() -> None:
    """By the account itself, whatever is associated where; its catalog is another consumer."""
    shown = [
        associated(MERCOR, "AUTHORIZED", ConsumerRegion="eu-west-1", ProducerAllowedWrites=False),
        associated(MERCOR, ConsumerRegion="us-east-1"),
        associated(f"DataCatalog/{MERCOR}", "AVAILABLE", ProducerAllowedWrites=False),
        associated(f"DataCatalog/{MERCER}"),
        associated("0a0a-in-the-same-account"),
    ]
    things = grants(found(DATASHARE, datashare(shown)))
    assert [(g.address.part, g.state.value["writes"]) for g in things] == [
        (MERCOR, True), (f"DataCatalog/{MERCOR}", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (datashare([associated(MERCOR)], ManagedBy="ADX"), "Data Exchange"),
        (datashare([associated(MERCOR, "AVAILABLE"), associated(MERCOR, "NEW")]), "NEW"),
    ],
)
def test_a_datashare_that_another_service_manages_or_nobody_knows_is_left(
    shown: Json, said: str
) -> None:
    """A person looks: what Redshift would make of it is not known."""
    if said == "NEW":  # botocore's model has no such status: as an answer of tomorrow's
        shown["DataShares"][0]["DataShareAssociations"][1]["Status"] = "NEW"
    (skip,) = opinion(DATASHARE, shown)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert said in skip.reason


def test_trap_an_authorization_with_endpoints_is_never_forced() -> None:
    """`Force` deletes the vendor's endpoints, which nothing gives back: it is left, and said."""
    shown = {"EndpointAuthorizationList": [authorization(MERCOR, EndpointCount=2)]}
    (skip,) = opinion(CLUSTER, shown)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "--force" in skip.reason


def test_trap_an_endpoint_that_is_made_meanwhile_stops_the_revocation() -> None:
    """Without `Force` Redshift refuses it; the receipt says so, and nothing is given back."""
    connector, change = looking_at(CLUSTER), change_of(CLUSTER)
    with (
        answering("redshift", "reading", connector) as reads,
        answering("redshift", "writing", connector) as writes,
    ):
        CLUSTER.shows(reads, MERCOR, found=True)
        before = connector.read(CLUSTER.document)
        writes.add_client_error("revoke_endpoint_access", "InvalidEndpointState")
        with pytest.raises(ConnectorError) as caught:
            connector.write(before, [change], None, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.REFUSED, False)


def test_an_authorization_for_all_vpcs_is_given_back_for_all() -> None:
    """Not for those that happened to be named."""
    shown = {"EndpointAuthorizationList": [authorization(MERCOR, AllowedAllVPCs=True)]}
    (grant,) = grants(found(CLUSTER, shown))
    assert grant.state == State.of({"account": MERCOR})


def test_what_redshift_still_revokes_is_not_proven() -> None:
    """It was told to; until it has let go the vendor may still be in."""
    connector, change = looking_at(CLUSTER), change_of(CLUSTER)
    shown = {"EndpointAuthorizationList": [authorization(MERCOR, Status="Revoking")]}
    with answering("redshift", "reading", connector) as reads:
        reads.add_response("describe_endpoint_authorization", shown)
        assert CLUSTER.same is not None
        reads.add_response(CLUSTER.same[0], CLUSTER.same[2])
        now = connector.read(CLUSTER.document)
        (why,) = proving.unproved(connector.clients, [MERCOR], [change], {CLUSTER.document: now})
    assert "Revoking" in why.why
    assert not now.states


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (DATASHARE, "InvalidDataShareFault"),
        (CLUSTER, "ClusterNotFound"),
        (SNAPSHOT, "ClusterSnapshotNotFound"),
        (FPGA, "InvalidFpgaImageID.NotFound"),
    ],
    ids=lambda value: value.kind if isinstance(value, Case) else value,
)
def test_what_was_deleted_is_gone_when_read_and_a_gap_when_looked_for(
    case: Case, code: str
) -> None:
    """It was listed a moment ago: what is said of it now is not taken for nothing."""
    connector = looking_at(case)
    with answering(case.service, "reading", connector) as stub:
        stub.add_client_error(case.show[0], code)
        assert not connector.read(case.document).exists
        case.lists(stub)
        stub.add_client_error(case.show[0], code)
        things = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert [thing for thing in things if isinstance(thing, Gap)]


# --- signing profiles ----------------------------------------------------------------------------

signing = partial(answering, "signer")


def test_trap_permissions_on_the_second_page_are_found() -> None:
    """Signer calls its token `nextToken`, and the models do not say how it pages."""
    pages = ({"permissions": [signer(MERCER)], "nextToken": "t"}, {"permissions": [signer(MERCOR)]})
    assert [grant.address for grant in grants(found(PROFILE, *pages))] == [PROFILE.ours]


def test_a_revision_that_moved_is_read_anew() -> None:
    """Somebody else's edit is not lost: the engine reads again, and judges again."""
    connector, change = looking_at(PROFILE), change_of(PROFILE)
    with signing("reading", connector) as reads, signing("writing", connector) as writes:
        PROFILE.shows(reads, MERCER, MERCOR, found=True)
        before = connector.read(PROFILE.document)
        PROFILE.shows(reads, MERCER, MERCOR)
        writes.add_client_error("remove_profile_permission", "ConflictException")
        with pytest.raises(StaleError):
            connector.write(before, [change], None, "t")


def test_trap_a_profile_without_permissions_is_still_there() -> None:
    """Signer says the same of nobody and of nothing: only where it is not there it is gone."""
    connector = looking_at(PROFILE)
    for there in (True, False):
        with signing("reading", connector) as stub:
            stub.add_client_error("list_profile_permissions", "ResourceNotFoundException")
            assert PROFILE.same is not None
            for _ in range(2 if there else 0):
                stub.add_response(PROFILE.same[0], PROFILE.same[2])
            if not there:
                stub.add_client_error(PROFILE.same[0], "ResourceNotFoundException")
            assert connector.read(PROFILE.document).exists is there
