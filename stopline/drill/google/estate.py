"""An estate of Google's, told as data, and how it is put into the state.

YAML or a dict; every name that a policy uses must have been told too.
"""

from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field

from stopline.text import Json


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Binding(_Told):
    """One role for some members, under a condition or none."""

    role: str
    members: tuple[str, ...]
    condition: dict[str, str] | None = None


class Organization(_Told):
    """Our own organisation and its Workspace."""

    id: str
    domain: str
    customer: str
    admins: tuple[str, ...] = ()
    """Members who may do everything in the Directory API."""

    delegated: dict[str, tuple[str, ...]] = {}
    """Members who may do there what their role says."""

    bindings: tuple[Binding, ...] = ()


class Folder(_Told):
    """A folder. `parent` is `folders/N`, or empty for the organisation."""

    id: str
    name: str
    parent: str = ""
    bindings: tuple[Binding, ...] = ()


class Project(_Told):
    """A project. One that is `outside` belongs to somebody else and is shown to nobody."""

    id: str
    number: str
    parent: str = ""
    outside: bool = False
    bindings: tuple[Binding, ...] = ()


class Key(_Told):
    """A key of a service account."""

    id: str
    disabled: bool = False
    reason: str = ""
    """Why it is disabled, as Google writes it; empty for a person's wish."""

    system: bool = False


class Account(_Told):
    """A service account. Its address is `name@project.iam.gserviceaccount.com` or the one given."""

    project: str
    name: str
    email: str = ""
    disabled: bool = False
    held: bool = False
    """Whether Google itself switched it off, which nobody else can take back."""

    keys: tuple[Key, ...] = ()
    bindings: tuple[Binding, ...] = ()


class User(_Told):
    """A person in a Workspace of ours."""

    email: str
    suspended: bool = False
    reason: str = ""
    unit: str = "/"
    admin: bool = False
    delegated: bool = False
    archived: bool = False
    aliases: tuple[str, ...] = ()


class Membership(_Told):
    """A member of a group; one that `expires` is none afterwards."""

    email: str
    role: str = "MEMBER"
    expires: str = ""
    delivery: str = "ALL_MAIL"


class Group(_Told):
    """A group with its direct members. One that is `outside` belongs to somebody else."""

    email: str
    members: tuple[str | Membership, ...] = ()
    outside: bool = False


class Object(_Told):
    """An object. Told twice it has two generations where its bucket keeps versions."""

    name: str
    content: str = ""
    acl: dict[str, str] = {}
    owner: str = ""
    """The entity that uploaded it, which is its owner until it is replaced."""


class ManagedFolder(_Told):
    """A folder in a bucket with a policy of its own; the name ends with a slash."""

    name: str
    bindings: tuple[Binding, ...] = ()


class Bucket(_Told):
    """A bucket. `acl` and `default_acl` map entities to roles."""

    name: str
    project: str
    location: str = "EU"
    uniform: bool = True
    prevent_public: bool = False
    versioning: bool = False
    bindings: tuple[Binding, ...] = ()
    acl: dict[str, str] = {}
    default_acl: dict[str, str] = {}
    objects: tuple[Object, ...] = ()
    folders: tuple[ManagedFolder, ...] = ()
    data: dict[str, Json] = {}
    """Further fields, as the API has them: `lifecycle`, `labels` …"""


class Subject(_Told):
    """One identity of a pool, as its provider maps it."""

    id: str
    attributes: dict[str, str] = {}
    groups: tuple[str, ...] = ()


class Pool(_Told):
    """A workload identity pool of a project; without one a workforce pool of the organisation."""

    project: str = ""
    id: str
    disabled: bool = False
    providers: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()


class Hmac(_Told):
    """An HMAC key."""

    id: str
    project: str
    account: str
    state: str = "ACTIVE"


class CustomRole(_Told):
    """A role of ours: `projects/p/roles/x` or `organizations/1/roles/x`."""

    name: str
    permissions: tuple[str, ...]


class Thing(_Told):
    """Anything else that has a policy: `//pubsub.googleapis.com/projects/p/topics/t`."""

    name: str
    kind: str
    project: str
    parent: str = ""
    """The full name of what it lies in, where that is not the project itself."""

    data: dict[str, Json] = {}
    bindings: tuple[Binding, ...] = ()


class Dataset(_Told):
    """A BigQuery dataset, whose access is a list of its own."""

    id: str
    project: str
    access: tuple[dict[str, Json], ...] = ()


class Deny(_Told):
    """A deny policy that somebody else attached: `at` is `folders/N` or the like."""

    at: str
    id: str
    rules: tuple[dict[str, Json], ...]


class Estate(_Told):
    """All of it."""

    organization: Organization
    customers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The domains of other Workspace customers, by customer id."""

    folders: tuple[Folder, ...] = ()
    projects: tuple[Project, ...] = ()
    roles: tuple[CustomRole, ...] = ()
    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    pools: tuple[Pool, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    hmac_keys: tuple[Hmac, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    things: tuple[Thing, ...] = ()
    denies: tuple[Deny, ...] = ()

    @classmethod
    def of(cls, told: str | Json) -> Self:
        """Read an estate from YAML or a dict. Raises pydantic.ValidationError."""
        return cls.model_validate(yaml.safe_load(told) if isinstance(told, str) else told)
