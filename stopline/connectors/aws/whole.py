"""Policies of resources that are written as a whole: read, and written with our statements in them.

A write hangs on the provider's concurrency tag where there is one (`Resource.tag`). Elsewhere an
edit that a stranger makes between our read and our write is lost, as in a bucket's policy (law 4).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import (
    composed,
    gone,
    our_statements,
    refuse_lockout,
    settled,
)
from stopline.connectors.aws.kinds import Call, Resource, Where, said_in, where_of
from stopline.connectors.aws.resources import BY_STATEMENT
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Document
from stopline.port import Observed
from stopline.receipts import Cause


class Told(NamedTuple):
    """A policy as the service tells it: its verbatim text, its concurrency tag, and what holds now.

    Nothing where it has none; `in_force` where the service tells no difference.
    """

    text: str = ""
    tag: str = ""
    in_force: str = ""


def text_of(clients: Clients, row: Resource, where: Where) -> Told:
    """Ask for a resource's policy. Raises ConnectorError.

    A resource that is not there is `Cause.GONE`.
    """
    words = _words(clients, row, where, row.get, "")
    try:
        answer = clients.ask(where.account, row.placed(where.region), row.get.operation, **words)
    except ConnectorError as error:
        if any(f" {code}:" in error.detail for code in row.absent):
            return Told()
        raise
    text = row.text_in(answer)
    if not text and not row.bare and (row.absent or row.drop is None):
        # It has an error for none, or is never without: an answer of nothing says nothing.
        what = f"{row.service}.{row.get.operation} {where.name}: an answer without a policy"
        raise ConnectorError(Cause.BUG, what)
    return Told(text, said_in(answer, row.tag) if row.tag else "", row.in_force_in(answer))


def _words(clients: Clients, row: Resource, where: Where, call: Call, text: str) -> dict[str, Any]:
    said: dict[str, Any] = {**call.words(where, text)}
    if row.locate is not None:
        asked, place = row.locate, row.placed(where.region)
        answer = clients.ask(where.account, place, asked.operation, **asked.words(where, ""))
        said |= {k: v for k, v in answer.items() if k != "ResponseMetadata"}
    return said


def read(clients: Clients, document: Document) -> Observed:
    """Read one resource's policy; `exists` is false when the resource is not there."""
    row, where = BY_STATEMENT[document.kind], where_of(document)
    try:
        raw, tag, _ = text_of(clients, row, where)
        if row.there is not None and not raw:
            words = row.there.words(where, "")
            clients.ask(where.account, row.placed(where.region), row.there.operation, **words)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    return Observed(document, our_statements(document, raw) if raw else {}, raw=raw, tag=tag)


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    """Put our statements in, or take them out; what was there before is given back verbatim.

    Never with a call that passes by the provider's own check against a lock-out.
    """
    document, row = observed.document, BY_STATEMENT[observed.document.kind]
    wanted = composed(observed.raw, changes, original)
    if wanted and row.drop is None and not observed.raw:
        detail = f"{document.id} has no policy, and {row.service} takes none away again"
        raise ConnectorError(Cause.REFUSED, f"{detail}: ours would stay for ever")
    if wanted:
        refuse_lockout(clients, document, changes)
        if len(wanted.encode()) > row.longest:
            detail = f"the policy of {document.id} would be {len(wanted.encode())} bytes"
            raise ConnectorError(Cause.QUOTA, f"{detail} of {row.longest}")
    if row.out is not None and wanted and all(c.after is None for c in changes):
        _taken_out(clients, row.out, observed, (changes, original))
        return
    replace(clients, observed, wanted)


def replace(clients: Clients, observed: Observed, wanted: str) -> None:
    """Write a text in place of the one that was observed; nothing means: no policy at all."""
    document, row = observed.document, BY_STATEMENT[observed.document.kind]
    where, call = where_of(document), row.put if wanted else row.drop
    if call is None:
        detail = f"nothing would be left in the policy of {document.id}, and {row.service} wants"
        raise ConnectorError(Cause.REFUSED, f"{detail} one")
    if wanted or observed.raw:
        _send(clients, row, where, call, (wanted, observed.tag))
    settled(lambda: read(clients, document).raw, document, wanted)


def _send(clients: Clients, row: Resource, where: Where, call: Call, what: tuple[str, str]) -> None:
    """Send a text that was built on what bears a tag. Raises StaleError where the tag moved."""
    wanted, tag = what
    words = _words(clients, row, where, call, wanted)
    if row.unless_moved is not None:
        words |= row.unless_moved(tag)
    try:
        clients.do(where.account, row.placed(where.region), call.operation, **words)
    except ConnectorError as error:
        if any(f" {code}:" in error.detail for code in row.moved):
            raise StaleError(error.detail) from error
        raise


def _taken_out(
    clients: Clients,
    out: Call,
    observed: Observed,
    what: tuple[Sequence[Change], str | None],
) -> None:
    """Take ours out one by one; what is left is put only where it is the original, worded anew."""
    (changes, original), document = what, observed.document
    row, where = BY_STATEMENT[document.kind], where_of(document)
    for change in (c for c in changes if c.address in observed.states):
        try:
            words = out.words(where, change.address.part)
            clients.do(where.account, row.placed(where.region), out.operation, **words)
        except ConnectorError as error:
            if not gone(error):  # somebody took it out; a bus that is gone is told below
                raise
    now = text_of(clients, row, where).text
    if row.put and composed(now, changes, original) == original and now != original:
        _send(clients, row, where, row.put, (original, ""))
        settled(lambda: read(clients, document).raw, document, original)
