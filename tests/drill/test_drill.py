"""The drill as a user runs it: a process of its own, one document, and nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stopline.audiences import Audience
from stopline.configuration import load
from stopline.connectors.aws import build
from stopline.drill import configure, estate
from stopline.drill.access import REGION
from stopline.drill.emulator import Emulator
from stopline.drill.run import Drill
from stopline.guards import Bounds, guard
from stopline.model import Scope, Severity, Snapshot
from stopline.planner import Opinions, Standing, plan_containment, snapshot_of
from stopline.playbook import Limits
from stopline.port import Mark, Terms
from stopline.text import Json

ROOT = Path(__file__).parents[2]
PLAYBOOK = ROOT / "config" / "playbooks" / "default.yaml"
PROGRAM = Path(sys.executable).with_name("stopline")
pytestmark = pytest.mark.night


def started_by(marker: str) -> list[int]:
    """Every process that has this text in its environment: children, and theirs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if marker.encode() in environment:
            found.append(int(folder.name))
    return found


def a_drill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one where its temporary files are seen, under a marker that its children inherit."""
    return subprocess.run(
        [PROGRAM, "drill", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "STOPLINE_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.mark.timeout(520)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc on this system")
def test_a_drill_passes_and_leaves_nothing(tmp_path: Path) -> None:
    """One document of the promised shape on stdout; no process and no folder of it remains."""
    ended = a_drill(tmp_path, "--output", "json")
    assert ended.returncode == 0, ended.stderr[-4000:]
    report = json.loads(ended.stdout)
    assert (report["apiVersion"], report["kind"]) == ("stopline/v1", "DrillReport")
    assert (report["verdict"], report["faults"]) == ("pass", [])
    assert set(report["connectors"]) == {"aws", "gcp", "payouts"}
    _judged(report["connectors"]["aws"], targets=30, refused=15, bystanders=20)
    _judged(report["connectors"]["gcp"], targets=26, refused=11, bystanders=13)
    payouts = report["connectors"]["payouts"]
    assert set(payouts) == set(report["connectors"]["aws"])
    assert payouts["targets"] >= payouts["contained"] == payouts["refused"] >= 20 + 11
    assert payouts["bystanders_unharmed"] == payouts["bystanders"] == 60 + 12
    assert payouts["restored_identical"] is True
    assert "the totals balance" in ended.stderr
    assert "escaped" in ended.stderr
    seconds = report["seconds"]
    assert set(seconds) == {"first_cut", "contained", "restored"}
    assert 0 < seconds["first_cut"] <= seconds["contained"]
    assert seconds["restored"] > 0
    assert report["calls"] > report["connectors"]["aws"]["targets"]
    assert all({"what", "until"} <= set(residual) for residual in report["residuals"])
    assert report["residuals"]
    _lived(report["year"])
    assert report["not_emulated"]
    _told(report["notices"])
    assert "[9/9]" in ended.stderr
    assert "users, roles and credentials are gone" in ended.stderr
    assert started_by(str(tmp_path)) == []
    assert list(tmp_path.glob("stopline-drill-*")) == []


def _lived(year: Json) -> None:
    """Every step of the year holds, and what was edited is counted apart."""
    assert [(one["step"], one["ok"]) for one in year["steps"]] == [
        ("edit", True),
        ("overlap", True),
        ("project", True),
        ("re-grant", True),
        ("evidence", True),
    ]
    assert all(one["did"] and one["found"] and one["asserted"] for one in year["steps"])
    _quoted(year["steps"])
    counts = year["compared"]
    assert (counts["edited"], counts["different"]) == (2, 0)
    assert counts["identical"] == counts["objects"] - 2 > 200


def _quoted(steps: list[Json]) -> None:
    """What the README quotes of the report is what it says."""
    told = {one["step"]: one for one in steps}
    quoted = (ROOT / "README.md").read_text("utf-8").partition("  The year in short:\n")[2]
    lines = [line.strip(" -") for line in quoted.partition("```")[0].splitlines() if line.strip()]
    for name, found, asserted in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        one = told[name.partition(":")[0]]
        assert name == f"{one['step']}: {one['did']}"
        assert (found, asserted) == (f"found: {one['found']}", f"holds: {one['asserted']}")


def _told(notices: list[Json]) -> None:
    """Of four pauses: two of access that overlap, one of pay, one that is terminated."""
    heard = [(n["audience"], n["event"], n["subject"]) for n in notices]
    assert [n["event"] for n in notices[:4]] == ["opened"] * 4
    assert {a for a, _, _ in heard} == {*map(str, Audience)}
    assert [(event, subject) for who, event, subject in heard if who == "payees"] == [
        ("contained", "Access of mercor is paused"),
        ("released", "Some access of mercor is given back"),
        ("restored", "Access of mercor is given back"),
        ("contained", "Payments through mercor are held"),
        ("restored", "Payments through mercor are released"),
        ("contained", "Access of mercor is paused"),
    ]
    assert [event for who, event, _ in heard if who == "legal"] == [
        *("opened", "contained") * 2, "contained", "drift", "restored", "restored",
        "opened", "contained", "restored", "opened", "contained", "terminated",
    ]  # fmt: skip


def _judged(one: Json, *, targets: int, refused: int, bystanders: int) -> None:
    assert set(one) == {
        "targets",
        "contained",
        "refused",
        "bystanders",
        "bystanders_unharmed",
        "restored_identical",
    }
    assert one["contained"] == one["targets"] >= targets
    assert one["refused"] >= refused
    assert one["bystanders_unharmed"] == one["bystanders"] >= bystanders
    assert one["restored_identical"] is True


@pytest.mark.timeout(300)
def test_a_refused_pause_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    """A guard that refuses ends the drill with its word, and the estate as it was."""
    text = PLAYBOOK.read_text("utf-8")
    drill = Drill(tmp_path, text.replace("changes: 500", "changes: 5"), 1)
    try:
        drill.start()
        report = drill.run()
    finally:
        drill.stop()
    assert report.verdict == "fail"
    assert "`stopline pause` ended with 1, not 0" in report.faults
    assert any("no pause was opened" in fault for fault in report.faults)
    document = report.document()
    assert document["connectors"]["aws"]["restored_identical"] is True
    assert document["year"]["steps"] == []
    assert document["year"]["compared"]["identical"] == document["year"]["compared"]["objects"]
    assert set(document["seconds"]) == {"first_cut", "contained", "restored"}
    assert "FAULTS" in report.page()


@pytest.mark.timeout(180)
def test_no_size_of_the_estate_is_mostly_the_vendors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No guard speaks of a share from size 1 to 20, with a margin for what the estate still gets.

    Every kind grows by the same step, so its share moves one way only: from size 5, where all are
    under the margin, down to what one step adds. Below that, most kinds are too few to be counted.
    """
    snapshot, spoke = seen(tmp_path, 5, Limits(changes=500, share=0.45, share_from=5), monkeypatch)
    assert spoke == []
    assert sum(counted.number >= 10 for counted in snapshot.counted) >= 6
    few = Limits(changes=500, share=0.1, share_from=5)
    assert "too-large-a-share" in seen(tmp_path, 1, few, monkeypatch)[1]  # the limit is looked at


def seen(
    folder: Path, size: int, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> tuple[Snapshot, list[str]]:
    """What the connector reads in an estate of that size, and which guards speak."""
    configure.write(folder / "config", PLAYBOOK.read_text("utf-8"))
    configuration = load(folder / "config")
    vendor, bounds = configuration.vendor("mercor"), Bounds(configuration.estate(), limits)
    with Emulator(folder) as emulator:
        key, secret = estate.seed(emulator.url, size=size).worker
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        aws = build(configuration.estate())
        snapshot = snapshot_of("mercor", aws.discover(vendor, Scope()), "2026-01-01T00:00:00Z")
    terms = Terms(vendor, configuration.playbook(), Mark("0000abcd", "0000beef"), frozenset())
    opinions = Opinions({"aws": aws.contained}, {"aws": aws.residuals})
    plan = plan_containment(snapshot, terms, Scope(), Standing(), opinions)
    assert plan.gaps == ()
    findings = guard(plan, snapshot, bounds)
    return snapshot, [f.guard for f in findings if f.severity is not Severity.NOTE]
