"""The vendor's own users and roles, removed for good: whose they are, and in which order they go.

Whose a principal is, a hold does not say: it is looked at when the termination is planned. Only one
that the vendor's file names by something that the vendor cannot write, or that is there for the
vendor alone to assume, is removed; a role that anybody else or a service uses never is.

IAM takes a user or role only once nothing hangs on it, so our deny must go before it. The order
keeps it denied at every moment: first all that it can sign in with and all that it was given, then
AWS's own deny of everything as its boundary, which may stand on what is deleted, then our deny,
then the principal. What is cut off in between is found half done, denied, and gone on with.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stopline.connectors.aws import marks, policy, reading, revoking
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.discovery import read_account
from stopline.connectors.aws.documents import SETTLING, gone, is_ending
from stopline.connectors.aws.doors import doors
from stopline.connectors.aws.selection import Identity, Selected, select, vendors_of
from stopline.connectors.aws.trust import verbatim
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Effect, Skip
from stopline.planner import protects
from stopline.port import Observed
from stopline.receipts import Cause, Hold
from stopline.text import Json, canonical, sha256
from stopline.vendors import Vendor

FOUNDATION = "deny-policy"
LEVERS = ("attachment", "inline-policy", "boundary")
LONGEST = 12.0
"""Seconds after which a removal of many calls is left to the next attempt: the lease runs out."""
STAYS = "the deny stays until people have deleted the {kind}: "
_CREDENTIALS = (
    ("access_key", "list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
    ("ssh_public_key", "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
    ("signing_certificate", "list_signing_certificates", "Certificates", "CertificateId"),
    (
        "service_specific_credential",
        "list_service_specific_credentials",
        "ServiceSpecificCredentials",
        "ServiceSpecificCredentialId",
    ),
)

Principal = tuple[str, str, str]
"""Its account, `user` or `role`, and its name."""


def principal_of(address: Address) -> Principal | None:
    """Whose deny of everything an address is; None for what is on anything else."""
    kind, _, lever = address.kind.partition("-")
    name, _, rest = address.document.id.partition("/")
    if kind not in ("user", "role") or lever not in LEVERS or rest.startswith(marks.CUT):
        return None
    return address.realm, kind, name


def _touches(address: Address) -> Principal:
    """Whose an address is that hangs on a principal, a credential among them."""
    kind = "role" if address.kind.startswith("role-") else "user"
    return address.realm, kind, address.document.id.partition("/")[0]


# --- whose they are ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Looked:
    """The estate's principals, which of them are the vendor's, and which accounts are unread.

    `handing` are accounts of whose roles nobody can say to whom they are handed out.
    """

    identities: Mapping[Principal, Identity]
    selected: Mapping[str, Selected]
    unread: Mapping[str, str]
    handing: Mapping[str, str]
    spared: tuple[str, ...]


def _look(clients: Clients, vendor: Vendor, spared: tuple[str, ...]) -> _Looked:
    numbers = sorted(clients.estate.accounts)
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        found = list(pool.map(lambda number: read_account(clients, number), numbers))
    read = dict(zip(numbers, found, strict=True))
    accounts = [one for one in read.values() if isinstance(one, reading.Account)]
    everybody = [identity for account in accounts for identity in account.identities]
    selectors, there = vendor.aws_of(), [account.id for account in accounts]
    handing = doors(clients, there, selectors)
    return _Looked(
        {(one.account, one.kind, one.name): one for one in everybody},
        {one.identity.arn: one for one in select(everybody, selectors, handing.doors)},
        {n: one.detail for n, one in read.items() if isinstance(one, ConnectorError)},
        handing.unread(there),
        (*vendor.protected, *spared),
    )


def removable(
    clients: Clients,
    vendor: Vendor,
    holds: tuple[Sequence[Hold], Sequence[Hold]],
    spared: tuple[str, ...],
) -> Iterator[Effect | Skip]:
    """Say of each deny on a user or role whether that is removed for good; `holds` as in `port`.

    The deny-all policy goes after the last of them, where nothing else stands on it.
    """
    wanted, standing = holds
    levers = [(hold, who) for hold in wanted if (who := principal_of(hold.address))]
    if not levers and not any(revoking.is_grant(hold.address) for hold in wanted):
        return
    looked, removed = _look(clients, vendor, spared), set()
    for hold, who in levers:
        strangers = {
            other.pause
            for other in standing
            if other.pause != hold.pause and _touches(other.address) == who
        }
        reason = _kept(hold, who, looked, sorted(strangers))
        if reason:
            yield Skip(hold.address, hold.change.principal, STAYS.format(kind=who[1]) + reason)
        else:
            removed.add((hold.address, hold.pause))
            yield _effect(hold, who, looked)
    estate = _estate(vendor, holds, {address for address, _ in removed}, looked)
    yield from revoking.removable(clients, wanted, standing, estate)
    for hold in wanted:
        if hold.address.kind == FOUNDATION:
            on_it = {(h.address, h.pause) for h in standing if h.change.stands_on == hold.address}
            if on_it <= removed:
                yield Effect(hold.address, "delete our deny-all policy, which nothing needs then")


def _estate(
    vendor: Vendor,
    holds: tuple[Sequence[Hold], Sequence[Hold]],
    removed: set[Address],
    looked: _Looked,
) -> revoking.Estate:
    wanted, standing = holds
    levers = {principal_of(h.address) for h in standing if h.pause == wanted[0].pause}
    going = {principal_of(address) for address in removed}
    arns = {who: found.arn for who, found in looked.identities.items()}
    return revoking.Estate(
        vendors_of(vendor.aws_of()),
        looked.selected,
        {**looked.handing, **looked.unread},
        frozenset(arn for who, arn in arns.items() if who in levers),
        frozenset(arn for who, arn in arns.items() if who in going),
    )


def _effect(hold: Hold, who: Principal, looked: _Looked) -> Effect:
    _, kind, name = who
    with_it = "credentials, password, devices, memberships" if kind == "user" else "profiles"
    found = looked.identities.get(who)
    trust = _trusts(found.trust) if found and kind == "role" else ""
    what = f"delete the {kind} {name} for good, with its {with_it} and policies, our deny last"
    return Effect(hold.address, what, only_if=trust)


def _trusts(trust: Json) -> str:
    """Whom a trust lets in, as short digests, one a line: of all but its principals of AWS, then
    of each. One that has been deleted is let in no more, so that fewer are in a later plan.
    """
    tokens = sorted(_short(token) for token in _tokens(trust) if not marks.orphans(token))
    return "\n".join([_short(canonical(_without_tokens(trust))), *tokens])


def _short(text: str) -> str:
    return sha256(text)[:12]


def _tokens(trust: Json) -> Iterator[str]:
    for statement in policy.statements(trust):
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, dict) else principal
        yield from map(str, policy.listed(named))


def _without_tokens(trust: Json) -> list[Json]:
    kept = []
    for statement in policy.statements(trust):
        principal = statement.get("Principal")
        by_kind = principal if isinstance(principal, dict) else {}
        others = {kind: named for kind, named in by_kind.items() if kind != "AWS"}
        kept.append({**statement, "Principal": others})
    return kept


def _same_trust(approved: str, trust: Json) -> bool:
    """Whether nobody was let in since; whom AWS shows by an id has been deleted meanwhile.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    shape, *tokens = approved.split()
    there = [token for token in _tokens(trust) if not marks.orphans(token)]
    same = _short(canonical(_without_tokens(trust))) == shape
    return same and all(_short(token) in tokens for token in there)


def _lets_nobody_in(trust: Json) -> bool:
    """Whether all whom a trust names have been deleted."""
    tokens = list(_tokens(trust))
    kinds = {
        kind
        for statement in policy.statements(trust)
        for kind in (statement.get("Principal") or {"NotPrincipal": 0})
    }
    return kinds == {"AWS"} and bool(tokens) and all(map(marks.orphans, tokens))


def _kept(hold: Hold, who: Principal, looked: _Looked, others: Sequence[str]) -> str:
    """Why a principal is not removed; nothing where it is the vendor's alone, or gone already."""
    if who[0] in looked.unread:
        return f"its account could not be read ({looked.unread[who[0]]})"
    if others:
        return f"the pause {', '.join(others)} holds it too"
    found = looked.identities.get(who)
    if found is None:
        return ""
    if by := protects(looked.spared, found.arn):
        return f"{by} is protected"
    if who[1] == "role" and who[0] in looked.handing:
        return f"to whom it is handed out could not be read ({looked.handing[who[0]]})"
    return _another(hold, found) or _whose(found, looked.selected.get(found.arn))


def _another(hold: Hold, found: Identity) -> str:
    if hold.change.uid and hold.change.uid != found.uid:
        return f"it is another one under the same name ({found.uid})"
    journals = _journals(found) - {_journal(hold)}
    if journals:
        return f"another stopline journal holds it too ({', '.join(sorted(journals))})"
    return ""


def _whose(found: Identity, one: Selected | None) -> str:
    if one is None:
        theirs = found.trust and _lets_nobody_in(found.trust)
        return "" if theirs else "the vendor's file does not select it any more"
    if one.shared_with:
        return f"it is shared with {', '.join(one.shared_with[:3])}"
    if not one.vouched:
        return f"only {one.via} says that it is the vendor's, and the vendor can write that"
    services = policy.named(one.identity.trust, "Service")
    if services:
        return f"{', '.join(services[:3])} runs as it too"
    if one.named:
        return ""
    return "" if one.via.startswith("trust: ") else f"it is no more than reachable ({one.via})"


def _journals(found: Identity) -> set[str]:
    names = (*map(marks.journal_of_policy, (*found.attached, found.boundary)),
             *map(marks.journal_of_inline, found.inline))  # fmt: skip
    return set(filter(None, names))


def _journal(hold: Hold) -> str:
    last = hold.address.part or hold.address.id.partition("/")[2]
    if hold.address.kind.endswith("boundary") and hold.ours is not None:
        last = str(hold.ours.value["PermissionsBoundary"])
    return marks.journal_of_policy(last) or marks.journal_of_inline(last)


# --- how they go ---------------------------------------------------------------------------------


def remove(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """Remove whom a deny of ours is on, or the policy that it stood on. Raises ConnectorError."""
    if observed.document.kind == FOUNDATION:
        _remove_policy(clients, observed)
        return
    if revoking.is_grant(changes[0].address):
        revoking.revoke(clients, observed, changes)
        return
    who = principal_of(changes[0].address)
    if who is None:
        detail = f"{observed.document.kind}: nothing of this kind is removed for good"
        raise ConnectorError(Cause.REFUSED, detail)
    _Removal(clients, *who, time.monotonic()).run(changes[0])


def _remove_policy(clients: Clients, observed: Observed) -> None:
    """Delete our deny-all policy where nobody has it. IAM refuses as well where somebody has.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
    """
    realm, name = observed.document.realm, observed.document.id
    arn = f"arn:aws:iam::{realm}:policy{marks.PATH}{name}"
    found = clients.ask(realm, "iam", "get_policy", PolicyArn=arn)["Policy"]
    used = found.get("AttachmentCount", 0) + found.get("PermissionsBoundaryUsageCount", 0)
    if used:
        raise ConnectorError(Cause.REFUSED, f"{used} still have {name}, which denies them all")
    for version in clients.listed(realm, "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            words = {"PolicyArn": arn, "VersionId": version["VersionId"]}
            clients.do(realm, "iam", "delete_policy_version", **words)
    clients.do(realm, "iam", "delete_policy", PolicyArn=arn)


@dataclass(frozen=True, slots=True)
class _Removal:
    """One principal's. Every step reads what is left of it, so that it can be gone on with."""

    clients: Clients
    account: str
    kind: str
    name: str
    began: float

    def run(self, change: Change) -> None:
        """Take everything from it, our deny last, and then it."""
        found = self._found()
        if change.uid and found[f"{self.kind.capitalize()}Id"] != change.uid:
            detail = f"another {self.kind} is called {self.name} now"
            raise ConnectorError(Cause.RECREATED, detail)
        if self.kind == "user":
            self._credentials()
            self._devices()
            self._groups()
        else:
            self._is_still_alone(found, change)
            self._profiles()
        self._policies(ours=False)
        if not is_ending(found):
            self._do(f"put_{self.kind}_permissions_boundary", PermissionsBoundary=marks.DENY_ALL)
        self._policies(ours=True)
        self._last()

    def _found(self) -> Any:
        answer = self.clients.ask(self.account, "iam", f"get_{self.kind}", **self._who)
        return answer[self.kind.capitalize()]

    @property
    def _who(self) -> dict[str, str]:
        return {f"{self.kind.capitalize()}Name": self.name}

    def _is_still_alone(self, found: Json, change: Change) -> None:
        """Refuse where the trust is not the one that people approved: somebody may use it now."""
        trust = json.loads(verbatim(found["AssumeRolePolicyDocument"]))
        if change.only_if and not _same_trust(change.only_if, trust):
            detail = f"whom the role {self.name} trusts has changed since this plan; ask again"
            raise ConnectorError(Cause.REFUSED, detail)

    def _listed(self, operation: str, items: str) -> list[Any]:
        return self.clients.listed(self.account, operation, items, **self._who)

    def _do(self, operation: str, **words: str) -> None:
        """One step, unless it took too long to get here; what is gone already is done."""
        if time.monotonic() - self.began > LONGEST:
            detail = f"the removal of {self.name} takes long; it stays denied, and is gone on with"
            raise ConnectorError(Cause.BUSY, detail)
        try:
            self.clients.do(self.account, "iam", operation, **(self._who | words))
        except ConnectorError as error:
            if not gone(error):
                raise

    def _credentials(self) -> None:
        self._do("delete_login_profile")
        for what, operation, items, id_ in _CREDENTIALS:
            for item in self._listed(operation, items):
                self._do(f"delete_{what}", **{id_: item[id_]})

    def _devices(self) -> None:
        """A virtual device is the user's alone; one of metal is only taken from it.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html
        """
        for item in self._listed("list_mfa_devices", "MFADevices"):
            serial = item["SerialNumber"]
            self._do("deactivate_mfa_device", SerialNumber=serial)
            if ":mfa/" in serial:
                try:
                    words = {"SerialNumber": serial}
                    self.clients.do(self.account, "iam", "delete_virtual_mfa_device", **words)
                except ConnectorError as error:
                    if not gone(error):
                        raise

    def _groups(self) -> None:
        for item in self._listed("list_groups_for_user", "Groups"):
            self._do("remove_user_from_group", GroupName=item["GroupName"])

    def _profiles(self) -> None:
        for item in self._listed("list_instance_profiles_for_role", "InstanceProfiles"):
            name = item["InstanceProfileName"]
            self._do("remove_role_from_instance_profile", InstanceProfileName=name)

    def _policies(self, *, ours: bool) -> None:
        for name in self._listed(f"list_{self.kind}_policies", "PolicyNames"):
            if bool(marks.journal_of_inline(name)) is ours:
                self._do(f"delete_{self.kind}_policy", PolicyName=name)
        for item in self._listed(f"list_attached_{self.kind}_policies", "AttachedPolicies"):
            arn = item["PolicyArn"]
            if bool(marks.journal_of_policy(arn)) is ours:
                self._do(f"detach_{self.kind}_policy", PolicyArn=arn)

    def _last(self) -> None:
        """Delete it; IAM may for a moment still count what was taken from it."""
        for seconds in (*SETTLING, None):
            try:
                self._do(f"delete_{self.kind}")
            except ConnectorError as error:
                if "DeleteConflict" not in error.detail or seconds is None:
                    raise
                time.sleep(seconds)
            else:
                return
