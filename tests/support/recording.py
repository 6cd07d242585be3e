"""`make golden`, first part: read the drill's estate from the emulator, and keep what was read.

The emulator is asked to draw the same ids each time; what is left of chance in them, and the
journal's id, is replaced by numbers. So the files change when the drill's estate changes or when
discovery reads otherwise, and the diff is the review. test_plans.py plans from them, purely.
"""

import json
import os
import re
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from support.journals import a_book

from stopline import planner
from stopline.connectors.aws import AwsConnector, build
from stopline.drill import configure, estate
from stopline.drill.access import REGION
from stopline.drill.emulator import Emulator
from stopline.engine import Errand, apply
from stopline.estate import Estate, parse_estate
from stopline.model import Direction, Scope, Snapshot
from stopline.playbook import Playbook, parse_playbook
from stopline.port import Mark, Terms
from stopline.receipts import Hold, Outcome
from stopline.text import Json, canonical, jsonable, load
from stopline.vendors import Vendor, parse_vendor

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden" / "plans" / "recorded"
JOURNAL, FIRST, SECOND = "0000d211", "00000001", "00000002"
CHORDUS = Scope(project="chordus")
SEED = 2026
CHANCE = re.compile(
    r"\b(AKIA|ASIA|AIDA|AROA|APKA|ANPA)[A-Z0-9]{12,}\b"
    r"|\b(svc-)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{3}\b"
    r"|\b()[a-z0-9]{32}\b"
)
"""Ids that AWS draws: of keys, users, roles, policies, certificates, services of VPC Lattice."""
TAKEN = re.compile(r"\b20[0-9]{2}-[0-9-]{5} [0-9:.]{8,15}\+00:00")
"""When a snapshot was taken, which tells it from another one of its name."""


CUT = "2026-01-01T00:00:00Z"
"""When the recorded pause began."""


def drilled() -> tuple[Vendor, Playbook, Estate]:
    """The drill's vendor and estate, and the playbook that is shipped."""
    playbook = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    return (
        parse_vendor(yaml.safe_dump(configure.MERCOR), "mercor.yaml"),
        parse_playbook(playbook, "default.yaml"),
        parse_estate(yaml.safe_dump(configure.ESTATE), "estate.yaml"),
    )


def standing(holds: Iterable[Hold] = ()) -> planner.Standing:
    """What the journal says while planning: these holds, and what the estate protects."""
    p = drilled()[2].protected
    protected = (*p.orchestrator, *p.break_glass, *p.log_delivery, *p.journal)
    return planner.Standing(tuple(holds), protected=protected)


def opinions(connector: AwsConnector) -> planner.Opinions:
    """The AWS connector's opinions; they ask AWS nothing."""
    return planner.Opinions(
        {connector.name: connector.contained}, {connector.name: connector.residuals}
    )


# --- recording -----------------------------------------------------------------------------------


def record() -> Mapping[str, Json]:
    """Seed an emulator, read it, contain the vendor, and read it again."""
    with tempfile.TemporaryDirectory() as scratch, Emulator(Path(scratch)) as emulator:
        _say_the_same(emulator)
        key, secret = estate.seed(emulator.url).worker
        nowhere = str(Path(scratch) / "none")
        os.environ.update(
            AWS_ENDPOINT_URL=emulator.url,
            AWS_ACCESS_KEY_ID=key,
            AWS_SECRET_ACCESS_KEY=secret,
            AWS_DEFAULT_REGION=REGION,
            AWS_CONFIG_FILE=nowhere,
            AWS_SHARED_CREDENTIALS_FILE=nowhere,
        )
        connector = build(drilled()[2])
        before, chordus = _read(connector, Scope()), _read(connector, CHORDUS)
        journal, holds = _contain(connector, before)
        after = _read(connector, Scope())
    found = {"whole": before, "chordus": chordus, "contained": after}
    return _masked({**{n: jsonable(s) for n, s in found.items()}, "holds": holds}, journal)


def _say_the_same(emulator: Emulator) -> None:
    """Moto draws all its ids from one generator, which its own API sets to a beginning."""
    address = f"{emulator.url}/moto-api/seed?a={SEED}"
    with urllib.request.urlopen(urllib.request.Request(address, method="POST"), timeout=10):  # noqa: S310 - loopback
        return


def _read(connector: AwsConnector, scope: Scope) -> Snapshot:
    vendor = drilled()[0]
    return planner.snapshot_of(vendor.vendor, connector.discover(vendor, scope), "")


def _contain(connector: AwsConnector, snapshot: Snapshot) -> tuple[str, Json]:
    """Carry the plan out; what the journal then holds."""
    vendor, playbook, lab = drilled()
    book = a_book("sqlite://")
    terms = Terms(vendor, playbook, Mark(book.id, FIRST), estate=lab, cut_at=CUT)
    plan = planner.plan_containment(snapshot, terms, Scope(), standing(), opinions(connector))
    errand = Errand(FIRST, Direction.CONTAIN, "recording", "recording")
    receipts = [
        receipt
        for document in apply(connector, book.writes, errand, plan.work)
        for receipt in document
    ]
    if wrong := [r for r in receipts if r.outcome is not Outcome.APPLIED]:
        raise SystemExit(f"The recording did not contain {wrong[0].change.address}: {wrong[0]}")
    return book.id, [jsonable(hold) for hold in book.writes.holds()]


def _masked(found: Mapping[str, Json], journal: str) -> Mapping[str, Json]:
    text = canonical(found).replace(journal, JOURNAL)
    numbers: dict[str, str] = {}

    def number(hit: re.Match[str]) -> str:
        prefix = hit[1] or hit[2] or ""
        made = f"{prefix}{len(numbers) + 1:0{len(hit[0]) - len(prefix)}}"
        return numbers.setdefault(hit[0], made)

    times: dict[str, str] = {}
    text = TAKEN.sub(
        lambda hit: times.setdefault(hit[0], f"2026-01-01 00:00:{len(times) + 1:02}+00:00"), text
    )
    text = CHANCE.sub(number, text)
    for drawn, made in numbers.items():  # as an opinion's words shorten them
        text = text.replace(f"{drawn[:4]}…{drawn[-4:]}", f"{made[:4]}…{made[-4:]}")
    masked: Mapping[str, Json] = json.loads(text)
    return masked


# --- reading back --------------------------------------------------------------------------------


def recorded(name: str) -> Snapshot:
    """A recorded snapshot, sorted anew, since its ids were replaced."""
    kept = load(Snapshot, (FOLDER / f"{name}.json").read_text("utf-8"))
    found = (*kept.grants, *kept.gaps, *kept.quotas, *kept.seen, *kept.counted)
    return planner.snapshot_of(kept.vendor, found, "")


def recorded_holds() -> tuple[Hold, ...]:
    """The holds of the first pause."""
    kept = json.loads((FOLDER / "holds.json").read_text("utf-8"))
    return tuple(load(Hold, canonical(hold)) for hold in kept)


def write(folder: Path) -> None:
    """Record, and write a file for each thing that was read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in record().items():
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
