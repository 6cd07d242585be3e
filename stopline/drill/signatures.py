"""Who approves in a drill: people with OpenSSH keys of their own, where OpenSSH is installed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from stopline.configuration import ROLES
from stopline.drill.configure import text_of

ALLOWED = "allowed_signers"


@dataclass(frozen=True, slots=True)
class Signers:
    """Keys in one folder; the worker's folder of configuration has their public halves."""

    keys: Path
    config: Path

    @property
    def sign(self) -> bool:
        """Whether they can."""
        return which("ssh-keygen") is not None

    @property
    def allowed(self) -> Path:
        """OpenSSH's allowed signers file."""
        return self.config / ALLOWED

    def make(self, *people: str) -> None:
        """Make a key for each, and roles under which a signature is verified where there is one."""
        if not self.sign:
            return
        lines = []
        for person in people:
            words = ("-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(self._key(person)))
            subprocess.run(["ssh-keygen", *words], check=True, stdin=subprocess.DEVNULL)  # noqa: S603, S607 - OpenSSH's own command, as found on PATH
            public = self._key(person).with_name(f"{self._key(person).name}.pub")
            lines.append(f"{person} {public.read_text('utf-8')}")
        self.allowed.write_text("".join(lines), "utf-8")
        roles = {"signatures": "optional", "allowed_signers": ALLOWED}
        (self.config / ROLES).write_text(text_of(roles), "utf-8")

    def words(self, person: str) -> tuple[str, ...]:
        """What makes `stopline approve` sign as this person."""
        return ("--sign", str(self._key(person))) if self.sign else ()

    def _key(self, person: str) -> Path:
        return self.keys / f"{person.partition('@')[0]}.key"
