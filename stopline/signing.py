"""Approvals as signatures: OpenSSH signs a statement with the key that a person has already.

A signature is over `statement`, which names the pause, the plan's digest and the request, so that
a yes is good for one request alone. The worker verifies it against an allowed signers file; who
has only the database or Temporal cannot make one. https://man.openbsd.org/ssh-keygen#Y
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stopline.errors import RefusedError, SetupError, UserError
from stopline.text import Json

NAMESPACE = "stopline-approval"
UNSIGNED = "unsigned"
BREAK_GLASS = "break_glass"
BEGIN = "-----BEGIN SSH SIGNATURE-----"
PATIENCE_SECONDS = 120
"""A person may have to touch a security key, or type a passphrase."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says yes to. `asked_by` is who asked, `request` tells two askings apart.

    `break_glass` is a yes that one person gives alone. It has a line of its own, and only then: so
    neither passes for the other, and what was signed before there was one is verified as ever.
    """

    journal: str
    pause: str
    vendor: str
    direction: str
    digest: str
    request: str
    asked_by: str
    by: str
    reason: str
    break_glass: bool = False

    @property
    def kept(self) -> dict[str, Json]:
        """The fields as the journal has them, from which `Statement(**kept)` is made again."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told if self.break_glass else {n: v for n, v in told.items() if n != BREAK_GLASS}

    @property
    def text(self) -> str:
        """One line for each field, in a fixed order; what is signed, byte for byte."""
        told = self.kept | ({BREAK_GLASS: "yes"} if self.break_glass else {})
        lines = [
            f"{name.replace('_', ' ')}: {' '.join(str(value).split())}"
            for name, value in told.items()
        ]
        return "\n".join(["stopline approval, version 1", *lines, ""])


def sign(statement: Statement, key: Path) -> str:
    """Sign with a private key, or with the agent's where `key` is a public one.

    Raises UserError when the key cannot be used, SetupError without OpenSSH.
    """
    if not key.expanduser().is_file():
        raise UserError(
            f"There is no key at {key}. Nothing was signed, nothing approved.",
            "Name your OpenSSH key with --sign, or with STOPLINE_SIGNING_KEY.",
        )
    words = ("-Y", "sign", "-n", NAMESPACE, "-f", str(key.expanduser()))
    done = _keygen(words, statement.text)
    if done.returncode != 0 or BEGIN not in done.stdout:
        raise UserError(
            f"ssh-keygen did not sign with {key}: {_said(done)} Nothing was approved.",
            "Is it your private key (or its public half, with an agent that has it)?",
        )
    return done.stdout


def verify(statement: Statement, signature: str, signers: Path) -> None:
    """Return when `statement.by` signed it by a key of that file. Raises RefusedError when not."""
    if not signers.is_file():
        raise RefusedError(
            f"The worker has no allowed signers at {signers}. Nothing was approved.",
            "Put the approvers' public keys there: NAME KEYTYPE KEY, a line each.",
        )
    with tempfile.TemporaryDirectory(prefix="stopline-") as folder:
        file = Path(folder) / "approval.sig"
        file.write_text(signature, encoding="utf-8")
        words = ("-Y", "verify", "-n", NAMESPACE, "-f", str(signers))
        done = _keygen((*words, "-I", statement.by, "-s", str(file)), statement.text)
    if done.returncode != 0:
        raise RefusedError(
            f"The signature is not {statement.by}'s over this approval: {_said(done)} "
            "Nothing was approved.",
            f"Sign with a key that the worker's {signers.name} has under that name.",
        )


def can_verify() -> bool:
    """Whether OpenSSH is here."""
    return shutil.which("ssh-keygen") is not None


def names_of(signers: str) -> frozenset[str]:
    """The names, and patterns of names, of an allowed signers file.

    https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS
    """
    lines = (line.split() for line in signers.splitlines() if not line.lstrip().startswith("#"))
    return frozenset(name for words in lines if words for name in words[0].split(",") if name)


def _keygen(words: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise SetupError(
            "OpenSSH's ssh-keygen is not installed, so nothing can be signed or verified.",
            "Install the OpenSSH client (Debian: openssh-client).",
        )
    try:
        return subprocess.run(  # noqa: S603 - OpenSSH's own command, no shell
            [program, *words],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedError("ssh-keygen did not answer in time. Nothing was approved.") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = [text.strip() for text in (done.stdout + done.stderr).splitlines() if text.strip()]
    return (lines[-1] if lines else f"exit code {done.returncode}").rstrip(".") + "."
