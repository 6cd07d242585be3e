"""What one call of Google Cloud replaces: a deny policy, an allow policy, a list, a switch."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence

from stopline.connectors.gcp import (
    buckets,
    denying,
    drives,
    lists,
    membership,
    refusing,
    workspace,
)
from stopline.connectors.gcp.bindings import Entry, alike, edited, entries, leaves_nobody
from stopline.connectors.gcp.clients import Clients, done
from stopline.connectors.gcp.dialects import dialect, policy_of, set_policy
from stopline.connectors.gcp.reading import NAME, point_of, require_same
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json, canonical

# --- our deny policy: https://docs.cloud.google.com/iam/docs/reference/rest/v2/policies --------


def _parent(realm: str) -> str:
    """The attachment point: its slash is written as %2F, once."""
    point = point_of(realm).replace("/", "%2F")
    return f"policies/cloudresourcemanager.googleapis.com%2F{point}/denypolicies"


def deny_policies(clients: Clients, realm: str) -> list[str]:
    """The ids of all deny policies at a realm's top; their rules are not in this answer."""
    listed = clients.pages("iam/v2/policies.listPolicies", "policies", parent=_parent(realm))
    return sorted(one["name"].rpartition("/")[2] for one in listed)


def deny_policy(clients: Clients, document: Document) -> Observed:
    """Read one deny policy; one that there is not says nothing."""
    name = f"{_parent(document.realm)}/{document.id}"
    try:
        policy = clients.ask("iam/v2/policies.get", name=name)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document)
    states = {
        Address(NAME, document.realm, document.kind, f"{document.id}#{member}"): state
        for member, state in denying.entries(policy).items()
    }
    return Observed(document, states, tag=policy["etag"])


_GONE = "deleted:"
"""How a policy goes on naming whoever was deleted.
https://docs.cloud.google.com/iam/docs/principal-identifiers#v2
"""


def _write_deny(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    document = observed.document
    said = {address.part: state for address, state in observed.states.items()}
    for change in changes:
        said.pop(change.address.part, None)
        if change.after is not None:
            said[change.address.part] = change.after
    name = f"{_parent(document.realm)}/{document.id}"
    if not said and not observed.tag:
        return
    if all(part.startswith(_GONE) for part in said):  # nobody who lives is denied by it any more
        done(clients, clients.do("iam/v2/policies.delete", name=name, etag=observed.tag))
        return
    body: Json = {"displayName": f"stopline: {document.id}", "rules": denying.rules(said)}
    with refusing.named(changes, lambda c: c.address.part if c.after is not None else ""):
        _put_deny(clients, observed, body)


def _put_deny(clients: Clients, observed: Observed, body: Json) -> None:
    document = observed.document
    if observed.tag:
        name = f"{_parent(document.realm)}/{document.id}"
        body |= {"name": name, "etag": observed.tag}
        done(clients, clients.do("iam/v2/policies.update", name=name, body=body))
        return
    try:
        words = {"parent": _parent(document.realm), "policyId": document.id, "body": body}
        done(clients, clients.do("iam/v2/policies.createPolicy", **words))
    except ConnectorError as error:
        if error.cause is Cause.BUSY:  # ALREADY_EXISTS: an attempt of ours was there first
            raise StaleError(error.detail) from error
        raise


# --- allow policies ----------------------------------------------------------------------------


def state_of(entry: Entry) -> State:
    """What one entry of an allow policy says."""
    said: Json = {"member": entry.member, "role": entry.role}
    if entry.condition:
        said |= {"condition": json.loads(entry.condition)}
    return State.of(said)


def entry_of(state: State) -> Entry:
    """The entry of a policy that says this."""
    said = state.value
    condition = canonical(said["condition"]) if said.get("condition") else ""
    return Entry(said["role"], said["member"], condition)


def _allow_policy(clients: Clients, document: Document) -> Observed:
    try:
        policy = policy_of(clients, document.id)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    states = {
        Address(NAME, document.realm, document.kind, f"{document.id}#{e.part}"): state_of(e)
        for e in entries(policy)
    }
    return Observed(document, states, raw=json.dumps(policy), tag=policy.get("etag", ""))


def _write_allow(
    clients: Clients, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    """A delta on the policy as it is now; one that is as it was gets its old order back.

    An empty etag would overwrite blindly: https://docs.cloud.google.com/iam/docs/policies#etag
    """
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"{observed.document.id} is not there any more")
    if not observed.tag:
        raise ConnectorError(Cause.REFUSED, f"the policy of {observed.document.id} has no etag")
    now: Json = json.loads(observed.raw)
    stands = observed.states
    out = [entry_of(stands[c.address]) for c in changes if c.after is None and c.address in stands]
    into = [entry_of(c.after) for c in changes if c.after is not None]
    before: Json = json.loads(original) if original else now
    for change in changes:
        if change.after is not None and change.uid:
            require_same(clients, change)
    _require_old(before, now, changes)
    policy = edited(now, out, into)
    admins = dialect(observed.document.id).admins
    if leaves_nobody(now, policy, admins):
        what = f"{observed.document.id} would have no administrator left"
        last = frozenset(c.address for c in changes if c.after is None and _in(c, stands, admins))
        raise ConnectorError(Cause.REFUSED, what, parts=last)
    if alike(policy, before):
        policy["bindings"] = before.get("bindings", [])
    if entries(policy) != entries(now):
        others = [entry.member for entry in entries(now)]
        with refusing.named(changes, _put_in, others):
            set_policy(clients, observed.document.id, policy)
    else:  # nothing to write, unless it is gone
        policy_of(clients, observed.document.id)


def _put_in(change: Change) -> str:
    """The member whom a change gives something back."""
    return entry_of(change.after).member if change.after is not None else ""


def _in(change: Change, stands: Mapping[Address, State], roles: Collection[str]) -> bool:
    state = stands.get(change.address)
    return state is not None and entry_of(state).role in roles


def _require_old(before: Json, now: Json, changes: Sequence[Change]) -> None:
    """What was made anew under its name is not given what the old one had.

    Only a dataset says when it was made. Raises ConnectorError (recreated).
    """
    put_in = frozenset(change.address for change in changes if change.after is not None)
    if put_in and before.get("created", "") != now.get("created", ""):
        what = "it was deleted and made anew meanwhile; the new one is given nothing back"
        raise ConnectorError(Cause.RECREATED, what, parts=put_in)


# --- switches ----------------------------------------------------------------------------------


def _name(document: Document) -> str:
    project, email, *key = document.id.split("/")
    tail = f"/keys/{key[0]}" if key else ""
    return f"projects/{project}/serviceAccounts/{email}{tail}"


def _account(clients: Clients, document: Document) -> Observed:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get"""
    return _switch(clients, document, "iam/v1/projects.serviceAccounts.get")


def _key(clients: Clients, document: Document) -> Observed:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/get"""
    return _switch(clients, document, "iam/v1/projects.serviceAccounts.keys.get")


def _switch(clients: Clients, document: Document, method: str) -> Observed:
    try:
        said = clients.ask(method, name=_name(document))
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    address = Address(document.connector, document.realm, document.kind, document.id)
    state = State.of({"disabled": bool(said.get("disabled"))})
    return Observed(document, {address: state}, uid=said.get("uniqueId", ""))


def _write_switch(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """`disable` and `enable` say the same when said twice.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/disable
    """
    document = observed.document
    keys = ".keys" if document.kind == "service-account-key" else ""
    for change in changes:
        if change.after is not None:
            verb = "disable" if change.after.value["disabled"] else "enable"
            method = f"iam/v1/projects.serviceAccounts{keys}.{verb}"
            clients.do(method, name=_name(document), body={})


# --- HMAC keys and identity pools --------------------------------------------------------------


def _hmac_key(clients: Clients, document: Document) -> Observed:
    """https://docs.cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/get"""
    project, _, key = document.id.partition("/")
    try:
        said = clients.ask("storage/v1/projects.hmacKeys.get", projectId=project, accessId=key)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    if said["state"] == "DELETED":
        return Observed(document, exists=False)
    address = Address(document.connector, document.realm, document.kind, document.id)
    return Observed(document, {address: State.of({"state": said["state"]})}, tag=said["etag"])


def _write_hmac_key(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """https://docs.cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/update"""
    project, _, key = observed.document.id.partition("/")
    for change in changes:
        if change.after is not None:
            body = {**change.after.value, "etag": observed.tag}
            words = {"projectId": project, "accessId": key}
            clients.do("storage/v1/projects.hmacKeys.update", **words, body=body)


def pools_of(name: str) -> str:
    """The API of a pool by its name: of a project's workloads, or of an organisation's people."""
    workforce = name.startswith("locations/")
    return "iam/v1/" + (
        "locations.workforcePools" if workforce else "projects.locations.workloadIdentityPools"
    )


def pool(clients: Clients, document: Document) -> Observed:
    """Read a pool; one that was deleted is gone, although Google keeps it for a month.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools
    https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools
    """
    try:
        said = clients.ask(f"{pools_of(document.id)}.get", name=document.id)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    if said.get("state") == "DELETED":
        return Observed(document, exists=False)
    address = Address(document.connector, document.realm, document.kind, document.id)
    return Observed(document, {address: State.of({"disabled": bool(said.get("disabled"))})})


def _write_pool(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """The pool and not a provider: that would leave tokens from before as they are.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/patch
    https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/patch
    """
    api = pools_of(observed.document.id)
    for change in changes:
        if change.after is not None:
            words = {"name": observed.document.id, "updateMask": "disabled"}
            operation = clients.do(f"{api}.patch", **words, body=change.after.value)
            done(clients, operation, f"{api}.operations.get")


READERS: Mapping[str, Callable[[Clients, Document], Observed]] = {
    "deny-policy-entry": deny_policy,
    "allow-policy-entry": _allow_policy,
    lists.KIND: lists.read,
    buckets.KIND: buckets.read,
    drives.KIND: drives.read,
    "service-account": _account,
    "service-account-key": _key,
    "hmac-key": _hmac_key,
    "identity-pool": pool,
    workspace.KIND: workspace.read,
    membership.KIND: membership.read,
}
WRITERS: Mapping[str, Callable[[Clients, Observed, Sequence[Change], str | None], None]] = {
    "deny-policy-entry": _write_deny,
    "allow-policy-entry": _write_allow,
    lists.KIND: lists.write,
    buckets.KIND: buckets.write,
    drives.KIND: drives.write,
    "service-account": _write_switch,
    "service-account-key": _write_switch,
    "hmac-key": _write_hmac_key,
    "identity-pool": _write_pool,
    workspace.KIND: workspace.write,
    membership.KIND: membership.write,
}
