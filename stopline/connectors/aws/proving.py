"""Whether what we left does what it is for: effective access, from the documents as they are now.

Policies of targets were read just now; the principals' documents are read anew, in calls that grow
with pages. Where AWS itself, or a stranger, made something of ours ineffective, it is told here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from stopline.connectors.aws import handed, marks, organizing, reading, simulating, whole
from stopline.connectors.aws.claims import (
    OPEN,
    Place,
    Standing,
    let_past,
    of_accounts,
    of_control,
    of_freeze,
    of_principal,
    of_statement,
)
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import our_statements
from stopline.connectors.aws.evaluating import Policies
from stopline.connectors.aws.fastcut import COVERED
from stopline.connectors.aws.kinds import where_of
from stopline.connectors.aws.organizing import Bound, Bounds
from stopline.connectors.aws.policy import listed, statements
from stopline.connectors.aws.resources import BY_STATEMENT
from stopline.connectors.aws.sharing import ASSUME
from stopline.errors import ConnectorError
from stopline.model import Change, Document
from stopline.port import Observed, Unproved
from stopline.text import Json

_ON_PRINCIPALS = (
    "user-attachment", "user-inline-policy", "user-boundary",
    "role-attachment", "role-inline-policy", "role-boundary",
)  # fmt: skip
_TRUST = "trust-policy-statement"
_BUCKET = "bucket-policy-statement"


def unproved(
    clients: Clients,
    accounts: Sequence[str],
    held: Sequence[Change],
    observed: Mapping[Document, Observed],
) -> Iterator[Unproved]:
    """Name what does not do what it was made for; `accounts` are the vendor's. Raises nothing."""
    standing = [c for c in held if c.after is not None and _stands(c, observed)]
    bounds = Bounds(clients)
    for change in standing:
        bound = bounds.of(change.address.realm) if place_of(change.address.document) else Bound()
        raw = observed[change.address.document].raw
        why = _spreading(clients, change) or _on_target(change, accounts, raw, bound)
        if why:
            yield Unproved(change.address, why)
    ours = [c for c in standing if c.address.kind in _ON_PRINCIPALS]
    yield from _on_principals(clients, ours, bounds)
    yield from _in_organization(standing, bounds)
    yield from handed.unproved(held, observed)


def _stands(change: Change, observed: Mapping[Document, Observed]) -> bool:
    """What is not there as we left it is drift, and told as such."""
    found = observed.get(change.address.document)
    return found is not None and found.states.get(change.address) == change.after


# --- targets ---------------------------------------------------------------------------------


def place_of(document: Document) -> Place | None:
    """What a statement in this document is about; None where it holds no statements of ours."""
    if document.kind == _BUCKET:
        return Place(document.realm, f"arn:aws:s3:::{document.id}", ("s3:*",))
    if document.kind == _TRUST:
        arn = f"arn:aws:iam::{document.realm}:role/{document.id}"
        return Place(document.realm, arn, (ASSUME,))
    row = BY_STATEMENT.get(document.kind)
    return Place(document.realm, row.arn_of(where_of(document)), row.actions) if row else None


def _spreading(clients: Clients, change: Change) -> str:
    """What was written and does not hold yet, for a service that says so; it takes minutes."""
    row, where = BY_STATEMENT.get(change.address.kind), where_of(change.address.document)
    if row is None or not row.in_force:
        return ""
    try:
        held = whole.text_of(clients, row, where).in_force
    except ConnectorError as error:
        return f"what holds now could not be read: {error.detail}"
    ours = our_statements(change.address.document, held) if held else {}
    return "" if ours.get(change.address) == change.after else NOT_YET


NOT_YET = "AWS has taken it, and does not show it as established yet: an audit looks again"


def _on_target(change: Change, accounts: Sequence[str], raw: str, bound: Bound) -> str:
    place = place_of(change.address.document)
    if place is None or change.after is None or not raw:
        return ""
    ours, document = change.after.value, json.loads(raw)
    frozen = "ArnNotLike" in (ours.get("Condition") or {})
    requests = of_freeze(ours, place) if frozen else of_statement(ours, document, place)
    theirs = of_accounts(accounts, document, place)
    covered = place.arn.split(":")[2] in COVERED and change.address.document.kind != _TRUST
    policies = Policies(resource=document, rcps=bound.rcps if covered else ())
    return let_past(requests, policies) or let_past(theirs, policies)


# --- principals ------------------------------------------------------------------------------


def _on_principals(clients: Clients, held: Sequence[Change], bounds: Bounds) -> Iterator[Unproved]:
    numbers = sorted({change.address.realm for change in held})
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        read = dict(zip(numbers, pool.map(lambda n: _read(clients, n), numbers), strict=True))
    for change in held:
        found = read[change.address.realm]
        if isinstance(found, ConnectorError):
            why = f"the policies of the account could not be read again: {found.detail}"
        else:
            why = _on_principal(clients, change, found, bounds.of(change.address.realm))
        if why:
            yield Unproved(change.address, why)


def _read(clients: Clients, number: str) -> reading.Held | ConnectorError:
    try:
        return reading.held(clients, number)
    except ConnectorError as error:
        return error


def _on_principal(clients: Clients, change: Change, held: reading.Held, bound: Bound) -> str:
    kind = change.address.kind.partition("-")[0]
    name, _, policy = change.address.document.id.partition("/")
    found = held.get((kind, name))
    if found is None:
        return ""  # deleted: there is nobody who could
    standing = Standing(found.arn, found.documents)
    cut = marks.is_cut(policy)
    requests = of_principal(standing, before=change.moment if cut else "")
    own = Policies(found.documents, found.boundary, resource=OPEN, scps=bound.scps)
    why = let_past(requests, own)
    if why or cut or not clients.estate.simulate:  # sessions from before it are no principal's
        return why
    return simulating.let_past(clients, change.address.realm, standing)


# --- the organization ------------------------------------------------------------------------


def _in_organization(held: Sequence[Change], bounds: Bounds) -> Iterator[Unproved]:
    """What our policies there claim, in each account that they reach through an attachment."""
    for change in held:
        kind, _, what = change.address.kind.rpartition("-")
        if what != "policy" or kind not in organizing.CONTROLS or change.after is None:
            continue
        name, attachments = change.address.id, f"{kind}-attachment"
        places = {
            c.address.document.id
            for c in held
            if c.address.kind == attachments and c.address.part == name
        }
        if why := _reached(change.after.value["document"], places, bounds):
            yield Unproved(change.address, why)


def _reached(body: Json, places: set[str], bounds: Bounds) -> str:
    numbers = {*bounds.clients.estate.accounts, *(p for p in places if p.isdigit())}
    said = {number: bounds.tried(number) for number in sorted(numbers)}
    below = [n for n, b in said.items() if isinstance(b, Bound) and places & {*b.above}]
    for error in said.values():
        if isinstance(error, ConnectorError):
            return f"what binds the lab's accounts could not be read: {error.detail}"
    if not below:
        return "it is attached to nothing in which an account of the lab's is"
    documents = (OPEN_CONTROL, body)
    meant = [(n, ours) for n in below for ours in statements(body) if n in _meant(ours, n)]
    for number, ours in meant:
        controls = Policies(resource=OPEN, rcps=documents)
        if "Principal" not in ours:
            controls = Policies(resource=OPEN, scps=(documents,))
        if why := let_past(of_control(ours, number), controls):
            return why
    return ""


def _meant(ours: Json, number: str) -> list[str]:
    """The accounts of whose principals a statement speaks; of one about resources, any."""
    said = (ours.get("Condition") or {}).get("StringEquals", {}).get("aws:PrincipalAccount")
    return [number] if "Principal" in ours or said is None else [str(n) for n in listed(said)]


OPEN_CONTROL: Json = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
"""What AWS attaches everywhere by itself, and refuses nothing."""
