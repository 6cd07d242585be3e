"""The names that every rail of payouts shares: kinds, the reason code, and our marks."""

import re
from collections.abc import Iterable, Iterator

from stopline.engine import Mark, Terms
from stopline.model import Grant, Skip

NAME = "payouts"
GRANT = "payable"
CODE = "VENDOR-PAUSE"
"""The reason code of our holds."""
MARK = re.compile(r"StoplineJ([0-9a-f]{8})P[0-9a-f]{8}")


def mark_of(mark: Mark) -> str:
    """The name of one pause's holds."""
    return f"StoplineJ{mark.journal}P{mark.pause}"


def journals_of(marks: Iterable[str]) -> list[str]:
    """The journals whose marks are among these names, sorted."""
    return sorted({found[1] for mark in marks if (found := MARK.fullmatch(mark))})


def of_others(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """Name the other stopline journals that hold what a grant is about."""
    for journal in grant.state.value["journals"]:
        if journal != terms.mark.journal:
            reason = f"held by another stopline journal, {journal}; not touched"
            yield Skip(grant.address, grant.principal, reason)
