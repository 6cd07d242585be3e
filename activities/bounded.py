"""Reading what may hang: a folder on a network's file system can block for as long as it likes.

What waits for it there cannot be ended from outside, so it waits in a thread of its own, and
whoever asked goes on. While one reading of a folder hangs, no second is begun: a worker must not
run out of threads over a folder that does not answer.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_hanging: dict[str, threading.Thread] = {}
_guard = threading.Lock()


def within(seconds: float, what: str, work: Callable[[], T]) -> T:
    """Do what may hang, and return its answer. Raises what it raises, TimeoutError when it hangs.

    `what` names what is read: while an earlier reading of it hangs, this raises at once.
    """
    answers: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            faults.append(error)

    with _guard:
        earlier = _hanging.pop(what, None)
        if earlier is not None and earlier.is_alive():
            _hanging[what] = earlier
            raise TimeoutError(what)
    thread = threading.Thread(target=run, name="reading", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        with _guard:
            _hanging[what] = thread
        raise TimeoutError(what)
    if faults:
        raise faults[0]
    return answers[0]
