"""Resource shares, whose principals the emulator cannot take out: against AWS's own model of RAM.

The client is botocore's own, with its own stubs: requests and answers are held to that model.
"""

import shlex
from dataclasses import replace
from functools import partial

import boto3
import pytest
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, VENDOR
from support.aws_cli import parsed
from support.aws_shares import playbook
from support.aws_stubs import REACH

from stopline.connectors.aws import AwsConnector, documents, handed, proving, reached
from stopline.errors import ConnectorError
from stopline.estate import AwsOrganization
from stopline.model import Change, Document, Gap, Grant, Skip, State
from stopline.port import Mark, Terms
from stopline.receipts import Cause

ARN = f"arn:aws:ram:us-east-1:{DATA}:resource-share/0a"
DOCUMENT = Document("aws", DATA, "resource-share-principal", "us-east-1/0a")
OURS = documents.address(DOCUMENT, MERCOR)
ORGANISATION = "arn:aws:organizations::111122223333:organization/o-lab0123456"
TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))
EDIT = {"resourceShareArn": ARN, "principals": [MERCOR]}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """RAM needs seconds; no test does."""
    monkeypatch.setattr("stopline.connectors.aws.handed.SETTLING", (0.0, 0.0))


answering = partial(aws_stubs.answering, "ram")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at resource shares, and that nobody answers yet."""
    return aws_stubs.looking_at("resource-shares")


def associated(stub: Stubber, **principals: str) -> None:
    """With whom it is shared, and how far RAM is: `a444455556666="ASSOCIATED"`."""
    found = [
        {
            "resourceShareArn": ARN,
            "associatedEntity": ORGANISATION if who == "lab" else who.lstrip("a"),
            "associationType": "PRINCIPAL",
            "status": status,
        }
        for who, status in principals.items()
    ]
    words = {"associationType": "PRINCIPAL", "resourceShareArns": [ARN]}
    stub.add_response(
        "get_resource_share_associations", {"resourceShareAssociations": found}, words
    )


def share(**status: str) -> dict[str, str]:
    """The vendor's account beside a look-alike."""
    return {f"a{MERCER}": "ASSOCIATED", **{f"a{MERCOR}": s for s in status.values()}}


def contained(connector: AwsConnector, status: str = "ASSOCIATED") -> list[Change | Skip]:
    """What would be done about a share of that status."""
    with answering("reading", connector) as stub:
        listed(stub)
        associated(stub, **share(status=status))
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    (grant,) = (f for f in found if isinstance(f, Grant))
    return list(connector.contained(grant, TERMS))


def listed(stub: Stubber) -> None:
    """One active share of ours."""
    words = {"resourceOwner": "SELF", "resourceShareStatus": "ACTIVE"}
    stub.add_response("get_resource_shares", {"resourceShares": [{"resourceShareArn": ARN}]}, words)


def test_only_the_vendors_account_is_taken_out_and_given_back(connector: AwsConnector) -> None:
    """The look-alike stays; each way is one call, and the same entry is there afterwards."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    assert (change.address, change.after) == (OURS, None)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        associated(reads, **share(status="ASSOCIATED"))
        before = connector.read(DOCUMENT)
        ours = Change(OURS, before.states[OURS], None, change.rule, change.breadth)
        writes.add_response("disassociate_resource_share", {}, EDIT)
        associated(reads, **share(status="DISASSOCIATED"))
        connector.write(before, [ours], None, "t")
        associated(reads, **share())
        during = connector.read(DOCUMENT)
        assert during.states.keys() == before.states.keys() - {OURS}
        writes.add_response("associate_resource_share", {}, EDIT)
        associated(reads, **share(status="ASSOCIATING"))
        connector.write(during, [ours.inverse()], None, "t")
        associated(reads, **share(status="ASSOCIATED"))
        assert connector.read(DOCUMENT).states == before.states


def test_a_share_is_not_given_twice(connector: AwsConnector) -> None:
    """RAM would send an invitation anew: what is there is left as it is."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    with answering("reading", connector) as reads:
        for _ in range(2):
            associated(reads, **share(status="ASSOCIATED"))
        there = connector.read(DOCUMENT)
        back = Change(OURS, None, there.states[OURS], change.rule, change.breadth)
        connector.write(there, [back], None, "t")


def test_what_ram_still_removes_is_not_proven(connector: AwsConnector) -> None:
    """It was told to and is taken out; until RAM has let go the vendor may still be in."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        associated(reads, **share(status="ASSOCIATED"))
        before = connector.read(DOCUMENT)
        ours = Change(OURS, before.states[OURS], None, change.rule, change.breadth)
        writes.add_response("disassociate_resource_share", {}, EDIT)
        for _ in range(3):
            associated(reads, **share(status="DISASSOCIATING"))
        connector.write(before, [ours], None, "t")
        now = connector.read(DOCUMENT)
        (why,) = proving.unproved(connector.clients, [MERCOR], [ours], {DOCUMENT: now})
        assert (why.address, "DISASSOCIATING" in why.why) == (OURS, True)
        associated(reads, **share())
        gone = connector.read(DOCUMENT)
        assert not [*proving.unproved(connector.clients, [MERCOR], [ours], {DOCUMENT: gone})]


def test_what_ram_could_not_give_back_fails(connector: AwsConnector) -> None:
    """An association that failed is no access given back; that it was sent is said."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    back = Change(OURS, None, State.of({"principal": MERCOR}), change.rule, change.breadth)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        associated(reads, **share())
        gone = connector.read(DOCUMENT)
        writes.add_response("associate_resource_share", {}, EDIT)
        for _ in range(2):
            associated(reads, **share(status="FAILED"))
        with pytest.raises(ConnectorError, match="FAILED") as caught:
            connector.write(gone, [back], None, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.REFUSED, None)


def test_a_failed_association_is_left_open(connector: AwsConnector) -> None:
    """RAM does not say whether it failed to come or to go: a person looks."""
    (skip,) = contained(connector, "FAILED")
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "FAILED" in skip.reason


def test_an_invitation_that_nobody_has_accepted_yet_is_taken_out(connector: AwsConnector) -> None:
    """It could be accepted at any time."""
    (change,) = contained(connector, "ASSOCIATING")
    assert isinstance(change, Change)


def test_a_share_with_an_organisation_is_a_gap(connector: AwsConnector) -> None:
    """Whether the vendor is in it is not known, and the lab's own share is not touched."""
    with answering("reading", connector) as stub:
        listed(stub)
        associated(stub, lab="ASSOCIATED")
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert ORGANISATION in gap.what
    assert not [f for f in found if isinstance(f, Grant)]


@pytest.mark.parametrize(
    ("members", "gaps"), [(frozenset[str](), 0), (frozenset({MERCOR}), 1), (None, 1)]
)
def test_the_labs_own_organisation_without_the_vendor_in_it_is_no_gap(
    members: frozenset[str] | None, gaps: int
) -> None:
    """Where every account of the vendor's is surely outside; what nobody can say stays a gap."""
    own = AwsOrganization(id="o-lab0123456", account="999900001111", role="cut")
    connector = aws_stubs.looking_at("resource-shares", organization=own)
    with answering("reading", connector) as stub:
        listed(stub)
        associated(stub, lab="ASSOCIATED")
        reach = replace(REACH, members=lambda: members)
        found = list(reached.discover(connector.clients, [DATA], {}, reach))
    assert len([f for f in found if isinstance(f, Gap)]) == gaps


def test_trap_an_organisation_whose_id_begins_as_the_labs_own_is_another() -> None:
    """What is shared with it is a gap: nobody knows who is in it."""
    own = AwsOrganization(id="o-lab0123456", account="999900001111", role="cut")
    connector = aws_stubs.looking_at("resource-shares", organization=own)
    longer = f"{own.id}7"
    who = (f"arn:aws:organizations::999900001111:organization/{longer}",
           f"arn:aws:organizations::999900001111:ou/{longer}/ou-ab12-cdefghij")  # fmt: skip
    reach = replace(REACH, members=frozenset[str])
    assert not any(handed._among_ourselves(connector.clients, one, reach) for one in who)
    ours = [one.replace(longer, own.id) for one in who]
    assert all(handed._among_ourselves(connector.clients, one, reach) for one in ours)


def test_that_the_vendor_must_accept_anew_is_told_before_anybody_approves(
    connector: AwsConnector,
) -> None:
    """Outside of an organisation what is given back is an invitation."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    assert any("invitation" in told.what for told in connector.residuals(change))


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("UnknownResourceException", Cause.GONE),
        ("InvalidStateTransitionException", Cause.THROTTLED),
        ("OperationNotPermittedException", Cause.REFUSED),
        ("ResourceShareLimitExceededException", Cause.QUOTA),
        ("ServerInternalException", Cause.UNREACHABLE),
    ],
)
def test_what_ram_refuses_has_a_cause(connector: AwsConnector, code: str, cause: Cause) -> None:
    """A share that AWS made from a policy takes no edit; a server's fault leaves open what was."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        associated(reads, **share(status="ASSOCIATED"))
        before = connector.read(DOCUMENT)
        ours = Change(OURS, before.states[OURS], None, change.rule, change.breadth)
        status = 500 if cause is Cause.UNREACHABLE else 400
        writes.add_client_error("disassociate_resource_share", code, http_status_code=status)
        with pytest.raises(ConnectorError) as caught:
            connector.write(before, [ours], None, "t")
    assert caught.value.cause is cause
    assert caught.value.landed is (None if cause is Cause.UNREACHABLE else False)


def test_by_hand_the_same_calls_are_made(connector: AwsConnector) -> None:
    """Taken out and given back: as the model names them."""
    (change,) = contained(connector)
    assert isinstance(change, Change)
    there = State.of({"principal": MERCOR})
    ours = Change(OURS, there, None, change.rule, change.breadth)
    client = boto3.client("ram", region_name="us-east-1")
    for one, name in ((ours, "Disassociate"), (ours.inverse(), "Associate")):
        (line,) = connector.commands(DOCUMENT, [one], None).lines
        aws, ram, command, *words = shlex.split(line.removesuffix(" > /dev/null"))
        assert (aws, ram, command) == ("aws", "ram", f"{name.lower()}-resource-share")
        given, _, _ = parsed(client, f"{name}ResourceShare", words)
        assert given == EDIT
