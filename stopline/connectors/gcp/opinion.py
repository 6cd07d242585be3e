"""How a grant is contained in Google Cloud: a pure opinion, and what outlives it.

Deny first: an entry in one deny policy of ours at the realm's top, which takes nothing of theirs
away. Then the switches. An entry of an allow policy is taken out only where the deny does not
reach: a member that no deny can name, or a role that allows more than the deny names.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from stopline.connectors.gcp import denying, membership, sparing, storing, workspace
from stopline.connectors.gcp.bindings import Entry
from stopline.connectors.gcp.dialects import known
from stopline.connectors.gcp.members import plain
from stopline.connectors.gcp.reading import NAME, point_of
from stopline.model import Address, Breadth, Change, Grant, Residual, Skip, State
from stopline.planner import protects
from stopline.port import Terms


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Say how one grant is contained under these terms, or why it is left."""
    yield from _BY_KIND[grant.address.kind](grant, terms)


def _left(grant: Grant, reason: str, *, open_: bool = True) -> Skip:
    return Skip(grant.address, grant.principal, reason, leaves_access=open_)


def _proto(grant: Grant, terms: Terms, contains: str) -> Change | None:
    """A change with the words of the playbook's rule; None where there is no rule."""
    found = terms.playbook.rule(NAME, contains)
    if found is None:
        return None
    return Change(
        grant.address,
        before=None,
        after=State.of({"disabled": True}),
        rule=found[1].name,
        breadth=Breadth.NARROW,
        phase=found[0],
        uid=grant.uid,
        principal=grant.principal,
    )


# --- entries of allow policies -----------------------------------------------------------------


def _entry(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    if grant.principal.startswith("deleted:"):
        yield _left(grant, "whoever it was has been deleted, and can do nothing", open_=False)
        return
    yield from _strangers(grant, terms)
    yield from _spared(grant, terms)
    denies, whole = _denied(grant, terms)
    yield from denies
    if not whole:
        yield _stripped(grant, terms, denied=bool(denies))


def _through(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """What somebody has by a group of the lab's: the group, with the lab's people, is never cut."""
    yield from _strangers(grant, terms)
    yield from _spared(grant, terms)
    denies, whole = _denied(grant, terms)
    yield from denies
    seats = [s for s in grant.state.value["seats"] if not whole or s["role"] != membership.PLAIN]
    if not seats:
        return
    role = f"{grant.state.value['role']} on {grant.target}"
    beyond = "who manages it may let others in" if whole else _beyond(grant, denied=bool(denies))
    why = f"which has {role}: {beyond}"
    if _switched_off(grant, terms):
        yield _left(grant, f"{grant.via}, {why}; it ends with its own account", open_=False)
    else:
        proto = _proto(grant, terms, "group-memberships")
        yield from membership.contained(grant, terms, proto, (seats, why))


def _switched_off(grant: Grant, terms: Terms) -> bool:
    """Whether somebody can do nothing any more, since a switch of their own is off, or will be."""
    switch = grant.state.value["switch"]
    if not switch or switch["off"]:
        return bool(switch)
    address = Address(NAME, grant.address.realm, switch["kind"], switch["id"])
    rule = terms.playbook.rule(NAME, f"{switch['kind']}s")
    shielded = protects(terms.vendor.protected, grant.principal)
    return switch["able"] and rule is not None and address not in terms.refusals and not shielded


def _strangers(grant: Grant, terms: Terms) -> Iterator[Skip]:
    for journal in grant.state.value["journals"]:
        if journal != terms.mark.journal:
            reason = f"held by another stopline journal, {journal}; not touched"
            yield _left(grant, reason, open_=False)


def _spared(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """A directory, a group or a pool that is not denied, for the sake of somebody in it."""
    for member in grant.state.value["names"]:
        if pattern := sparing.hidden(terms, member):
            where = f"{denying.policy_id(terms.mark)}#{member}"
            address = Address(NAME, grant.address.realm, "deny-policy-entry", where)
            reason = f"not denied as a whole: it may hold whom {pattern} protects"
            step = "a deny excepts single principals alone; name them in place of the pattern"
            yield Skip(address, member, f"{reason}; {step}", leaves_access=True)


def _denied_before(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Somebody who holds nothing any more: the deny stays whole all the same."""
    yield from _strangers(grant, terms)
    spared = list(_spared(grant, terms))
    yield from spared
    denies, _ = _denied(grant, terms)
    yield from denies
    if not denies and not spared:
        yield _left(grant, "the playbook has no rule for principals, or Google refused the deny")


def _denied(grant: Grant, terms: Terms) -> tuple[list[Change], bool]:
    """Our entries for a member, and whether they reach all that this entry of theirs allows."""
    state = grant.state.value
    proto = _proto(grant, terms, "principals")
    if proto is None:
        return [], False
    name = denying.policy_id(terms.mark)
    excepted = sparing.excepted(terms)
    changes = []
    for member in (m for m in state["names"] if not sparing.hidden(terms, m)):
        address = Address(NAME, grant.address.realm, "deny-policy-entry", f"{name}#{member}")
        change = replace(
            proto,
            address=address,
            after=denying.entry(member, excepted),
            breadth=Breadth.EVERYWHERE,
            marked=True,
            uid="",
            principal=member,
            summary=f"deny {member} in our deny policy at {point_of(address.realm)}",
        )
        if address not in terms.refusals:
            changes.append(change)
    own = {change.principal for change in changes}
    reached = plain(grant.principal) in own or (grant.principal.startswith("domain:") and bool(own))
    return changes, reached and state.get("undenied") == 0


def _stripped(grant: Grant, terms: Terms, *, denied: bool) -> Change | Skip:
    """Take the entry itself out, or say why it stays."""
    state = grant.state.value
    what = _beyond(grant, denied=denied)
    entry = Entry(state["role"], state["member"])
    if entry.standing:
        reason = "it stands for the owners of its own project, whom that project's policy names"
        return _left(grant, reason, open_=False)
    if entry.irrevocable:
        told = f"{what}, and access lists may name all owners"
        return _left(grant, f"{told}; no API could make a person an owner again")
    if known(grant.target) is None:
        return _left(grant, f"{what}, and nothing here writes such a policy; take it out by hand")
    proto = _proto(grant, terms, "entries")
    address = replace(grant.address, kind="allow-policy-entry")
    if proto is None:
        return _left(grant, f"{what}, and the playbook has no rule for entries")
    if address in terms.refusals:
        return _left(grant, f"{what}, and Google refused to take it out; see the receipt")
    return replace(
        proto,
        address=address,
        after=None,
        breadth=Breadth.TARGET if grant.shared_with else Breadth.NARROW,
        summary=f"take {state['role']} on {grant.target} from {grant.principal}",
    )


def _beyond(grant: Grant, *, denied: bool) -> str:
    """What our deny leaves of an entry."""
    if not denied:
        return "no deny of ours names it"
    more = grant.state.value["undenied"]
    beyond = f"allows {more} permissions" if more is not None else "may allow permissions"
    return f"{grant.state.value['role']} {beyond} that our deny does not name"


def _public(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Everybody comes in, so a deny of the vendor's names stops nobody who comes without one."""
    proto = _proto(grant, terms, "public-datasets")
    address = replace(grant.address, kind="allow-policy-entry")
    if proto is None:
        yield _left(grant, "public: the vendor reads in it like everybody, named or not")
    elif address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    else:
        yield replace(
            proto,
            address=address,
            after=None,
            breadth=Breadth.TARGET,
            summary=f"take {grant.entitlement} on {grant.target} from {grant.principal}",
            felt=f"nobody comes into {grant.target} any more who is not let in by name",
        )


def _authorised(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """https://docs.cloud.google.com/bigquery/docs/authorized-views"""
    del terms
    what = f"whoever may ask the {grant.entitlement} of the vendor's reads in it, denied or not"
    step = "take it out of the list by hand, and authorise it anew afterwards"
    yield _left(grant, f"{what}; {step}")


# --- access lists of Cloud Storage -------------------------------------------------------------


def _listed(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Taken out whether it is denied or not: nobody says that a deny reaches an access list."""
    proto = _proto(grant, terms, "access-lists")
    role = grant.state.value["role"]
    if proto is None:
        yield _left(grant, "the playbook has no rule for access-lists, which no deny may reach")
    elif grant.address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    else:
        what = f"take {role} in the access list of {grant.target} from {grant.principal}"
        yield replace(proto, after=None, summary=what)


def _shared(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """A permission in a shared drive: no deny of IAM reaches it."""
    proto = _proto(grant, terms, "drive-permissions")
    role = grant.state.value["role"]
    if proto is None:
        yield _left(grant, "the playbook has no rule for drive-permissions, which no deny reaches")
    elif grant.address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    else:
        what = f"take {role} in the {grant.target} from {grant.principal}"
        yield replace(proto, after=None, summary=what)


def _shared_through(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """By a group of the lab's, which with the lab's people is never cut."""
    del terms
    what = f"{grant.via}, which is {grant.state.value['role']} there"
    step = "write down its role in the group and until when, and take it out by hand"
    yield _left(grant, f"{what}, and no deny reaches that; {step}")


def _owned(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """https://docs.cloud.google.com/storage/docs/access-control/lists#ownership"""
    said = grant.state.value
    what = f"it owns {said['objects']} generations of objects there"
    account = Address(NAME, grant.address.realm, "service-account", said.get("account", ""))
    rule = terms.playbook.rule(NAME, "service-accounts")
    if said.get("account") and rule is not None and account not in terms.refusals:
        yield _left(grant, f"{what}, and ends with its account", open_=False)
        return
    step = "only a copy in their place, or uniform access to the bucket, takes that away"
    yield _left(grant, f"{what}, since it uploaded them; {step}")


def _bucket(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    proto = _proto(grant, terms, "buckets")
    if proto is not None:
        yield from storing.bucket(grant, terms, proto)
        return
    reason = "the playbook has no rule for buckets"
    if storing.preserved(grant.address.id, terms):
        reason = f"the vendor's file wants it preserved, and {reason}"
    denied = terms.playbook.rule(NAME, "principals") is not None
    yield _left(grant, reason, open_=grant.state.value["public"] or not denied)


# --- service accounts of ours ------------------------------------------------------------------


def _account(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    reached = grant.entitlement == "reached-service-account"
    contains = "reached-service-accounts" if reached else "service-accounts"
    proto = _proto(grant, terms, contains)
    if grant.shared_with:
        others = ", ".join(grant.shared_with[:3])
        yield _undecided(grant, terms, f"{others} may act as it too ({grant.via})")
    elif proto is None:
        reason = f"the playbook has no rule for {contains}"
        yield _undecided(grant, terms, reason) if reached else _left(grant, reason)
    elif grant.address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    else:
        yield replace(
            proto,
            breadth=Breadth.TARGET if reached else Breadth.PRINCIPAL,
            summary=f"make {grant.principal} inactive",
            felt=f"what runs as it stops ({grant.via})" if reached else "",
        )


def _undecided(grant: Grant, terms: Terms, why: str) -> Skip:
    """An account that is not the vendor's: a deny of the vendor ends acting as it, in time."""
    denied = terms.playbook.rule(NAME, "principals") is not None
    told = "; our deny ends that, and tokens from before live an hour" if denied else ""
    return _left(grant, f"{why}{told}", open_=not denied)


_MINTED = ("key-of-reached-account", "key-of-account")
"""Keys of accounts of the lab's, of which nobody can say who has them."""


def _minted(grant: Grant, terms: Terms, short: str) -> Skip:
    """The lab may use it too, so it is left; it ends with the account where that is switched."""
    rule = terms.playbook.rule(NAME, "reached-service-accounts")
    address = replace(grant.address, kind="service-account", id="/".join(_account_of(grant)))
    ends = grant.entitlement == _MINTED[0] and rule and not grant.shared_with
    if ends and address not in terms.refusals:
        return _left(grant, f"the key {short} ends with its account", open_=False)
    reason = f"{grant.via}, so the vendor may have the active key {short}, which no deny ends"
    return _left(grant, f"{reason}; ask who uses it, and make it inactive by hand")


def _account_of(grant: Grant) -> tuple[str, str]:
    return grant.address.id.partition("/")[0], grant.principal.partition(":")[2]


def _switched(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Keys of both kinds, and pools: one switch each, whose prior value is recorded."""
    kind = grant.address.kind
    proto = _proto(grant, terms, f"{kind}s")
    key = grant.address.id.rpartition("/")[2]
    short = f"{key[:4]}…{key[-4:]} of {grant.principal}"
    if grant.entitlement in _MINTED:
        yield _minted(grant, terms, short)
    elif proto is None:
        yield _left(grant, f"the playbook has no rule for {kind}s")
    elif grant.address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    elif kind == "identity-pool":
        yield replace(proto, breadth=Breadth.PRINCIPAL, summary=f"make the pool {key} inactive")
    elif kind == "hmac-key":
        off = State.of({"state": "INACTIVE"})
        yield replace(proto, after=off, summary=f"make the HMAC key {short} inactive")
    else:
        yield replace(proto, summary=f"make the key {short} inactive")


# --- users of the lab's own directory ----------------------------------------------------------


def _user(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Suspended; who is so for another's reason stays so, and no super administrator is.

    https://support.google.com/a/answer/33312
    """
    proto = _proto(grant, terms, "workspace-users")
    if proto is None:
        yield _left(grant, "the playbook has no rule for workspace-users")
    elif grant.address in terms.refusals:
        yield _left(grant, "Google refused the write; see the receipt")
    elif by := grant.state.value.get("by"):
        yield _left(grant, f"Google has it suspended already ({by}), and it stays so", open_=False)
    elif grant.entitlement == workspace.ARCHIVED:
        yield _left(grant, "it is archived, and nobody can sign in to it", open_=False)
    elif why := workspace.unable(grant):
        yield _left(grant, why)
    else:
        what = f"suspend {grant.principal}, and end its sessions"
        yield replace(proto, after=workspace.SUSPENDED, breadth=Breadth.PRINCIPAL, summary=what)


_BY_KIND: Mapping[str, Callable[[Grant, Terms], Iterable[Change | Skip]]] = {
    "entry": _entry,
    "entry-of-group": _through,
    "denied-principal": _denied_before,
    "public-entry": _public,
    "authorised-resource": _authorised,
    "service-account": _account,
    "service-account-key": _switched,
    "hmac-key": _switched,
    "identity-pool": _switched,
    "access-list-entry": _listed,
    "owned-objects": _owned,
    "drive-permission": _shared,
    "drive-permission-of-group": _shared_through,
    "bucket": _bucket,
    workspace.KIND: _user,
}
_OUTLIVES = {
    "deny-policy-entry": (
        ("what Google has not yet heard of a new deny: minutes, by its own word", "PT7M"),
        ("tokens of service accounts that the vendor had acted as before", "PT1H"),
        ("signed URLs and open resumable uploads", "until they expire"),
    ),
    "allow-policy-entry": (
        ("what Google has not yet heard of a change: minutes, by its own word", "PT7M"),
    ),
    "access-list-entry": (
        ("what Google has not yet heard of a change: minutes, by its own word", "PT7M"),
        ("signed URLs and open resumable uploads", "until they expire"),
    ),
    "drive-permission": (("copies that the vendor made of what it could read", "for good"),),
    "service-account-key": (("access tokens from before, where the account stays", "PT1H"),),
    membership.KIND: (
        (
            "what the group gave before: minutes as a rule",
            "until Google has heard of it, hours at times",
        ),
    ),
    workspace.KIND: (("access tokens that applications had of the user before", "PT1H"),),
}


_QUERIES = ("queries that run already, and what they have written elsewhere", "until they end")
"""https://docs.cloud.google.com/bigquery/docs/managing-jobs"""


def residuals(change: Change) -> Iterator[Residual]:
    """What outlives a change: https://docs.cloud.google.com/iam/docs/access-change-propagation ."""
    more = (_QUERIES,) if change.address.id.startswith("bigquery.googleapis.com/") else ()
    for what, until in (*_OUTLIVES.get(change.address.kind, ()), *more):
        yield Residual(change.address, what, until)
