"""The project's own files, as the tests about documents and architecture look at them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("stopline", "workflows", "activities")
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_TARGET = re.compile(r"\]\(([^)\s]+)\)")


def markdown() -> list[Path]:
    """Every Markdown file that a reader is meant to read."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def python(*folders: str) -> list[Path]:
    """Every Python file of these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """A file's path inside the project."""
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """Markdown without code and without the addresses of links."""
    return _TARGET.sub("]", _CODE.sub("", _FENCE.sub("", text)))


def links(text: str) -> list[str]:
    """Where a page's links lead, fenced code left out."""
    return _TARGET.findall(_CODE.sub("", _FENCE.sub("", text)))


def fences(text: str, language: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of one language: what stands behind its name, and the text."""
    for found in _FENCE.finditer(text):
        name, _, rest = found["info"].strip().partition(" ")
        if name == language:
            yield rest, found["body"]


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows; headings and rulers too."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def docstrings(path: Path) -> Iterator[str]:
    """Every docstring of a module, its classes and functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
