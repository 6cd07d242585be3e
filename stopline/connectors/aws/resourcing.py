"""How a resource whose policy lets the vendor in is contained: a deny of ours in it. Pure.

Whatever else the policy says stays as it is, so a restore takes out our statements alone. An
explicit deny holds against every allow, grants of a key among them.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterator
from dataclasses import replace

from stopline.connectors.aws import marks
from stopline.connectors.aws.kinds import Resource, where_of
from stopline.connectors.aws.levers import (
    NAME,
    NOBODY,
    WHOM,
    denied,
    left,
    orphaned,
    size_with,
    strangers,
    taken,
)
from stopline.connectors.aws.resources import TABLE
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms


def resource(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """The first form of our statements that fits and was not refused; or why it is left."""
    row, state = TABLE[grant.address.kind], grant.state.value
    yield from strangers(grant, terms)
    if reason := orphaned(state["orphans"]):
        yield left(grant, f"its policy {reason}")
        return
    if not (state["accounts"] or state["own"]):
        yield left(grant, NOBODY)
        return
    size = 0
    for merged in (False, True):
        changes = list(_form(row, grant, terms, proto, merged=merged))
        size = size_with(state, changes)
        if taken(changes, terms) and size <= row.longest:
            yield from changes
            return
    reason = f"its policy would be {size} of {row.longest} bytes"
    yield left(grant, reason if size > row.longest else "AWS refused the writes")


def _form(
    row: Resource, grant: Grant, terms: Terms, proto: Change, *, merged: bool
) -> Iterator[Change]:
    address, where = grant.address, where_of(grant.address.document)
    actions = list(row.actions) if len(row.actions) > 1 else row.actions[0]
    on = row.on_of(where)
    what = {"Action": actions, **({"Resource": on} if on else {})}
    for part, body in denied(what, grant.state.value, merged=merged):
        sid = marks.sid(terms.mark.journal, terms.mark.pause, part)
        yield replace(
            proto,
            address=Address(NAME, address.realm, row.statement, f"{address.id}#{sid}"),
            after=State.of({"Sid": sid, "Effect": "Deny", "Principal": "*", **body}),
            breadth=Breadth.TARGET,
            marked=True,
            summary=f"deny the {row.kind.replace('-', ' ')} {address.id} to {WHOM[part]}",
        )
