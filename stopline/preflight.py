"""What is looked at before the night: checks, and a canary of our own. Pure: nouns and the port."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from stopline.estate import Protected
from stopline.text import Json, jsonable

CANARY_VENDOR = "stopline-canary"
CANARY_APPROVER = "stopline doctor --canary"
"""Whose word the program gives itself: nobody else's access is in a canary's plan."""
"""The vendor of a canary: no file has it, and its selectors name one canary and nothing else."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `next_step` says what to do when it is not as it must be.

    `warn` marks what is no failure, and wants a person's eye. `key` is where in the estate's file
    it is said, if it is.
    """

    name: str
    ok: bool
    found: str
    next_step: str = ""
    warn: bool = False
    key: tuple[str | int, ...] = ()


def told(check: Check) -> Json:
    """A check as it is kept and shown: by then `found` says where in the file it is said."""
    return {name: value for name, value in jsonable(check).items() if name != "key"}


@dataclass(frozen=True, slots=True)
class Canary:
    """Something of our own in one realm, made to be contained, restored and removed again.

    `principals` are what a plan of it is narrowed to, `vendor` is how a vendor's file would select
    it, `made` what it was like when it was made, and `commands` remove it by hand.
    """

    connector: str
    realm: str
    id: str
    principals: tuple[str, ...]
    vendor: Json
    made: Json
    commands: tuple[str, ...]


@runtime_checkable
class Preflighted(Protocol):
    """A connector that can say, before it is needed, whether it will be able to."""

    def preflight(self, protected: Protected) -> Iterable[Check]:
        """Look at every realm, and at what the estate's file protects. Writes nothing."""
        ...


@runtime_checkable
class Canaried(Protocol):
    """A connector that can make something of our own, to be contained and restored for real."""

    @property
    def realms(self) -> Iterable[str]:
        """Where a canary can be made."""
        ...

    def make_canary(self, realm: str, id_: str) -> Canary:
        """Make a canary; the same id again makes it once. Raises ConnectorError, UserError."""
        ...

    def remove_canary(self, made: Canary) -> Iterable[str]:
        """Say what is not as it was made, then remove all of it. Raises ConnectorError."""
        ...
