"""Check that the lock files are what pyproject.toml asks for, and how they were resolved.

What is locked stays as long as it fits, and a release only grows older: a lock that was fresh
yesterday is fresh today, whatever was released meanwhile.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKS = {
    "requirements.lock": ("--extra", "embedded", "--extra", "postgresql", "--extra", "stripe"),
    "requirements-dev.lock": (
        *("--extra", "drill", "--extra", "postgresql", "--group", "dev"),
        *("-c", "requirements.lock"),
    ),
}
COMPILE = ("pip", "compile", "--quiet", "pyproject.toml")
"""How is in [tool.uv] of pyproject.toml."""

LONG_AGO = "2020-01-01"
WHEELS_ONLY = "--only-binary :all:"
"""pip and uv read this line of a lock: no source distribution is built while installing."""


def faults(uv: str, folder: Path) -> list[str]:
    """Say what is wrong with the locks of a checkout; nothing is a pass."""
    found = blind(uv, folder)
    for name, options in LOCKS.items():
        text = (folder / name).read_text()
        if re.search(r"[a-z]+://", text):
            found.append(f"{name} names an address; make it with `make lock`.")
        if WHEELS_ONLY not in text.splitlines():
            found.append(f"{name} lets source distributions in; make it with `make lock`.")
        with tempfile.TemporaryDirectory() as scratch:
            fresh = Path(scratch) / name
            shutil.copy(folder / name, fresh)  # what is locked stays, unless it no longer fits
            done = subprocess.run(
                [uv, *COMPILE, *options, "-o", str(fresh)],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                found.append(f"{name} could not be resolved:\n{done.stderr.strip()}")
            elif _pins(fresh.read_text()) != _pins(text):
                found.append(f"{name} is not what pyproject.toml asks for; run `make lock`.")
    return found


def blind(uv: str, folder: Path) -> list[str]:
    """Say so where the cooldown sees nothing: before LONG_AGO there is nothing that we could use.

    A registry that does not tell when a file was uploaded must not make the cooldown pass by.
    """
    done = subprocess.run(
        [uv, *COMPILE, "--exclude-newer", LONG_AGO, "-o", "-"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "exclude-newer" in done.stderr:
        return []
    return [f"The cooldown keeps nothing out: what is newer than {LONG_AGO} was resolved."]


def _pins(text: str) -> list[str]:
    """The pins and hashes, without comments (they name the scratch file)."""
    return [line for line in text.splitlines() if line.strip() and "#" not in line]


if __name__ == "__main__":
    wrong = faults(sys.argv[1], Path.cwd())
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
