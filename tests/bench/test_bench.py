"""The bench measures what it says, and what it prints can be read by a program."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.temporal import temporal_server

from bench.__main__ import pair
from bench.bare import Bare
from bench.endpoint import Endpoint, Size
from bench.product import Measured, Phase
from bench.report import BEGIN, END, Pair, Report
from stopline.entrypoints.embedded import Server
from stopline.model import Scope
from stopline.vendors import Vendor

__all__ = ["temporal_server"]

MEASURED = Measured(1000, Phase(6.0, 2000), Phase(5.5, 2000), 0.4, 9.0, 3020, 280, 90, 120.5)
PAIR = Pair(MEASURED, Bare(5.0, 5.0), 4)
REPORT = Report(PAIR, PAIR, replace(PAIR, lanes=16), 3, 0.01, "2026-11-24", "2 cores, Python 3.11")


def test_an_estate_takes_as_many_changes_as_it_says() -> None:
    """Deny, attachments and switches of each realm come to the number that is asked for."""
    endpoint = Endpoint(Size(60, 3, latency=0.0))
    found = list(endpoint.discover(Vendor(vendor="mercor"), Scope()))
    grants = [f for f in found if type(f).__name__ == "Grant"]
    assert len(grants) + 3 == 60  # each realm's deny is a change without a grant
    assert endpoint.calls == 3


@pytest.mark.night
def test_both_sides_make_the_same_calls(temporal_server: Server, tmp_path: Path) -> None:
    """The product and the bare pool read and write each document once, and give all back."""
    both = asyncio.run(pair(tmp_path / "run", temporal_server.address, Size(24, 2, latency=0.001)))
    assert both.measured.contain.calls == both.measured.restore.calls == 48
    assert both.lanes == 8
    assert 0 < both.measured.first_cut < both.measured.contained
    assert both.contain > 0
    assert both.measured.rss_mb > 10


def test_the_document_has_the_fields_that_programs_read() -> None:
    """The fields and their nesting are a promise."""
    document = REPORT.document()
    assert document["apiVersion"] == "stopline/v1"
    assert document["kind"] == "BenchReport"
    assert document["ratio"] == {"contain_100": 1.2, "contain_1000": 1.2, "restore_1000": 1.1}
    rest = set(document) - {"apiVersion", "kind", "ratio"}
    assert rest == {
        "first_cut_s",
        "calls_per_change",
        "history_events_per_1000",
        "worker_rss_mb",
        "targets_per_s_10000",
    }
    assert document["targets_per_s_10000"] == pytest.approx(1000 / 6, abs=0.1)


def test_figures_are_put_between_their_marks(tmp_path: Path) -> None:
    """What people wrote around the figures stays, and the old figures go."""
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    REPORT.write(page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| contain, 1,000 changes: ratio to the bare pool | 1.20 (6.00 s to 5.00 s" in text


def test_a_page_without_a_place_for_figures_is_refused(tmp_path: Path) -> None:
    """A mark that was taken out is said, not guessed."""
    page = tmp_path / "README.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="no place for figures"):
        REPORT.write(page)
