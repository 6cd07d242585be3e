"""A year of one pause, in minutes: watched, attacked, reassessed, upgraded, given back in parts."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.older import older_worker
from support.pausing import PAUSE, VENDOR
from support.providers import Provider, provider
from support.year import OTHER, Year, a_year
from temporalio.client import WorkflowHandle

from activities import api
from activities.telling import Teller
from stopline.configuration import installed_techniques
from stopline.evidence import bundle as b
from stopline.evidence.envelope import sealed
from stopline.evidence.verifying import Trusted, verified
from stopline.journal.pauses import PauseStatus
from stopline.model import Scope
from workflows import messages as m

pytestmark = [pytest.mark.night, pytest.mark.timeout(600)]  # nightly audits take minutes

HOURS = float(os.environ.get("STOPLINE_YEAR_HOURS", "168"))
"""Between audits: weekly in `make test`, nightly in `make soak`."""
PROJECTS = f"{VENDOR}projects: {{chordus: {{note: labels}}, lyra: {{note: audio}}}}\n"
NOTICES = """\
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
STRANGERS = {"Sid": "Research", "Effect": "Allow", "Principal": {"AWS": "111122223333"}}


def reopen(year: Year) -> None:
    """An attacker detaches our deny and switches a key on again."""
    with year.line.world.lock:
        year.line.world.principals["v0"].attached.clear()
        year.line.world.principals["v0"].switches["one"] = "on"


def edit(year: Year) -> None:
    """A colleague gives a project of the lab access to the data: legitimate, and not ours."""
    with year.line.world.lock:
        body = json.loads(year.line.world.targets["data"])
        body["Statement"].append(STRANGERS)
        year.line.world.put_target("data", json.dumps(body))


def happened(year: Year, kind: str, pause: str = PAUSE) -> int:
    """How often the journal has it."""
    return len(year.line.book.pauses.events(pause, kind))


async def given_back(year: Year, handle: WorkflowHandle, pause: str, scope: Scope) -> None:
    """Ask as alice; one yes is not enough, the second is."""
    waiting = await year.line.rollback(handle, scope=scope)
    await year.line.approve(handle, waiting.digest, "bob")
    await year.settled()
    assert year.line.book.pauses.get(pause).status is PauseStatus.CONTAINED
    await year.line.approve(handle, waiting.digest, "carol")


async def first_spring(year: Year, handle: WorkflowHandle) -> None:
    """Only audits; nobody reassesses it in time; a key is opened and closed again."""
    contained = year.line.world.picture()
    await year.pass_by(35)
    assert happened(year, "review-overdue") == 1
    assert happened(year, "audited") >= 35 * 24 // (HOURS + 1)
    assert year.line.world.picture() == contained
    reopen(year)
    await year.pass_by(1 + HOURS / 24)
    assert year.line.world.picture() == contained
    word = m.Reassess("alice", m.KEEP, "the vendor's report is awaited")
    await handle.execute_update(m.REASSESS, word, result_type=api.PlanRef)


async def summer(year: Year, handle: WorkflowHandle) -> WorkflowHandle:
    """A stranger's edit stays; another pause takes hold of one principal too."""
    edit(year)
    await year.pass_by(1 + HOURS / 24)
    assert STRANGERS in json.loads(year.line.world.targets["data"])["Statement"]
    order = replace(
        year.line.order(OTHER, Scope(principals=("v1",))), reason="another case, of one person"
    )
    other = await year.pause(order)
    await year.pass_by(60)
    return other


async def autumn(year: Year, handle: WorkflowHandle) -> None:
    """One project is given back, by two; no audit takes that away again."""
    await given_back(year, handle, PAUSE, Scope(project="chordus"))
    await year.until(PauseStatus.CONTAINED)
    audits = happened(year, "audited")
    await year.pass_by(120)
    assert happened(year, "audited") >= audits + 119 * 24 // (HOURS + 1)
    world = year.line.world
    assert world.principals["v0"].switches == {"one": "on", "two": "off"}
    assert not world.principals["v0"].attached
    assert [world.principals[f"v{n}"].switches["one"] for n in (1, 2, 3)] == ["off"] * 3


async def winter(year: Year, handle: WorkflowHandle, other: WorkflowHandle) -> None:
    """All is given back; what the other pause holds waits for its own end."""
    await year.pass_by(120)
    await given_back(year, handle, PAUSE, Scope())
    await year.until(PauseStatus.CLOSED)
    assert year.line.world.principals["v1"].switches["one"] == "off"
    await given_back(year, other, OTHER, Scope())
    await year.until(PauseStatus.CLOSED, OTHER)


def told_in_order(there: Provider, way: str) -> list[str]:
    """The events that somebody was told, in order."""
    return [a.json["type"].split(".")[2] for a in there.asked if a.path == f"/{way}"]


async def all_told(year: Year, there: Provider) -> None:
    """Whatever happened in the year reached whom it concerns; the vendor last of all its end."""
    for _ in range(400):
        waiting = [n for p in (PAUSE, OTHER) for n in year.line.book.outbox.due(p)]
        if not waiting:
            break
        await asyncio.sleep(0.05)
    room = told_in_order(there, "room")
    assert (room[0], room[-1]) == ("opened", "restored")
    assert (room.count("opened"), room.count("restored")) == (2, 2)
    assert {"contained", "drift", "review-overdue"} <= {*room}
    out = told_in_order(there, "out")
    assert out == ["contained", "released", "restored"]
    assert not any(PAUSE in a.json["data"]["text"] for a in there.asked if a.path == "/out")


def test_a_year_of_a_pause_ends_as_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Audits by the calendar, a re-grant, an edit, an overlap, an upgrade, a project, the whole.

    Stakeholders are told of it all year, once the upgrade knows how.
    """
    monkeypatch.setenv("NOTICES_ROOM", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    async def scenario(there: Provider) -> None:
        (tmp_path / "notices.yaml").write_text(NOTICES.format(url=there.url))
        async with a_year(HOURS, PROJECTS, Teller(tmp_path)) as year:
            people = year.line.world.principals
            for name in ("v0", "v1", "v2", "v3"):
                people[name].projects = ("chordus",) if name == "v0" else ("lyra",)
            before = year.line.world.picture()
            begun = await year.environment.get_current_time()
            async with older_worker(year.line):
                handle = await year.pause(year.line.order())
                await first_spring(year, handle)
            async with year.line.working():  # the upgrade: it goes on where the older one was
                other = await summer(year, handle)
                await autumn(year, handle)
                await winter(year, handle, other)
                await all_told(year, there)
            assert (await year.environment.get_current_time() - begun).days in range(330, 366)
            after = year.line.world.picture()
            body = json.loads(after["targets"]["data"])
            assert body["Statement"] == [STRANGERS]
            after["targets"]["data"] = before["targets"]["data"]
            assert after == before
            assert evidence_holds(year)

    with provider() as there:
        asyncio.run(scenario(there))


def evidence_holds(year: Year) -> bool:
    """The year's bundle, signed, is verified offline."""
    key = Ed25519PrivateKey.generate()
    terms = b.Terms("2027-01-01T00:00:00.000Z", bytes(32), installed_techniques())
    made = b.finished(*b.gather(year.line.book, PAUSE, terms))
    data = b.packed(made, sealed(made.manifest_bytes, key))
    return all(verdict.ok for verdict in verified(data, Trusted(key.public_key())))
