"""Which of our changes a refusal of Google's is about. Pure.

One member whom Google does not know any more, or whom domain-restricted sharing keeps out, fails
the whole policy. What stands in the way is named, and the engine writes the rest without it.
https://docs.cloud.google.com/organization-policy/restrict-domains
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from stopline.connectors.gcp.faults import RefusedError
from stopline.errors import ConnectorError
from stopline.model import Change

_SHARING = "permitted customer"
"""What Google says under domain-restricted sharing; Cloud Storage says it and names nobody."""


@contextmanager
def named(
    changes: Sequence[Change], whom: Callable[[Change], str], others: Iterable[str] = ()
) -> Iterator[None]:
    """Raise what a write raises, and say which changes stood in the way, where that is known.

    `whom` says which member a change puts into the document, or nothing; `others` are in it
    besides. Where the refusal is about one of them, nothing can be left out, and nothing is named.
    """
    try:
        yield
    except RefusedError as error:
        parts = frozenset(c.address for c in _guilty(error.said, changes, whom, others))
        raise ConnectorError(error.cause, error.detail, parts=parts) from error


def _guilty(
    said: str,
    changes: Sequence[Change],
    whom: Callable[[Change], str],
    others: Iterable[str],
) -> list[Change]:
    put_in = [change for change in changes if whom(change)]
    found = [change for change in put_in if _names(said, whom(change))]
    if found or _SHARING not in said or any(_names(said, member) for member in others):
        return found
    return [change for change in put_in if not change.uid]  # our own accounts are permitted


def _names(said: str, member: str) -> bool:
    """Whether a text names a member by its whole address, and not by a part of a longer one."""
    who = re.escape(member.partition(":")[2] or member)
    return re.search(rf"(?<![\w.@+-]){who}(?![\w@-]|\.\w)", said, re.IGNORECASE) is not None
