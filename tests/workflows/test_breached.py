"""Somebody removes our deny again and again: put back, climbed above, and at last said and paged.

On the server that skips time: days pass in seconds, and the journal's clock is the server's.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.older import older_worker
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from support.providers import Provider, provider
from support.year import Year, a_year
from temporalio.client import WorkflowHandle

from activities import api
from activities.telling import Teller
from stopline.entrypoints.cli.auditing import shown as audits_shown
from stopline.entrypoints.cli.reading import standing
from stopline.journal.pauses import PauseStatus
from stopline.notices.drafting import ASKS
from stopline.playbook import Audits
from stopline.render.audits import audits_page
from stopline.render.standing import PARTIAL, exit_code
from workflows import messages as m

TERMS = Audits()
pytestmark = pytest.mark.night
FILE = """\
contact: "+1 555 0100"
channels:
  pager: {{kind: webhook, secret: NOTICES_PAGER, url: "{url}/pager"}}
audiences:
  responders: [{{channel: pager}}]
"""


def opened(line: Line, *, lifted: bool = False) -> None:
    """Somebody in the realm takes our deny off; `lifted`: above it as well."""
    with line.world.lock:
        line.world.principals["v0"].attached.clear()
        if lifted:
            line.world.bans.clear()


def detach(year: Year, *, lifted: bool = False) -> None:
    """The same, where days can pass."""
    opened(year.line, lifted=lifted)


def is_contained(year: Year) -> bool:
    """Whether our deny is on again."""
    return bool(year.line.world.principals["v0"].attached)


def status(year: Year) -> PauseStatus:
    """What the journal says."""
    return year.line.book.pauses.get(PAUSE).status


def audits(year: Year) -> list[datetime]:
    """When it was audited."""
    return [datetime.fromisoformat(e.at) for e in year.line.book.pauses.events(PAUSE, "audited")]


def moved(year: Year) -> list[str]:
    """Every status that the pause had, in order."""
    return [e.data["status"] for e in year.line.book.pauses.events(PAUSE, "status")]


async def pass_minutes(year: Year, minutes: float) -> None:
    """Let some time pass."""
    await year.pass_by(timedelta(minutes=minutes) / timedelta(days=1))


async def audited(year: Year, minutes: float = 24 * 60) -> None:
    """Wait for the next audit: after so many minutes, and ten at most besides.

    Time goes on for a while after the audit before, so it may be a few minutes less from now.
    """
    number = len(audits(year))
    await pass_minutes(year, minutes - 6)
    assert len(audits(year)) == number
    for _ in range(5):
        await pass_minutes(year, 4)
        if len(audits(year)) > number:
            for _ in range(3):  # the sweep after it
                await year.settled()
            return
    raise TimeoutError(f"there was no audit after {minutes} minutes")


async def removed_until_breached(year: Year) -> None:
    """Twice the deny, then the lever above it too."""
    for _ in range(TERMS.climb_after):
        assert not year.line.world.bans
        detach(year)
        await audited(year)
        assert is_contained(year)
        assert status(year) is PauseStatus.CONTAINED
    assert year.line.world.bans["v0"]
    (climbed,) = year.line.book.pauses.events(PAUSE, "climbed")
    (lever,) = climbed.data["levers"]
    assert (lever["principal"], ":ban:" in lever["lever"]) == ("v0", True)
    detach(year, lifted=True)
    await audited(year)
    assert status(year) is PauseStatus.BREACHED


async def given_back(year: Year, handle: WorkflowHandle) -> None:
    """The whole pause, by two people's word."""
    waiting = await year.line.rollback(handle)
    await year.line.approve(handle, waiting.digest, "bob")
    await year.settled()
    await year.line.approve(handle, waiting.digest, "carol")
    await year.until(PauseStatus.CLOSED)


def test_who_removes_every_lever_is_met_slowly_and_said() -> None:
    """Put back, climbed, breached, later with each removal; contained once it holds."""

    async def scenario() -> None:
        async with a_year(24) as year, year.line.working():
            before = year.line.world.picture()
            handle = await year.pause(year.line.order())
            await removed_until_breached(year)
            assert is_contained(year)
            assert year.line.world.bans["v0"]
            for minutes in (15, 30, 60):  # they take everything off again as soon as it is back
                detach(year, lifted=True)
                await audited(year, minutes)
                assert is_contained(year)
                assert status(year) is PauseStatus.BREACHED
            for _ in range(TERMS.calm):
                assert status(year) is PauseStatus.BREACHED
                await audited(year, 120)
            assert status(year) is PauseStatus.CONTAINED
            assert moved(year) == ["contained", "breached", "contained"]
            await audited(year)
            await given_back(year, handle)
            assert year.line.world.picture() == before

    asyncio.run(scenario())


def test_a_person_who_stops_a_breached_pause_is_heard() -> None:
    """Nothing is contained again, and nobody is told that it is still fought over."""

    async def scenario() -> None:
        async with a_year(24) as year, year.line.working():
            handle = await year.pause(year.line.order())
            await removed_until_breached(year)
            word = m.Stop("alice", "we talk to them")
            await handle.execute_update(m.STOP, word, result_type=str)
            await year.until(PauseStatus.STOPPED)
            detach(year, lifted=True)
            await audited(year, 15)
            assert not is_contained(year)
            assert status(year) is PauseStatus.STOPPED
            assert not year.line.book.pauses.events(PAUSE, "audited")[-1].data["breached"]

    asyncio.run(scenario())


def test_an_audit_of_a_breached_pause_never_fights_a_rollback() -> None:
    """While a rollback waits nothing is contained again, however often somebody looks."""

    async def scenario() -> None:
        async with a_year(24) as year, year.line.working():
            handle = await year.pause(year.line.order())
            await removed_until_breached(year)
            await year.line.rollback(handle)
            detach(year, lifted=True)
            await pass_minutes(year, 60)
            assert not is_contained(year)
            assert status(year) is PauseStatus.BREACHED

    asyncio.run(scenario())


def test_a_breach_under_an_older_worker_is_looked_at_slowly_by_a_newer_one() -> None:
    """The older one waited a day; its history is carried on, and the next one is a quarter hour."""

    async def scenario() -> None:
        async with a_year(24) as year:
            async with older_worker(year.line):
                handle = await year.pause(year.line.order())
                await removed_until_breached(year)
                await pass_minutes(year, 60)
            async with year.line.working():
                word = api.Acknowledgement("alice", "known", "")
                await handle.execute_update(m.ACKNOWLEDGE, word, result_type=api.Summary)
                detach(year, lifted=True)
                await audited(year, 23 * 60)
                assert is_contained(year)
                await audited(year, 30)  # twice a quarter, since it was removed once more

    asyncio.run(scenario())


def test_a_breach_is_paged_once_and_shown_by_every_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those inside are told and asked to say that they heard it; status and audits name it."""
    monkeypatch.setenv("NOTICES_PAGER", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    async def scenario(there: Provider) -> None:
        (tmp_path / "notices.yaml").write_text(FILE.format(url=there.url))
        at_once = f"{PLAYBOOK}audits: {{climb_after: 1}}\n"
        async with a_line(playbook=at_once, teller=Teller(tmp_path)) as line:
            handle = await line.pause()
            for lifted in (False, True, True):
                opened(line, lifted=lifted)
                word = m.Audit("carol")
                await handle.execute_update(m.AUDIT, word, result_type=api.Audited)
                rests = await line.until(
                    handle, lambda s: s.phase is m.Phase.PAUSED and not s.audit_due
                )
            assert rests.summary.result == "breached"
            assert rests.summary.again_seconds == 30 * 60
            told = [n for n in line.book.outbox.of(PAUSE) if n.event == "breached"]
            assert [(n.audience, n.event in ASKS) for n in told] == [("responders", True)]
            shown = standing(line.book, line.book.pauses.get(PAUSE))
            (left,) = (one for one in shown.left if one.kind == "breached")
            assert (left.principal, ":ban:" in left.where) == ("v0", True)
            assert (exit_code(shown), "removed 2 times" in left.reason) == (PARTIAL, True)
            assert any(word.kind == "climb to another lever" for word in shown.said)
            history = [*audits_shown(line.book.pauses.events(PAUSE))]
            assert [bool(a.climbed) for a in history] == [True, False, False]
            assert [bool(a.breached) for a in history] == [False, True, True]
            assert history[-1].breached == (left.where,)
            assert "BREACHED" in str(audits_page(history, PAUSE, "mercor", ""))

    with provider() as there:
        asyncio.run(scenario(there))
