"""What a playbook keeps in reserve until what is contained was opened again and again. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stopline.model import Change, Grant, Skip
from stopline.playbook import Rule
from stopline.port import Terms

RESERVE = "in reserve: taken when what is contained is opened again and again"


def reserved(
    said: Iterable[Change | Skip], rule: Rule, grant: Grant, terms: Terms
) -> Iterator[Change | Skip]:
    """What a rule that is kept in reserve (`when: removed`) comes to: nothing, until it is wanted.

    It is wanted once a lever in another realm of the connector was removed again and again: who
    removes there may not be able to remove here. Until then one skip says so, and leaves nothing
    open: every other lever is taken besides.
    """
    realm, name = grant.address.realm, grant.address.connector
    below = [a for a in terms.removed if a.connector == name and a.realm != realm]
    if not rule.when:
        yield from said
    elif below:
        for one in said:
            yield replace(one, over=min(below)) if isinstance(one, Change) else one
    else:
        hindered = [one.reason for one in said if isinstance(one, Skip)]
        reason = "; ".join([RESERVE, *hindered])
        yield Skip(grant.address, grant.principal, reason)
