"""What a vendor holds in Google Cloud: policy entries, service accounts, keys; and our denies."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from stopline.connectors.gcp import (
    acting,
    below,
    denying,
    grouping,
    members,
    membership,
    minting,
    reading,
    stored,
    workspace,
)
from stopline.connectors.gcp.acting import Reached
from stopline.connectors.gcp.bindings import Entry, entries
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.documents import deny_policies, deny_policy, pool, state_of
from stopline.connectors.gcp.members import Seat
from stopline.connectors.gcp.reading import NAME, Account, Realm
from stopline.errors import ConnectorError
from stopline.model import Address, Counted, Document, Found, Gap, Grant, Scope, Seen, State
from stopline.port import Held, Observed, nothing_held
from stopline.preflight import CANARY_VENDOR
from stopline.text import Json
from stopline.vendors import GcpSelectors, Vendor


def discover(
    clients: Clients, vendor: Vendor, scope: Scope, held: Held = nothing_held
) -> Iterator[Found]:
    """Yield what the vendor holds. What cannot be read is a gap; the rest goes on.

    `held` tells whom a deny of ours should name, whether it still does or not.
    """
    for id_ in clients.estate.realms:
        if scope.realms and id_ not in scope.realms:
            continue
        if not vendor.gcp_of(scope.project).empty:
            yield from _unseen(vendor, id_)
        yield from looked(clients, vendor, scope, id_, held)[1]


def looked(
    clients: Clients, vendor: Vendor, scope: Scope, id_: str, held: Held = nothing_held
) -> tuple["Look", tuple[Found, ...]]:
    """What was read of one realm, and what the vendor holds in it."""
    selectors = vendor.gcp_of(scope.project)
    theirs = workspace.directory(clients, id_, vendor, selectors)
    known = theirs.known(selectors)
    users = tuple(theirs.found(id_, clients.estate.customer or ""))
    read = reading.realm(clients, id_)
    # A canary is in no group: we have just made it.
    read.groupless = selectors.empty or vendor.vendor == CANARY_VENDOR
    below.read_below(clients, read, partial(_meant, clients, known))
    ours = frozenset(a.part for a in held(NAME, id_) if a.kind == "deny-policy-entry")
    look = Look(clients, known, read, whole=not scope.principals, ours=ours)
    own = [f for f in users if isinstance(f, Grant)]
    found = tuple(_realm(look, own)) if read.policies else ()
    return look, (*found, *users, *theirs.gaps, *read.gaps)


def _meant(
    clients: Clients, selectors: GcpSelectors, read: Realm, seen: frozenset[str]
) -> frozenset[str]:
    """Members of the vendor's, and groups of the lab's in which somebody of the vendor's is."""
    theirs = frozenset(m for m in seen if members.via(selectors, living(m)))
    groups = [m for m in seen - theirs if m.startswith("group:")]
    read.looked_into |= {members.plain(group) for group in groups}
    read.inside |= grouping.vendors_in(clients, selectors, read, groups)
    return theirs | frozenset(m for m in groups if members.plain(m) in read.inside)


UNSEEN = {
    "domain-wide-delegation": (
        "no API lists it: a client of the vendor's could act as any user; look in the Admin "
        "console, under API controls, and remove it there"
    ),
    "resumable-uploads": (
        "no API lists open ones, and whoever has the address of one can write for a week"
    ),
    "analytics-hub": (
        "a dataset that the vendor has subscribed to stays with it, and revoking cannot be undone"
    ),
}


def _unseen(vendor: Vendor, realm: str) -> Iterator[Gap]:
    """What no API shows, until the vendor's file says that a person has looked at it."""
    for what, why in UNSEEN.items():
        if what not in vendor.gcp.acknowledged:
            step = f"; then name it under `gcp.acknowledged` of {vendor.vendor}.yaml"
            yield Gap(NAME, realm, what, f"{why}{step}")


@dataclass
class Look:
    """One realm, and the vendor whom we look for. `whole` is false for single principals of it."""

    clients: Clients
    selectors: GcpSelectors
    read: Realm
    whole: bool
    ours: frozenset[str] = frozenset()
    """Whom a deny of this journal should name."""
    seats: dict[Seat, Observed] = field(default_factory=dict)
    switches: dict[str, Json] = field(default_factory=dict)
    """What ends all that somebody can do, by the member."""

    def held(self) -> Iterator[tuple[str, Entry]]:
        """Every entry of every policy; one that hides its conditions is a gap."""
        for resource, policy in sorted(self.read.policies.items()):
            found = self.read.tried(f"policy of {resource}", partial(entries, policy))
            yield from ((resource, entry) for entry in sorted(found or ()))


def _realm(look: Look, users: Sequence[Grant]) -> Iterator[Found]:
    marks = yield from _marks(look)
    yield from _seats(look)
    _switches(look, users)
    held = list(look.held())
    theirs = [(r, e, members.via(look.selectors, living(e.member))) for r, e in held]
    theirs = [(r, e, via) for r, e, via in theirs if via]
    shared = [(r, e) for r, e in held if members.plain(e.member) in look.read.inside]
    holders = {members.plain(e.member) for _, e, _ in theirs if not is_deleted(e.member)}
    holders |= {m for _, e in shared for m in look.read.inside[members.plain(e.member)]}
    yield from _denied(look, marks, holders)
    reached = acting.reached(look.selectors, look.read, held)
    own = acting.own(look.selectors, look.read)
    able = [(r, e) for r, e, _ in theirs] + shared
    able += [(r, e) for r, e in held if members.plain(e.member) in reached]
    allowed = reading.permissions_of(look.clients, (e.role for _, e in able))
    for resource, entry, via in theirs:
        yield _entry(look, resource, entry, via, (allowed[entry.role], marks))
        where = f"{resource}#{entry.part}"
        yield Seen(Address(NAME, look.read.id, "allow-policy-entry", where), state_of(entry))
    for resource, entry in shared:
        yield from _through(look, resource, entry, (allowed[entry.role], marks))
    yield from _accounts(look, own, reached)
    for account in look.read.accounts:
        if account.member not in own and not account.disabled:
            yield from _minted(look, account, able, allowed, reached.get(account.member))
    yield from _pools(look)
    into = [(r, e) for r, e, _ in theirs] + shared
    yield from stored.discover(look.clients, look.selectors, look.read, (held, into), allowed)
    yield Counted(NAME, look.read.id, "principal", len({entry.member for _, entry in held}))
    yield from look.read.counted()


def living(member: str) -> str:
    """A member that was deleted, by the name that it had."""
    return member.removeprefix("deleted:").partition("?uid=")[0]


def is_deleted(member: str) -> bool:
    """Whether somebody is named who was deleted, and so can do nothing."""
    return member.startswith("deleted:")


_Marks = Mapping[str, set[str]]
"""The journals that deny a member."""


def _marks(look: Look) -> Generator[Found, None, _Marks]:
    """Yield what the deny policies of stopline say, and return who denies whom."""
    found: dict[str, set[str]] = {}
    realm = look.read.id
    names = look.read.tried("deny policies", lambda: deny_policies(look.clients, realm)) or ()
    for name in filter(denying.journal_of, names):
        document = Document(NAME, realm, "deny-policy-entry", name)
        seen = look.read.tried(name, partial(deny_policy, look.clients, document))
        for address, state in sorted(seen.states.items()) if seen else ():
            yield Seen(address, state)
            found.setdefault(address.part, set()).add(denying.journal_of(name))
    return found


def _denied(look: Look, marks: _Marks, holders: Collection[str]) -> Iterator[Grant]:
    """Whom a deny names besides those who hold an entry.

    Whoever a deny of stopline's names and who holds nothing now, perhaps since we took it out, or
    should name, where somebody has taken that away; and the vendor's directories, whose people may
    hold what we do not look at.
    """
    named = {*marks, *look.ours}
    denied = {m: "a deny of stopline's" for m in named if members.via(look.selectors, m)}
    if look.whole and holders:
        for customer in look.selectors.customers:
            denied[f"{members.CUSTOMER}{customer}"] = "its own name"
    for member, via in sorted(denied.items()):
        if members.plain(member) in holders:
            continue
        journals = sorted(marks.get(member, ()))
        state: dict[str, Json] = {"names": [member], "journals": journals}
        yield Grant(
            Address(NAME, look.read.id, "denied-principal", member),
            State.of(state),
            member,
            "nothing that is looked at",
            reading.point_of(look.read.id),
            via,
        )


def _entry(
    look: Look, resource: str, entry: Entry, via: str, known: tuple[Sequence[str] | None, _Marks]
) -> Grant:
    allowed, marks = known
    who = members.plain(entry.member)
    names = members.named(look.selectors, entry.member, whole=look.whole)
    state: dict[str, Json] = {
        **state_of(entry).value,
        "names": list(names),
        "journals": sorted({j for name in names for j in marks.get(name, ())}),
        "undenied": denying.undenied(allowed),
    }
    uids = {members.plain(account.member): account.uid for account in look.read.accounts}
    return Grant(
        Address(NAME, look.read.id, "entry", f"{resource}#{entry.part}"),
        State.of(state),
        who,
        entry.role,
        resource,
        via,
        uids.get(who, ""),
    )


def _through(
    look: Look, resource: str, entry: Entry, known: tuple[Sequence[str] | None, _Marks]
) -> Iterator[Grant]:
    """An entry of a group of the lab's, for each of the vendor's who is in the group."""
    for member, way in sorted(look.read.inside[members.plain(entry.member)].items()):
        own = _entry(look, resource, replace(entry, member=member), "", known)
        where = f"{resource}#{entry.part}/{member}"
        via = f"in {', which is in '.join(reversed(way.groups))}"
        seats = [(seat, look.seats.get(seat)) for seat in way.seats]
        more = {"seats": membership.told(seats), "switch": look.switches.get(member)}
        state = State.of({**own.state.value, **more})
        address = Address(NAME, look.read.id, "entry-of-group", where)
        yield replace(own, address=address, state=state, via=via)


def _seats(look: Look) -> Iterator[Seen]:
    """Yield each membership of the vendor's in a group that gives something, as it is now.

    One that cannot be read, or is gone by now, stays unread: whoever has it is shown.
    """
    if not look.clients.estate.customer:
        return
    seats = {
        s for inside in look.read.inside.values() for way in inside.values() for s in way.seats
    }

    def ask(seat: Seat) -> tuple[Seat, Observed | None]:
        document = membership.address_of(look.read.id, seat).document
        what = f"membership {document.id}"
        return seat, look.read.tried(what, partial(membership.read, look.clients, document))

    with ThreadPoolExecutor(reading.THREADS) as pool:
        for seat, seen in pool.map(ask, sorted(seats)):
            if seen is not None and seen.states:
                look.seats[seat] = seen
                yield from (Seen(*one) for one in sorted(seen.states.items()))


def _switches(look: Look, users: Sequence[Grant]) -> None:
    """Whom a switch of their own ends: our users, and our accounts that are the vendor's."""
    for user in users:
        off = user.state.value["suspended"] or user.entitlement == workspace.ARCHIVED
        able = not workspace.unable(user)
        said = {"kind": workspace.KIND, "id": user.address.id, "off": off, "able": able}
        look.switches[members.plain(user.principal)] = said
    for account in look.read.accounts:
        if acting.via(look.selectors, account):
            id_ = f"{account.project}/{account.email}"
            said = {"kind": "service-account", "id": id_, "off": account.disabled, "able": True}
            look.switches[members.plain(account.member)] = said


# --- service accounts of ours ------------------------------------------------------------------


def _accounts(look: Look, own: Mapping[str, str], reached: Reached) -> Iterator[Found]:
    for account in look.read.accounts:
        if account.member in own:
            yield _account(look, account, own[account.member])
            yield from _keys(look, account, own[account.member])
            yield from _hmac_keys(look, account, own[account.member])
        elif account.member in reached:
            who, others = reached[account.member]
            yield _account(look, account, f"{who} may act as it", others)


def _minted(
    look: Look,
    account: Account,
    able: Sequence[tuple[str, Entry]],
    allowed: Mapping[str, Sequence[str] | None],
    reached: tuple[str, tuple[str, ...]] | None,
) -> Iterator[Found]:
    """Active keys of an account of the lab's that the vendor could have made before the pause."""
    above = look.read.above.get(account.project, ())
    entitlement = "key-of-reached-account" if reached else "key-of-account"
    for permission, places, listed, active in (
        (minting.KEYS, (*above, account.name), _keys, State.of({"disabled": False})),
        (minting.HMAC_KEYS, above, _hmac_keys, State.of({"state": "ACTIVE"})),
    ):
        if who := minting.maker(permission, able, allowed, places):
            for found in listed(look, account, f"{who} may make keys of it"):
                if not isinstance(found, Grant):
                    yield found
                elif found.state == active:
                    others = reached[1] if reached else ()
                    yield replace(found, entitlement=entitlement, vouched=False, shared_with=others)


def _account(
    look: Look, account: Account, via: str, others: tuple[str, ...] | None = None
) -> Grant:
    """`others` is None for an account that was made for the vendor."""
    return Grant(
        Address(NAME, look.read.id, "service-account", f"{account.project}/{account.email}"),
        State.of({"disabled": account.disabled}),
        account.member,
        "service-account" if others is None else "reached-service-account",
        account.name,
        via,
        account.uid,
        vouched=others is None,
        shared_with=others or (),
    )


def _keys(look: Look, account: Account, via: str) -> Iterator[Found]:
    try:
        for key, disabled in reading.keys(look.clients, account):
            id_ = f"{account.project}/{account.email}/{key}"
            yield Grant(
                Address(NAME, look.read.id, "service-account-key", id_),
                State.of({"disabled": disabled}),
                account.member,
                "service-account-key",
                account.name,
                via,
            )
    except ConnectorError as error:
        yield Gap(NAME, look.read.id, f"keys of {account.email}", error.detail)


def _hmac_keys(look: Look, account: Account, via: str) -> Iterator[Found]:
    try:
        for key, state in reading.hmac_keys(look.clients, account):
            yield Grant(
                Address(NAME, look.read.id, "hmac-key", f"{account.project}/{key}"),
                State.of({"state": state}),
                account.member,
                "hmac-key",
                account.name,
                via,
            )
    except ConnectorError as error:
        yield Gap(NAME, look.read.id, f"HMAC keys of {account.email}", error.detail)


def _pools(look: Look) -> Iterator[Found]:
    """Pools of ours that let in nobody but the vendor; one in the vendor's project is its own.

    A cluster's has no switch; its principals are denied. So are those of another organisation's
    workforce pool, which is not ours to switch off.
    """
    workforce = reading.workforce(look.clients, look.read, look.selectors.pools)
    for name in look.selectors.pools:
        ours = name in workforce or name.split("/")[1] in look.read.numbers
        if not ours or name.endswith(".svc.id.goog"):
            continue
        document = Document(NAME, look.read.id, "identity-pool", name)
        seen = look.read.tried(name, partial(pool, look.clients, document))
        if seen is None:
            continue
        if not seen.exists:
            yield Gap(NAME, look.read.id, name, "there is no such pool")
        for address, state in seen.states.items():
            who = f"principalSet://iam.googleapis.com/{name}/*"
            yield Grant(address, state, who, "identity-pool", name, "its own name")
