"""Lives drawn from a seed: what is paused first, what happens then, and how each ends. Pure."""

import random
from dataclasses import dataclass
from enum import StrEnum

ENDINGS = 3
"""One life in so many ends with a termination."""
LIKELY = 0.45
"""How likely each step is in a life."""


class Step(StrEnum):
    """What can happen while a vendor is paused."""

    REGRANT = "re-grant"
    """A stranger switches keys on again; audits contain them."""
    KEEP = "keep"
    """It is reassessed, and kept until a next date."""
    PROJECT = "project"
    """A project is given back."""
    OVERLAP = "overlap"
    """Another pause holds the project, too."""
    CLOUD = "cloud"
    """All of Google Cloud is given back."""
    PAYEE = "payee"
    """What one contractor earned is given back."""
    TWICE = "held twice"
    """Another pause holds what one contractor earned, too."""
    HAND = "by hand"
    """A pause of a system that people act in."""


class Which(StrEnum):
    """The pauses of a life."""

    ACCESS = "access"
    MONEY = "money"
    OTHER = "other"
    """The overlap's."""
    TWICE = "twice"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Life:
    """One life. `first` is paused first; the pauses in `terminated` are not given back."""

    first: Which
    steps: tuple[Step, ...]
    order: tuple[Which, ...]
    terminated: frozenset[Which] = frozenset()

    def words(self) -> str:
        """For the log."""
        ends = [f"{w} {'terminated' if w in self.terminated else 'back'}" for w in self.order]
        return ", ".join((f"{self.first} first", *self.steps, *ends))


def drawn(chance: random.Random) -> Life:
    """One life. What another pause holds too is let go of by that one before a termination."""
    steps = [step for step in Step if chance.random() < LIKELY]
    chance.shuffle(steps)
    main, more = [Which.ACCESS, Which.MONEY], []
    more += [Which.OTHER] if Step.OVERLAP in steps else []
    more += [Which.TWICE] if Step.TWICE in steps else []
    more += [Which.HAND] if Step.HAND in steps else []
    ends = frozenset(w for w in main if chance.random() < 1 / ENDINGS / 2)
    order = [*main, *more]
    chance.shuffle(order)
    if ends:
        order = [*more, *(w for w in order if w in main)]
    first = chance.choice(main)
    return Life(first, tuple(steps), tuple(order), ends)
