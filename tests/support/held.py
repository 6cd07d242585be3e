"""Files that hold what was reviewed: `make golden` rewrites them, a person reads the diff."""

import os
from pathlib import Path


def held_to(file: Path, text: str) -> None:
    """Compare a text with its file, or write it where UPDATE_GOLDEN=1 asks for that."""
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file.name} is not fresh: `make golden`"
