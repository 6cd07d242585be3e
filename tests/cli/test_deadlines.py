"""Audits warn ahead of the days by which what is held must be decided on, and tell who decides."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cli.test_payouts import held, house, ledger
from sqlalchemy.engine import Engine
from support.asking import Asking

from activities.deadlines import SAID
from stopline.connectors.payouts import ledger as l

__all__ = ["house", "ledger"]
NOTICES = """\
contact: "+1 555 0100"
channels: {hook: {kind: webhook, secret: HOOK, url: "http://127.0.0.1:1/"}}
audiences:
  responders: [{channel: hook}]
  leadership: [{channel: hook}]
"""


@pytest.fixture
def told(house: object, asking: Asking) -> Asking:
    """The program where somebody is told."""
    (asking.house.settings.config_dir / "notices.yaml").write_text(NOTICES, "utf-8")
    return asking


def due(ledger: Engine, days: int) -> str:
    """Have the first two payables be due in so many days."""
    day = datetime.now(UTC).date() + timedelta(days=days)
    first = l.PAYABLES.c.id.in_(("p0", "p1"))
    with ledger.begin() as connection:
        connection.execute(sa.update(l.PAYABLES).where(first).values(pay_by=day))
    return str(day)


def test_an_audit_warns_ahead_once_for_each_rung_and_is_clean_all_the_same(
    told: Asking, ledger: Engine
) -> None:
    """Thirty days ahead nothing; nine days and four days ahead once each; nothing is released."""
    due(ledger, 30)
    held(told)
    assert told.ask("audit", "mercor", "--output", "json").document["due"] == []
    book = told.house.book
    (pause,) = book.pauses.list("mercor")
    assert not book.store.events(pause.id, SAID)
    near = due(ledger, 9)
    for _ in range(2):
        audit = told.ask("audit", "mercor", "--output", "json")
        assert audit.code == 0
        assert [line.partition(":")[0] for line in audit.document["due"]] == [near, near]
    (said,) = book.store.events(pause.id, SAID)
    assert (said.data["on"], said.data["days"], len(said.data["addresses"])) == (near, 10, 2)
    assert f"{near}: earned pay that is held must be paid" in told.ask("audit", "mercor").said
    due(ledger, 4)
    told.ask("audit", "mercor")
    assert [e.data["days"] for e in book.store.events(pause.id, SAID)] == [10, 5]
    notices = [n for n in book.outbox.of(pause.id) if n.event == "deadline"]
    assert {n.audience for n in notices} == {"responders"}
    assert near in book.outbox.text(notices[0])
    with ledger.connect() as connection:
        assert len(connection.execute(sa.select(l.HOLDS)).all()) == 4
