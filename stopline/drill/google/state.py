"""All that the emulated Google holds: resources by full name, with their allow policies.

https://cloud.google.com/asset-inventory/docs/asset-names
"""

import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from stopline.drill.google.delays import Delays
from stopline.drill.google.errors import not_found
from stopline.text import Json, canonical

VOLATILE = frozenset(
    {
        "etag",
        "updateTime",
        "updated",
        "metageneration",
        "oauth2ClientId",
        "lastLoginTime",
        "lastModifiedTime",
        "nonCompliantSince",
    }
)
"""Fields that move with each write, also with one that gives back what was there."""


@dataclass
class Resource:
    """One thing that has a name, a parent, and perhaps an allow policy."""

    name: str
    """Full name, such as `//storage.googleapis.com/deliveries`."""

    kind: str
    """As Cloud Asset Inventory has it, such as `storage.googleapis.com/Bucket`."""

    parent: str
    data: dict[str, Json] = field(default_factory=dict)
    policy: dict[str, Json] = field(default_factory=dict)
    revision: int = 1
    policy_revision: int = 0
    hidden: bool = False
    """Exists outside of our organisation: evaluated, but shown to nobody."""

    number: str = ""
    """What Google counts a project by; empty for all else."""

    sessions_ended: int = 0
    content: bytes = b""

    @property
    def short(self) -> str:
        """The name without its service: `projects/lab/topics/x`."""
        return self.name.removeprefix("//").partition("/")[2]

    @property
    def email(self) -> str:
        """The address in small letters; empty for what has none."""
        found = self.data.get("email") or self.data.get("primaryEmail") or ""
        return str(found).lower()


def etag_of(revision: int) -> str:
    """The opaque text of a revision."""
    return base64.b64encode(b"Bw" + revision.to_bytes(6, "big")).decode()


def number_of(text: str) -> str:
    """A number such as Google gives, the same for the same text."""
    return str(10**20 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


class State:
    """The estate. Every reader and writer holds `lock`."""

    page_limit = 0
    """The largest page that is given, whatever is asked for; 0 for Google's own sizes."""

    empty_pages = False
    """Whether an empty page with a token comes before each full one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.resources: dict[str, Resource] = {}
        self.customers: dict[str, tuple[str, ...]] = {}
        """The domains of each Workspace customer by its id; the first is our own."""

        self.admins: set[str] = set()
        """Who may do everything in the Directory API: its super administrators."""

        self.delegated: dict[str, tuple[str, ...]] = {}
        """Other administrators, each with what their role lets them do."""

        self.operators: set[str] = {"operator"}
        """Tokens that may do everything: the tests' own eyes, no principal of Google's."""

        self.nobody: set[str] = set()
        """Addresses outside of our Workspace that are nobody's any more."""

        self.born: dict[str, str] = {}
        """Addresses that were given to somebody else since, with what tells the new one apart."""

        self.deleted: dict[str, tuple[datetime, tuple[Resource, ...]]] = {}
        """Accounts that can be undeleted, by their numbers, with their keys, and until when."""

        self.allowed_domains: dict[str, tuple[str, ...]] = {}
        """Domain-restricted sharing: the customer ids allowed, by the resource that says so."""

        self.services_off: set[tuple[str, str]] = set()
        """What is not switched on: the project by its id, the service by its host."""

        self.delays = Delays()
        """How long policies take to count: at once, unless `delays.seconds` is set."""

        self.operations: dict[str, Json] = {}
        self.slow_operations = 0
        """How often a long-running operation must be asked for before it is done."""

        self._kinds: dict[str, dict[str, Resource]] = {}
        self._under: dict[tuple[str, str], dict[str, Resource]] = {}
        self._emails: dict[tuple[str, str], Resource] = {}
        self._memberships: dict[str, list[Resource]] = {}
        self._numbers: dict[str, str] = {}
        self._revision = 1000
        self._shift = timedelta()

    def now(self) -> datetime:
        """The emulated time."""
        return datetime.now(UTC) + self._shift

    def advance(self, **delta: float) -> None:
        """Move the emulated time on: `advance(days=85)`."""
        self._shift += timedelta(**delta)

    def next_revision(self) -> int:
        """A number that was not given before."""
        with self.lock:
            self._revision += 1
            return self._revision

    def add(self, resource: Resource) -> Resource:
        """Put a resource in. One of the same name is replaced."""
        with self.lock:
            resource.revision = self.next_revision()
            resource.policy_revision = resource.policy_revision or self.next_revision()
            self.resources[resource.name] = resource
            self._index(resource)
            return resource

    def remove(self, resource: Resource) -> None:
        """Take a resource out."""
        with self.lock:
            del self.resources[resource.name]
            self._kinds[resource.kind].pop(resource.name)
            self._under[resource.kind, resource.parent].pop(resource.name)
            if email := resource.email:
                self._emails.pop((resource.kind, email), None)
                kept = [m for m in self._memberships.get(email, ()) if m is not resource]
                self._memberships[email] = kept

    def _index(self, resource: Resource) -> None:
        self._kinds.setdefault(resource.kind, {})[resource.name] = resource
        under = (resource.kind, resource.parent)
        self._under.setdefault(under, {})[resource.name] = resource
        if email := resource.email:
            if resource.kind.endswith("/Membership"):
                kept = [m for m in self._memberships.get(email, ()) if m.name != resource.name]
                self._memberships[email] = [*kept, resource]
            else:
                self._emails[resource.kind, email] = resource
        if resource.kind.endswith("/Project"):
            self._numbers[resource.number] = resource.short.removeprefix("projects/")

    def get(self, name: str) -> Resource:
        """The resource of a full name. Raises GoogleError 404."""
        found = self.resources.get(name)
        if found is None or found.hidden:
            raise not_found(name.removeprefix("//").partition("/")[2])
        return found

    def touch(self, resource: Resource) -> None:
        """Note that a resource was written."""
        resource.revision = self.next_revision()
        if "metageneration" in resource.data:
            resource.data["metageneration"] = str(int(resource.data["metageneration"]) + 1)
        if "updated" in resource.data:
            resource.data["updated"] = self.now().isoformat()

    def of_kind(self, kind: str, parent: str = "") -> list[Resource]:
        """All visible resources of a kind, those of one parent where it is given, by name."""
        found = self._under.get((kind, parent), {}) if parent else self._kinds.get(kind, {})
        return [r for _, r in sorted(found.items()) if not r.hidden]

    def upwards(self, name: str) -> Iterator[Resource]:
        """A resource and all that it lies in, the narrowest first."""
        found = self.resources.get(name)
        while found is not None:
            yield found
            found = self.resources.get(found.parent)

    def below(self, top: str) -> list[Resource]:
        """All visible resources in the tree of a resource, itself included, by name."""
        return [
            r
            for name, r in sorted(self.resources.items())
            if not r.hidden and any(up.name == top for up in self.upwards(name))
        ]

    def fingerprint(self) -> dict[str, str]:
        """One canonical text for each resource and policy, without etags and times of updates."""
        with self.lock:
            found = {}
            for name, resource in sorted(self.resources.items()):
                whole = {"data": plain(resource.data), "policy": plain(resource.policy)}
                found[f"{resource.kind} {name}"] = canonical(whole)
            return found

    def operation(self, prefix: str, response: Json, kind: str) -> Json:
        """The answer to a slow write: done at once, and seen to be when asked for often."""
        name = f"{prefix}{self.next_revision()}"
        whole = {"@type": f"type.googleapis.com/google.iam.{kind}", **response}
        self.operations[unquote(name)] = {"left": self.slow_operations, "response": whole}
        return self.ask_operation(name)

    def ask_operation(self, name: str) -> Json:
        """How far a slow write has come. Raises GoogleError 404."""
        found = self.operations.get(unquote(name))
        if found is None:
            raise not_found(f"Operation {name}")
        if found["left"] > 0:
            found["left"] -= 1
            return {"name": name, "done": False}
        return {"name": name, "done": True, "response": found["response"]}

    def by_email(self, kind: str, email: str) -> Resource | None:
        """The account, user or group of an address, hidden ones too."""
        return self._emails.get((kind, email.lower()))

    def groups_of(self, email: str) -> list[str]:
        """The addresses of the groups that an address is itself a member of."""
        return [
            r.parent.rpartition("/")[2]
            for r in self._memberships.get(email.lower(), ())
            if not self.lapsed(r)
        ]

    def memberships_of(self, email: str) -> list[Resource]:
        """What makes an address a member of groups, also what has ended."""
        return list(self._memberships.get(email.lower(), ()))

    def administers(self, member: str, privilege: str) -> bool:
        """Whether somebody may do such a thing as an administrator of Workspace.

        https://developers.google.com/workspace/admin/directory/v1/guides/manage-roles
        """
        held = self.delegated.get(member, ())
        whole = f"{privilege.partition('_')[0]}_ALL"
        return member in self.admins or privilege in held or whole in held

    def admin_roles(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """For each administrator the number of their role, and what it lets them do."""
        held = {**dict.fromkeys(self.admins, ("SUPER_ADMIN",)), **self.delegated}
        return {who: (number_of(" ".join(told))[:16], told) for who, told in held.items()}

    def lapsed(self, membership: Resource) -> bool:
        """Whether a membership has ended by itself."""
        ends = membership.data.get("expireTime")
        return bool(ends) and datetime.fromisoformat(str(ends)) <= self.now()

    def customer_of(self, domain: str) -> str:
        """The id of the customer that a domain belongs to; empty when nobody's is known."""
        return next((c for c, domains in self.customers.items() if domain in domains), "")

    def is_ours(self, domain: str) -> bool:
        """Whether a domain is of our own Workspace, whose users are all known."""
        return bool(self.customers) and domain in next(iter(self.customers.values()))

    def project_id(self, number_or_id: str) -> str:
        """The id of a project that is named by its number or id; the text itself when unknown."""
        return self._numbers.get(number_or_id, number_or_id)


_UNORDERED = frozenset({"bindings", "members", "access", "acl", "defaultObjectAcl", "permissions"})


def plain(value: Json, key: str = "") -> Json:
    """The value without what moves by itself; lists in which Google keeps no order are sorted."""
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        items = [plain(v) for v in value]
        return sorted(items, key=canonical) if key in _UNORDERED else items
    return value
