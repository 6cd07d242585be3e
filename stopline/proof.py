"""Whether containment holds, beyond that it stands where we left it. Pure: a noun and the port."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from stopline.engine import Observed
from stopline.model import Address, Change, Document


@dataclass(frozen=True, slots=True, order=True)
class Unproved:
    """A change that stands, and of which it is not shown that nobody gets past it; one sentence."""

    address: Address
    why: str


@runtime_checkable
class Proving(Protocol):
    """A connector that can evaluate, from what is there now, whether access is really gone."""

    def unproved(
        self, held: Sequence[Change], observed: Mapping[Document, Observed]
    ) -> Iterable[Unproved]:
        """Name what does not do what it was made for. `observed` was read just now; no writes.

        A sample of acts is tried, never by doing them. What nobody can tell is not proven.
        """
        ...
