"""A real PostgreSQL for the tests, started once for the session; a database of its own for each.

Import the fixtures in a conftest: `from support.postgres import postgresql, postgresql_url`.
Where PostgreSQL is not installed its tests are skipped, and say so; in CI that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import psycopg
import pytest

from stopline.drill.postgres import Postgres, programs

MISSING = (
    "PostgreSQL is not installed: the journal is tested on SQLite alone. Install it "
    "(Debian: apt-get install postgresql), or put initdb on PATH."
)
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
"""The tests cut no power, and they open many connections."""

_running: list["Databases"] = []


@dataclass
class Databases:
    """One server, and as many empty databases as are asked for."""

    server: Postgres = field(default_factory=lambda: Postgres(FAST))
    _numbers: Iterator[int] = field(default_factory=count)

    def new(self) -> str:
        """Make an empty database; return its URL."""
        name = f"journal{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name}")
        return self.server.url(name)

    def ask(self, statement: str, url: str = "") -> None:
        """Say something to the server, as its superuser, in a session of its own."""
        with psycopg.connect(url or self.server.url(), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def cut(self, url: str) -> None:
        """End every session of one database, as a server that is started anew does."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [url.rpartition("/")[2]],
            )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Databases]:
    """The one server of the session, however many conftests import this."""
    if _running:
        yield _running[0]
        return
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    databases = Databases()
    databases.server.start()
    try:
        _running.append(databases)
        yield databases
    finally:
        _running.clear()
        databases.server.stop()
        shutil.rmtree(databases.server.folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql: Databases) -> str:
    """The URL of a database with nothing in it."""
    return postgresql.new()
