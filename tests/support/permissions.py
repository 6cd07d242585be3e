"""Write the IAM policies that the AWS connector's declaration makes, or say which are not fresh."""

import sys
from pathlib import Path

from stopline.connectors.aws.policies import policies, text_of

FOLDER = Path("config") / "permissions" / "aws"


def texts() -> dict[str, str]:
    """The text that each file must have, by its name."""
    return {f"{name}.json": text_of(policy) for name, policy in policies().items()}


def stale(folder: Path) -> list[str]:
    """The files that are not what the declaration makes, and those that nothing makes."""
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    wanted = texts()
    return sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))


def write(folder: Path) -> None:
    """Write all of them, and remove what nothing makes any more."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        (folder / name).unlink(missing_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(FOLDER)
    sys.stderr.write(f"{FOLDER}: {', '.join(sorted(texts()))}\n")
