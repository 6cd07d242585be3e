"""Check what the project is made of: what runs at each start, how many dependencies, addresses."""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from stopline import installation

REGISTRIES = re.compile(
    r"--(extra-)?index-url[ =]+\S|--find-links[ =]+\S|\b(default-)?index(-url)?s? *= *\S*[:/]{2}"
    r"|\bhttps?://((files|registry|proxy|deb|index)\.|[^/\s]+/(simple|project|packages|pypi)/)"
)
"""What leads an installer to a place of its own: options, settings, addresses of their shape."""

RECORDERS = ("uv.lock", "pylock.toml", "pip.conf", "uv.toml", ".npmrc", "package-lock.json")
"""Files that record the address of a registry by design; none of them is ours."""

_PIN = re.compile(r"^[A-Za-z0-9._-]+==", re.MULTILINE)


def over_budget(budget: Mapping[str, int], folder: Path) -> list[str]:
    """The locks that name more distributions than `[tool.stopline.budget]` gives them."""
    numbers = {name: len(_PIN.findall((folder / name).read_text("utf-8"))) for name in budget}
    return [
        f"{name} names {numbers[name]} distributions, and its budget is {most}: take one out, or "
        "raise the budget in pyproject.toml and say why."
        for name, most in budget.items()
        if numbers[name] > most
    ]


def addresses(files: Iterable[Path]) -> list[str]:
    """Every file, or line of a file, that names a registry's address."""
    found = []
    for path in files:
        if path.name in RECORDERS:
            found.append(f"{path}: records where it was resolved from")
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{number}: {hit[0]}"
            for number, line in enumerate(text.splitlines(), 1)
            if (hit := REGISTRIES.search(line))
        ]
    return found


def budget_of(folder: Path) -> dict[str, int]:
    """The budget that pyproject.toml gives each lock."""
    tools = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]
    return dict(tools["stopline"]["budget"])


if __name__ == "__main__":
    here = Path.cwd()
    wrong = [*installation.at_start(installation.folder()), *over_budget(budget_of(here), here)]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
