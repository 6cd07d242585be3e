"""A page: sections of lines and tables, shown on a terminal or written as Markdown. Pure.

Everything is plain ASCII, so that a page survives any terminal, pipe and ticket system.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

INDENT = 2
"""How far the body of a section stands in."""


class Tone(StrEnum):
    """How loud something is. The word is said in the text as well."""

    PLAIN = ""
    STRONG = "bold"
    QUIET = "dim"
    GOOD = "green"
    WARN = "yellow"
    BAD = "bold red"


@dataclass(frozen=True, slots=True)
class Line:
    """One statement: a symbol, a text, and quieter lines under it."""

    text: str
    symbol: str = ""
    tone: Tone = Tone.PLAIN
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with headings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what belongs to it. `tone` is the heading's."""

    title: str
    body: tuple[Line | Table, ...] = ()
    tone: Tone = Tone.STRONG


Page = tuple[Section, ...]


def reworded(page: Iterable[Section], told: Callable[[str], str]) -> Page:
    """Return a page with every text in it put as `told` does; symbols, tones and headings of
    columns stay.
    """
    return tuple(
        Section(told(s.title), tuple(_reworded(part, told) for part in s.body), s.tone)
        for s in page
    )


def _reworded(part: Line | Table, told: Callable[[str], str]) -> Line | Table:
    if isinstance(part, Table):
        return Table(part.columns, tuple(tuple(map(told, row)) for row in part.rows))
    return Line(told(part.text), part.symbol, part.tone, tuple(map(told, part.under)))


def shown(page: Iterable[Section]) -> RenderableType:
    """Return a page for a terminal of any width; long texts are folded, never cut off.

    Lines are folded at blanks: an address or a digest stays whole, so that it can be copied.
    Print with `crop=False`, and the terminal folds what is longer than its width.
    """
    parts: list[RenderableType] = []
    for number, section in enumerate(page):
        if number:
            parts.append(Text())
        if section.title:
            parts.append(Text(section.title, style=str(section.tone)))
        parts.extend(map(_part, section.body))
    return _Trimmed(Group(*parts))


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """What is inside, without the blanks that fill each line up: a page in a pipe is grepped."""

    inside: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in Segment.split_lines(console.render(self.inside, options)):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                last = line.pop()
                line.append(Segment(last.text.rstrip(), last.style, last.control))
            yield from line
            yield Segment.line()


def _part(part: Line | Table) -> RenderableType:
    return Padding.indent(_table(part), INDENT) if isinstance(part, Table) else _Hanging(part)


@dataclass(frozen=True, slots=True)
class _Hanging:
    """A line whose folded rest, and whose quieter lines, stand under its text."""

    line: Line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = self.line
        symbol = f"{line.symbol} " if line.symbol else ""
        width = max(options.max_width - INDENT - len(symbol), 1)
        for number, (row, tone) in enumerate(self._rows(width)):
            first = Text(" " * INDENT, no_wrap=True, overflow="ignore")
            first.append(" " * len(symbol) if number else symbol, style=str(line.tone))
            yield first.append(row, style=str(tone))

    def _rows(self, width: int) -> Iterable[tuple[str, Tone]]:
        told = [(self.line.text, self.line.tone)]
        told += [(text, Tone.QUIET) for text in self.line.under]
        for text, tone in told:
            for paragraph in text.splitlines() or [""]:
                rows = wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)
                yield from ((row, tone) for row in rows or [""])


def _table(table: Table) -> RenderableType:
    rich = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for column in table.columns:
        rich.add_column(Text(column), overflow="fold")
    for row in table.rows:
        rich.add_row(*(Text(cell) for cell in row))
    return rich


def markdown(page: Iterable[Section], level: int = 2) -> str:
    """Return a page as Markdown (CommonMark with tables), for a ticket or a report."""
    lines: list[str] = []
    for section in page:
        if section.title:
            lines += [f"{'#' * level} {section.title}", ""]
        for part in section.body:
            lines += _markdown_table(part) if isinstance(part, Table) else _markdown_line(part)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _markdown_line(line: Line) -> list[str]:
    symbol = f"`{line.symbol}` " if line.symbol else ""
    return [f"- {symbol}{_escaped(line.text)}", *(f"  - `{text}`" for text in line.under)]


def _markdown_table(table: Table) -> list[str]:
    def row(cells: Iterable[str]) -> str:
        return f"| {' | '.join(_escaped(cell).replace('|', chr(92) + '|') for cell in cells)} |"

    return ["", row(table.columns), row("---" for _ in table.columns), *map(row, table.rows), ""]


def _escaped(text: str) -> str:
    """Keep provider text from turning into markup: `*` and `_` abound in ARNs."""
    for character in "\\`*_<>":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
