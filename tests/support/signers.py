"""People with OpenSSH keys, whom a worker's roles let approve, and what they would sign."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.pausing import Line
from temporalio.client import WorkflowHandle

from stopline.approving import Approvers
from stopline.signing import Statement

needs_openssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None and not os.environ.get("CI"),
    reason="OpenSSH is not installed",
)
"""For tests that sign: skipped without OpenSSH; where CI is set, they fail."""


def a_key(folder: Path, person: str) -> Path:
    """A new OpenSSH key of one person, without a passphrase."""
    path = folder / person
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def signers(folder: Path, *people: str) -> Approvers:
    """Roles under which these people approve, with a signature each."""
    lines = []
    for person in people:
        key = a_key(folder, person).with_suffix(".pub").read_text()
        lines.append(f"{person} {key}")
    (folder / "allowed_signers").write_text("".join(lines))
    (folder / "roles.yaml").write_text(f"approvers: [{', '.join(people)}]\n")
    return Approvers(folder)


async def statement(line: Line, handle: WorkflowHandle, by: str, **other: str) -> Statement:
    """What a person would sign to approve what waits now."""
    status = await line.status(handle)
    assert status.pending is not None
    said = Statement(
        line.book.id, status.order.pause, "mercor", "restore",
        status.pending.digest, status.request, status.asked_by, by, "",
    )  # fmt: skip
    return replace(said, **other)
