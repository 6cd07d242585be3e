"""Whether we shall be able to, asked before the night: who we are, what we may, what is on.

Nothing here writes. Google says of each permission whether the caller holds it, also of those to
write: it is asked once as whoever reads, and once as whoever writes.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from stopline.connectors.gcp.below import SEARCH
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.documents import deny_policies
from stopline.connectors.gcp.drives import direct
from stopline.connectors.gcp.permissions import READ, READS_WORKSPACE, WRITE, WRITES_WORKSPACE
from stopline.connectors.gcp.reading import point_of
from stopline.connectors.gcp.workspace import LIST
from stopline.errors import ConnectorError
from stopline.estate import Protected
from stopline.planner import protects
from stopline.preflight import Check

AT_ONCE = 100
"""How many permissions are asked about in one call."""
MOST_DENIES, NEARLY_FULL = 500, 450
"""Deny policies at one place: https://docs.cloud.google.com/iam/quotas#limits"""

_ABOVE_PROJECTS = (
    "resourcemanager.organizations.",
    "resourcemanager.folders.",
    "resourcemanager.projects.list",  # of what is in an organisation or a folder
    "resourcemanager.tagKeys.",
    "resourcemanager.tagValues.",
    "iam.workforcePools.",
)
"""Permissions on what only an organisation or a folder has."""


@dataclass(frozen=True, slots=True)
class _Eyes:
    """One realm, and who looks at it."""

    clients: Clients
    realm: str
    protected: Protected

    def check(self, what: str, found: str, next_step: str = "", *, grade: str = "ok") -> Check:
        """One line about this realm; `grade` is ok, warn or fail."""
        step = "" if grade == "ok" else next_step
        return Check(f"gcp {self.realm} {what}", grade != "fail", found, step, warn=grade == "warn")

    def tried(self, what: str, step: str, call: Callable[[], str]) -> Check:
        """Make a reading call: what it tells, or a failed check with the way out."""
        try:
            return self.check(what, call())
        except ConnectorError as error:
            return self.check(what, _brief(error), step, grade="fail")


def preflight(clients: Clients, protected: Protected) -> Iterator[Check]:
    """Look at every realm side by side, then at what is protected."""
    eyes = [_Eyes(clients, realm, protected) for realm in clients.estate.realms]
    with ThreadPoolExecutor(len(eyes)) as pool:
        for checks in pool.map(lambda one: list(_realm(one)), eyes):
            yield from checks
    yield from _protected(clients, protected)


def _realm(eyes: _Eyes) -> Iterator[Check]:
    estate = eyes.clients.estate
    reader = estate.read_service_account or estate.service_account
    yield _who(eyes, "reads as", reader)
    if estate.service_account != reader:
        yield _who(eyes, "writes as", estate.service_account)
    yield _rights(eyes, "rights to read", READ, eyes.clients.ask)
    yield _rights(eyes, "rights to write", READ | WRITE, eyes.clients.do)
    yield _search(eyes)
    yield _groups(eyes)
    yield from _workspace(eyes)
    yield from _drives(eyes)
    yield _denies(eyes)


def _who(eyes: _Eyes, what: str, account: str) -> Check:
    """Whom the estate's file names; whether that works, the rights below tell."""
    if not account:
        step = "Name `gcp.service_account` in the estate's file: its rights can be kept few."
        return eyes.check(what, "the worker's own credentials", step, grade="warn")
    if not protects(eyes.protected.orchestrator, f"serviceAccount:{account}"):
        step = f"List serviceAccount:{account} under `protected.orchestrator` in the estate's file."
        found = f"{account}, from which no guard keeps a plan away"
        return eyes.check(what, found, step, grade="warn")
    return eyes.check(what, account)


def _rights(eyes: _Eyes, what: str, wanted: Iterable[str], ask: Callable[..., Any]) -> Check:
    """https://docs.cloud.google.com/iam/docs/testing-permissions"""
    point = point_of(eyes.realm)
    method = f"cloudresourcemanager/v3/{point.partition('/')[0]}.testIamPermissions"
    names = sorted(p for p in wanted if point.startswith("organizations/") or not _higher(p))
    held = set[str]()
    try:
        for start in range(0, len(names), AT_ONCE):
            some = {"permissions": names[start : start + AT_ONCE]}
            held |= set(ask(method, resource=point, body=some).get("permissions", ()))
    except ConnectorError as error:
        step = "Is the account there, and may the worker's credentials make tokens of it?"
        return eyes.check(what, _brief(error), step, grade="fail")
    missing = [name for name in names if name not in held]
    if missing:
        role = "read" if what.endswith("read") else "worker"
        step = f"Give the account what config/permissions/gcp/{role}.yaml says, at {point}."
        found = f"{len(names) - len(missing)} of {len(names)}; not: {', '.join(missing)}"
        return eyes.check(what, found, step, grade="fail")
    return eyes.check(what, f"all {len(names)} are held at {point}, as Google says")


def _higher(permission: str) -> bool:
    """Whether a permission is about what is above projects: nobody asks for it in one.

    Google refuses a whole call in which one permission is not testable on the resource.
    https://docs.cloud.google.com/iam/docs/reference/rest/v1/permissions/queryTestablePermissions
    """
    return permission.startswith(_ABOVE_PROJECTS)


def _search(eyes: _Eyes) -> Check:
    """https://docs.cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllIamPolicies"""
    step = (
        "Switch on cloudasset.googleapis.com in the account's project; without it there is a gap, "
        "and each service that we know is listed in turn, which takes long."
    )

    def call() -> str:
        eyes.clients.ask(SEARCH, scope=point_of(eyes.realm), pageSize=1)
        return "policies below the projects can be searched"

    return eyes.tried("search", step, call)


def _groups(eyes: _Eyes) -> Check:
    """Whether groups can be looked into is shown by one of the lab's that is protected.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups/lookup
    """
    ours = [*eyes.protected.break_glass, *eyes.protected.orchestrator]
    groups = [p.partition(":")[2] for p in ours if p.startswith("group:") and "*" not in p]
    if not groups:
        step = (
            "Name the break-glass group under `protected.break_glass`, or look into a plan's gaps."
        )
        return eyes.check("groups", "not tried: no group is protected", step, grade="warn")

    def call() -> str:
        eyes.clients.ask("cloudidentity/v1/groups.lookup", groupKey_id=groups[0])
        return f"{groups[0]} can be looked up"

    step = "Give the reading account the role Groups Reader in the Admin console."
    return eyes.tried("groups", step, call)


def _drives(eyes: _Eyes) -> Iterator[Check]:
    """Whether each shared drive of the estate's file lets its permissions be seen.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/list
    """
    step = "Make both accounts managers of the shared drive, and switch on drive.googleapis.com."
    named = eyes.clients.estate.shared_drives if eyes.realm.isdigit() else ()
    for drive in named:

        def call(drive: str = drive) -> str:
            return f"{len(list(direct(eyes.clients, drive)))} members are shown"

        yield eyes.tried(f"shared drive {drive}", step, call)


def _workspace(eyes: _Eyes) -> Iterator[Check]:
    """Whether the lab's own users are seen, and can be suspended.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/list
    """
    customer, first = eyes.clients.estate.customer, eyes.clients.estate.realms[0]
    if eyes.realm != first:
        return
    if not customer:
        step = "Name the lab's own directory under `gcp.customer`; without it its users are a gap."
        found = "no directory is named: no user is looked at"
        yield eyes.check("workspace users", found, step, grade="warn")
        return

    def call() -> str:
        eyes.clients.ask(LIST, customer=customer, maxResults=1)
        return f"the users of {customer} can be listed"

    step = "Give the reading account its role of config/permissions/gcp/workspace.yaml."
    yield eyes.tried("workspace users", step, call)
    yield _administers(eyes, customer)


def _administers(eyes: _Eyes, customer: str) -> Check:
    """What the role of whoever writes lets them do, as far as whoever reads may see it."""
    what, account = "workspace rights to write", eyes.clients.estate.service_account
    step = "Compare its role in the Admin console with config/permissions/gcp/workspace.yaml."
    if not account:
        return eyes.check(what, "the worker's own: nobody here tells its role", step, grade="warn")
    try:
        held = set(_held(eyes.clients, account, customer))
    except ConnectorError as error:
        return eyes.check(what, f"its role cannot be seen: {_brief(error)}", step, grade="warn")
    wanted = sorted(READS_WORKSPACE | WRITES_WORKSPACE)
    whole = {"SUPER_ADMIN", "ADMIN_APIS_ALL"} & held
    missing = [p for p in wanted if not whole and not {p, f"{p.partition('_')[0]}_ALL"} & held]
    if missing:
        step = f"Give {account} its role of config/permissions/gcp/workspace.yaml, in all units."
        return eyes.check(what, f"{account} may not: {', '.join(missing)}", step, grade="fail")
    return eyes.check(what, f"all {len(wanted)} are in the role of {account}")


def _held(clients: Clients, account: str, customer: str) -> Iterator[str]:
    """What the roles of a service account let it do in the whole directory. Raises ConnectorError.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/roleAssignments/list
    """
    get = "iam/v1/projects.serviceAccounts.get"
    number = clients.ask(get, name=f"projects/-/serviceAccounts/{account}")["uniqueId"]
    words = {"customer": customer, "userKey": number, "includeIndirectRoleAssignments": True}
    for one in clients.pages("admin/directory_v1/roleAssignments.list", "items", **words):
        if one.get("scopeType") == "CUSTOMER":
            words = {"customer": customer, "roleId": one["roleId"]}
            role = clients.ask("admin/directory_v1/roles.get", **words)
            yield from (str(held["privilegeName"]) for held in role.get("rolePrivileges", ()))


def _denies(eyes: _Eyes) -> Check:
    """Whether there is room for one more deny policy at the realm's top."""
    try:
        number = len(deny_policies(eyes.clients, eyes.realm))
    except ConnectorError as error:
        step = "Give the reading account what config/permissions/gcp/read.yaml says."
        return eyes.check("deny policies", _brief(error), step, grade="fail")
    found = f"{number} of {MOST_DENIES} at {point_of(eyes.realm)}"
    grade = "fail" if number >= MOST_DENIES else "warn" if number >= NEARLY_FULL else "ok"
    step = "Each pause needs one: delete what nobody needs."
    return eyes.check("deny policies", found, step, grade=grade)


def _protected(clients: Clients, protected: Protected) -> Iterator[Check]:
    """A guard of an account that is not there protects nobody: mostly a slip of the pen.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
    """
    for kind in type(protected).model_fields:
        named = [p for p in getattr(protected, kind) if _one(p)]
        absent = [p for p in named if not _there(clients, p.partition(":")[2])]
        if absent:
            step = "Correct it, or take it out: a deny that excepts nobody is refused as a whole."
            found = f"nobody is {', '.join(absent)}, as far as we may see"
            what = f"gcp protected {kind.replace('_', ' ')}"
            yield Check(what, ok=True, found=found, next_step=step, warn=True)


def _one(pattern: str) -> bool:
    return pattern.startswith("serviceAccount:") and not set(pattern) & {"*", "?"}


def _there(clients: Clients, email: str) -> bool:
    get = partial(clients.ask, "iam/v1/projects.serviceAccounts.get")
    try:
        get(name=f"projects/-/serviceAccounts/{email}")
    except ConnectorError:
        return False
    return True


def _brief(error: ConnectorError, most: int = 160) -> str:
    """What an error says, cut short."""
    text = " ".join(error.detail.split())
    return text if len(text) <= most else f"{text[:most]}..."
