"""How our deny goes for good in Google Cloud: the entries that it is about leave their policies
first, each by a delta on the policy as it is, and then whom they name leaves the deny.
"""

from collections.abc import Iterable, Mapping, Sequence

from stopline.connectors.gcp import members
from stopline.connectors.gcp.bindings import Entry, edited, entries, leaves_nobody
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.dialects import dialect, policy_of, set_policy
from stopline.connectors.gcp.discovery import living
from stopline.connectors.gcp.documents import WRITERS
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Change
from stopline.port import Observed
from stopline.receipts import Cause

DENY = "deny-policy-entry"
LONGEST = 12.0
"""Seconds after which a removal of many entries is left to the next attempt: the lease runs out."""
READS = 4
"""How often a policy is read while its etag moves under us."""

_Approved = Mapping[Address, Sequence[str]]
"""By entry of our deny: the entries in policies that were approved to go before it."""


def revoke(
    clients: Clients, observed: Observed, changes: Sequence[Change], propagation: float
) -> None:
    """Take the entries out of their policies that were approved, and then, once that is seen
    everywhere, whom they name out of our deny. Raises ConnectorError; what is done is not redone.

    What cannot be written keeps only those denied whom it is about. Google tells nobody when a
    policy was written: this process remembers, and what it did not write itself counts from when it
    saw it first. A plan that is made anew comes after such a wait.
    https://docs.cloud.google.com/iam/docs/access-change-propagation
    """
    approved = {change.address: change.only_if.splitlines() for change in changes}
    out, failures = _all_out(clients, approved)
    for address, lines in approved.items():
        resources = {line.partition("#")[0] for line in lines}
        if any(out.get(resource) for resource in resources):
            clients.left[address] = clients.clock()
        elif resources and resources <= set(out):
            clients.left.setdefault(address, clients.clock())
    if failures:
        raise failures[0]
    _require_seen(clients, approved, propagation)
    WRITERS[DENY](clients, observed, changes, None)
    for address in approved:
        clients.left.pop(address, None)


def _all_out(clients: Clients, approved: _Approved) -> tuple[dict[str, bool], list[ConnectorError]]:
    """From which policies anything was taken out, of those that could be written, and what failed.

    First what is open still: it may be under way, and then nothing else is written.
    """
    began, failures = clients.clock(), list[ConnectorError]()
    out: dict[str, bool] = {}
    for resource, wanted in _by_resource(approved):
        if clients.clock() - began > LONGEST:
            detail = f"there are many policies; all stays denied, and {resource} is gone on with"
            raise ConnectorError(Cause.BUSY, detail)
        try:
            out[resource] = _take_out(clients, resource, wanted, frozenset(approved))
        except ConnectorError as error:
            failures.append(_failure(error, resource, approved))
    return out, sorted(failures, key=lambda error: error.landed is not None)


def _by_resource(approved: _Approved) -> list[tuple[str, set[str]]]:
    wanted: dict[str, set[str]] = {}
    for line in (line for lines in approved.values() for line in lines):
        resource, _, part = line.partition("#")
        wanted.setdefault(resource, set()).add(part)
    return sorted(wanted.items())


def _failure(error: ConnectorError, resource: str, approved: _Approved) -> ConnectorError:
    """What fails with one policy: whom it names, and the directories, which go after everybody."""
    needs = {a for a, lines in approved.items() if any(x.startswith(f"{resource}#") for x in lines)}
    sets = {a for a in approved if a.part.startswith(members.CUSTOMER)}
    parts = frozenset((error.parts or needs) | sets)
    if len(parts) == len(approved):
        return error
    return ConnectorError(error.cause, error.detail, landed=error.landed, parts=parts)


def _require_seen(clients: Clients, addresses: Iterable[Address], propagation: float) -> None:
    """Lift no deny before Google shows everywhere that what it is about is out."""
    since = {a: clients.clock() - clients.left[a] for a in addresses if a in clients.left}
    waiting = {address for address, seconds in since.items() if seconds < propagation}
    if waiting:
        detail = f"its entries are out; our deny goes {propagation:.0f} seconds after them"
        raise ConnectorError(Cause.BUSY, detail, parts=frozenset(waiting))


def _take_out(clients: Clients, resource: str, parts: set[str], denied: frozenset[Address]) -> bool:
    """A delta on the policy as it is now, on its etag; one that is gone names nobody. Whether
    anything was taken out.
    """
    for left in reversed(range(READS)):
        try:
            return _edit(clients, resource, parts, denied)
        except StaleError:
            if not left:
                raise
        except ConnectorError as error:
            if error.cause is not Cause.GONE:
                raise
            break
    return False


def _edit(clients: Clients, resource: str, parts: set[str], denied: frozenset[Address]) -> bool:
    """https://docs.cloud.google.com/iam/docs/policies#etag"""
    policy = policy_of(clients, resource)
    there = {e: Entry(e.role, living(e.member), e.condition) for e in entries(policy)}
    out = [e for e, lived in there.items() if e.part in parts or lived.part in parts]
    for entry in sorted(set(there) - set(out)):
        own = members.plain(entry.member)
        if given := frozenset(address for address in denied if address.part == own):
            what = f"{entry.member} was given {entry.role} on {resource} after this plan; ask again"
            raise ConnectorError(Cause.REFUSED, what, parts=given)
    if not out:
        return False
    if not policy.get("etag"):
        raise ConnectorError(Cause.REFUSED, f"the policy of {resource} has no etag")
    after = edited(policy, out, (), for_good=True)
    if leaves_nobody(policy, after, dialect(resource).admins):
        raise ConnectorError(Cause.REFUSED, f"{resource} would have no administrator left")
    set_policy(clients, resource, after)
    return True
