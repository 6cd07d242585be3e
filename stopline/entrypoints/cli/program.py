"""One run of the program: its settings, journal, Temporal, and the two streams it writes to."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Any, TypeVar

from rich.console import Console

from activities.api import read_queue, task_queue
from stopline.configuration import Configuration, load
from stopline.entrypoints.opening import open_settings_book
from stopline.entrypoints.temporal import Temporal, connect
from stopline.estate import Estate
from stopline.journal.book import Book
from stopline.playbook import Words
from stopline.port import Connector
from stopline.render.page import Page, shown
from stopline.render.plan import MOST
from stopline.settings import Settings, settings
from stopline.text import Json

T = TypeVar("T")
ConnectorsOf = Callable[[Estate], Mapping[str, Connector]]
UNWRAPPED = 240
"""Columns where nobody looks: a pipe or a file is grepped, so lines stay whole."""

NO_LIMIT = 1_000_000


class Program:
    """What every command is handed. Nothing is opened before it is asked for.

    `going` names what goes on when this process is interrupted: a vendor or a pause. `words` is
    what a playbook may be written in, and `connectors_of` what builds an estate's connectors, where
    that is not what is installed.
    """

    def __init__(
        self, words: Words | None = None, connectors_of: ConnectorsOf | None = None
    ) -> None:
        """Begin with nothing opened."""
        self._words = words
        self._connectors_of = connectors_of
        self.output = "table"
        self.verbose = False
        self.going = ""
        self._runner: asyncio.Runner | None = None
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment."""
        return settings()

    @cached_property
    def configuration(self) -> Configuration:
        """The configuration's folder, as read. Raises ConfigError if it cannot be."""
        return load(self.settings.config_dir, self._words)

    def connectors(self, estate: Estate) -> Mapping[str, Connector]:
        """The connectors of an estate, for what they say; only a worker's may read or write."""
        from stopline.entrypoints.worker import connectors_of  # noqa: PLC0415 - brings the SDKs

        return (self._connectors_of or connectors_of)(estate)

    @cached_property
    def book(self) -> Book:
        """The journal, opened."""
        return open_settings_book(self.settings)

    def open(self, book: Book) -> None:
        """Go on with a journal that a command has opened itself."""
        self.__dict__["book"] = book

    @cached_property
    def temporal(self) -> Temporal:
        """Temporal, connected, on this journal's queue."""
        return Temporal(self.wait(connect(self.settings)), task_queue(self.book.id))

    def at_work(self) -> Temporal:
        """Temporal with a worker behind it; says at once when one of the two is not there."""
        temporal = self.temporal
        self.wait(temporal.require_worker())
        return temporal

    def reading(self) -> Temporal:
        """Temporal with a worker behind it that only reads; says at once when it is not there."""
        temporal = Temporal(self.temporal.client, read_queue(self.book.id))
        self.wait(temporal.require_worker())
        return temporal

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one asynchronous thing to its end, on the one loop of this process."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(work)

    def close(self) -> None:
        """Cancel what is left on the loop, close the journal, and flush both streams."""
        if "book" in self.__dict__:  # it was asked for
            self.book.close()
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        sys.stdout.flush()
        sys.stderr.flush()

    # --- showing ---------------------------------------------------------------------------------

    @property
    def json(self) -> bool:
        """Whether stdout carries one JSON document and nothing else."""
        return self.output == "json"

    @property
    def most(self) -> int:
        """How many lines of one group are shown."""
        return NO_LIMIT if self.verbose else MOST

    def emit(self, page: Page, document: Json) -> None:
        """Write the command's data to stdout, as it was asked for."""
        if self.json:
            print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - the data
        else:
            self.out.print(shown(page), crop=False)

    def tell(self, page: Page) -> None:
        """Show a page on the way to the data: on stdout for people, never among JSON."""
        (self.err if self.json else self.out).print(shown(page), crop=False)

    def say(self, text: str) -> None:
        """One line to whoever watches, on stderr."""
        self.err.print(text, soft_wrap=True)

    def announce(self, text: str) -> None:
        """One line that belongs to the result: on stdout for people."""
        (self.err if self.json else self.out).print(text, soft_wrap=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else UNWRAPPED
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)
