"""What `verify` proves: who gets past what we left, by the documents as they are now."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud
from support.aws_resources import KINDS, Owner, policy_of
from support.grants import held, opinions
from support.journals import a_book

from activities.ends import verified
from stopline import planner
from stopline.connectors.aws import AwsConnector, marks
from stopline.connectors.aws.claims import (
    OPEN,
    Standing,
    let_past,
    of_freeze,
    of_principal,
    of_statement,
)
from stopline.connectors.aws.evaluating import Policies
from stopline.connectors.aws.kinds import where_of
from stopline.connectors.aws.proving import place_of
from stopline.connectors.aws.resources import TABLE
from stopline.engine import Errand, apply
from stopline.entrypoints.cli import reading
from stopline.journal.book import Book
from stopline.model import Address, Breadth, Change, Direction, Document, Grant, Scope, State
from stopline.port import Observed
from stopline.receipts import Outcome
from stopline.text import Json

PAUSE = "00000001"
MOMENT = "2026-06-01T12:00:00Z"
USER = f"arn:aws:iam::{DATA}:user/vendors/mercor/ann"
ALLOW: Json = {"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}


def proven(change: Change, raw: str) -> str:
    """What gets past a statement of ours in a policy; nothing where nobody does."""
    assert change.after is not None
    place = place_of(change.address.document)
    assert place is not None
    body = json.loads(raw)
    whole = {**body, "Statement": [*body["Statement"], change.after.value]}
    return let_past(of_statement(change.after.value, whole, place), Policies(resource=whole))


def for_accounts(connector: AwsConnector, grant: Grant) -> Change:
    """The change that denies the vendor's accounts."""
    changes = (o for o in opinions(connector, grant) if isinstance(o, Change))
    return next(c for c in changes if c.address.id.endswith("Acct"))


def altered(change: Change, **words: Json) -> Change:
    """The same change, whose statement says something else."""
    assert change.after is not None
    return replace(change, after=State.of({**change.after.value, **words}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_deny_that_does_not_reach_what_is_allowed_is_no_proof(kind: str, cloud: Cloud) -> None:
    """Ours is proven; one on something else, or under a condition that nobody knows, is not."""
    id_ = Owner(cloud).make(kind, "labels", {"AWS": f"arn:aws:iam::{MERCOR}:root"})
    connector = cloud.connector(resources=(TABLE[kind].contains,))
    (grant,) = held(connector)
    change = for_accounts(connector, grant)
    arn = TABLE[kind].arn_of(where_of(Document("aws", DATA, kind, f"us-east-1/{id_}")))
    raw = policy_of(kind, {"AWS": MERCOR}, "*" if "*" in TABLE[kind].on else arn)
    assert proven(change, raw) == ""
    assert f"arn:aws:iam::{MERCOR}:role/any can still" in proven(
        altered(change, Action="ec2:*"), raw
    )
    assert change.after is not None
    condition = {**change.after.value["Condition"], "StringEquals": {"aws:SourceVpce": "vpce-1"}}
    accounts = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{MERCOR}:*"}}
    assert "is not shown to be refused to" in proven(
        altered(change, Condition={**condition, **accounts}), raw
    )


def principal(*documents: Json, boundary: Json = None, before: str = "") -> str:
    """What gets past what is held of a user."""
    standing = Standing(USER, documents)
    return let_past(
        of_principal(standing, before=before), Policies(documents, boundary, resource=OPEN)
    )


def test_a_principal_is_cut_off_by_whatever_lever_denies_everything() -> None:
    """By a policy of its own or by its boundary; not where that is missing, or has a condition."""
    deny = marks.policy_document("0a1b2c3d")
    assert principal(ALLOW, deny) == ""
    assert principal(ALLOW, boundary=deny) == ""
    assert f"{USER} can still" in principal(ALLOW)
    unless: Json = {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}
    weak: Json = {"Statement": [{**deny["Statement"][0], **unless}]}
    assert "is not shown to be refused to s3:ListAllMyBuckets" in principal(ALLOW, weak)


def test_a_cut_ends_what_was_issued_before_and_is_proven_for_that_alone() -> None:
    """A session from before the moment is refused; asked of another moment it is not proven."""
    cut = marks.cut_document("0a1b2c3d", PAUSE, MOMENT)
    assert principal(ALLOW, cut, before=MOMENT) == ""
    assert "can still" in principal(ALLOW, cut, before="2026-06-01T12:00:02Z")


def test_a_freeze_is_proven_for_whom_it_does_not_spare() -> None:
    """Each action that it names, for the account's own people; not where it has gone soft."""
    document = Document("aws", DATA, "bucket-policy-statement", "training")
    place = place_of(document)
    assert place is not None
    frozen: Json = {
        "Effect": "Deny", "Principal": "*", "Action": ["s3:PutObject*", "s3:DeleteObject*"],
        "Resource": "arn:aws:s3:::training/*",
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::{DATA}:role/break-glass/*"]},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }  # fmt: skip
    open_: Json = {**OPEN["Statement"], "Resource": "*"}

    def past(statement: Json) -> str:
        return let_past(
            of_freeze(statement, place), Policies(resource={"Statement": [open_, statement]})
        )

    assert past(frozen) == ""
    soft = {**frozen["Condition"], "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert "is not shown to be refused to" in past({**frozen, "Condition": soft})


def test_what_cannot_be_read_again_is_not_proven(cloud: Cloud) -> None:
    """An account that lets us in no more says nothing of who is cut off there."""
    document = Document("aws", DATA, "user-attachment", "ann")
    arn = marks.policy_arn(DATA, "0a1b2c3d")
    address, after = Address("aws", DATA, document.kind, f"ann#{arn}"), State.of({"PolicyArn": arn})
    change = Change(address, None, after, "deny-users", Breadth.PRINCIPAL, marked=True)
    cloud.closed.add(DATA)
    observed = {document: Observed(document, {address: after})}
    (told,) = cloud.connector().unproved(VENDOR, [change], observed)
    assert told.address == address
    assert told.why.startswith("the policies of the account could not be read again: ")


@pytest.fixture
def book() -> Book:
    """An empty journal."""
    return a_book("sqlite://")


def carry_out(
    connector: AwsConnector, book: Book, changes: list[Change], way: Direction
) -> list[Outcome]:
    """Let the engine do it."""
    errand = Errand(PAUSE, way, f"attempt-{way}", "token")
    done = apply(connector, book.writes, errand, changes)
    return [receipt.outcome for receipts in done for receipt in receipts]


def test_what_stands_and_does_not_help_is_unverified_and_can_be_given_back(
    cloud: Cloud, book: Book
) -> None:
    """A deny on a table alone, as before: its index stays open, and is said."""
    owner, connector = Owner(cloud), cloud.connector(resources=("dynamodb-tables",))
    table = f"arn:aws:dynamodb:us-east-1:{DATA}:table/labels"
    owner.make(
        "dynamodb-table", "labels", Action="dynamodb:*", Resource=[table, f"{table}/index/*"]
    )
    (grant,) = held(connector)
    change = for_accounts(connector, grant)
    document, waited = change.address.document, list[float]()
    before = owner.text(document)
    old = altered(change, Resource=table)
    assert carry_out(connector, book, [old], Direction.CONTAIN) == [Outcome.APPLIED]

    tally = verified(book, {"aws": connector}, VENDOR, PAUSE, waited.append)
    assert tally.outcomes == {"verified": 0, "unverified": 1}
    (event,) = book.store.events(PAUSE, "verified")
    assert event.data["unverified"] == [str(change.address)]
    assert f"can still dynamodb:any on {table}/index/any" in event.data["why"][str(change.address)]
    assert len(waited) == 2
    asked = SimpleNamespace(vendor="mercor", id=PAUSE)
    (left,) = reading._unverified(book, asked, [event], book.writes.holds())
    assert left.reason == event.data["why"][str(change.address)]

    back = planner.plan_restore("mercor", PAUSE, book.writes.holds(), Scope())
    assert carry_out(connector, book, [*back.changes], Direction.RESTORE) == [Outcome.APPLIED]
    assert owner.text(document) == before


def test_what_is_proven_is_verified_at_once(cloud: Cloud, book: Book) -> None:
    """Nothing is waited for, and there is no reason to tell."""
    Owner(cloud).make("dynamodb-table", "labels")
    connector, waited = cloud.connector(resources=("dynamodb-tables",)), list[float]()
    (grant,) = (g for g in held(connector) if g.address.kind == "dynamodb-table")
    changes = [for_accounts(connector, grant)]
    assert carry_out(connector, book, changes, Direction.CONTAIN) == [Outcome.APPLIED]
    tally = verified(book, {"aws": connector}, VENDOR, PAUSE, waited.append)
    assert tally.outcomes == {"verified": 1, "unverified": 0}
    assert (waited, book.store.events(PAUSE, "verified")[0].data["why"]) == ([], {})


def test_a_deny_of_another_than_the_vendors_file_names_is_no_proof(
    cloud: Cloud, book: Book
) -> None:
    """What ours claims is refused, and the file's account is let in: unverified, and who it is."""
    Owner(cloud).make("sqs-queue", "labels")
    connector = cloud.connector(resources=("sqs-queues",))
    (grant,) = held(connector)
    whom = {"StringEquals": {"aws:PrincipalAccount": [MERCER]}}
    wrong = altered(for_accounts(connector, grant), Condition=whom)
    assert carry_out(connector, book, [wrong], Direction.CONTAIN) == [Outcome.APPLIED]
    tally = verified(book, {"aws": connector}, VENDOR, PAUSE, lambda _: None)
    assert tally.outcomes == {"verified": 0, "unverified": 1}
    (event,) = book.store.events(PAUSE, "verified")
    assert f"arn:aws:iam::{MERCOR}:role/any can still" in event.data["why"][str(wrong.address)]


def test_an_action_that_stands_for_many_is_asked_as_those_that_the_service_takes(
    cloud: Cloud,
) -> None:
    """A topic's policy may allow `SNS:*`; a deny there must name each, and that one is missing."""
    Owner(cloud).make("sns-topic", "labels", Action="SNS:*")
    connector = cloud.connector(resources=("sns-topics",))
    (grant,) = held(connector)
    change = for_accounts(connector, grant)
    arn = TABLE["sns-topic"].arn_of(where_of(change.address.document))
    raw = policy_of("sns-topic", {"AWS": MERCOR}, arn, Action="SNS:*")
    assert proven(change, raw) == ""
    few = altered(change, Action=["SNS:Publish"])
    assert "can still SNS:" in proven(few, raw)


@pytest.mark.parametrize("weaker_last", [True, False])
def test_what_was_written_last_is_what_is_asked_about(
    cloud: Cloud, book: Book, *, weaker_last: bool
) -> None:
    """An overlay that was written again no longer is its first change."""
    Owner(cloud).make("sqs-queue", "labels")
    connector = cloud.connector(resources=("sqs-queues",))
    (grant,) = held(connector)
    right = for_accounts(connector, grant)
    weak = altered(right, Action="sqs:PurgeQueue")
    for change in (right, weak) if weaker_last else (weak, right):
        assert carry_out(connector, book, [change], Direction.CONTAIN) == [Outcome.APPLIED]
    tally = verified(book, {"aws": connector}, VENDOR, PAUSE, lambda _: None)
    assert tally.outcomes["unverified"] == weaker_last


def test_where_nothing_stands_any_more_nothing_is_open(cloud: Cloud, book: Book) -> None:
    """The queue went, and its policy and ours with it."""
    owner, connector = Owner(cloud), cloud.connector(resources=("sqs-queues",))
    owner.make("sqs-queue", "labels")
    (grant,) = held(connector)
    change = for_accounts(connector, grant)
    assert carry_out(connector, book, [change], Direction.CONTAIN) == [Outcome.APPLIED]
    owner.remove(change.address.document)
    tally = verified(book, {"aws": connector}, VENDOR, PAUSE, lambda _: None)
    assert tally.outcomes == {"verified": 1, "unverified": 0}
