"""What people are shown, held to files: UPDATE_GOLDEN=1 rewrites them, a person reads the diff."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text
from support.held import held_to
from support.render import (
    ASSESSED,
    CHECKS,
    CONTAIN,
    COUNTED,
    FINDINGS,
    MERCOR,
    PARTIAL,
    RESTORE,
    WAITING,
)

from stopline.model import Plan, Scope
from stopline.render.assessment import assessment_page
from stopline.render.page import Page, markdown, shown
from stopline.render.place import diagnosis_page, faults_page, vendor_page, vendors_page
from stopline.render.plan import Shown, plan_page, stale_page
from stopline.render.standing import pauses_page, result_page, standing_page

GOLDEN = Path(__file__).parents[1] / "golden" / "render"
BLIND = ("aws: VPC peering", "gcp: what nobody can list")
HOW = Shown(("fast-cut", "credentials", "storage"), COUNTED, blind=BLIND)

PAGES: dict[str, Callable[[], Page]] = {
    "plan-contain": lambda: plan_page(CONTAIN, FINDINGS, HOW),
    "plan-restore": lambda: plan_page(RESTORE),
    "plan-nothing": lambda: plan_page(Plan("mercor", CONTAIN.direction, Scope("chordus"), ())),
    "plan-long": lambda: plan_page(CONTAIN, (), replace(HOW, most=1)),
    "plan-stale": lambda: stale_page(RESTORE, replace(RESTORE, changes=RESTORE.changes[1:])),
    "assessment": lambda: assessment_page(ASSESSED, HOW),
    "pause-partial": lambda: standing_page(PARTIAL),
    "pause-waiting": lambda: result_page(WAITING),
    "pauses": lambda: pauses_page((PARTIAL, WAITING)),
    "pauses-none": lambda: pauses_page(()),
    "vendor": lambda: vendor_page(MERCOR, (PARTIAL,)),
    "vendors": lambda: vendors_page((MERCOR,), ("mercor",)),
    "doctor": lambda: diagnosis_page(CHECKS),
    "faults": lambda: faults_page(("config/vendors/mercor.yaml:4: unknown key 'path'",), "config"),
}


def text_of(page: Page, width: int) -> str:
    """The page as a terminal of that width shows it, without colour."""
    out = StringIO()
    console = Console(file=out, width=width, color_system=None, emoji=False)
    console.print(shown(page), crop=False)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_looks_as_it_was_reviewed(name: str, width: int) -> None:
    """Every page is laid out as in its golden file, at 80 and at 120 columns."""
    held_to(GOLDEN / f"{name}-{width}.txt", text_of(PAGES[name](), width))


@pytest.mark.parametrize("name", ["plan-contain", "pause-partial"])
def test_a_page_can_be_pasted_into_a_ticket(name: str) -> None:
    """Markdown says the same as the terminal, and provider text does not turn into markup."""
    held_to(GOLDEN / f"{name}.md", markdown(PAGES[name]()))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_line_is_wider_than_the_terminal(name: str) -> None:
    """Texts are folded at 60 columns; only what has no blank runs over, whole, to be copied."""
    wide = [line for line in text_of(PAGES[name](), 60).splitlines() if len(line) > 60]
    assert [line for line in wide if len(line.lstrip("+-~o!*=? ").split()) > 1] == []


def test_an_address_can_be_copied_from_a_narrow_terminal() -> None:
    """An address stands on one line, unbroken: it is given to --address as it is shown."""
    rows = [line.strip() for line in text_of(PAGES["plan-contain"](), 40).splitlines()]
    assert [c.address for c in CONTAIN.changes if str(c.address) not in rows] == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_folding_never_loses_a_character(name: str) -> None:
    """What stands in a narrow terminal is what stands in a wide one, but for the spaces."""

    def letters(width: int) -> str:
        # table rules are drawn as wide as the table is
        return "".join(sorted(text_of(PAGES[name](), width).replace("─", "").split()))

    wide, narrow = letters(1000), letters(50)
    assert sorted(wide) == sorted(narrow)


@pytest.mark.parametrize("name", ["plan-contain", "plan-restore", "pause-partial", "doctor"])
def test_colour_says_nothing_that_the_text_does_not(name: str) -> None:
    """With colours or without, the words and symbols are the same."""
    out = StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system="standard")
    console.print(shown(PAGES[name]()), crop=False)
    plain = Text.from_ansi(out.getvalue()).plain
    assert [line.rstrip() for line in plain.splitlines()] == text_of(
        PAGES[name](), 100
    ).splitlines()
