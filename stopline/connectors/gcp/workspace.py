"""Users of the lab's own Workspace directory who are the vendor's: found, suspended, signed out.

A user is the vendor's by the organisational unit that its file names, or as any member of a policy
would be. What is ours to change is whether they are suspended, and nothing else of them: a user
whom somebody had suspended before us stays so, and whom Google suspends meanwhile does too.
https://developers.google.com/workspace/admin/directory/reference/rest/v1/users
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stopline.connectors.gcp import members
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import NAME
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Counted, Document, Found, Gap, Grant, State
from stopline.port import Observed
from stopline.preflight import CANARY_VENDOR
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import GcpSelectors, Vendor

KIND = "workspace-user"
USER, ARCHIVED = "workspace user", "archived user"
ADMINISTRATOR, DELEGATED = "super administrator", "administrator"
"""What somebody is in the directory, which says whether we may suspend them."""
SUSPENDED = State.of({"suspended": True})
LIST = "admin/directory_v1/users.list"
_SAID = (
    "id,primaryEmail,aliases,orgUnitPath,suspended,suspensionReason,archived"
    ",isAdmin,isDelegatedAdmin"
)
_PAGE = 500
_BY_A_PERSON = ("", "ADMIN")
"""Reasons of a suspension that say of nobody but an administrator."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody of the vendor's in the lab's directory. `via` is what selects them."""

    email: str
    uid: str
    is_: str
    state: State
    via: str
    aliases: tuple[str, ...] = ()

    @property
    def member(self) -> str:
        """As an allow policy names them."""
        return f"user:{self.email}"


@dataclass(frozen=True, slots=True)
class Directory:
    """The vendor's people in the lab's directory, of how many; and what could not be read."""

    users: tuple[User, ...] = ()
    number: int = 0
    gaps: tuple[Gap, ...] = ()

    def known(self, selectors: GcpSelectors) -> GcpSelectors:
        """The selectors, and besides them whom the directory says to be the vendor's."""
        people = {
            members.plain(f"user:{address}"): user.via
            for user in self.users
            for address in (user.email, *user.aliases)
        }
        return members.Known(**dict(selectors), people=people) if people else selectors

    def found(self, realm: str, customer: str) -> Iterator[Found]:
        """Yield each of them, and how many users there are."""
        for user in self.users:
            yield Grant(
                Address(NAME, realm, KIND, user.email),
                user.state,
                user.member,
                user.is_,
                f"directory {customer}",
                user.via,
                user.uid,
            )
        if self.number:
            yield Counted(NAME, realm, KIND, self.number)


UNNAMED = "workspace-users"
_NOBODY = (
    "the estate's file names no `gcp.customer`, so nobody of the lab's own directory is looked at: "
    "name it, or suspend the vendor's users by hand in the Admin console and name "
    f"`{UNNAMED}` under `gcp.acknowledged` of the vendor's file"
)


def directory(clients: Clients, realm: str, vendor: Vendor, selectors: GcpSelectors) -> Directory:
    """Read who of the lab's directory is the vendor's. What cannot be read is a gap.

    It is told once, where projects are the realms. What was looked at instead, the vendor's file
    says of all of its projects. A canary is in no directory: we have just made it.
    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/list
    """
    elsewhere = realm != clients.estate.realms[0] or vendor.vendor == CANARY_VENDOR
    if elsewhere or selectors.empty:
        return Directory()
    customer = clients.estate.customer
    if not customer:
        told = UNNAMED in vendor.gcp.acknowledged and not selectors.org_units
        return Directory(gaps=() if told else (Gap(NAME, realm, UNNAMED, _NOBODY),))
    words = {"customer": customer, "maxResults": _PAGE, "fields": f"nextPageToken,users({_SAID})"}
    try:
        listed = clients.pages(LIST, "users", **words)
        users = tuple(sorted(_theirs(selectors, listed), key=lambda user: user.email))
    except ConnectorError as error:
        return Directory(gaps=(Gap(NAME, realm, UNNAMED, error.detail),))
    empty = [u for u in selectors.org_units if not any(_below(_unit(one), u) for one in listed)]
    return Directory(users, len(listed), tuple(_empty(realm, unit) for unit in empty))


def _empty(realm: str, unit: str) -> Gap:
    why = "nobody is in this unit, as far as we may see: is it spelt as in the Admin console?"
    return Gap(NAME, realm, f"users of {unit}", why)


def _theirs(selectors: GcpSelectors, listed: Sequence[Json]) -> Iterator[User]:
    for one in listed:
        if via := _via(selectors, one):
            email = str(one["primaryEmail"]).lower()
            aliases = tuple(sorted(one.get("aliases", ())))
            yield User(email, str(one["id"]), _is(one), state_of(one), via, aliases)


def _via(selectors: GcpSelectors, one: Json) -> str:
    """What selects a user: one of their addresses, or else the unit that they are in."""
    addresses = (one["primaryEmail"], *one.get("aliases", ()))
    named = (members.via(selectors, f"user:{address}") for address in addresses)
    units = (f"the unit {unit}" for unit in selectors.org_units if _below(_unit(one), unit))
    return next(filter(None, (*named, *units)), "")


def _unit(one: Json) -> str:
    return str(one.get("orgUnitPath", "/"))


def _below(path: str, unit: str) -> bool:
    """Whether a unit is another, or lies in it; the Admin console tells no letters' sizes apart."""
    return f"{path}/".casefold().startswith(f"{unit}/".casefold())


def _is(one: Json) -> str:
    if one.get("isAdmin"):
        return ADMINISTRATOR
    if one.get("archived"):
        return ARCHIVED
    return DELEGATED if one.get("isDelegatedAdmin") else USER


def unable(user: Grant) -> str:
    """Why nobody suspends a user, who is left as they are; nothing where we do. Pure.

    https://developers.google.com/workspace/admin/directory/v1/guides/manage-users
    """
    if user.entitlement == ADMINISTRATOR:
        step = "take that role away in the Admin console, and pause again"
        return f"a super administrator, whom no other may suspend; {step}"
    if user.entitlement == DELEGATED and user.via != members.NAMED:
        step = "where it is the vendor's, name it under `gcp.principals` of the vendor's file"
        return f"an administrator of the lab's directory, whom {user.via} alone selects; {step}"
    return ""


def state_of(one: Json) -> State:
    """Whether a user is suspended; and why, where it was not an administrator who did it.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users#User
    """
    said: Json = {"suspended": bool(one.get("suspended"))}
    reason = str(one.get("suspensionReason", ""))
    if said["suspended"] and reason not in _BY_A_PERSON:
        said |= {"by": reason}
    return State.of(said)


# --- one user ----------------------------------------------------------------------------------


def read(clients: Clients, document: Document) -> Observed:
    """Read one user, by an address that may have become an alias since.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/get
    """
    words: dict[str, Any] = {"userKey": document.id, "fields": _SAID}
    try:
        said = clients.ask("admin/directory_v1/users.get", **words)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    address = Address(document.connector, document.realm, document.kind, document.id)
    return Observed(document, {address: state_of(said)}, uid=str(said["id"]))


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """Suspend whom was observed, and sign them out; or let them in again.

    By their id: whoever has the address now is somebody else. An update says what it names alone.
    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/update
    """
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"{observed.document.id} is not there any more")
    for change in changes:
        if change.after is None:
            continue
        off = bool(change.after.value["suspended"])
        try:
            words: dict[str, Any] = {"userKey": observed.uid, "body": {"suspended": off}}
            clients.do("admin/directory_v1/users.update", **words)
        except ConnectorError as error:
            if off and error.landed is None:  # it may have been done, and to sign out harms nobody
                with suppress(ConnectorError):
                    _sign_out(clients, observed)
            raise
        if off:
            _sign_out(clients, observed)


def _sign_out(clients: Clients, observed: Observed) -> None:
    """End all sessions of somebody who is suspended. Raises ConnectorError that has landed.

    Twice is as good as once, and late as good as now: it takes away what nobody gives back.
    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/signOut
    """
    try:
        clients.do("admin/directory_v1/users.signOut", userKey=observed.uid)
    except ConnectorError as error:
        who = observed.document.id
        step = f"{who} is suspended, and may still be signed in; sign them out in the Admin console"
        raise ConnectorError(error.cause, f"{step} ({error.detail})", landed=True) from error
