"""What is asked of Google Cloud: the tree, allow policies at version 3, service accounts, roles.

What cannot be read is a gap, and the rest is read all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.dialects import of_folder, policy_of
from stopline.connectors.gcp.faults import OffError, translated
from stopline.connectors.gcp.members import Way
from stopline.errors import ConnectorError
from stopline.model import Change, Counted, Gap
from stopline.receipts import Cause
from stopline.text import Json

NAME = "gcp"
THREADS = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A service account of ours."""

    project: str
    email: str
    uid: str
    disabled: bool

    @property
    def name(self) -> str:
        """As the API names it."""
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    @property
    def member(self) -> str:
        """As an allow policy names it."""
        return f"serviceAccount:{self.email}"


@dataclass
class Realm:
    """What was read of one realm; filled by several threads."""

    id: str
    projects: tuple[str, ...] = ()
    numbers: dict[str, str] = field(default_factory=dict)
    """The projects by their numbers, by which pools are named."""

    above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each project the resources whose policies hold in it, itself too."""

    policies: dict[str, Json] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    buckets: dict[str, tuple[str, Json]] = field(default_factory=dict)
    """For each bucket its project, and what it says of itself."""

    datasets: list[str] = field(default_factory=list)
    """Those of BigQuery, as Google's inventory names them."""

    groupless: bool = False
    """Whether nobody whom we look for can be in a group of the lab's, so that none is looked into.
    """

    looked_into: set[str] = field(default_factory=set)
    """The groups of the lab's that were looked into, whether they were shown or not."""

    inside: dict[str, Mapping[str, Way]] = field(default_factory=dict)
    """For each group of the lab's who of the vendor's is in it, and how."""

    gaps: list[Gap] = field(default_factory=list)

    def counted(self) -> Iterator[Counted]:
        """How much was looked at, by kind."""
        kinds = {
            "service-account": self.accounts,
            "bucket": self.buckets,
            "dataset": self.datasets,
            "project": self.projects,
        }
        for kind, found in kinds.items():
            yield Counted(NAME, self.id, kind, len(found))

    @property
    def fine(self) -> list[str]:
        """The buckets that have access lists besides: those without uniform access."""
        return sorted(name for name, (_, said) in self.buckets.items() if not uniform(said))

    def tried(self, what: str, call: Callable[[], T], project: str = "") -> T | None:
        """What a call gives; where it fails nothing, and a gap that says of what, and why.

        Where a service is not on in the project that is asked about, there is nothing of it. One
        that is not on in our own account's project is a gap all the same.
        """
        try:
            return call()
        except ConnectorError as error:
            if isinstance(error, OffError) and project and self._is(project, error.project):
                return None
            self.gaps.append(Gap(NAME, self.id, what, error.detail))
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # not as documented
            told = translated(error, what, writing=False)
            self.gaps.append(Gap(NAME, self.id, what, told.detail))
        return None

    def _is(self, project: str, named: str) -> bool:
        return project in (named, self.numbers.get(named))


def point_of(realm: str) -> str:
    """Where the deny of a realm is attached: a number is an organisation, else it is a project."""
    return f"organizations/{realm}" if realm.isdigit() else f"projects/{realm}"


def realm(clients: Clients, id_: str) -> Realm:
    """Read one realm, down to its projects, accounts and buckets.

    Nothing is raised: what could not be read is in `gaps`. What lies below is read by `below`.
    """
    read = Realm(id_)
    _policy(clients, read, point_of(id_))
    read.projects = _projects(clients, read)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda project: _project(clients, read, project), read.projects))
        deeper = [*(a.name for a in read.accounts), *(f"buckets/{b}" for b in read.buckets)]
        for folders in pool.map(lambda bucket: _folders(clients, read, bucket), read.buckets):
            deeper += folders
        list(pool.map(lambda resource: _policy(clients, read, resource), deeper))
    read.accounts.sort()
    return read


def _projects(clients: Clients, read: Realm) -> tuple[str, ...]:
    """The projects of a realm, in all of its folders, whose policies are read on the way."""
    point = point_of(read.id)
    if point.startswith("projects/"):
        # https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/get
        get = "cloudresourcemanager/v3/projects.get"
        told = read.tried(f"number of {point}", lambda: clients.ask(get, name=point))
        read.numbers |= {told["name"].partition("/")[2]: read.id} if told else {}
        read.above[read.id] = (point,)
        return (read.id,)
    found = set[str]()
    parents: dict[str, tuple[str, ...]] = {point: (point,)}
    while parents:
        parent, path = parents.popitem()
        # https://docs.cloud.google.com/resource-manager/reference/rest/v3/folders/list
        for folder in read.tried(f"folders of {parent}", _listed(clients, "folders", parent)) or ():
            parents[folder["name"]] = (*path, folder["name"])
            _policy(clients, read, folder["name"])
        # https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/list
        below = read.tried(f"projects of {parent}", _listed(clients, "projects", parent)) or ()
        found |= {project["projectId"] for project in below}
        read.above |= {p["projectId"]: (*path, f"projects/{p['projectId']}") for p in below}
        read.numbers |= {p["name"].partition("/")[2]: p["projectId"] for p in below}
    only = set(clients.estate.projects)
    for missing in sorted(only - found):
        read.gaps.append(Gap(NAME, read.id, f"projects/{missing}", "it is not in the organisation"))
    return tuple(sorted(found & only if only else found))


def _listed(clients: Clients, what: str, parent: str) -> Callable[[], list[Json]]:
    return lambda: clients.pages(f"cloudresourcemanager/v3/{what}.list", what, parent=parent)


def _policy(clients: Clients, read: Realm, resource: str) -> None:
    policy = read.tried(f"policy of {resource}", lambda: policy_of(clients, resource))
    if policy is not None:
        read.policies[resource] = policy


def _project(clients: Clients, read: Realm, project: str) -> None:
    name = f"projects/{project}"
    if name not in read.policies:
        _policy(clients, read, name)
    accounts = read.tried(f"service accounts of {project}", lambda: _accounts(clients, project))
    read.accounts.extend(accounts or ())
    # https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/list
    found = read.tried(
        f"buckets of {project}",
        lambda: clients.pages("storage/v1/buckets.list", "items", project=project),
    )
    read.buckets |= {bucket["name"]: (project, bucket) for bucket in found or ()}


def _folders(clients: Clients, read: Realm, bucket: str) -> list[str]:
    """The folders of a bucket that have policies of their own; without uniform access it has none.

    https://docs.cloud.google.com/storage/docs/json_api/v1/managedFolders/list
    """
    if not uniform(read.buckets[bucket][1]):
        return []
    found = read.tried(
        f"managed folders of {bucket}",
        lambda: clients.pages("storage/v1/managedFolders.list", "items", bucket=bucket),
    )
    return [of_folder(bucket, one["name"]) for one in found or ()]


def uniform(bucket: Json) -> bool:
    """Whether a bucket passes over all its access lists.

    https://docs.cloud.google.com/storage/docs/uniform-bucket-level-access
    """
    found = bucket.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    return bool(found.get("enabled"))


def _accounts(clients: Clients, project: str) -> list[Account]:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/list"""
    method = "iam/v1/projects.serviceAccounts.list"
    found = clients.pages(method, "accounts", name=f"projects/{project}", pageSize=100)
    return [account_of(one) for one in found]


def account_of(one: Json) -> Account:
    """A service account from what the API says of it."""
    return Account(one["projectId"], one["email"], one["uniqueId"], bool(one.get("disabled")))


def require_same(clients: Clients, change: Change) -> None:
    """Give nothing back to somebody else under the same name, nor to who is gone.

    Raises ConnectorError (recreated, gone), which names the change: the rest can be given back.
    """
    email = change.principal.partition(":")[2]
    part = frozenset((change.address,))
    name = f"projects/-/serviceAccounts/{email}"
    try:
        found = account_of(clients.ask("iam/v1/projects.serviceAccounts.get", name=name))
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        what = f"{email} was deleted, and nothing can be given back to it"
        raise ConnectorError(Cause.GONE, what, parts=part) from error
    if found.uid != change.uid:
        what = f"{email} is another account now ({found.uid}, not {change.uid})"
        raise ConnectorError(Cause.RECREATED, what, parts=part)


def keys(clients: Clients, account: Account) -> Iterator[tuple[str, bool]]:
    """The id of each key that somebody was given, and whether it is switched off.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/list
    """
    words = {"name": account.name, "keyTypes": ["USER_MANAGED"]}
    listed = clients.ask("iam/v1/projects.serviceAccounts.keys.list", **words)
    for key in listed.get("keys", []):
        yield key["name"].rpartition("/")[2], bool(key.get("disabled"))


def hmac_keys(clients: Clients, account: Account) -> Iterator[tuple[str, str]]:
    """The access id of each HMAC key of an account, and its state.

    https://docs.cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/list
    """
    words = {"projectId": account.project, "serviceAccountEmail": account.email}
    for key in clients.pages("storage/v1/projects.hmacKeys.list", "items", **words):
        yield key["accessId"], key["state"]


def permissions_of(clients: Clients, roles: Iterable[str]) -> dict[str, Sequence[str] | None]:
    """What each role allows, as allow policies spell it; None for a role that cannot be read.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/roles/get
    """
    with ThreadPoolExecutor(THREADS) as pool:
        wanted = sorted(set(roles))
        return dict(zip(wanted, pool.map(lambda role: _role(clients, role), wanted), strict=True))


def _role(clients: Clients, role: str) -> Sequence[str] | None:
    where = {"organizations": "organizations.roles", "projects": "projects.roles"}
    method = f"iam/v1/{where.get(role.partition('/')[0], 'roles')}.get"
    try:
        said: Json = clients.ask_once(method, name=role)
    except ConnectorError:
        return None
    return tuple(said.get("includedPermissions", ()))


def workforce(clients: Clients, read: Realm, pools: Sequence[str]) -> frozenset[str]:
    """The names of an organisation's own workforce pools, where any is among these.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/list
    """
    wanted = [name for name in pools if name.startswith("locations/")]
    if not wanted or not read.id.isdigit():
        return frozenset()
    words = {"location": "locations/global", "parent": point_of(read.id)}
    method = "iam/v1/locations.workforcePools.list"
    call = partial(clients.pages, method, "workforcePools", **words)
    found = read.tried(f"whether {wanted[0]} is the organisation's", call)
    return frozenset(one["name"] for one in found or ())
