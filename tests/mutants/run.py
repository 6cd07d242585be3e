"""`make mutants`: plant each bug of bugs.toml in a copy of the source; the laws must catch it.

A bug that no law catches is a hole in the laws: it fails the run, and is named. So does one whose
text is not found exactly once, or that breaks more than a law, so that the list cannot rot.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUGS = Path(__file__).with_name("bugs.toml")
COPIED = ("stopline", "tests/laws", "tests/support", "pyproject.toml")
"""All that the laws need of a checkout."""
FAILED = 1
"""How pytest ends when a test failed, and nothing else went wrong."""
SECONDS = 600


class Fate(StrEnum):
    """What became of a planted bug."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    """Every named law passed: the laws have a hole."""
    STALE = "STALE"
    """Its text is not found exactly once: the source has moved on."""
    BROKEN = "BROKEN"
    """The laws could not be run over it at all."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One text to be put in another's place in one file."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug to plant, and the laws (words in their tests' names) of which each must catch it."""

    name: str
    edits: tuple[Edit, ...]
    laws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bug, in how many seconds, and what pytest said."""

    bug: Bug
    fate: Fate
    seconds: float
    said: str = ""


def read(file: Path = BUGS) -> tuple[Bug, ...]:
    """The bugs of a file; `also` holds further edits of the same bug."""
    return tuple(
        Bug(
            bug["name"],
            tuple(
                Edit(edit.get("file", bug["file"]), edit["old"], edit["new"])
                for edit in (bug, *bug.get("also", ()))
            ),
            tuple(bug["laws"]),
        )
        for bug in tomllib.loads(file.read_text("utf-8"))["bug"]
    )


def stale(bug: Bug, root: Path = ROOT) -> str:
    """Say which text of a bug is not found exactly once; nothing is well."""
    for edit in bug.edits:
        number = (root / edit.file).read_text("utf-8").count(edit.old)
        if number != 1:
            return f"{number} times in {edit.file}: {edit.old!r}"
    return ""


def _copy(root: Path, folder: Path) -> None:
    leave = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in COPIED:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_dir():
            shutil.copytree(root / name, target, ignore=leave)
        elif (root / name).exists():
            shutil.copy(root / name, target)


def laws(folder: Path, words: str) -> tuple[int, str]:
    """Run the laws that match, over a copy of the source; pytest's exit code, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/laws", "-x", "-q", "-p", "no:cacheprovider",
         "--hypothesis-profile=planted", "-k", words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "NIGHT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def plant(bug: Bug, root: Path = ROOT) -> Verdict:
    """Plant a bug in a copy, and run each of its laws until one lets it pass."""
    began = time.monotonic()
    if fault := stale(bug, root):
        return Verdict(bug, Fate.STALE, 0.0, fault)
    with tempfile.TemporaryDirectory(prefix="stopline-bug-") as scratch:
        folder = Path(scratch)
        _copy(root, folder)
        for edit in bug.edits:
            path = folder / edit.file
            path.write_text(path.read_text("utf-8").replace(edit.old, edit.new), "utf-8")
        fate, said = Fate.CAUGHT, ""
        for law in bug.laws:
            code, said = laws(folder, law)
            if code != FAILED:
                fate = Fate.BROKEN if code else Fate.SURVIVED
                said = f"{law}: {said[-1500:]}"
                break
    return Verdict(bug, fate, time.monotonic() - began, said)


def sound(root: Path = ROOT) -> str:
    """Run all laws over a copy without a bug; what they say if they do not pass."""
    with tempfile.TemporaryDirectory(prefix="stopline-bug-") as scratch:
        _copy(root, Path(scratch))
        code, said = laws(Path(scratch), "test")
    return said if code else ""


def run(bugs: Sequence[Bug], jobs: int, root: Path = ROOT) -> Iterator[Verdict]:
    """Plant bugs, some at a time; verdicts come as they are found."""
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(plant, bug, root) for bug in bugs]):
            yield done.result()


def report(verdicts: Sequence[Verdict]) -> str:
    """A table of all bugs in the order of the list, and what the bad ones said."""
    wide = max(len(v.bug.name) for v in verdicts)
    lines = [
        f"{v.fate:<9} {v.bug.name:<{wide}}  {' '.join(v.bug.laws)}  {v.seconds:.0f} s"
        for v in verdicts
    ]
    bad = [v for v in verdicts if v.fate is not Fate.CAUGHT]
    lines += [f"\n{v.fate}: {v.bug.name}\n{v.said}" for v in bad]
    caught = len(verdicts) - len(bad)
    lines.append(f"\n{caught} of {len(verdicts)} planted bugs were caught by every law named.")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Run the list, or the part of it that is asked for; 0 when all of it is caught."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", default="", help="bugs or laws whose name holds this text")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    asked = parser.parse_args(words)
    bugs = [b for b in read() if asked.only in b.name or asked.only in b.laws]
    if not bugs:
        sys.stderr.write(f"No planted bug and no law is named {asked.only!r}; nothing was run.\n")
        return 2
    if fault := sound():
        sys.stderr.write(f"The laws do not pass without a bug, so nothing was planted.\n{fault}")
        return 1
    verdicts: dict[str, Verdict] = {}
    for verdict in run(bugs, asked.jobs):
        verdicts[verdict.bug.name] = verdict
        sys.stderr.write(f"[{len(verdicts)}/{len(bugs)}] {verdict.fate} {verdict.bug.name}\n")
    ordered = [verdicts[bug.name] for bug in bugs]
    sys.stdout.write(report(ordered))
    return int(any(v.fate is not Fate.CAUGHT for v in ordered))


if __name__ == "__main__":
    sys.exit(main())
