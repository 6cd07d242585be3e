"""Writing transactions of one process that share a commit, and so one wait for the disk.

One thread at a time has its turn in the open transaction; who has had it waits until the
transaction is on disk, as if it had been its own. So each promise of the journal holds as before
(what is returned from is durable), and threads that write at the same time wait together and not
one after the other, nor for a lock that SQLite asks for again only after a nap.

What fails in one thread's turn takes back its own part alone, by a savepoint. What the database
refuses takes the whole transaction with it, and everybody in it is told: after an error of its own
SQLite may have rolled back all of it already, and would then commit nothing without a word.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from stopline.journal.database import JournalError

Begin = Callable[[], AbstractContextManager[Connection]]
"""Opens a writing transaction; leaving it commits, leaving it by an exception rolls back."""


class _Line:
    """A lock that goes to whoever has waited longest.

    So a thread that comes to end a transaction finds itself behind all who wait to be in it.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._tickets: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        ticket = threading.Lock()
        with self._mutex:
            if not self._taken:
                self._taken = True
                return
            ticket.acquire()
            self._tickets.append(ticket)
        try:
            ticket.acquire()
        except BaseException:  # an exception that was sent to this thread: pass the turn on
            with self._mutex:
                waiting = ticket in self._tickets
                if waiting:
                    self._tickets.remove(ticket)
            if not waiting:
                self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            if self._tickets:
                self._tickets.popleft().release()
            else:
                self._taken = False


@dataclass(slots=True)
class _Group:
    """One transaction and how many have had their turn in it."""

    scope: AbstractContextManager[Connection]
    connection: Connection
    members: int = 0
    over: bool = False
    error: BaseException | None = None


@dataclass(slots=True)
class Commits:
    """The writing transactions of one database in one process."""

    begin: Begin
    soft: Begin
    """Begins one that may be lost in a power cut, as long as it is lost before all later ones."""
    _turn: _Line = field(default_factory=_Line, repr=False)
    _ending: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _open: _Group | None = field(default=None, repr=False)

    @contextmanager
    def join(self) -> Iterator[Connection]:
        """Have a turn in the open transaction, or open one; return when it is on disk.

        Raises what the transaction raised when it could not be: then nothing of it is there.
        """
        group, done = None, False
        try:
            with self._turn:
                group = self._open or self._opened(self.begin)
                with self._part(group):
                    yield group.connection
                group.members += 1
                done = True
        finally:
            if group is not None and (done or not group.over):  # nothing is ever left open
                self._await(group)

    @contextmanager
    def slip_in(self) -> Iterator[Connection]:
        """Have a turn without waiting for the disk: for what a later `join` checks again.

        In an open transaction it shares its end, good or bad. Otherwise it is committed at once.
        """
        with self._turn:
            group = self._open
            if group is None:
                with self.soft() as connection:
                    yield connection
                return
            with self._part(group):
                yield group.connection

    def _opened(self, begin: Begin) -> _Group:
        scope = begin()
        self._open = _Group(scope, scope.__enter__())
        return self._open

    @contextmanager
    def _part(self, group: _Group) -> Iterator[None]:
        """One thread's part; the first needs no savepoint, since it has the whole for itself."""
        try:
            with group.connection.begin_nested() if group.members else nullcontext():
                yield
        except BaseException as error:
            if not group.members or isinstance(error, SQLAlchemyError):
                self._end(group, error)
            raise

    def _await(self, group: _Group) -> None:
        """Return when the transaction has ended; the first to come here ends it for all."""
        with self._ending:
            if not group.over:
                with self._turn:
                    self._end(group, None)
        if group.error is not None:
            told = isinstance(group.error, DBAPIError | JournalError)
            raise group.error if told else _lost(group.error)

    def _end(self, group: _Group, error: BaseException | None) -> None:
        """Commit, or roll back for an error; only in one's turn, and only once."""
        if group.over:
            return
        group.over, group.error, self._open = True, error, None
        try:
            if error is None:
                group.scope.__exit__(None, None, None)
            else:
                group.scope.__exit__(type(error), error, error.__traceback__)
        except BaseException as raised:  # noqa: BLE001 - it is raised by each who waits for it
            group.error = raised


def _lost(error: BaseException) -> JournalError:
    """What they are told whose part was taken back with another's."""
    lost = JournalError(
        f"The journal's transaction was taken back: {type(error).__name__} in another part of it. "
        "Nothing of it was written down.",
        "Work goes on by itself; the worker's log says what it was.",
    )
    lost.__cause__ = error
    return lost
