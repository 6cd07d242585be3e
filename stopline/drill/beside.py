"""Pay runs beside a pause: a few before it, then one for every few holds that it places."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

_FIRST_SECONDS, _LOOK_SECONDS = 0.1, 0.005


@dataclass
class Beside:
    """Pay runs in a thread, from `with` to its end.

    `pay` is one run, by its name. `early` of them go one after the other; then one for every `each`
    holds that `held` counts, so that the two race.
    """

    pay: Callable[[str], None]
    held: Callable[[], int]
    early: int
    each: int
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        """Begin to pay."""
        self._thread = threading.Thread(target=self._pay, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the run that is going end, and pay no more."""
        self._over.set()
        self._thread.join()

    def _pay(self) -> None:
        for number in range(self.early):
            self.pay(f"early-{number}")
            if self._over.wait(_FIRST_SECONDS):
                return
        beside = 0
        while not self._over.wait(_LOOK_SECONDS):
            if self.held() > self.each * beside:
                self.pay(f"beside-{beside}")
                beside += 1
