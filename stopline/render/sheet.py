"""The files of a recovery sheet: one to read first, a script for each direction, the data. Pure."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from stopline.commands import Say
from stopline.model import Direction, Plan, State
from stopline.recovery.sheet import FILE, Sheet, sheet_document
from stopline.render.page import Line, Page, Section, Table, Tone, markdown
from stopline.render.plan import SHORT, difference, plan_page, scope_text
from stopline.render.plan import Shown as PlanShown
from stopline.render.script import Words, one_line, script
from stopline.text import sha256

READ_FIRST = "READ-ME-FIRST.md"
SCRIPTS = {Direction.CONTAIN: "contain.sh", Direction.RESTORE: "restore.sh"}
EVERYTHING = 1_000_000
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def files_of(sheet: Sheet, say: Mapping[str, Say], note: str = "") -> dict[str, str]:
    """Return every file of a sheet by its path. `note` is the vendor's, to be read first.

    What a person needs stands before what a program needs, should the writing be cut off.
    """
    words = Words(say, sheet.texts)
    contain, back = sheet.containment(), sheet.way_back()
    head = (
        f"written at {sheet.written_at}, when the pause was {sheet.status}",
        f"asked for by {sheet.requester} at {sheet.opened_at}: {sheet.reason}",
    )
    return {
        SCRIPTS[Direction.CONTAIN]: script(contain, words, head),
        SCRIPTS[Direction.RESTORE]: script(back, words, head),
        READ_FIRST: markdown(_page(sheet, contain, back, note)),
        **{
            f"documents/{_SAFE.sub('_', document)}-{sha256(document)[:8]}.txt": raw
            for document, raw in sheet.originals
            if raw
        },
        FILE: json.dumps(sheet_document(sheet), indent=1, ensure_ascii=False) + "\n",
    }


def folder_of(sheet: Sheet) -> str:
    """The name of a pause's folder."""
    return f"{sheet.vendor}-{sheet.pause}"


def _page(sheet: Sheet, contain: Plan, back: Plan, note: str) -> Page:
    sections = (
        _head(sheet, note),
        _what_to_do(sheet),
        _doubts(sheet),
        _written(sheet),
        *_titled("The plan", contain),
        *_titled("The way back", back),
        _states(sheet),
        _said(sheet),
    )
    return tuple(section for section in sections if section is not None)


def _head(sheet: Sheet, note: str) -> Section:
    lines = [
        Line(f"written at {sheet.written_at}; the pause was {sheet.status}"),
        Line(f"asked for by {one_line(sheet.requester)} at {sheet.opened_at}"),
        Line(f"reason: {one_line(sheet.reason)}"),
        Line(f"scope: {scope_text(sheet.scope)}"),
        Line(f"held at that time: {len(sheet.mine)} addresses"),
        Line(f"journal {sheet.journal}; what stopline adds in a system bears this id"),
    ]
    if note:
        lines.append(Line(f"the vendor's note: {one_line(note)}", "!", Tone.WARN))
    title = f"Recovery sheet: {sheet.vendor}, pause {sheet.pause}"
    return Section(title, tuple(lines))


def _what_to_do(sheet: Sheet) -> Section:
    if sheet.status == "closed":
        return Section("What to do", (Line("Nothing: the pause is closed and holds nothing."),))
    contain, restore = SCRIPTS[Direction.CONTAIN], SCRIPTS[Direction.RESTORE]
    return Section(
        "What to do",
        (
            Line("Is stopline really down? What runs goes on by itself when it is back.",
                 under=("stopline doctor",)),
            Line("To finish the containment by hand: read the script, then run it once with the "
                 "credentials of each account.", under=(f"bash {contain}",)),
            Line("To give back by hand: let a second person agree first, as stopline would; then "
                 "the same with the other script.", under=(f"bash {restore}",)),
            Line("A line of a script can be copied and run alone. Write down what you did."),
            Line("When stopline is back and its workflow is gone: rebuild the pause from the "
                 "journal. What you did by hand is found there and taken as it is.",
                 under=(f"stopline adopt {sheet.pause}",)),
            Line("When the journal is lost too: rebuild both, into an empty journal.",
                 under=("stopline adopt --from THIS_FOLDER",)),
        ),
    )  # fmt: skip


def _doubts(sheet: Sheet) -> Section | None:
    """What this sheet cannot know, said before it is used."""
    lines = []
    if open_ := len(sheet.unanswered()):
        text = (
            f"Of {open_} changes nobody knows here whether they were made: the sheet was written "
            "before them. Both scripts name them; run again, or run back, they do no harm."
        )
        lines.append(Line(text, "!", Tone.WARN))
    shared = {c.address.document for c in sheet.containment().changes if c.address.part}
    if without := len(shared - set(sheet.texts)):
        text = (
            f"Of {without} documents that others edit too no text from before us is recorded here "
            "(not all have one). What is ours is taken out of the text that stands there then; "
            "the rest says the same as before, though it may be set out differently."
        )
        lines.append(Line(text, "!", Tone.WARN))
    return Section("What this sheet cannot know", tuple(lines), Tone.WARN) if lines else None


def _written(sheet: Sheet) -> Section | None:
    if not sheet.receipts:
        return None
    numbers = Counter((r["direction"], r["outcome"], r["cause"]) for r in sheet.receipts)
    rows = tuple((*key, str(number)) for key, number in sorted(numbers.items()))
    bad = [
        Line(f"{r['address']}: {r['outcome']} {one_line(r['detail'])}", "!", Tone.WARN)
        for r in sheet.receipts
        if r["outcome"] not in ("applied", "already")
    ]
    table = Table(("direction", "outcome", "cause", "number"), rows)
    return Section("What was written, by its receipts", (table, *bad))


def _titled(title: str, plan: Plan) -> Iterator[Section]:
    for section in plan_page(plan, (), PlanShown(most=EVERYTHING)):
        yield Section(f"{title}: {section.title}", section.body, section.tone)


def _states(sheet: Sheet) -> Section | None:
    if not sheet.mine:
        return None
    lines = [
        Line(
            f"{hold.address}" + ("" if hold.written else " (no receipt shows that we wrote it)"),
            "=",
            under=_columns(hold.prior, hold.ours),
        )
        for hold in sheet.mine
    ]
    return Section("What is held: what was there before, and what we left", tuple(lines))


def _columns(prior: State | None, ours: State | None) -> tuple[str, ...]:
    if short := difference(prior, ours):
        return (one_line(short),)
    bodies = [one_line(s.body) if s is not None else "(absent)" for s in (prior, ours)]
    return (f"before: {bodies[0]}", f"ours: {bodies[1]}")


def _said(sheet: Sheet) -> Section:
    rows = tuple(
        (at, kind, by, one_line(reason), digest[:SHORT])
        for at, kind, by, reason, digest in sheet.said
    )
    return Section("Who said what", (Table(("at", "what", "by", "reason", "plan"), rows),))
