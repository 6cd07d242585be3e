"""Golden plan of Google: what would be done to the small organisation, read from the emulator.

It is planned by the playbook that is shipped, with the vendor's people in the lab's own directory
in each way in which somebody can be there, and one of them in a group.
"""

import json
from dataclasses import replace

import pytest
from connectors.contract import MARK
from golden.test_plans import GOLDEN, Case, page
from support.google import DATA_TEAM as TEAM
from support.google import (
    PEOPLE,
    TOKEN,
    UNIT,
    VAL,
    VENDOR,
    WORKER,
    connector_of,
    crew,
    estate_of,
    joined,
    person,
    seed,
)
from support.held import held_to
from support.tree import ROOT

from stopline import guards, planner
from stopline.drill.google.server import Google
from stopline.model import Scope
from stopline.playbook import parse_playbook
from stopline.port import Terms
from stopline.render.documents import plan_document
from stopline.text import Json

BOSS, GONE, HELD = (f"user:{name}@lab.example" for name in ("boss", "gone", "held"))
EXPIRES = "user:gil@mercor.example"


def in_the_unit(google: Google, member: str, **more: Json) -> None:
    """Somebody else of the vendor's in the directory."""
    person(google, member)
    found = google.state.by_email(PEOPLE, member.partition(":")[2])
    assert found is not None
    found.data.update({"orgUnitPath": UNIT, **more})


def case(google: Google) -> Case:
    """The containment plan of the organisation, with what the guards say."""
    crew(google)
    in_the_unit(google, BOSS, isAdmin=True)
    in_the_unit(google, GONE, archived=True)
    in_the_unit(google, HELD, suspended=True, suspensionReason="ABUSE")
    joined(google, TEAM, VAL, EXPIRES)
    (seat,) = google.state.memberships_of(EXPIRES.partition(":")[2])
    seat.data["expireTime"] = "2090-01-01T00:00:00+00:00"
    text = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    playbook, estate = parse_playbook(text, "default.yaml"), estate_of(google)
    connector = connector_of(google)
    snapshot = planner.snapshot_of("mercor", connector.discover(VENDOR, Scope()), "")
    terms = Terms(VENDOR, playbook, MARK, estate=estate)
    opinions = planner.Opinions({"gcp": connector.contained}, {"gcp": connector.residuals})
    plan = planner.plan_containment(snapshot, terms, Scope(), planner.Standing(), opinions)
    connector.clients.close()
    found = guards.guard(plan, snapshot, guards.Bounds(estate, playbook.limits))
    phases = tuple(phase.name for phase in playbook.phases)
    return Case(replace(plan, taken_from=""), found, snapshot.counted, phases)


def test_a_plan_of_google_is_as_it_was_reviewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The document and the page are what their files hold."""
    monkeypatch.setenv(TOKEN, WORKER)
    with Google() as google:
        made = case(seed(google))
    document = plan_document(made.plan, made.findings, made.counted)
    text = json.dumps(document, indent=1, ensure_ascii=False)
    held_to(GOLDEN / "google.json", f"{text}\n")
    held_to(GOLDEN / "google.txt", page(made))
