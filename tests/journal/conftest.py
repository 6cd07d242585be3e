"""Every test that asks for a journal runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.journals import Clock
from support.postgres import postgresql, postgresql_url

from stopline.journal.book import Book, open_book

__all__ = ["postgresql", "postgresql_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a journal that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Iterator[Callable[..., Book]]:
    """Open journals by their URL, each with connections of its own; all are closed at the end."""
    books: list[Book] = []

    def opening(url: str, **words: object) -> Book:
        books.append(open_book(url, **{"clock": clock, **words}))
        return books[-1]

    yield opening
    for book in books:
        book.close()


@pytest.fixture
def book(opened: Callable[..., Book], journal_url: str) -> Book:
    """One opened journal."""
    return opened(journal_url)
