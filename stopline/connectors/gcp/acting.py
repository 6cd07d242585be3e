"""Who may act as a service account of ours: the vendor, through others too, and who else. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stopline.connectors.gcp import members
from stopline.connectors.gcp.bindings import Entry
from stopline.connectors.gcp.reading import Account, Realm
from stopline.vendors import GcpSelectors

ACTS = (
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountOpenIdTokenCreator",
)
"""Roles that are there to act as a service account, on it or on what it lies in."""
GIVES_AWAY = (
    *ACTS,
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/owner",
    "roles/editor",
)
"""Roles on a service account by which somebody acts as it.

https://docs.cloud.google.com/iam/docs/service-account-permissions
"""
PERMISSIONS = frozenset(
    f"iam.serviceAccounts.{verb}"
    for verb in (
        "actAs",
        "getAccessToken",
        "getOpenIdToken",
        "implicitDelegation",
        "signBlob",
        "signJwt",
    )
)
"""With any of these somebody acts as an account."""

Held = Sequence[tuple[str, Entry]]
"""Entries of policies, each with the resource whose policy it is in."""
Reached = Mapping[str, tuple[str, tuple[str, ...]]]
"""For each account as which the vendor may act, who of it may, and who else."""


def via(selectors: GcpSelectors, account: Account) -> str:
    """What selects an account as the vendor's, or nothing."""
    return members.via(selectors, account.member)


def own(selectors: GcpSelectors, read: Realm) -> dict[str, str]:
    """The accounts of ours that are the vendor's, each with what selects it."""
    return {one.member: told for one in read.accounts if (told := via(selectors, one))}


def reached(selectors: GcpSelectors, read: Realm, held: Held) -> Reached:
    """Accounts as which the vendor may act, through others too; and who else may act as each."""
    acts, theirs = _acting_on(held), own(selectors, read)
    known = dict(theirs)
    while True:
        further = {
            account: min(by)
            for account, who in acts.items()
            if account not in known
            and (by := {m for m in who if m in known or _theirs(selectors, read, m)})
        }
        if not further:
            break
        known |= further
    project = {account.member: account.project for account in read.accounts}
    return {
        account: (known[account], _strangers(selectors, acts[account] | above, known))
        for account in known.keys() - theirs.keys()
        for above in [set(_acting_above(read, held, project.get(account, "")))]
    }


def others(
    selectors: GcpSelectors,
    read: Realm,
    held: Held,
    account: Account,
    gives: Mapping[str, Sequence[str] | None],
) -> tuple[str, ...]:
    """Who else may act as an account that is the vendor's, by a role that is there for that.

    `gives`: what roles of the lab's own allow; one that could not be read may allow anything. Who
    administers what the account lies in could act as every account there: they do not count.
    """
    who = {
        members.plain(entry.member)
        for resource, entry in held
        if resource in read.above.get(account.project, ()) and _acts(entry.role, gives)
    }
    who |= _acting_on(held).get(account.member, set())
    return _strangers(selectors, who, own(selectors, read))


def _acts(role: str, gives: Mapping[str, Sequence[str] | None]) -> bool:
    if role.startswith("roles/"):
        return role in ACTS
    allowed = gives.get(role)
    return allowed is None or bool(PERMISSIONS & {*allowed})


def _acting_on(held: Held) -> dict[str, set[str]]:
    """By account who may act as it by its own policy."""
    acts: dict[str, set[str]] = {}
    for resource, entry in held:
        if "/serviceAccounts/" in resource and entry.role in GIVES_AWAY:
            acts.setdefault(f"serviceAccount:{resource.rpartition('/')[2]}", set()).add(
                members.plain(entry.member)
            )
    return acts


def _theirs(selectors: GcpSelectors, read: Realm, member: str) -> bool:
    return bool(members.via(selectors, member)) or member in read.inside


def _acting_above(read: Realm, held: Held, project: str) -> Iterator[str]:
    """Who may act as every account of a project; a custom role may allow it, nobody knows."""
    places = read.above.get(project, ())
    for resource, entry in held:
        acts = entry.role in ACTS or not entry.role.startswith("roles/")
        if resource in places and acts:
            yield members.plain(entry.member)


def _strangers(
    selectors: GcpSelectors, who: Iterable[str], known: Mapping[str, str]
) -> tuple[str, ...]:
    return tuple(sorted(m for m in who if m not in known and not members.via(selectors, m)))
