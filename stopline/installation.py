"""What is installed here: code that runs whenever Python starts, and files that were altered.

A stolen release token shows itself in two ways that can be seen offline. A line of a `.pth` file
that begins with `import` runs at each start of Python, whether the package is imported or not.
And a file whose hash is not the one in its distribution's RECORD, or that no RECORD names, came
after the installation.
https://docs.python.org/3/library/site.html,
https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import base64
import hashlib
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

ALLOWED: Mapping[str, str] = {
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') =="
    " 'local'; enabled and __import__('_distutils_hack').add_shim();": (
        "setuptools, which `python -m venv` brings before Python 3.12: its distutils for the old"
    ),
}
"""Lines that may run at each start, word for word, and why."""

CUSTOM = ("sitecustomize.py", "usercustomize.py")
"""Modules that Python imports at each start, if they are there."""

CODE = frozenset({".py", ".so", ".pth", ".pyd", ".dylib"})
UNNAMED = ("__pycache__",)
SHOWN = 120
_CHUNK = 1 << 20


def folder() -> Path:
    """Where this environment's packages are."""
    return Path(sysconfig.get_path("purelib"))


def at_start(packages: Path) -> list[str]:
    """What runs at each start of Python and is not in `ALLOWED`; nothing is a pass."""
    found = [f"{name} is imported at each start" for name in CUSTOM if (packages / name).exists()]
    for path in sorted(packages.glob("*.pth")):
        found += [
            f"{path.name} runs at each start: {line.strip()[:SHOWN]}"
            for line in path.read_text("utf-8", errors="replace").splitlines()
            if line.startswith(("import ", "import\t")) and line.strip() not in ALLOWED
        ]
    return found


def altered(packages: Path) -> list[str]:
    """Installed files that are missing, differ from their RECORD, or stand in none."""
    found: list[str] = []
    named: set[Path] = set()
    for distribution in sorted(distributions(path=[str(packages)]), key=lambda d: d.name):
        for file in distribution.files or ():
            path = Path(str(file.locate())).resolve()
            named.add(path)
            found += _differs(distribution, file, path)
    found += [f"{path}: belongs to no distribution" for path in _strangers(packages, named)]
    return found


def _differs(distribution: Distribution, file: PackagePath, path: Path) -> Iterator[str]:
    if file.hash is None:  # RECORD itself, and what Python compiled
        return
    if not path.is_file():
        yield f"{distribution.name}: {file} is missing"
    elif _digest(path, file.hash.mode) != file.hash.value:
        yield f"{distribution.name}: {file} is not what was installed"


def _digest(path: Path, mode: str) -> str:
    """The hash of a file in the form of RECORD: base64 for URLs, without padding."""
    digest = hashlib.new(mode)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def _strangers(packages: Path, named: set[Path]) -> list[Path]:
    return sorted(
        path.relative_to(packages)
        for path in packages.rglob("*")
        if path.suffix in CODE
        and path.is_file()
        and path.resolve() not in named
        and not set(path.parts) & set(UNNAMED)
    )
