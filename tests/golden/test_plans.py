"""Golden plans: what would be done to the drill's estate, from what was read of it.

Everything here is pure. `make golden` reads the emulated estate again and rewrites all files; the
diff says what a change of a connector, of the planner or of a page comes to.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.held import held_to
from support.recording import (
    CHANCE,
    CHORDUS,
    CUT,
    FIRST,
    FOLDER,
    JOURNAL,
    SECOND,
    drilled,
    opinions,
    recorded,
    recorded_holds,
    standing,
)
from support.tree import ROOT

from stopline import guards, planner
from stopline.connectors.aws import build
from stopline.drill import manifest
from stopline.drill.controls import with_fast_cut
from stopline.model import Address, Counted, Direction, Finding, Grant, Plan, Scope, State
from stopline.playbook import parse_playbook
from stopline.port import Mark, Terms
from stopline.receipts import Hold
from stopline.render.documents import plan_document
from stopline.render.page import shown
from stopline.render.plan import Shown, plan_page
from stopline.text import Json

GOLDEN = FOLDER.parent
WIDTH = 120


@dataclass(frozen=True)
class Case:
    """A plan with what is shown beside it."""

    plan: Plan
    findings: tuple[Finding, ...] = ()
    counted: tuple[Counted, ...] = ()
    phases: tuple[str, ...] = ()


def contained(name: str, pause: str, scope: Scope, holds: tuple[Hold, ...] = ()) -> Case:
    """The containment plan of a recorded snapshot, with what the guards say."""
    vendor, playbook, estate = drilled()
    snapshot = recorded(name)
    terms = Terms(vendor, playbook, Mark(JOURNAL, pause), estate=estate, cut_at=CUT)
    of_aws = opinions(build(estate))
    plan = planner.plan_containment(snapshot, terms, scope, standing(holds), of_aws)
    bounds = guards.Bounds(estate, playbook.limits)
    return Case(plan, guards.guard(plan, snapshot, bounds), snapshot.counted)


def fast_cut() -> Case:
    """What a playbook with a fast cut adds to a plan of the drill's organization."""
    vendor, _, estate = drilled()
    text = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    playbook = parse_playbook(with_fast_cut(text), "default.yaml")
    found = planner.snapshot_of("mercor", grants_of_the_organization(), "")
    terms = Terms(vendor, playbook, Mark(JOURNAL, FIRST), estate=estate, cut_at=CUT)
    plan = planner.plan_containment(found, terms, Scope(), standing(), opinions(build(estate)))
    findings = guards.guard(plan, found, guards.Bounds(estate, playbook.limits))
    return Case(plan, findings, found.counted, tuple(phase.name for phase in playbook.phases))


def grants_of_the_organization() -> Iterator[Grant]:
    """As discovery yields them: the root has room for the first type, and not for the second."""
    realm, member = "o-drill00000", manifest.VENDOR_ACCOUNTS[0]
    base: Json = {"enabled": True, "root": "r-dr11", "marks": []}
    own = ["arn:aws:iam::*:role/vendors/mercor/*", "arn:aws:iam::*:user/vendors/mercor/*"]
    for kind, id_, more in (
        ("organization-principals", realm, {"own": own, "within": sorted(manifest.LAB)}),
        ("organization-resources", realm, {"accounts": sorted(manifest.VENDOR_ACCOUNTS)}),
        ("member", member, {"management": False}),
    ):
        used = 5 if kind == "organization-resources" else 1
        state = State.of({**base, **more, "attached": used})
        where = Address("aws", realm, kind, id_)
        yield Grant(where, state, f"organization {realm}", kind, realm, "the vendor's file")


CASES: Mapping[str, Callable[[], Case]] = {
    "whole": lambda: contained("whole", FIRST, Scope()),
    "chordus": lambda: contained("chordus", FIRST, CHORDUS),
    "second-over-first": lambda: contained("contained", SECOND, Scope(), recorded_holds()),
    "fast-cut": fast_cut,
    "restore": lambda: Case(planner.plan_restore("mercor", FIRST, recorded_holds(), Scope())),
}


def page(case: Case) -> str:
    """The plan as a terminal shows it, whole."""
    phases = case.phases or tuple(phase.name for phase in drilled()[1].phases)
    out = StringIO()
    made = plan_page(case.plan, case.findings, Shown(phases, case.counted, most=10_000))
    Console(file=out, width=WIDTH, color_system=None, emoji=False).print(shown(made), crop=False)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_plan_is_as_it_was_reviewed(name: str) -> None:
    """The document and the page of each plan are what their files hold."""
    case = CASES[name]()
    document = plan_document(case.plan, case.findings, case.counted)
    text = json.dumps(document, indent=1, ensure_ascii=False)
    held_to(GOLDEN / f"{name}.json", f"{text}\n")
    held_to(GOLDEN / f"{name}.txt", page(case))


def test_what_was_read_after_containment_asks_for_no_more_changes() -> None:
    """Law 2 on the recorded estate: the first pause, planned again, plans nothing."""
    again = contained("contained", FIRST, Scope(), recorded_holds()).plan
    assert not again.work


def test_the_first_plan_is_what_the_recording_carried_out() -> None:
    """The holds are on exactly the addresses of the plan, each with the state found before."""
    plan = CASES["whole"]().plan
    held = {hold.address: hold for hold in recorded_holds()}
    assert {change.address for change in plan.work} == set(held)
    toggles = [change for change in plan.changes if not change.marked]
    assert toggles
    assert all(held[change.address].prior == change.before for change in toggles)


def test_a_second_pause_claims_what_the_first_contains() -> None:
    """Over a first pause only what bears the pause's own mark is a change; the rest are claims."""
    plan = CASES["second-over-first"]().plan
    assert plan.claims
    assert all(SECOND in str(change.address) for change in plan.changes)


def test_the_restore_is_the_first_plan_backwards() -> None:
    """Every change of the first plan has its inverse in the restore, and there is no other."""
    there, back = CASES["whole"]().plan, CASES["restore"]().plan
    assert back.direction is Direction.RESTORE
    swapped = {(c.address, c.after, c.before) for c in there.changes}
    assert {(c.address, c.before, c.after) for c in back.changes} == swapped


def test_nothing_of_chance_is_in_the_recording() -> None:
    """No id that AWS drew is left, whole or shortened: each is a number of ours."""
    for path in FOLDER.glob("*.json"):
        text = path.read_text("utf-8")
        drawn = {hit[0] for hit in CHANCE.finditer(text)}
        assert drawn, path.name
        assert all(re.fullmatch(r"([A-Z]{4})?0+[0-9]+", id_) for id_ in drawn), drawn
        assert all(re.fullmatch("[0-9]{4}", end) for end in re.findall("…([A-Za-z0-9]{4})", text))


@pytest.mark.night
def test_the_recording_is_what_the_emulator_says_today(tmp_path: Path) -> None:
    """Seeded and read again, the estate is what the files hold: discovery has not moved on."""
    tests = {**os.environ, "PYTHONPATH": "tests"}
    subprocess.run(
        [sys.executable, "-m", "support.recording", tmp_path], cwd=ROOT, env=tests, check=True
    )
    for path in sorted(FOLDER.glob("*.json")):
        now = (tmp_path / path.name).read_text("utf-8")
        assert now == path.read_text("utf-8"), f"{path.name} is not fresh: `make golden`"
