"""Stakeholders are told in the right order, and whatever a channel does delays no containment."""

import asyncio
import json
from pathlib import Path

import pytest
import requests
from support.links import served
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from support.providers import Answer, Provider, provider
from temporalio.worker import Replayer

from activities import api
from activities.telling import Teller
from stopline.entrypoints.cli.linking import through
from stopline.entrypoints.temporal import Temporal
from stopline.journal.outbox import Notice, NoticeState
from workflows import messages as m
from workflows.pause_vendor import PauseVendor
from workflows.shard import Shard
from workflows.tell import Tell

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/room"}}
  out: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/out"}}
audiences:
  responders: [{{channel: room}}]
vendors:
  mercor:
    vendor: [{{channel: out}}]
"""


def teller(folder: Path, url: str) -> Teller:
    """Who tells by a file that leads to the test's server."""
    (folder / "notices.yaml").write_text(FILE.format(url=url))
    return Teller(folder)


async def until_told(line: Line, number: int) -> tuple[Notice, ...]:
    """Wait until so many notices have ended."""
    for _ in range(600):
        ended = [n for n in line.book.outbox.of(PAUSE) if n.state is not NoticeState.PENDING]
        if len(ended) >= number:
            return tuple(ended)
        await asyncio.sleep(0.05)
    raise TimeoutError(line.book.outbox.of(PAUSE))


async def histories(line: Line) -> str:
    """All that Temporal has written down."""
    found = [one async for one in line.listed().map_histories()]
    replayer = Replayer(workflows=[PauseVendor, Shard, Tell])
    for one in found:
        if not one.workflow_id.startswith("plan/"):
            await replayer.replay_workflow(one)
    return "\n".join(one.to_json() for one in found)


def told(there: Provider) -> list[tuple[str, str]]:
    """What came where, in order."""
    return [(a.path[1:], a.json["type"].split(".")[2]) for a in there.asked]


def test_each_is_told_in_order_once_and_histories_hold_neither_text_nor_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened, contained, then the vendor, then restored; and it all replays."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        async with a_line(teller=teller(tmp_path, there.url)) as line:
            handle = await line.pause()
            await until_told(line, 3)
            assert (await line.restored(handle)).result == "restored"
            ended = await until_told(line, 5)
            assert {n.state for n in ended} == {NoticeState.SENT}
            seen = told(there)
            inside = [event for where, event in seen if where == "room"]
            assert inside == ["opened", "contained", "restored"]
            assert [e for where, e in seen if where == "out"] == ["contained", "restored"]
            assert seen[0] == ("room", "opened")
            history = await histories(line)
            assert SECRET not in history
            assert "is being stopped" not in history
            assert SECRET not in json.dumps(line.book.store.chain())

    with provider() as there:
        asyncio.run(scenario(there))


def test_a_channel_that_fails_turns_amber_and_delays_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contained, audited and given back while nothing is taken; then all that is true comes."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        there.answers += [Answer(lost=True), Answer(500), Answer(429, headers={"Retry-After": "1"})]
        async with a_line(teller=teller(tmp_path, there.url)) as line:
            handle = await line.pause()
            assert (await line.status(handle)).summary.result == "contained"
            await amber(line)
            assert (await line.restored(handle)).result == "restored"
            ended = await until_told(line, 5)
            sent = {n.key for n in ended if n.state is NoticeState.SENT}
            late = [n for n in ended if n.key not in sent]
            # It depends on whose turn came when: what was over by then, the vendor is not told.
            assert [(n.audience, n.event) for n in late] in ([], [("vendor", "contained")])
            keys = {a.headers["webhook-id"] for a in there.asked}
            assert sent <= keys, "a second sending bears the first one's key"
            assert keys <= {n.key for n in ended}

    with provider() as there:
        asyncio.run(scenario(there))


async def amber(line: Line) -> None:
    """Wait until a notice has been tried in vain."""
    for _ in range(400):
        if any(n.amber for n in line.book.outbox.of(PAUSE)):
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


def test_what_can_never_be_sent_fails_and_the_pause_is_contained_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is broken, and one whose channel refuses for good."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider, text: str, why: str) -> None:
        there.answers += [Answer(413)] * 9
        made = teller(tmp_path, there.url)
        if text:
            (tmp_path / "notices.yaml").write_text(text)
        async with a_line(teller=made) as line:
            handle = await line.pause()
            assert (await line.status(handle)).summary.result == "contained"
            ended = await until_told(line, 2)
            assert {n.state for n in ended} == {NoticeState.FAILED}
            assert all(why in n.why for n in ended)

    with provider() as there:
        asyncio.run(scenario(there, "", "HTTP 413"))
        asyncio.run(scenario(there, "channels: {}\n", "notices.yaml:1"))


def test_an_audit_that_finds_access_opened_again_tells_those_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it lets the vendor in; a clean one tells nobody."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        async with a_line(teller=teller(tmp_path, there.url)) as line:
            handle = await line.pause()
            await until_told(line, 3)
            clean = await handle.execute_update(m.AUDIT, m.Audit("c"), result_type=api.Audited)
            assert clean.clean
            with line.world.lock:
                line.world.principals["v0"].switches["one"] = "on"
            found = await handle.execute_update(m.AUDIT, m.Audit("c"), result_type=api.Audited)
            assert found.drifted == 1
            ended = await until_told(line, 4)
            assert [n.event for n in ended if n.audience == "responders"] == [
                "opened", "contained", "drift",
            ]  # fmt: skip

    with provider() as there:
        asyncio.run(scenario(there))


def test_who_was_told_of_a_pause_hears_that_it_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second person's no: else they would go on waiting, and the pager would go on ringing."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        playbook = PLAYBOOK + "approvals: {contain: second-person}\n"
        async with a_line(teller=teller(tmp_path, there.url), playbook=playbook) as line:
            handle = await line.start(await line.plan(line.order()))
            await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
            await handle.execute_update(m.REJECT, m.Reject("bob", "wrong one"), result_type=str)
            ended = await until_told(line, 2)
            assert {(n.event, n.state) for n in ended} == {("opened", "sent"), ("refused", "sent")}
            text = next(a.json["data"]["text"] for a in there.asked if "refused" in a.body)
            assert "it was rejected or stopped" in text
            assert "everything that it had before" in text
            await histories(line)

    with provider() as there:
        asyncio.run(scenario(there))


def test_a_review_that_is_overdue_is_told_once_and_asks_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Responders and leadership; the next date is told anew, and it all replays."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        playbook = f"{PLAYBOOK}review_days: 0.000015\n"
        async with a_line(teller=teller(tmp_path, there.url), playbook=playbook) as line:
            handle = await line.pause()
            ended = await until_told(line, 4)
            late = [n for n in ended if n.event == "review-overdue"]
            assert [(n.audience, n.state) for n in late] == [("responders", NoticeState.SENT)]
            (event,) = line.book.pauses.events(PAUSE, "review-overdue")
            assert late[0].seq == event.seq, "written with its event"
            text = next(a.json["data"]["text"] for a in there.asked if "overdue" in a.body)
            assert f"by {event.data['review_by']}" in text
            assert f"stopline ack {PAUSE}" in text
            word = m.Reassess("alice", "keep", "looked at it")
            await handle.execute_update(m.REASSESS, word, result_type=api.PlanRef)
            ended = await until_told(line, 5)
            assert len([n for n in ended if n.event == "review-overdue"]) == 2
            await histories(line)

    with provider() as there:
        asyncio.run(scenario(there))


LEVELS = """\
escalation:
  minutes: {minutes}
  levels: [[{{channel: next}}], [{{channel: last}}]]
"""


def escalating(folder: Path, url: str, minutes: float) -> Teller:
    """The same file, with two levels that are told when nobody acknowledges."""
    made = teller(folder, url)
    more = "".join(
        f'  {name}: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/{name}"}}\n'
        for name in ("next", "last")
    )
    file = folder / "notices.yaml"
    text = file.read_text().replace("audiences:", f"{more}audiences:")
    file.write_text(text + LEVELS.format(minutes=minutes))
    return made


def heard(line: Line, by: str) -> api.TellOrder:
    """A person's word that they have heard."""
    return api.TellOrder(PAUSE, line.book.id, word="ack", by=by)


async def until_asked(there: Provider, path: str) -> None:
    """Wait until something has come there."""
    for _ in range(600):
        if any(asked.path == path for asked in there.asked):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(told(there))


@pytest.mark.night
def test_what_nobody_acknowledges_goes_to_the_next_though_the_worker_died_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Level after level; once somebody has heard, nobody else is told, and it all replays."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        made = escalating(tmp_path, there.url, 0.05)
        async with a_line(teller=made, working=False) as line:
            async with line.working():
                await line.pause()
                await until_told(line, 3)
                assert "/next" not in [asked.path for asked in there.asked]
            await asyncio.sleep(3.5)  # the timer fires while nobody is there
            assert "/next" not in [asked.path for asked in there.asked]
            async with line.working():
                await until_asked(there, "/next")
                word = await line.client.execute_workflow(
                    m.TELL, heard(line, "carol"), id=f"word/{line.book.id}", task_queue=line.queue,
                    result_type=api.Told,
                )  # fmt: skip
                assert word.heard > 0
                telling = [one.id async for one in line.listed("WorkflowType = 'Tell'")]
                for one in telling:
                    await line.client.get_workflow_handle(one).result()
                asked = [a.path for a in there.asked]
                assert asked.count("/next") == 1
                assert "/last" not in asked
                assert SECRET not in await histories(line)

    with provider() as there:
        asyncio.run(scenario(there))


@pytest.mark.night
def test_when_nobody_ever_acknowledges_every_level_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event that asks is escalated; one that asks for nothing is not."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)

    async def scenario(there: Provider) -> None:
        async with a_line(teller=escalating(tmp_path, there.url, 0.01)) as line:
            await line.pause()
            await until_asked(there, "/last")
            telling = [one.id async for one in line.listed("WorkflowType = 'Tell'")]
            for one in telling:
                await line.client.get_workflow_handle(one).result()
            asked = [a.path for a in there.asked]
            assert (asked.count("/next"), asked.count("/last")) == (1, 1)
            assert [*line.book.outbox.escalations(PAUSE).values()] == [2]

    with provider() as there:
        asyncio.run(scenario(there))


async def opened(url: str, *, pressed: bool) -> str:
    """What a link shows, when it is looked at or its button is pressed."""
    asked = requests.post if pressed else requests.get
    words = {"data": {"name": "carol"}} if pressed else {}
    shown = await asyncio.to_thread(asked, url, timeout=20, **words)
    return shown.text


async def until_texts(there: Provider, path: str) -> str:
    """What was sent there first, once it was."""
    await until_asked(there, path)
    return next(a.json["data"]["text"] for a in there.asked if a.path == path)


def test_by_the_link_in_a_notice_the_escalation_ends_and_no_history_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at by a scanner it goes on; the button goes through Temporal and the worker."""
    monkeypatch.setenv("NOTICES_ROOM", SECRET)
    monkeypatch.setenv("NOTICES_ACK", "a key that signs")

    async def scenario(there: Provider) -> None:
        made = escalating(tmp_path, there.url, 0.05)
        file = tmp_path / "notices.yaml"
        link = '  secret: NOTICES_ACK\n  link: "https://ops.lab.example"\n'
        file.write_text(file.read_text().replace("escalation:\n", f"escalation:\n{link}"))
        async with a_line(teller=made) as line:
            hear = through(Temporal(line.client, line.queue), asyncio.get_running_loop())
            with served(line.book, hear) as base:
                await line.pause()
                first = (await until_texts(there, "/room")).split("/ack/")[1].split()[0]
                assert "<button>" in await opened(f"{base}/ack/{first}", pressed=False)
                token = (await until_texts(there, "/next")).split("/ack/")[1].split()[0]
                assert "By carol" in await opened(f"{base}/ack/{token}", pressed=True)
                assert "By carol" in await opened(f"{base}/ack/{first}", pressed=False)
            for one in [one.id async for one in line.listed("WorkflowType = 'Tell'")]:
                await line.client.get_workflow_handle(one).result()
            assert "/last" not in [asked.path for asked in there.asked]
            written = await histories(line) + json.dumps(line.book.store.chain())
            assert "carol" in written
            for secret in (first, token):
                assert secret.rpartition(".")[2] not in written

    with provider() as there:
        asyncio.run(scenario(there))
