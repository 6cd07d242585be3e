"""What is shared with the vendor's accounts: found, read, taken out and given back entry by entry.

An entry bears no mark: it is a toggle. What the service is still removing counts as removed, since
it was told to; that it is really gone is proven with everything else (`unproved`).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from stopline.connectors.aws import policy
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import SETTLING, address, gone
from stopline.connectors.aws.kinds import (
    Edit,
    Entry,
    Left,
    Resource,
    Share,
    Theirs,
    Where,
    by_tag,
    where_of,
)
from stopline.connectors.aws.levers import NAME, left
from stopline.connectors.aws.pools import quoted
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.shares import EVERYBODY, SHARES
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Document, Found, Gap, Grant, Skip, State
from stopline.port import Observed, Terms, Unproved
from stopline.receipts import Cause
from stopline.text import Json, canonical

# --- found ---------------------------------------------------------------------------------------


def found(
    clients: Clients, row: Share, where: Where, reach: Reach, page: Json = None
) -> Iterator[Found]:
    """Entries for the vendor's accounts, and for everybody. Raises ConnectorError.

    `page` is what `row.get` would answer, where what lists it has said so.

    Whether an organisation has one of the vendor's accounts in it is known of the lab's own alone,
    where the estate names it; of another it is a gap, one for all that are shared with it.
    """
    if row.whose is not None:
        yield from _switch(clients, row, where, reach, page)
        return
    document, uid = Document(NAME, where.account, row.kind, where.id), ""
    for each in _pages(clients, row, where) if page is None else [page]:
        entries = list(row.entries(each))
        last = row.needs_one and all(row.names(entry, reach) for entry in entries)
        more = {"last": True} if last else {}
        for entry in entries:
            theirs = row.names(entry, reach)
            if not theirs and (not entry.who or ":organizations::" in entry.who):
                yield from _unknown(clients, row, where, entry, reach)
            elif entry.who in EVERYBODY or theirs:
                uid = uid or _uid(clients, row, where, each)
                to = f"{_HOW[row.sends]} {_named(row, entry.who)}"
                yield Grant(
                    address(document, entry.part),
                    State.of({**entry.state, **more, **_barred(clients, row, where)}),
                    entry.who,
                    f"{'target' if row.sends else 'share'} of the {row.what}",
                    row.arn_of(where),
                    f"{row.what} {to}{row.about(entry.state)}",
                    uid,
                )
    yield from _hidden(clients, row, where)


def _unknown(
    clients: Clients, row: Share, where: Where, entry: Entry, reach: Reach
) -> Iterator[Gap]:
    """Whether an entry is the vendor's nobody can say who reads it: it hides no other."""
    if not entry.who:
        what = f"an entry of the {row.what} {where.id}"
        yield Gap(NAME, where.account, what, f"{row.service}: it does not say whom it names")
    elif not _among_ourselves(clients, entry.who, reach):
        what = f"{row.contains} in {where.region} that are shared with {entry.who}"
        why = "an account of the vendor's may be in it: look there, or name the lab's own "
        why += "organization in the estate's file (`aws.organization`)"
        yield Gap(NAME, where.account, what, why)


def _hidden(clients: Clients, row: Share, where: Where) -> Iterator[Gap]:
    """A service that shows others' entries to some alone says nothing of what it does not show."""
    if row.shown_to is None:
        return
    call, shown, why = row.shown_to
    place, words = row.placed(where.region), call.words(where, "")
    try:
        said = clients.ask(where.account, place, call.operation, **words)
        ours = clients.read_role(where.account) or clients.identity(where.account)
    except ConnectorError as error:
        yield Gap(NAME, where.account, f"{row.contains} in {where.region}", error.detail)
        return
    if not shown(said, ours):
        yield Gap(NAME, where.account, f"{row.contains} in {where.region}", f"{ours} {why}")


_HOW = {False: "shared with", True: "sends to"}


def _barred(clients: Clients, row: Share, where: Where) -> Mapping[str, str]:
    """Why nobody can edit one, if so; asked for what is the vendor's alone."""
    if row.barred is None:
        return {}
    call, why_in = row.barred
    place, words = row.placed(where.region), call.words(where, "")
    why = why_in(clients.ask(where.account, place, call.operation, **words))
    return {"by_hand": why} if why else {}


def _switch(
    clients: Clients, row: Share, where: Where, reach: Reach, page: Json
) -> Iterator[Grant]:
    """A switch of the vendor's that is on."""
    pages = _pages(clients, row, where) if page is None else [page]
    for each in pages:
        for entry in row.entries(each):
            if theirs := whose(clients, row, where, reach, each):
                yield Grant(
                    address(Document(NAME, where.account, row.kind, where.id), entry.part),
                    State.of(entry.state),
                    row.arn_of(where),
                    row.what,
                    row.arn_of(where),
                    f"{row.what} {entry.who}: {theirs.via}",
                    _uid(clients, row, where, each),
                    theirs.vouched,
                )


def whose(clients: Clients, row: Share, where: Where, reach: Reach, page: Json) -> Theirs | None:
    """How a thing is the vendor's to use, if it is. Raises ConnectorError.

    A tag selects and does not vouch: who may tag it could make it look like the vendor's.
    """
    theirs = row.whose(where, page, reach) if row.whose is not None else None
    if theirs is not None or row.tags is None or not reach.selectors.tags:
        return theirs
    call, tags_in = row.tags
    place, words = row.placed(where.region), call.words(where, "")
    tags = tags_in(clients.ask(where.account, place, call.operation, **words))
    return by_tag(tags, reach.selectors)


def _among_ourselves(clients: Clients, who: str, reach: Reach) -> bool:
    """Whether an organisation surely has none of the vendor's accounts in it."""
    if not reach.vendors.accounts:
        return True
    ours = clients.estate.organization
    return ours is not None and ours.id in who.split("/") and reach.members() == frozenset()


def _named(row: Share, who: str) -> str:
    if who in EVERYBODY:
        return "everybody"
    return f"{row.noun} {policy.account_of(who) or who}"


def inside(
    clients: Clients, row: Resource | Share | Left, where: Where, asked: Sequence[Json] = ({},)
) -> Iterator[tuple[str, Json]]:
    """What one thing has inside that is looked at by itself: name and item, which may be one."""
    if row.inner is not None:
        call, items, key = row.inner
        place, words = row.placed(where.region), call.words(where, "")
        for more in asked:
            for page in clients.pages(where.account, place, call.operation, **words, **more):
                for item in page[items]:
                    said = key(item) if callable(key) else quoted(str(item[key] if key else item))
                    yield f"{where.name}:{said}", item


def _pages(clients: Clients, row: Share, where: Where) -> list[Json]:
    """What says with whom it is shared; nothing where the service has an error for nobody."""
    place, words = row.placed(where.region), row.get.words(where, "")
    try:
        return clients.pages(where.account, place, row.get.operation, **words)
    except ConnectorError as error:
        if _nobody(row, error):
            return []
        raise


def _nobody(row: Share, error: ConnectorError) -> bool:
    return any(f" {code}:" in error.detail for code in row.absent)


def _still_there(clients: Clients, row: Share, where: Where) -> bool:
    """Whether it is there, where the service says of nobody what it says of nothing."""
    if row.inner is None and row.same is not None:
        place, words = row.placed(where.region), row.same.words(where, "")
        clients.ask(where.account, place, row.same.operation, **words)
        return True
    outer = replace(where, name=where.name.rpartition(":")[0])
    return any(where.name == name for name, _ in inside(clients, row, outer))


def _uid(clients: Clients, row: Share, where: Where, page: Json) -> str:
    if row.same is None:
        return row.uid(page)
    place, words = row.placed(where.region), row.same.words(where, "")
    try:
        return row.uid(clients.ask(where.account, place, row.same.operation, **words))
    except ConnectorError as error:
        if _nobody(row, error):
            return ""
        raise


# --- contained -----------------------------------------------------------------------------------


def share(grant: Grant, _terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """Take one entry out; what is shared with everybody is left for a person to decide. Pure."""
    row = SHARES[grant.address.kind]
    if grant.principal in EVERYBODY:
        yield left(grant, "shared with everybody, the vendor among them: make it private by hand")
    elif grant.state.value.get("by_hand"):
        yield left(grant, grant.state.value["by_hand"])
    elif grant.state.value.get("more"):
        yield left(grant, "it says more than AWS would take back: end it by hand, and keep it")
    elif grant.state.value.get("last"):
        reason = f"the {row.what} {grant.address.document.id} has nobody else's {row.noun}, and "
        yield left(grant, f"{reason}must have one: put another in its place by hand")
    elif status := grant.state.value.get("status"):
        yield left(grant, f"the service says {status} of it: look there, and end it by hand")
    else:
        yield replace(
            proto,
            after=None,
            breadth=row.breadth,
            summary=_summary(row, grant),
            felt=row.felt,
        )


def _summary(row: Share, grant: Grant) -> str:
    id_ = grant.address.document.id
    if row.off:
        return f"{row.off} the {row.what} {id_}"
    if row.sends:
        return f"take {_named(row, grant.principal)} out of the {row.what} {id_}, which sends to it"
    said = row.about(grant.state.value)
    return f"take the {row.what} {id_} from {_named(row, grant.principal)}{said}"


# --- read and written ----------------------------------------------------------------------------


def read(clients: Clients, document: Document) -> Observed:
    """Read all entries of one thing; `exists` is false when it is not there."""
    row, where = SHARES[document.kind], where_of(document)
    try:
        pages = _pages(clients, row, where)
        if not pages and row.absent and not _still_there(clients, row, where):
            return Observed(document, exists=False)
        uid = _uid(clients, row, where, pages[0] if pages else {})
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    entries = [entry for page in pages for entry in row.entries(page)]
    states = {address(document, entry.part): State.of(entry.state) for entry in entries}
    said = dict(each for page in pages for each in row.under_way(page))
    return Observed(document, states, raw=canonical(said) if said else "", uid=uid)


def write(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """Take entries out, or give them back, one call for each; then wait a little for the service.

    What is there already is not given again: RAM would send an invitation anew. That an entry which
    is out cannot be taken out once more, for which Lambda has an error, is no fault.
    """
    document = observed.document
    row, where = SHARES[document.kind], where_of(document)
    if row.whole is not None:
        _rewritten(clients, observed, changes, row.whole)
        return
    for change in changes:
        entry, there = change.after or change.before, observed.states.get(change.address)
        if entry is None or (change.after is not None and there == change.after):
            continue
        if change.after is not None and row.exclusive:
            _refuse_narrowing(row, observed)
        try:
            _send(clients, row, where, (row.give if change.after else row.take, entry))
        except ConnectorError as error:
            out = change.after is None and there is None and _nobody(row, error)
            if not (out and _still_there(clients, row, where)):
                raise
    if row is SHARES["resource-share-principal"]:
        _settled(clients, document, changes)


def _send(clients: Clients, row: Share, where: Where, what: tuple[Edit, State]) -> None:
    """Raises StaleError where its tag moved."""
    edit, entry = what
    words, place = edit.words(where, entry.value), row.placed(where.region)
    tag = {edit.tag: _shown(clients, row, where)[edit.tag]} if edit.tag else {}
    try:
        for operation in filter(None, (edit.first, edit.operation)):
            clients.do(where.account, place, operation, **words, **tag)
    except ConnectorError as error:
        _refuse_stale(row, error)
        raise


def _refuse_narrowing(row: Share, observed: Observed) -> None:
    """Given to an account it would be taken from everybody: that is its owner's to say."""
    if any(address_.part in EVERYBODY for address_ in observed.states):
        detail = f"the {row.what} {observed.document.id} is shared with everybody now, and would"
        raise ConnectorError(Cause.REFUSED, f"{detail} be no more if it were given to an account")


def _rewritten(
    clients: Clients,
    observed: Observed,
    changes: Sequence[Change],
    whole: Callable[[Where, Json], Json],
) -> None:
    """Write the whole with all our entries in it, or without them; then look until it reads back.

    What a service drops silently is told by its name.

    Raises StaleError where it moved: where an entry of ours is not any more as it was judged.
    """
    document = observed.document
    row, where = SHARES[document.kind], where_of(document)
    page = _shown(clients, row, where)
    now = {address(document, e.part): State.of(e.state) for e in row.entries(page)}
    if any(now.get(c.address) != observed.states.get(c.address) for c in changes):
        raise StaleError(f"{row.service}: {document.id} has moved")
    words = whole(where, page)
    for change in changes:
        edit, entry = (row.give, change.after) if change.after else (row.take, change.before)
        words = edit.onto(words, entry.value if entry else None)
    try:
        clients.do(where.account, row.placed(where.region), row.take.operation, **words)
    except ConnectorError as error:
        _refuse_stale(row, error)
        raise
    for seconds in SETTLING:
        time.sleep(seconds)
        try:
            there = whole(where, _shown(clients, row, where))
        except ConnectorError as error:
            raise ConnectorError(Cause.UNREACHABLE, error.detail, landed=None) from error
        differs = {k for k in {*there, *words} if not _same(there.get(k), words.get(k))}
        differs -= {*row.loose}
        if not differs:
            return
    detail = f"{row.what} {where.id} does not read back as it was written: {sorted(differs)}"
    raise ConnectorError(Cause.UNREACHABLE, detail, landed=None)


def _refuse_stale(row: Share, error: ConnectorError) -> None:
    """Raises StaleError where a refusal says that its concurrency tag moved."""
    if any(f" {code}:" in error.detail for code in row.moved):
        raise StaleError(error.detail) from error


def _shown(clients: Clients, row: Share, where: Where) -> Json:
    place, words = row.placed(where.region), row.get.words(where, "")
    return clients.ask(where.account, place, row.get.operation, **words)


def _same(one: Json, other: Json) -> bool:
    """Whether two say the same; no service here has an order, nor tells nothing from false."""
    return bool(_plain(one) == _plain(other))


def _plain(said: Json) -> Json:
    if isinstance(said, dict):
        found = {k: _plain(v) for k, v in said.items()}
        return {k: v for k, v in found.items() if v is not None} or None
    if isinstance(said, list):
        return sorted(canonical(_plain(each)) for each in said) or None
    return said or None


def _settled(clients: Clients, document: Document, changes: Sequence[Change]) -> None:
    """Look until RAM is done with ours. What it still removes is told by `unproved`, later.

    https://docs.aws.amazon.com/ram/latest/APIReference/API_ResourceShareAssociation.html
    """
    said: Mapping[str, str] = {}
    for seconds in SETTLING:
        time.sleep(seconds)
        try:
            seen = read(clients, document)
        except ConnectorError as error:
            raise ConnectorError(Cause.UNREACHABLE, error.detail, landed=None) from error
        said = statuses(seen)
        if all(seen.states.get(c.address) == c.after for c in changes) and not any(
            c.address.part in said for c in changes
        ):
            return
    for change in changes:
        status = said.get(change.address.part, "")
        if status.startswith("FAILED"):
            detail = f"{document.id}: {change.address.part} is {status}"
            raise ConnectorError(Cause.REFUSED, detail, landed=None)


def statuses(observed: Observed) -> Mapping[str, str]:
    """Entries that the service is not done with, and what it says of each."""
    said: Mapping[str, str] = json.loads(observed.raw or "{}")
    return said


# --- proven --------------------------------------------------------------------------------------


def unproved(held: Sequence[Change], observed: Mapping[Document, Observed]) -> Iterator[Unproved]:
    """Name entries that were taken out and that the service has not let go of yet."""
    for change in held:
        seen = observed.get(change.address.document)
        if change.address.kind not in SHARES or seen is None or change.after is not None:
            continue
        if status := statuses(seen).get(change.address.part):
            yield Unproved(change.address, f"{change.address.part} still is {status}")
