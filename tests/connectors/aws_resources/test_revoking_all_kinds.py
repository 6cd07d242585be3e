"""Each kind of policy loses the vendor's entry and our deny in one write, whatever happens."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, Cloud
from support.aws_nights import AwsNight
from support.aws_resources import KINDS, REGION, Owner, playbook, statement
from support.grants import a_grant, opinions

from stopline.connectors.aws import revoking
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.kinds import where_of
from stopline.connectors.aws.resources import BY_STATEMENT
from stopline.errors import ConnectorError
from stopline.model import Change, Document, Scope
from stopline.receipts import Cause, Outcome
from stopline.text import canonical, sha256

ROOT, LOOKALIKE = (f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER))
LAKE = {"Sid": "Lake", "Effect": "Allow", "Principal": {"Service": "ram.amazonaws.com"},
        "Action": "glue:ShareResource"}  # fmt: skip


class Killed(BaseException):
    """The process died here."""


def a_night(cloud: Cloud) -> AwsNight:
    """The vendor is contained, and its pause is being terminated."""
    night = AwsNight(cloud.connector(), playbook=playbook())
    night.contain()
    night.ending()
    return night


def document_of(night: AwsNight) -> Document:
    """The one policy that is held."""
    (document,) = {h.address.document for h in night.book.writes.holds()}
    return document


def after_the_write(monkeypatch: pytest.MonkeyPatch, mishaps: Iterator[BaseException]) -> None:
    """Each write is sent and taken, and then something happens instead of an answer."""
    does = Clients.do

    def doing(clients: Clients, *words: Any, **more: Any) -> Any:
        answer = does(clients, *words, **more)
        if (mishap := next(mishaps, None)) is not None:
            raise mishap
        return answer

    monkeypatch.setattr(Clients, "do", doing)


SOME = [KINDS[0], *(pytest.param(kind, marks=pytest.mark.night) for kind in KINDS[1:])]
"""One by day, and all of them by night."""


@pytest.mark.parametrize("kind", SOME)
def test_killed_after_its_write_a_policy_is_found_without_the_vendor(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """There is one write and no second: the entry and our deny went together, the others' stays."""
    owner = Owner(cloud)
    owner.make(kind, "shared")
    night = a_night(cloud)
    document, plan = document_of(night), night.plan_termination()
    after_the_write(monkeypatch, iter([Killed()]))
    with pytest.raises(Killed):
        night.carry_out(plan)
    left = owner.text(document)
    assert ROOT not in left
    assert LOOKALIKE in left
    assert "Stopline" not in left
    night.now += 60
    assert {r.outcome for r in night.carry_out(plan)} == {Outcome.ALREADY}
    assert owner.text(document) == left
    assert night.book.writes.holds() == ()


@pytest.mark.parametrize("kind", SOME)
def test_a_lost_reply_is_settled_by_reading_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What landed is found: the holds end, and the certificate says that we removed it."""
    owner = Owner(cloud)
    owner.make(kind, "shared")
    night = a_night(cloud)
    plan = night.plan_termination()
    cut = ConnectorError(Cause.UNREACHABLE, "the connection was cut", landed=None)
    after_the_write(monkeypatch, iter([cut]))
    assert {(r.outcome, r.held) for r in night.carry_out(plan)} == {(Outcome.APPLIED, False)}
    assert ROOT not in owner.text(document=plan.work[0].address.document)
    removed = {one.address for one in night.book.pauses.removed("0000000a")}
    assert removed == {change.address for change in plan.work}


def test_a_policy_in_which_another_pause_denies_too_is_left(cloud: Cloud) -> None:
    """Its rollback gives back what was there before it; the entry is part of that."""
    owner = Owner(cloud)
    name = owner.make("event-bus", "shared")
    night = a_night(cloud)
    document = document_of(night)
    arn = f"arn:aws:events:{REGION}:{DATA}:event-bus/{name}"
    other = "StoplineJ0a1b2c3dP0000000bAcct"
    body = json.loads(owner.text(document))
    theirs = {**statement("event-bus", "*", arn, Sid=other), "Effect": "Deny"}
    owner.put(document, json.dumps({**body, "Statement": [*body["Statement"], theirs]}))
    before = owner.text(document)
    plan = night.plan_termination()
    assert plan.work == ()
    assert all(
        f"another statement of stopline's is in it ({other})" in s.reason for s in plan.skips
    )
    assert owner.text(document) == before


def test_a_part_of_a_termination_leaves_the_other_resources_alone(cloud: Cloud) -> None:
    """Only the bus that is asked about; the stream is denied as before."""
    owner = Owner(cloud)
    owner.make("event-bus", "shared")
    owner.make("stream", "shared")
    night = a_night(cloud)
    bus = [h for h in night.book.writes.holds() if h.address.kind.startswith("event-bus")]
    scope = Scope(addresses=tuple(str(h.address) for h in bus))
    night.carry_out(night.plan_termination(scope))
    left = {h.address.kind for h in night.book.writes.holds()}
    assert left == {"stream-policy-statement"}


def test_a_file_system_is_never_left_without_any_policy(cloud: Cloud) -> None:
    """The vendor's was the only entry: without it, whoever is on the network could mount."""
    owner = Owner(cloud)
    id_ = owner.make("file-system", "shared")
    document = Document("aws", DATA, "file-system-policy-statement", f"{REGION}/{id_}")
    body = json.loads(owner.text(document))
    theirs = {**body["Statement"][1], "Principal": {"AWS": ROOT}}
    owner.put(document, json.dumps({**body, "Statement": [theirs]}))
    night = a_night(cloud)
    plan = night.plan_termination()
    assert plan.work == ()
    assert any("on the network may mount it" in skip.reason for skip in plan.skips)
    assert "Stopline" in owner.text(document)


@pytest.mark.parametrize("kind", ["event-bus", "stream", "access-point", "data-catalog"])
def test_what_named_the_vendor_alone_is_left_without_a_policy(cloud: Cloud, kind: str) -> None:
    """Of these kinds, no policy means that nobody comes in from another account."""
    owner = Owner(cloud)
    id_ = f"{REGION}/{owner.make(kind, 'shared')}"
    document = Document("aws", DATA, f"{kind}-policy-statement", id_)
    body = json.loads(owner.text(document))
    theirs = {**body["Statement"][1], "Principal": {"AWS": ROOT}}
    owner.put(document, json.dumps({**body, "Statement": [theirs]}))
    night = a_night(cloud)
    assert {r.outcome for r in night.carry_out(night.plan_termination())} == {Outcome.APPLIED}
    assert owner.text(document) == ""
    assert night.plan().work == ()


def test_a_catalog_that_lake_formation_shares_keeps_its_deny(cloud: Cloud) -> None:
    """It may share a table with the vendor, which the catalog's policy does not show."""
    owner = Owner(cloud)
    document = Document("aws", DATA, "data-catalog-policy-statement", f"{REGION}/catalog")
    owner.make("data-catalog", "shared")
    body = json.loads(owner.text(document))
    arn = f"arn:aws:glue:{REGION}:{DATA}:catalog"
    lake = [*body["Statement"], {**LAKE, "Resource": arn}]
    owner.put(document, json.dumps({**body, "Statement": lake}))
    night = a_night(cloud)
    plan = night.plan_termination()
    assert plan.work == ()
    assert any("Lake Formation shares some of it too" in skip.reason for skip in plan.skips)


@pytest.mark.parametrize("kind", ["lambda-function", "backup-vault"])
def test_what_the_emulator_has_not_is_one_call_of_the_same(kind: str) -> None:
    """A function's policy with the revision that was read, a vault's whole: as the models say."""
    row = next(r for r in BY_STATEMENT.values() if r.kind == kind)
    connector = aws_stubs.looking_at(row.contains)
    document = Document("aws", DATA, row.statement, f"{REGION}/label")
    ours = [
        c for c in opinions(connector, a_grant(kind, f"{REGION}/label")) if isinstance(c, Change)
    ]
    action = row.actions[0].replace("*", "InvokeFunction")
    allow = {"Sid": "Work", "Effect": "Allow", "Principal": {"AWS": [ROOT, LOOKALIKE]},
             "Action": action, "Resource": "*"}  # fmt: skip
    denies = [c.after.value for c in ours if c.after]
    raw = json.dumps({"Version": "2012-10-17", "Statement": [allow, *denies]})
    left, _ = revoking.without(json.loads(raw), revoking.whom(denies))
    text = json.dumps(left, separators=(",", ":"))
    assert ROOT not in text
    assert LOOKALIKE in text
    tag = "1111-0000" * 4
    told = {"RevisionId": tag} if row.tag else {}
    with (
        aws_stubs.answering(row.service, "reading", connector) as reads,
        aws_stubs.answering(row.service, "writing", connector) as writes,
    ):
        reads.add_response(row.get.operation, {"Policy": raw, **told})
        observed = connector.read(document)
        put = {**row.put.words(where_of(document), text), **told}
        writes.add_response(row.put.operation, {"Policy": text} if row.tag else {}, put)
        reads.add_response(row.get.operation, {"Policy": text, **told})
        only_if = sha256(canonical(left))[:12]
        ended = [replace(c.inverse(), only_if=only_if) for c in ours]
        connector.end(observed, ended, "t")


def test_every_kind_of_the_table_is_one_whose_entries_go() -> None:
    """A row that is added tomorrow is revoked tomorrow: nothing lists them a second time."""
    connector = aws_stubs.looking_at()
    for row in BY_STATEMENT.values():
        changes = [c for c in opinions(connector, a_grant(row.kind)) if isinstance(c, Change)]
        assert changes
        assert all(revoking.is_grant(change.address) for change in changes)
