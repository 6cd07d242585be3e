"""Opening a journal: its URL, its tables, its id, and what is refused with a clear word."""

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from support.journals import FIRST, open_pause
from support.postgres import Databases

from stopline.errors import ConfigError, SetupError
from stopline.journal.book import Book, open_book
from stopline.journal.database import JournalError
from stopline.journal.tables import metadata


def test_the_migrations_make_the_tables(book: Book) -> None:
    """Alembic finds no difference between what the migrations made and what the code reads."""
    with book.store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        tables = set(sa.inspect(connection).get_table_names())
    assert tables == {*metadata.tables, "alembic_version"}


def test_a_journal_keeps_its_id(book: Book, opened: Callable[..., Book], journal_url: str) -> None:
    """Eight hex digits, given once."""
    assert len(book.id) == 8
    assert int(book.id, 16) >= 0
    assert opened(journal_url).id == book.id


def test_two_journals_have_two_ids(opened: Callable[..., Book], tmp_path: Path) -> None:
    """Another database is another journal."""
    ids = {opened(f"sqlite:///{tmp_path}/{n}.db").id for n in range(8)}
    assert len(ids) == 8


def test_a_journal_that_is_up_to_date_is_only_read(
    book: Book, opened: Callable[..., Book], journal_url: str
) -> None:
    """A command that looks waits for no writer, and needs no right to alter tables."""
    open_pause(book)
    with book.store.write():
        other = opened(journal_url)
        assert [pause.id for pause in other.pauses.list()] == [FIRST]


def test_a_journal_that_a_newer_program_made_is_refused(
    book: Book, journal_url: str, opened: Callable[..., Book]
) -> None:
    """Its tables are another's: nothing is read, nothing is done, and the way out is said."""
    with book.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(JournalError) as refused:
        opened(journal_url)
    assert "made by a newer stopline: its tables are at 9999" in refused.value.what
    assert "Nothing was done" in refused.value.what
    assert "Install that version" in refused.value.next_step
    assert "***" in str(refused.value) or "sqlite" in str(refused.value)


def test_both_spellings_of_postgresql_are_one(
    postgresql_url: str, opened: Callable[..., Book]
) -> None:
    """The plain URL is taken for the one that names the driver."""
    named = postgresql_url.replace("postgresql://", "postgresql+psycopg://")
    assert opened(postgresql_url).id == opened(named).id


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://u:hunter2@localhost/x",
        "mysql://u:hunter2@localhost/x",
        "postgresql://u:hunter2@localhost:port/x",
        "u:hunter2@localhost",
        "",
    ],
)
def test_what_is_no_journals_url_is_refused_without_showing_it(url: str) -> None:
    """Exit code 2, what would be right, and no password on the way."""
    with pytest.raises(ConfigError) as refused:
        open_book(url)
    assert "STOPLINE_JOURNAL_URL" in str(refused.value)
    assert "postgresql://user" in refused.value.next_step
    assert "hunter2" not in str(refused.value)


def test_a_missing_driver_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the program starts nothing, and names the extra that brings it."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SetupError, match="not installed") as missing:
        open_book("postgresql://u:hunter2@127.0.0.1:1/x")
    assert "stopline[postgresql]" in missing.value.next_step
    assert "hunter2" not in str(missing.value)


@pytest.mark.parametrize("spoilt", ["port", "password", "database"])
def test_a_server_that_is_not_there_is_said_without_the_password(
    postgresql: Databases, spoilt: str
) -> None:
    """Nobody listens, a wrong password, no such database: one clear message each."""
    parsed = sa.make_url(postgresql.server.url())
    url = {
        "port": parsed.set(port=1),
        "password": parsed.set(password="hunter2"),
        "database": parsed.set(database="nowhere"),
    }[spoilt].update_query_dict({"sslpassword": "hunter3"})
    with pytest.raises(JournalError) as refused:
        open_book(url.render_as_string(hide_password=False))
    said = str(refused.value)
    assert "refused" in said
    assert "STOPLINE_JOURNAL_URL" in said
    assert "\n" not in said
    for secret in ("hunter2", "hunter3", str(parsed.password)):
        assert secret not in said


def test_what_the_server_is_set_to_does_not_weaken_us(
    postgresql: Databases, opened: Callable[..., Book]
) -> None:
    """A database whose defaults are other ones: we say what we need in each session."""
    url = postgresql.new()
    name = sa.make_url(url).database
    for setting, value in {
        "synchronous_commit": "off",
        "default_transaction_isolation": "serializable",
        "default_transaction_deferrable": "on",
    }.items():
        postgresql.ask(f"ALTER DATABASE {name} SET {setting} = '{value}'")
    book = opened(url)
    with book.store.write() as connection:
        assert _shows(connection, "synchronous_commit") == "on"
        assert _shows(connection, "transaction_isolation") == "read committed"
        assert _shows(connection, "application_name") == "stopline"
    with book.store.read() as connection:
        assert _shows(connection, "transaction_isolation") == "repeatable read"
        assert _shows(connection, "transaction_read_only") == "on"


def test_a_stronger_promise_of_the_servers_is_kept(
    postgresql: Databases, opened: Callable[..., Book]
) -> None:
    """Where a commit waits for a standby as well, it goes on; the URL has the last word."""
    url = postgresql.new()
    postgresql.ask(
        f"ALTER DATABASE {sa.make_url(url).database} SET synchronous_commit = 'remote_apply'"
    )
    with opened(f"{url}?application_name=worker-7").store.write() as connection:
        assert _shows(connection, "synchronous_commit") == "remote_apply"
        assert _shows(connection, "application_name") == "worker-7"


def _shows(connection: sa.Connection, setting: str) -> str:
    return str(connection.execute(sa.text(f"SHOW {setting}")).scalar_one())
