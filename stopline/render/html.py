"""A page as HTML for a browser and a printer, and a timeline as a picture. Pure; no scripts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from stopline.render.page import Line, Section, Table, Tone

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1c2128}
body{margin:2rem auto;max-width:60rem;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #d0d7de}
table{border-collapse:collapse;width:100%;font-size:13px}
td,th{border-bottom:1px solid #d8dee4;padding:.25rem .5rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}li{margin:.2rem 0}ul{list-style:none;padding-left:0}
code{font-size:12px;color:#57606a;overflow-wrap:anywhere}
.good{color:#116329}.warn{color:#7d4e00}.bad{color:#a40e26;font-weight:600}.quiet{color:#57606a}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,li{break-inside:avoid}}
"""
_CLASSES = {Tone.GOOD: "good", Tone.WARN: "warn", Tone.BAD: "bad", Tone.QUIET: "quiet"}
WIDTH, MARGIN, ROW = 900, 150, 22


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment on the timeline: seconds since the first, and in which row it stands."""

    row: str
    at: float
    text: str
    tone: Tone = Tone.PLAIN


def html(title: str, page: Iterable[Section], marks: Sequence[Mark] = (), since: str = "0") -> str:
    """Return one self-contained document: sections in order, the timeline under the title.

    `since` is when the first mark was, as the timeline's left end says it.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
    ]
    if marks:
        parts.append(timeline(marks, since))
    for section in page:
        parts.append(f"<h2{_class(section.tone)}>{escape(section.title)}</h2>")
        parts += _body(section.body)
    return "\n".join([*parts, "</body></html>", ""])


def _class(tone: Tone) -> str:
    return f' class="{_CLASSES[tone]}"' if tone in _CLASSES else ""


def _body(body: Iterable[Line | Table]) -> Iterable[str]:
    listed: list[str] = []
    for part in body:
        if isinstance(part, Line):
            under = "".join(f"<br><code>{escape(text)}</code>" for text in part.under)
            symbol = f"{escape(part.symbol)} " if part.symbol else ""
            listed.append(f"<li{_class(part.tone)}>{symbol}{escape(part.text)}{under}</li>")
            continue
        if listed:
            yield f"<ul>{''.join(listed)}</ul>"
            listed = []
        yield _table(part)
    if listed:
        yield f"<ul>{''.join(listed)}</ul>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def timeline(marks: Sequence[Mark], since: str) -> str:
    """A picture (SVG): a row for each kind of event, and a mark that says its text for each."""
    rows = list(dict.fromkeys(mark.row for mark in marks))
    span = max((mark.at for mark in marks), default=0.0) or 1.0
    height = ROW * len(rows) + 34
    colours = {Tone.GOOD: "#1a7f37", Tone.WARN: "#bf8700", Tone.BAD: "#cf222e"}
    parts = [f'<svg role="img" aria-label="timeline" viewBox="0 0 {WIDTH} {height}">']
    for number, row in enumerate(rows):
        y = ROW * number + 16
        parts.append(f'<text x="0" y="{y + 4}">{escape(row)}</text>')
        parts.append(f'<line x1="{MARGIN}" y1="{y}" x2="{WIDTH - 10}" y2="{y}" stroke="#d8dee4"/>')
    for mark in marks:
        x = MARGIN + (WIDTH - MARGIN - 20) * mark.at / span
        y = ROW * rows.index(mark.row) + 16
        colour = colours.get(mark.tone, "#0969da")
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}">'
            f"<title>{escape(mark.text)}</title></circle>"
        )
    end = ROW * len(rows) + 24
    parts.append(f'<text x="{MARGIN}" y="{end}">{escape(since)}</text>')
    parts.append(f'<text x="{WIDTH - 10}" y="{end}" text-anchor="end">{_length(span)}</text></svg>')
    return "".join(parts)


def _length(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"
