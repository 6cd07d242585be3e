"""Several at once on one journal: threads that share it, or processes that each open it.

What a member of a crowd does is a function of this module that takes the journal's URL first, so
that a process can be told to do it. All members begin at the same moment.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from support.journals import FIRST, OFF, Hand, document, open_pause, toggle

from stopline.journal.book import Book, open_book
from stopline.journal.pauses import PauseStatus
from stopline.model import Address, Direction
from stopline.receipts import Outcome

SIZE = 4
PATIENCE = 60


class Barrier(Protocol):
    """Where all wait for all."""

    def wait(self, timeout: float) -> int:
        """Wait."""
        ...


_gate: list[Barrier] = []


def _enter(gate: Barrier) -> None:
    _gate[:] = [gate]


def _begin(task: Callable[..., Any], *words: Any) -> Any:
    _gate[0].wait(PATIENCE)
    return task(*words)


@lru_cache(maxsize=64)
def book_of(url: str) -> Book:
    """The journal as this process has it open; its threads share it."""
    return open_book(url)


def forget() -> None:
    """Open nothing again that a test before has opened."""
    book_of.cache_clear()


@dataclass
class Crowd:
    """Members that do something at once."""

    executor: Executor
    shared: bool

    def all(self, task: Callable[..., Any], url: str, *words: Any) -> list[Any]:
        """Have each member do the same, told its number last; their answers by number."""
        if self.shared and task is not open_it:
            book_of(url)  # lru_cache lets two threads that miss at once open it twice
        told = [self.executor.submit(_begin, task, url, *words, n) for n in range(SIZE)]
        return [answer.result(PATIENCE) for answer in told]


@contextmanager
def threads() -> Iterator[Crowd]:
    """Threads of this process."""
    gate = threading.Barrier(SIZE)
    with ThreadPoolExecutor(SIZE, initializer=_enter, initargs=(gate,)) as executor:
        yield Crowd(executor, shared=True)


@contextmanager
def processes() -> Iterator[Crowd]:
    """Processes that share nothing but the database."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(SIZE)
    with ProcessPoolExecutor(SIZE, context, _enter, (gate,)) as executor:
        yield Crowd(executor, shared=False)


# --- what members do -----------------------------------------------------------------------------


def open_it(url: str, _number: int) -> str:
    """Open the journal; return its id."""
    book = open_book(url)
    book.close()
    return book.id


def note(url: str, times: int, number: int) -> None:
    """Add events to the chain."""
    for turn in range(times):
        book_of(url).pauses.note(f"{number:08x}", "noted", {"turn": turn})


def keep(url: str, texts: list[str], _number: int) -> list[str]:
    """Keep texts that the others keep at the same time."""
    return [book_of(url).pauses.keep("state", text) for text in texts]


def open_same_pause(url: str, _number: int) -> str:
    """Open the pause that everybody opens."""
    return open_pause(book_of(url)).opened_at


def mark_and_approve(url: str, _number: int) -> None:
    """Say what the others say."""
    pauses = book_of(url).pauses
    pauses.mark(FIRST, PauseStatus.CONTAINED)
    pauses.approve(FIRST, "ref", "digest", "bob", "unsigned")


def lease(url: str, documents: int, number: int) -> list[int]:
    """Ask for the lease of each document once; return those that were ours."""
    writes = book_of(url).writes
    return [n for n in range(documents) if writes.lease(document(n), f"holder-{number}")]


def key(number: int) -> Address:
    """One of several keys."""
    return Address("memory", "r1", "switch", f"v{number}/one")


def contain_and_restore(url: str, keys: int, number: int) -> None:
    """Hold keys that the others hold as well, each for a pause of one's own, and let them go."""
    book, pause = book_of(url), f"{number:08x}"
    for way in (Direction.CONTAIN, Direction.RESTORE):
        for n in range(keys):
            change = toggle(key(n))
            hand = Hand(book, pause, f"{way}-{number}-{n}", way)
            while not hand.lease(change.address):
                pass  # the others give it back
            known = book.writes.known(pause, [change.address]).get(change.address)
            _work(hand, change if way is Direction.CONTAIN else change.inverse(), known)
            hand.unlease(change.address)


def _work(hand: Hand, change: Any, known: Any) -> None:
    """As the engine does: who comes second finds ours, and who is not the last leaves it."""
    if hand.direction is Direction.CONTAIN:
        if known is not None and known.written:
            hand.found = {change.address: OFF}
        hand.intend(change)
        hand.settle(change)
    elif known.others:
        hand.settle(change, outcome=Outcome.ALREADY)
    else:
        hand.intend(change)
        hand.settle(change)
