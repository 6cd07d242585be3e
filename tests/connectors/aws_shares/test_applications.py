"""Applications of the Serverless Application Repository, whose policy is written as a whole.

The emulator does not have the service: against AWS's own model of it.
"""

from dataclasses import replace
from functools import partial

import boto3
import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, VENDOR
from support.aws_cli import parsed
from support.aws_entries import APPLICATION, statement
from support.aws_shares import Run, playbook
from support.aws_stubs import REACH

from stopline.connectors.aws import AwsConnector, reached
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Document, Gap, Grant, Skip
from stopline.port import Mark, Terms
from stopline.receipts import Cause
from stopline.text import Json

DOCUMENT = Document("aws", DATA, "application-principal", "us-east-1/labels")
TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))
SEARCH = {"Actions": ["SearchApplications", "Deploy"], "StatementId": "desk"}
BOTH = [statement(MERCER, MERCOR), {**SEARCH, "Principals": [MERCOR]}]
answering = partial(aws_stubs.answering, "serverlessrepo")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may need seconds; no test does."""
    monkeypatch.setattr("stopline.connectors.aws.handed.SETTLING", (0.0, 0.0))


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at applications, and that nobody answers yet."""
    return aws_stubs.looking_at("serverless-applications")


def shows(stub: aws_stubs.Stubber, said: Json, times: int = 1) -> None:
    """What the policy says."""
    for _ in range(times):
        answer = {"Statements": said}
        stub.add_response("get_application_policy", answer, {"ApplicationId": APPLICATION})


def puts(stub: aws_stubs.Stubber, said: Json) -> None:
    """What is written, word for word."""
    words = {"ApplicationId": APPLICATION, "Statements": said}
    stub.add_response("put_application_policy", {"Statements": said}, words)


def found(connector: AwsConnector, said: Json) -> list[Grant | Gap]:
    """What is found where the policy says this."""
    one = {"ApplicationId": APPLICATION, "Author": "lab", "Description": "labels", "Name": "labels"}
    with answering("reading", connector) as stub:
        stub.add_response("list_applications", {"Applications": [one]}, {})
        shows(stub, said)
        things = list(reached.discover(connector.clients, [DATA], {}, REACH))
    return [thing for thing in things if isinstance(thing, Grant | Gap)]


def changes(connector: AwsConnector, said: Json) -> list[Change]:
    """What is planned about it."""
    grants = [grant for grant in found(connector, said) if isinstance(grant, Grant)]
    made = [(g, c) for g in grants for c in connector.contained(g, TERMS)]
    return [replace(c, before=g.state) for g, c in made if isinstance(c, Change)]


def test_the_vendor_leaves_each_statement_in_one_write_and_comes_back(
    connector: AwsConnector,
) -> None:
    """A statement of the vendor's alone goes with it; the look-alike's stays as it is."""
    ours, left = changes(connector, BOTH), [statement(MERCER)]
    assert [c.address.part for c in ours] == [f"labs/{MERCOR}", f"desk/{MERCOR}"]
    desk = {"Actions": ["Deploy", "SearchApplications"], "StatementId": "desk"}
    again = [statement(MERCER, MERCOR), {**desk, "Principals": [MERCOR]}]
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        for now, then, sent in ((BOTH, left, ours), (left, again, [c.inverse() for c in ours])):
            shows(reads, now, 2)
            puts(writes, then)
            shows(reads, then)
            connector.write(connector.read(DOCUMENT), sent, None, "t")
        shows(reads, again)
        there = connector.read(DOCUMENT).states
        assert {c.address: there[c.address] for c in ours} == {c.address: c.before for c in ours}
        assert len(there) == len(ours) + 1


def test_an_application_of_the_vendors_alone_lets_in_nobody_and_is_no_last_one(
    connector: AwsConnector,
) -> None:
    """A policy may be empty: the application is private then."""
    said = [statement(MERCOR)]
    (change,) = changes(connector, said)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        shows(reads, said, 2)
        puts(writes, [])
        shows(reads, [])
        connector.write(connector.read(DOCUMENT), [change], None, "t")


def test_what_is_public_is_left_open_and_an_organisation_is_a_gap(
    connector: AwsConnector,
) -> None:
    """Everybody of an organisation is not everybody."""
    lab = statement("*", StatementId="lab", PrincipalOrgIDs=["o-lab0123456"])
    things = found(connector, [statement("*"), lab])
    (gap,) = (thing for thing in things if isinstance(thing, Gap))
    (grant,) = (thing for thing in things if isinstance(thing, Grant))
    assert "o-lab0123456" in gap.what
    (skip,) = connector.contained(grant, TERMS)
    assert isinstance(skip, Skip)
    assert "everybody" in skip.reason


def test_trap_a_statement_that_says_something_else_now_is_not_given_to_the_vendor(
    connector: AwsConnector,
) -> None:
    """Its owner has widened it meanwhile: put back in there, the vendor would have that."""
    (change, _) = changes(connector, BOTH)
    wider = [statement(MERCER, Actions=["Deploy", "GetApplication"])]
    with answering("reading", connector) as reads, answering("writing", connector):
        shows(reads, wider, 2)
        with pytest.raises(ConnectorError, match="something else") as caught:
            connector.write(connector.read(DOCUMENT), [change.inverse()], None, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.REFUSED, False)


def test_what_a_stranger_changed_since_it_was_judged_is_judged_anew(
    connector: AwsConnector,
) -> None:
    """Between the engine's read and ours; what comes after that is lost, and said so."""
    ours = changes(connector, BOTH)
    with answering("reading", connector) as reads, answering("writing", connector):
        shows(reads, BOTH)
        shows(reads, [statement(MERCER)])
        with pytest.raises(StaleError):
            connector.write(connector.read(DOCUMENT), ours, None, "t")


def test_what_does_not_read_back_is_told_by_its_name(connector: AwsConnector) -> None:
    """The order of statements and of principals means nothing; what they say does."""
    ours = changes(connector, BOTH)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        shows(reads, BOTH, 2)
        puts(writes, [statement(MERCER)])
        shows(reads, [statement(MERCER, Actions=["SearchApplications"])], 2)
        with pytest.raises(ConnectorError, match="Statements") as caught:
            connector.write(connector.read(DOCUMENT), ours, None, "t")
    assert caught.value.landed is None


def test_trap_principals_in_another_order_read_back_as_the_same(connector: AwsConnector) -> None:
    """Nobody promises an order."""
    third = "999999999999"
    said = [statement(MERCER, third, MERCOR)]
    ours = changes(connector, said)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        shows(reads, said, 2)
        puts(writes, [statement(MERCER, third)])
        shows(reads, [statement(third, MERCER)])
        connector.write(connector.read(DOCUMENT), ours, None, "t")


def test_by_hand_the_whole_is_read_and_written_without_the_vendor(
    connector: AwsConnector, run_line: Run
) -> None:
    """And back, each by one line; what is there is what counts, not what was."""
    ours, now = changes(connector, BOTH), BOTH
    client = boto3.client("serverlessrepo", region_name="us-east-1")
    for sent, whom in (
        (ours, [[MERCER]]),
        ([c.inverse() for c in ours], [[MERCER, MERCOR], [MERCOR]]),
    ):
        for line in connector.commands(DOCUMENT, sent, None).lines:
            asked, words, _ = run_line(line, {"Statements": now})
            service, command, *rest = asked[-1].split()
            assert (service, command) == ("serverlessrepo", "put-application-policy")
            assert rest[:2] == ["--application-id", APPLICATION]
            given, _, _ = parsed(client, "PutApplicationPolicy", ["--cli-input-json", words])
            now = given["Statements"]
        assert [one["Principals"] for one in now] == whom
