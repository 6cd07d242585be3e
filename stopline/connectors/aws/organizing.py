"""Policies of an organization that are ours, and what they are attached to: read and written.

A policy is found by its name, since its id is AWS's. What strangers attach to the same root, unit
or account is never touched: attachments are set one by one, so nobody's edit can be lost. No call
takes a concurrency tag; a policy of ours is replaced whole, and is nobody else's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stopline.connectors.aws import lockout, marks
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import address, gone
from stopline.connectors.aws.policy import statements
from stopline.errors import ConnectorError
from stopline.model import Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json, canonical

ORGANIZATIONS = "organizations"


@dataclass(frozen=True, slots=True)
class Control:
    """One type of policy: AWS's name for it, how long it may be, how many a target takes.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    """

    type: str
    longest: int
    attached: int
    what: str


SERVICE = Control("SERVICE_CONTROL_POLICY", 10_240, 10, "service control policy")
RESOURCE = Control("RESOURCE_CONTROL_POLICY", 5_120, 5, "resource control policy")
CONTROLS: Mapping[str, Control] = {"service-control": SERVICE, "resource-control": RESOURCE}
"""By how the kinds of their documents begin."""
DESCRIPTION = "Denies a paused vendor. Kept by stopline."


def control_of(kind: str) -> Control:
    """The type of policy that a kind of document is about."""
    return CONTROLS[kind.rpartition("-")[0]]


def listed(clients: Clients, realm: str, control: Control) -> dict[str, str]:
    """The ids of all policies of a type, by name. Raises ConnectorError.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPolicies.html
    """
    pages = clients.pages(realm, ORGANIZATIONS, "list_policies", Filter=control.type)
    return {p["Name"]: p["Id"] for page in pages for p in page["Policies"]}


def attached(clients: Clients, realm: str, target: str, control: Control) -> dict[str, str]:
    """The ids of the policies that are attached to a target itself, by name.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html
    """
    words = {"TargetId": target, "Filter": control.type}
    pages = clients.pages(realm, ORGANIZATIONS, "list_policies_for_target", **words)
    return {p["Name"]: p["Id"] for page in pages for p in page["Policies"]}


def targets(clients: Clients, realm: str, policy: str) -> list[str]:
    """What a policy is attached to.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTargetsForPolicy.html
    """
    pages = clients.pages(realm, ORGANIZATIONS, "list_targets_for_policy", PolicyId=policy)
    return sorted(t["TargetId"] for page in pages for t in page["Targets"])


def content(clients: Clients, realm: str, policy: str) -> Json:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribePolicy.html"""
    found = clients.ask(realm, ORGANIZATIONS, "describe_policy", PolicyId=policy)
    return json.loads(found["Policy"]["Content"])


# --- the policy --------------------------------------------------------------------------------


def read_policy(clients: Clients, document: Document) -> Observed:
    """Read our policy of one pause; one that there is not says nothing."""
    policy = listed(clients, document.realm, control_of(document.kind)).get(document.id)
    if policy is None:
        return Observed(document)
    try:
        found = content(clients, document.realm, policy)
    except ConnectorError as error:
        if gone(error):
            return Observed(document)
        raise
    return Observed(document, {address(document): State.of({"document": found})}, tag=policy)


def write_policy(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """Write the policy that was read, by its id: no long list stands between lease and write.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html
    """
    document = observed.document
    for change in changes:
        if observed.states.get(change.address) == change.after:
            continue
        policy = observed.tag or None
        if change.after is not None:
            _put(clients, document, policy, change.after.value["document"])
        elif policy is not None:
            _delete(clients, document.realm, policy)


def _put(clients: Clients, document: Document, policy: str | None, body: Json) -> None:
    control = control_of(document.kind)
    _refuse_lockout(clients, document, body)
    text = canonical(body)  # AWS counts white space here
    if policy is not None:
        words = {"PolicyId": policy, "Content": text}
        clients.do(document.realm, ORGANIZATIONS, "update_policy", **words)
        return
    words = {"Name": document.id, "Type": control.type, "Description": DESCRIPTION}
    clients.do(document.realm, ORGANIZATIONS, "create_policy", **words, Content=text)


def _refuse_lockout(clients: Clients, document: Document, body: Json) -> None:
    """Never write a deny that hits what we run as, in whatever account of the lab's."""
    numbers = sorted(clients.estate.accounts)
    us = [role for n in numbers for role in (clients.identity(n), clients.read_role(n)) if role]
    own = (clients.role(document.realm), clients.read_role(document.realm))
    denies = [s for s in statements(body) if s.get("Effect") == "Deny"]
    if not marks.of_members(document.id) and (who := lockout.hit(denies, (*us, *own))):
        raise ConnectorError(Cause.REFUSED, f"{document.id} would lock out {who}")


def _delete(clients: Clients, realm: str, policy: str) -> None:
    """AWS deletes none that is attached; what bears our mark is ours, wherever it is attached.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeletePolicy.html
    """
    try:
        for target in targets(clients, realm, policy):
            _detach(clients, realm, policy, target)
        clients.do(realm, ORGANIZATIONS, "delete_policy", PolicyId=policy)
    except ConnectorError as error:
        if not gone(error):
            raise


# --- attachments -------------------------------------------------------------------------------


def read_attachments(clients: Clients, document: Document) -> Observed:
    """What of stopline's is attached to a root, a unit or an account; the rest is not ours."""
    control = control_of(document.kind)
    try:
        found = attached(clients, document.realm, document.id, control)
        known = listed(clients, document.realm, control) | found
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    ours = sorted(filter(marks.journal_of_control, found))
    ids = {n: id_ for n, id_ in known.items() if marks.journal_of_control(n)}
    states = {address(document, n): state_of(n) for n in ours}
    return Observed(document, states, tag=canonical(ids))


def state_of(name: str) -> State:
    """An attachment's state."""
    return State.of({"PolicyName": name})


def write_attachments(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """By the ids that were read: no long list stands between lease and write.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html
    """
    document = observed.document
    ids: dict[str, str] = json.loads(observed.tag or "{}")
    for change in changes:
        name = change.address.part
        policy = ids.get(name)
        if change.after is None and policy is not None:
            _detach(clients, document.realm, policy, document.id)
        elif change.after is not None:
            _attach(clients, document, name, policy)


def _attach(clients: Clients, document: Document, name: str, policy: str | None) -> None:
    if policy is None:
        detail = f"there is no policy {name} to attach to {document.id} yet"
        raise ConnectorError(Cause.BUSY, detail)
    if marks.of_members(name) and document.id in (*clients.estate.own, _places(document.id)):
        what = f"{name} denies all in a vendor's account; {document.id} is no such one"
        raise ConnectorError(Cause.REFUSED, what)
    words = {"PolicyId": policy, "TargetId": document.id}
    try:
        clients.do(document.realm, ORGANIZATIONS, "attach_policy", **words)
    except ConnectorError as error:
        if "DuplicatePolicyAttachment" not in error.detail:
            raise


def _places(target: str) -> str:
    """The target itself where it holds accounts: a root, a unit."""
    return "" if target.isdigit() else target


def _detach(clients: Clients, realm: str, policy: str, target: str) -> None:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html"""
    words = {"PolicyId": policy, "TargetId": target}
    try:
        clients.do(realm, ORGANIZATIONS, "detach_policy", **words)
    except ConnectorError as error:
        if not gone(error):
            raise


# --- whose policies bind an account --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """What an organization says about one account: by level from it to the root, without ours.

    `above` are the ids that a policy binds it through: itself, its units, the root.
    """

    scps: tuple[tuple[Json, ...], ...] = ()
    rcps: tuple[Json, ...] = ()
    above: tuple[str, ...] = ()


@dataclass
class Bounds:
    """What the organization says about accounts, as far as it may be read; nothing is asked twice.

    AWS lets policies be described twice a second, and the same ones bind many accounts.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    """

    clients: Clients
    _found: dict[str, Bound | ConnectorError] = field(default_factory=dict)
    _asked: dict[tuple[str, ...], Json] = field(default_factory=dict)

    def tried(self, account: str) -> Bound | ConnectorError:
        """What is said about an account, or why nobody knows."""
        if account not in self._found:
            try:
                self._found[account] = self._bound(account)
            except ConnectorError as error:
                self._found[account] = error
        return self._found[account]

    def of(self, account: str) -> Bound:
        """What is known to be said about an account: it could only refuse more."""
        found = self.tried(account)
        return found if isinstance(found, Bound) else Bound()

    def _bound(self, account: str) -> Bound:
        """Nothing where the estate has no organization, or the account is not in it.

        The management account is bound by none.
        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        """
        own = self.clients.estate.organization
        if own is None:
            return Bound()
        said = self._once("describe_organization")["Organization"]
        if said["MasterAccountId"] == account:
            return Bound()
        try:
            places = tuple(self._above(account))
        except ConnectorError as error:
            if gone(error):
                return Bound()
            raise
        scps = tuple(filter(None, (self._theirs(own.id, p, SERVICE) for p in places)))
        rcps = tuple(d for p in places for d in self._theirs(own.id, p, RESOURCE))
        return Bound(scps, rcps, places)

    def _above(self, account: str) -> Iterator[str]:
        """An account, and what it lies in, up to the root.

        https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html
        """
        place = account
        while True:
            yield place
            if place.startswith("r-"):
                return
            place = self._once("list_parents", ChildId=place)["Parents"][0]["Id"]

    def _once(self, operation: str, **words: str) -> Json:
        own, key = self.clients.estate.organization, (operation, *words.values())
        if own is not None and key not in self._asked:
            self._asked[key] = self.clients.ask(own.id, ORGANIZATIONS, operation, **words)
        return self._asked[key]

    def _theirs(self, realm: str, place: str, control: Control) -> tuple[Json, ...]:
        """What strangers attached to a place; nothing where such policies are not enabled."""
        key = ("attached", place, control.type)
        try:
            if key not in self._asked:
                self._asked[key] = attached(self.clients, realm, place, control)
        except ConnectorError as error:
            if error.cause is Cause.REFUSED:
                return ()
            raise
        found = sorted(self._asked[key].items())
        ids = [id_ for name, id_ in found if not marks.journal_of_control(name)]
        told = (self._once("describe_policy", PolicyId=id_)["Policy"]["Content"] for id_ in ids)
        return tuple(json.loads(text) for text in told)
