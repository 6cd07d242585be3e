"""Who of the vendor's is in a group of the lab's: taken out alone, and put back as they were.

Only where no deny and no switch reaches what the group's role gives, or that somebody manages the
group and may let others in. One member at a time; the
group itself, its roles and its other members are never touched. What a membership says is its
role, how it gets mail, whose it is by id, and when it ends: one that ends by itself is never taken
out, since the Directory API would give back one that does not.
https://developers.google.com/workspace/admin/directory/reference/rest/v1/members
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote, unquote

from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.grouping import ends_of
from stopline.connectors.gcp.members import Seat
from stopline.connectors.gcp.reading import NAME
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Breadth, Change, Document, Grant, Skip, State
from stopline.port import Observed, Terms
from stopline.receipts import Cause
from stopline.text import Json

KIND = "workspace-membership"
_D = "admin/directory_v1"
_OWNER, PLAIN = "OWNER", "MEMBER"


def address_of(realm: str, seat: Seat) -> Address:
    """Where a membership is: the group's address and the member's, both quoted.

    A `#` may be in somebody's address, and ends the name of a document in ours.
    """
    names = (quote(named.partition(":")[2], safe="@+") for named in (seat.group, seat.member))
    return Address(NAME, realm, KIND, "/".join(names))


def names(document: Document) -> tuple[str, str]:
    """The group and the member of a document, by their addresses."""
    group, _, member = document.id.partition("/")
    return unquote(group), unquote(member)


# --- reading -----------------------------------------------------------------------------------


def read(clients: Clients, document: Document) -> Observed:
    """Read one membership; it hangs on its group, whose id tells one that was made again.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/get
    """
    group, _ = names(document)
    found = _asked(clients, f"{_D}/groups.get", groupKey=group)
    if found is None:
        return Observed(document, exists=False)
    said = _membership(clients, document)
    address = Address(document.connector, document.realm, document.kind, document.id)
    return Observed(document, {address: said} if said else {}, uid=str(found["id"]))


def _asked(clients: Clients, method: str, **words: str) -> Json:
    """What there is, or None. Raises ConnectorError where nobody can say."""
    try:
        return clients.ask(method, **words)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return None


def _membership(clients: Clients, document: Document) -> State | None:
    """Both APIs are asked: each says of a membership what the other does not.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/lookup
    """
    group, member = names(document)
    said = _asked(clients, f"{_D}/members.get", groupKey=group, memberKey=member)
    if said is None:
        return None
    name = clients.ask("cloudidentity/v1/groups.lookup", groupKey_id=group)["name"]
    lookup = "cloudidentity/v1/groups.memberships.lookup"
    there = clients.ask(lookup, parent=name, memberKey_id=member)["name"]
    whole = clients.ask("cloudidentity/v1/groups.memberships.get", name=there)
    return _state(said, ends_of(whole))


def _state(said: Json, ends: str) -> State:
    told: Json = {"id": str(said["id"]), "role": said["role"]}
    told |= {"delivery_settings": said.get("delivery_settings", "")}
    return State.of(told | ({"ends": ends} if ends else {}))


# --- writing -----------------------------------------------------------------------------------


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """Take the one member out, or put them back; a document is one membership."""
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"the group of {observed.document.id} is not there")
    for change in changes:
        found = observed.states.get(change.address)
        if change.after is None and found is not None:
            _take_out(clients, observed, change, found)
        elif change.after is not None and found is None:
            _put_back(clients, observed, change, change.after)
        else:  # nothing to write, unless the group is gone
            clients.ask(f"{_D}/groups.get", groupKey=names(observed.document)[0])


def _take_out(clients: Clients, observed: Observed, change: Change, found: State) -> None:
    """By the id that was read: whoever has the address now is somebody else.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/delete
    """
    group, _ = names(observed.document)
    said = found.value
    if said["role"] == _OWNER and not _others(clients, group, said["id"]):
        what = f"{group} would have no owner left"
        raise ConnectorError(Cause.REFUSED, what, parts=frozenset((change.address,)))
    clients.do(f"{_D}/members.delete", groupKey=group, memberKey=said["id"])


def _others(clients: Clients, group: str, member: str) -> bool:
    """Whether a group has another owner.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/list
    """
    words = {"groupKey": group, "roles": _OWNER, "maxResults": 200}
    owners = clients.pages(f"{_D}/members.list", "members", **words)
    return any(str(owner["id"]) != member for owner in owners)


def _put_back(clients: Clients, observed: Observed, change: Change, after: State) -> None:
    """Put a member back with what they had. Whoever has the address now, and is not who was taken
    out, is taken out again: only Google's answer says who that is.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/members/insert
    """
    (group, member), said = names(observed.document), after.value
    kept = ("role", "delivery_settings")
    body = {"email": member, **{key: said[key] for key in kept if said[key]}}
    part = frozenset((change.address,))
    try:
        made = clients.do(f"{_D}/members.insert", groupKey=group, body=body)
    except ConnectorError as error:
        if error.cause is Cause.BUSY:  # a duplicate: somebody, or an attempt of ours, was first
            raise StaleError(error.detail) from error
        if error.cause is Cause.GONE:
            raise ConnectorError(Cause.GONE, error.detail, parts=part) from error
        raise
    if str(made["id"]) != said["id"]:
        clients.do(f"{_D}/members.delete", groupKey=group, memberKey=str(made["id"]))
        what = f"{member} is somebody else now ({made['id']}, not {said['id']})"
        raise ConnectorError(Cause.RECREATED, what, parts=part)


# --- an opinion --------------------------------------------------------------------------------


def told(seats: Sequence[tuple[Seat, Observed | None]]) -> Json:
    """What an opinion needs of the seats by which somebody is in a group; None was not read."""
    return [
        {
            "group": seat.group,
            "member": seat.member,
            "role": seat.role,
            "ends": seat.ends,
            "last": seat.last,
            "uid": seen.uid if seen else "",
        }
        for seat, seen in seats
    ]


def contained(
    grant: Grant, terms: Terms, proto: Change | None, of: tuple[Sequence[Json], str]
) -> Iterator[Change | Skip]:
    """Take somebody out of these seats, which give them what is said; or say why they stay."""
    seats, why = of
    for seat in seats:
        one = Seat(*(seat[key] for key in ("group", "member", "role", "ends", "last")))
        address = address_of(grant.address.realm, one)
        if proto is None:
            reason = "the playbook has no rule for group-memberships"
        elif address in terms.refusals:
            reason = "Google refused to take it out; see the receipt"
        else:
            reason = _stays(one, seat["uid"])
        if reason or proto is None:
            step = "write down its role there and until when, and take it out of the group by hand"
            skip = f"{grant.via}, {why}, and {reason}; {step}"
            yield Skip(grant.address, grant.principal, skip, leaves_access=True)
            continue
        yield replace(
            proto,
            address=address,
            after=None,
            breadth=Breadth.NARROW,
            uid=seat["uid"],
            summary=f"take {one.member} ({one.role.lower()}) out of {one.group}",
        )


def _stays(seat: Seat, uid: str) -> str:
    """Why somebody cannot be taken out and put back exactly; nothing where they can."""
    if not uid:
        return "its membership could not be read, or the estate's file names no `gcp.customer`"
    if seat.ends:
        return f"it ends by itself at {seat.ends}, which could not be given back"
    if seat.role == _OWNER and seat.last:
        return f"nobody but the vendor's owns {seat.group}"
    return ""
