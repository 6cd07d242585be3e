"""What a termination takes away for good in Google Cloud once it has looked: the vendor's entries
in allow policies with our deny of whom they name, its accounts, its pools.

Our deny opens what it denies when it goes. So it goes only where one look at the whole realm shows
all that its principal has there, where each of these entries can be taken out, and after they are.
What is given between that look and the removal on a resource that is written is refused, and named
by the next plan; elsewhere, in those minutes, it is seen by nobody. What is cut off stays denied.

Accounts and pools are kept by Google for 30 days after they are deleted.
https://docs.cloud.google.com/iam/docs/service-accounts-delete-undelete
https://docs.cloud.google.com/iam/docs/manage-workload-identity-pools-providers#delete-pool
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stopline.connectors.gcp import acting, denying, members, reading
from stopline.connectors.gcp.bindings import edited, leaves_nobody
from stopline.connectors.gcp.clients import Clients, done
from stopline.connectors.gcp.dialects import dialect, known
from stopline.connectors.gcp.discovery import Look, is_deleted, looked
from stopline.connectors.gcp.documents import (
    deny_policies,
    deny_policy,
    entry_of,
    pools_of,
)
from stopline.connectors.gcp.reading import NAME, Account, point_of
from stopline.connectors.gcp.revoking import DENY
from stopline.errors import ConnectorError
from stopline.model import Document, Effect, Found, Grant, Scope, Seen, Skip
from stopline.planner import protects
from stopline.port import Observed
from stopline.receipts import Cause, Hold
from stopline.vendors import Vendor

ACCOUNT, POOL = "service-account", "identity-pool"
KEPT = "P30D"
"""How long Google keeps an account or a pool that was deleted."""
SHOWN = 3
"""How many entries a summary names."""
_BESIDES = ("entry-of-group", "access-list-entry", "owned-objects")
"""How somebody may have more than the entries that name them, which nobody takes out here."""
_ELSEWHERE = "shared drive"
"""What no deny reaches, read or not."""


@dataclass(frozen=True)
class _Looked:
    """One realm as it is now, and the termination that asks."""

    look: Look
    found: tuple[Found, ...]
    holds: tuple[Sequence[Hold], Sequence[Hold]]
    spared: tuple[str, ...]
    only: bool
    """Only some projects of the organisation are looked at."""

    @property
    def grants(self) -> list[Grant]:
        """What the vendor has."""
        return [one for one in self.found if isinstance(one, Grant)]

    @property
    def entries(self) -> list[Grant]:
        """Its entries in policies."""
        return [grant for grant in self.grants if grant.address.kind == "entry"]

    def of(self, member: str) -> list[Grant]:
        """The entries that our deny of a member is about."""
        return [grant for grant in self.entries if member in grant.state.value["names"]]

    def others(self, hold: Hold, concerns: Callable[[Hold], bool]) -> str:
        """The other pauses that hold something of the same."""
        pauses = {
            one.pause
            for one in self.holds[1]
            if one.pause != hold.pause
            and (one.address.connector, one.address.realm) == (NAME, hold.address.realm)
            and concerns(one)
        }
        return f"the pause {', '.join(sorted(pauses))} holds it too" if pauses else ""


def removable(
    clients: Clients,
    vendor: Vendor,
    holds: tuple[Sequence[Hold], Sequence[Hold]],
    spared: tuple[str, ...],
) -> Iterator[Effect | Skip]:
    """Say of each deny, account and pool whether it is removed for good; `holds` as in `port`."""
    wanted = [hold for hold in holds[0] if hold.address.kind in (DENY, ACCOUNT, POOL)]
    for realm in sorted({hold.address.realm for hold in wanted}):
        mine = [hold for hold in wanted if hold.address.realm == realm]
        if realm not in clients.estate.realms:
            for hold in mine:
                yield _stays(hold, f"the estate's file does not name {point_of(realm)} any more")
            continue
        look, found = looked(clients, vendor, Scope(), realm)
        only = realm.isdigit() and bool(clients.estate.projects)
        whole = (*vendor.protected, *spared)
        one = _Looked(look, found, holds, whole, only)
        denies = list(_denies(one, [h for h in mine if h.address.kind == DENY]))
        yield from denies
        going = {says.address for says in denies if isinstance(says, Effect)}
        there = (h.address for h in holds[1] if h.address.kind == DENY and h.address.realm == realm)
        staying = {members.plain(address.part) for address in there if address not in going}
        for hold in (h for h in mine if h.address.kind != DENY):
            judged = _account if hold.address.kind == ACCOUNT else _pool
            yield judged(one, hold, staying)


_STAYS: Mapping[str, str] = {
    DENY: "the deny of it stays",
    ACCOUNT: "the account stays off",
    POOL: "the pool stays off",
}


def _stays(hold: Hold, reason: str) -> Skip:
    return Skip(hold.address, hold.change.principal, f"{_STAYS[hold.address.kind]}: {reason}")


# --- our deny, and the entries that it is about --------------------------------------------------


def _denies(one: _Looked, holds: Sequence[Hold]) -> Iterator[Effect | Skip]:
    """Sets last: a directory is denied for as long as anybody of the vendor's has an entry.

    One after another by name: who would be the last of a policy, once all before are out, stays.
    """
    kept: dict[str, str] = {}
    going: set[str] = set()
    for hold in sorted(holds, key=lambda h: (h.address.part.startswith(members.CUSTOMER), h)):
        member = hold.address.part
        reason = _unread(one) or _why_not(one, hold, going) or _still_needed(one, member, going)
        if reason:
            kept[member] = reason
        else:
            going.add(member)
    for hold in holds:
        if reason := kept.get(hold.address.part, ""):
            yield _stays(hold, reason)
        else:
            yield _effect(one, hold)


def _unread(one: _Looked) -> str:
    """Why nobody can say all that somebody has in a realm."""
    if one.only:
        return "the estate's file names some projects of the organisation, and others are not read"
    gaps = [gap for gap in one.look.read.gaps if _ELSEWHERE not in gap.what]
    return f"{gaps[0].what} could not be read ({gaps[0].cause})" if gaps else ""


def _why_not(one: _Looked, hold: Hold, going: Collection[str]) -> str:
    member = hold.address.part
    reasons = (
        one.others(hold, lambda other: _about(other, member)),
        _journals(one, hold),
        _chosen(one, member),
        _shared(one, member),
        *(_beside(grant, member) for grant in one.grants),
        *(_immovable(one, grant, {*going, member}) for grant in one.of(member)),
    )
    return next(filter(None, reasons), "")


def _chosen(one: _Looked, member: str) -> str:
    if by := protects(one.spared, member):
        return f"{by} is protected"
    theirs = members.via(one.look.selectors, member)
    return "" if theirs else "the vendor's file does not select it any more"


def _beside(grant: Grant, member: str) -> str:
    named = (members.plain(grant.principal), *grant.state.value.get("names", ()))
    if grant.address.kind not in _BESIDES or member not in named:
        return ""
    return f"it has {grant.entitlement} on {grant.target} besides ({grant.via})"


def _about(other: Hold, member: str) -> bool:
    return member in (other.address.part, members.plain(other.change.principal))


def _journals(one: _Looked, hold: Hold) -> str:
    own = denying.journal_of(hold.address.document.id)
    seen = (s.address for s in one.found if isinstance(s, Seen))
    denies = (a for a in seen if a.kind == DENY and a.part == hold.address.part)
    others = sorted({denying.journal_of(a.document.id) for a in denies} - {own})
    return f"another stopline journal denies it too ({', '.join(others)})" if others else ""


def _shared(one: _Looked, member: str) -> str:
    """An account that the lab uses as well: what it has is theirs, too."""
    account = next((a for a in one.look.read.accounts if a.member == member), None)
    return _others_act(one, account) if account else ""


def _immovable(one: _Looked, grant: Grant, going: Collection[str]) -> str:
    """Why an entry cannot be taken out of its policy with all that is of those who go."""
    said, target = grant.state.value, grant.target
    entry = entry_of(grant.state)
    if known(target) is None:
        return f"nothing here writes the policy of {target}; take {said['role']} out by hand"
    if entry.standing:
        return f"its role on {target} stands for the owners of its project"
    policy = one.look.read.policies[target]
    there = (g for g in one.entries if g.target == target)
    out = [entry_of(g.state) for g in there if not set(g.state.value["names"]).isdisjoint(going)]
    movable = [other for other in out if not other.standing]
    after = edited(policy, movable, (), for_good=True)
    if leaves_nobody(policy, after, dialect(target).admins):
        return f"{target} would have no administrator left"
    return ""


def _still_needed(one: _Looked, member: str, going: set[str]) -> str:
    """Who of a set is denied by it alone, or stays denied besides."""
    if not member.startswith(members.CUSTOMER):
        return ""
    of = one.of(member)
    for grant in (g for g in one.grants if g.address.kind in ("entry", "entry-of-group")):
        if is_deleted(grant.principal):
            continue
        own = members.plain(grant.principal)
        alone = grant in of and not members.spelt(own)
        if own not in going and not alone:
            return f"{own} still has {grant.entitlement} on {grant.target}"
    return ""


def _effect(one: _Looked, hold: Hold) -> Effect:
    member = hold.address.part
    said = sorted({(g.target, g.entitlement, g.address.id) for g in one.of(member)})
    if not said:
        return Effect(hold.address, f"take our deny of {member} off, which holds nothing any more")
    told = ", ".join(f"{role} on {target}" for target, role, _ in said[:SHOWN])
    more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    what = f"take the entries of {member} out for good ({told}{more}), and then our deny of it"
    return Effect(hold.address, what, only_if="\n".join(where for *_, where in said))


# --- accounts and pools --------------------------------------------------------------------------


_DENIED = "a deny of it stays, which would not know it any more if it were brought back"


def _account(one: _Looked, hold: Hold, denied: Collection[str]) -> Effect | Skip:
    """An account is the vendor's where its file says so, by its name or its project's.

    It was off for as long as the pause lasts, so that nothing runs as it. `denied` are those of
    whom a deny stays: Google would name one that is deleted by another name in it.
    """
    email = hold.address.id.partition("/")[2]
    account = next((a for a in one.look.read.accounts if a.email == email), None)
    others = one.others(hold, lambda other: _of_account(other, email))
    reason = others or (_kept(one, hold, account) if account else "")
    if account and not reason and members.plain(account.member) in denied:
        reason = _DENIED
    if reason:
        return _stays(hold, reason)
    what = f"delete the service account {email} with its keys; it can be undeleted for 30 days"
    return Effect(hold.address, what, kept=KEPT)


def _of_account(other: Hold, email: str) -> bool:
    """Whether a hold is on an account, or on a key or a deny of it."""
    return members.plain(other.change.principal) == members.plain(f"serviceAccount:{email}")


def _kept(one: _Looked, hold: Hold, account: Account) -> str:
    if hold.change.uid and hold.change.uid != account.uid:
        return f"it is another one under the same name ({account.uid})"
    if by := protects(one.spared, account.member):
        return f"{by} is protected"
    if not acting.via(one.look.selectors, account):
        return "it is not the vendor's by its file, who may only act as it"
    return _others_act(one, account)


def _others_act(one: _Looked, account: Account) -> str:
    held = tuple(one.look.held())
    own = {e.role for _, e in held if not e.role.startswith("roles/")}
    gives = reading.permissions_of(one.look.clients, own)
    who = acting.others(one.look.selectors, one.look.read, held, account, gives)
    strangers = [member for member in who if not protects(one.spared, member)]
    return f"{', '.join(strangers[:SHOWN])} may act as it too" if strangers else ""


def _pool(one: _Looked, hold: Hold, denied: Collection[str]) -> Effect | Skip:
    """A pool is contained only where the vendor's file names it: nobody else comes through it."""
    name = hold.address.id
    inside = f"://iam.googleapis.com/{name}/"
    reason = one.others(hold, lambda other: inside in other.address.id or other.address.id == name)
    if not reason and name not in one.look.selectors.pools:
        reason = "the vendor's file does not name it any more"
    if not reason and any(inside in member for member in denied):
        reason = _DENIED
    if reason:
        return _stays(hold, reason)
    what = f"delete the pool {name.rpartition('/')[2]} with its providers; it can be undeleted"
    return Effect(hold.address, f"{what} for 30 days", kept=KEPT)


# --- how they go ---------------------------------------------------------------------------------


def _require_undenied(clients: Clients, realm: str, names: Callable[[str], bool]) -> None:
    """Delete nobody while a deny of stopline's names them, and their entries may be there still:
    both would name them as deleted then, and neither would be taken out.

    https://docs.cloud.google.com/iam/docs/principal-identifiers#v2
    """
    for name in filter(denying.journal_of, deny_policies(clients, realm)):
        states = deny_policy(clients, Document(NAME, realm, DENY, name)).states
        if there := sorted(a.part for a in states if names(members.plain(a.part))):
            raise ConnectorError(Cause.BUSY, f"{there[0]} is denied still; it goes after our deny")


def delete_account(clients: Clients, observed: Observed) -> None:
    """Delete it by its number: whoever is called so by now is somebody else.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/delete
    """
    project, _, email = observed.document.id.partition("/")
    own = members.plain(f"serviceAccount:{email}")
    _require_undenied(clients, observed.document.realm, lambda member: member == own)
    name = f"projects/{project}/serviceAccounts/{observed.uid}"
    clients.do("iam/v1/projects.serviceAccounts.delete", name=name)


def delete_pool(clients: Clients, observed: Observed) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/delete
    """
    inside = f"://iam.googleapis.com/{observed.document.id}/"
    _require_undenied(clients, observed.document.realm, lambda member: inside in member)
    api = pools_of(observed.document.id)
    operation = clients.do(f"{api}.delete", name=observed.document.id)
    done(clients, operation, f"{api}.operations.get")
