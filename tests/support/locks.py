"""Check that the lock files are what pyproject.toml asks for, and that they name no address."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKS = {
    "requirements.lock": ("--extra", "embedded", "--extra", "postgresql"),
    "requirements-dev.lock": (
        *("--extra", "drill", "--extra", "postgresql", "--group", "dev"),
        *("-c", "requirements.lock"),
    ),
}
COMPILE = ("pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
           "--generate-hashes", "--no-header", "--no-emit-index-url", "pyproject.toml")  # fmt: skip


def faults(uv: str, folder: Path) -> list[str]:
    """Say what is wrong with the locks of a checkout; nothing is a pass."""
    found = []
    for name, options in LOCKS.items():
        text = (folder / name).read_text()
        if re.search(r"[a-z]+://", text):
            found.append(f"{name} names an address; make it with `make lock`.")
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


def _pins(text: str) -> list[str]:
    """The pins and hashes, without comments (they name the scratch file)."""
    return [line for line in text.splitlines() if line.strip() and "#" not in line]


if __name__ == "__main__":
    wrong = faults(sys.argv[1], Path.cwd())
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
