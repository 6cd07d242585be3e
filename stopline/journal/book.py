"""One opened journal: everything that the program asks of it, behind one name."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from stopline.journal.encrypting import NO_KEYS, Keys
from stopline.journal.outbox import Outbox
from stopline.journal.pauses import Pauses
from stopline.journal.store import Store, open_store
from stopline.journal.writes import Writes


@dataclass(frozen=True, slots=True)
class Book:
    """The journal's three faces over one database."""

    store: Store
    writes: Writes
    pauses: Pauses

    @property
    def id(self) -> str:
        """Eight hex digits that our marks in an estate carry."""
        return self.store.id

    @property
    def outbox(self) -> Outbox:
        """What stakeholders are told."""
        return Outbox(self.store)

    def close(self) -> None:
        """Close the connections; whoever asks afterwards opens new ones."""
        self.store.engine.dispose()


def open_book(
    url: str,
    *,
    lease_seconds: float = 30.0,
    request_seconds: float = 15.0,
    clock: Callable[[], float] | None = None,
    journal: str = "",
    keys: Keys = NO_KEYS,
) -> Book:
    """Open the journal at a database URL, making it when it is not there yet.

    Leases go by the database server's clock, where there is one and no `clock` is given: machines
    whose own clocks differ agree on who may write. `journal` is the id of a lost one that an
    empty journal takes over. With `keys` its documents are encrypted. Raises JournalError naming
    the database when it cannot be opened, is newer than we are, has another id already or is
    encrypted by other keys, SetupError when psycopg is not installed.
    """
    store = open_store(url, clock or time.time, journal, shared_time=clock is None, keys=keys)
    return Book(store, Writes(store, lease_seconds, request_seconds), Pauses(store))
