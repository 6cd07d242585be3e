"""Following a pause while it runs: a live bar on a terminal, elsewhere a line per new state."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import Temporal, UnreachableError
from stopline.render.standing import Moment, moment_line
from workflows.messages import Phase, Status

QUICK, SLOW = 0.25, 1.0
QUICKLY = 120
"""How many looks are quick ones, before a long run is asked less often."""

RESTING = (Phase.PAUSED, Phase.CLOSED, Phase.AWAITING_APPROVAL)


def at_rest(status: Status) -> bool:
    """Whether the pause has come to where it waits for people."""
    return status.phase in RESTING


def follow(
    program: Program,
    temporal: Temporal,
    workflow: str,
    done: Callable[[Status], bool] = at_rest,
) -> Status:
    """Show progress until `done`. Survives a server or a worker that is away for a while."""
    with _shown(program) as view:
        return program.wait(_follow(temporal, workflow, done, view))


async def _follow(
    temporal: Temporal, workflow: str, done: Callable[[Status], bool], view: "View"
) -> Status:
    looks, away = 0, False
    while True:
        try:
            status = await temporal.status(workflow)
        except UnreachableError as error:
            if not away:
                view.note(f"{error.what} {error.next_step} Asking again ...")
            away = True
        else:
            away = False
            view.show(moment_of(status))
            if done(status):
                return status
        looks += 1
        await asyncio.sleep(QUICK if looks < QUICKLY and not away else SLOW)


def moment_of(status: Status) -> Moment:
    """The numbers of one answer. What came before a phase that counts nothing is not repeated."""
    running = (Phase.CONTAINING, Phase.SWEEPING, Phase.RESTORING, Phase.TERMINATING)
    counts = status.phase in running
    return Moment(
        str(status.phase),
        status.sweep,
        status.done if counts else 0,
        status.total if counts else 0,
        tuple(sorted(status.tally.outcomes.items())) if counts else (),
        status.stopping,
    )


def first_answer(program: Program, temporal: Temporal, workflow: str) -> Status:
    """Ask once where a pause stands, and again while nobody answers; show nothing else."""
    return program.wait(_follow(temporal, workflow, lambda _: True, Notes(program)))


class View(Protocol):
    """Where progress is shown."""

    def show(self, moment: Moment) -> None:
        """Show where the pause is now."""
        ...

    def note(self, text: str) -> None:
        """Say something besides."""
        ...


class Notes:
    """Only what is said besides."""

    def __init__(self, program: Program) -> None:
        """Write to the program's stderr."""
        self._program = program

    def show(self, moment: Moment) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Write it."""
        self._program.say(text)


class Lines(Notes):
    """For logs and pipes: a line whenever the state changes. Rest is shown by the result."""

    _state = ""

    def show(self, moment: Moment) -> None:
        """Write a line if the state is another than before."""
        if moment.state != self._state and moment.phase not in RESTING:
            self._program.say(moment_line(moment))
        self._state = moment.state


class Bar:
    """For a terminal: one live line."""

    def __init__(self, progress: Progress) -> None:
        """Show on this display."""
        self._progress = progress
        self._task = progress.add_task("asking", total=None, counts="")

    def show(self, moment: Moment) -> None:
        """Move the bar."""
        counts = f"{moment.done}/{moment.total} {moment.counts}" if moment.total else ""
        self._progress.update(
            self._task,
            description=moment.state,
            completed=moment.done,
            total=moment.total or None,
            counts=counts,
        )

    def note(self, text: str) -> None:
        """Write it above the bar."""
        self._progress.console.print(text)


@contextmanager
def _shown(program: Program) -> Iterator[View]:
    if not program.err.is_terminal or program.err.is_dumb_terminal:
        yield Lines(program)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=program.err, transient=True) as progress:
        yield Bar(progress)


@contextmanager
def waiting_for(program: Program, what: str) -> Iterator[None]:
    """Say what is being waited for: a spinner on a terminal, a line elsewhere."""
    if program.err.is_terminal and not program.err.is_dumb_terminal:
        with program.err.status(f"{what} ..."):
            yield
    else:
        program.say(f"{what} ...")
        yield
