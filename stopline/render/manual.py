"""What people are to do by hand for a pause, as a page: each task, and who is waited for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from stopline import money
from stopline.attesting import Attestation, Step
from stopline.render.page import Line, Page, Section, Tone


@dataclass(frozen=True, slots=True)
class TaskShown:
    """One task as it is shown. `what` is what the estate's file says that a person does there.

    `before` is how it was set before the hold, `others` are pauses that hold it too, `told` what
    one person says to have done. `late` is whether it has waited for longer than the file allows.
    """

    name: str
    step: Step
    system: str
    what: str
    since: str
    late: bool
    before: str = ""
    held: tuple[str, ...] = ()
    told: Attestation | None = None


def manual_page(tasks: Sequence[TaskShown], pause: str, vendor: str) -> Page:
    """Return every task of a pause: what to do where, and what to run then."""
    title = f"To be done by hand for the pause {pause}: {vendor}"
    if not tasks:
        return (Section(title, (Line("Nothing waits for a person's hand."),)),)
    lines = tuple(_line(task, pause) for task in tasks)
    return (Section(f"{title} ({len(tasks)})", lines, Tone.WARN),)


def _line(task: TaskShown, pause: str) -> Line:
    late = "LATE, " if task.late else ""
    text = f"{task.name}: {task.step} in {task.system}, {late}since {task.since[:16]}Z"
    tone = Tone.BAD if task.late else Tone.WARN
    if task.told is not None:
        deed = task.told.deed
        said = [
            f"{task.told.by} attested it at {task.told.at[:16]}Z; another person must confirm it",
            *_elsewhere(task.told, pause),
            f"shown by {deed.proof}, SHA-256 {deed.sha256[:12]}",
            *(
                f"{one.became}: {one.payee} {money.shown(one.minor, one.currency)}"
                for one in deed.amounts
            ),
        ]
        to = task.told.answered_to(pause)
        run = f"run: stopline manual confirm {to} {task.name} --proof {deed.proof}"
        return Line(text, "!", tone, (*said, run))
    said = [f"do: {line}" for line in task.what.strip().splitlines()]
    if task.step is Step.RELEASE:
        said += [f"set it as it was before: {task.before}", *task.held]
    more = " --before '...' --held USD=MINOR" if task.step is Step.HOLD else ""
    run = f"run: stopline manual done {pause} {task.name} --proof FILE{more}"
    return Line(text, "!", tone, (*said, run))


def _elsewhere(told: Attestation, pause: str) -> list[str]:
    """That a deed was said to another pause, which holds it too; or did, and has ended."""
    if told.pause == pause:
        return []
    if told.over:
        return [f"said to the pause {told.pause}, which is over: it is answered here"]
    words = f"said to the pause {told.pause}, which holds it too: it is answered there"
    return [words, f"what is not so is refused: stopline manual refuse {told.pause}"]
