"""What the drill seeded: the truth against which everything is judged."""

from dataclasses import dataclass

RESEARCH, DATA, PLATFORM = "111122223333", "222233334444", "333344445555"
LAB = (RESEARCH, DATA, PLATFORM)
VENDOR_ACCOUNTS = ("444455556666", "444455557777")
LOOKALIKE_ACCOUNT = "777788889999"
EXTERNAL_ID = "mercor-9c1f"
CANONICAL_ID = "6d" * 32


@dataclass(frozen=True, slots=True)
class Person:
    """An IAM user with its keys: id, secret, and whether it was Active."""

    account: str
    name: str
    arn: str
    keys: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A role and somebody who can take it: an ARN, an account, or an identity provider."""

    account: str
    role: str
    arn: str
    by: str
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket and somebody who can read it; `by` is an ARN or, for ACLs, a canonical id."""

    account: str
    bucket: str
    by: str


@dataclass(frozen=True, slots=True)
class Door:
    """A resource with a policy of its own, and somebody whom it lets in to do something."""

    account: str
    kind: str
    name: str
    act: str
    by: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that was seeded, told apart by whose it is."""

    worker: tuple[str, str]
    vendor_users: tuple[Person, ...]
    vendor_roles: tuple[Way, ...]
    vendor_buckets: tuple[Store, ...]
    bystander_users: tuple[Person, ...]
    bystander_roles: tuple[Way, ...]
    bystander_buckets: tuple[Store, ...]
    left_open: tuple[Way, ...]
    """Roles that this release shows and leaves."""
    shared_roles: tuple[Way, ...] = ()
    """Roles that the vendor shares with others, and how the vendor takes them."""
    preserved: tuple[Store, ...] = ()
    """Buckets that nobody may write to during the pause, and one of the lab who does before."""
    still_writing: tuple[Store, ...] = ()
    """Who goes on writing there: a responder, and an AWS service that delivers logs."""
    vendor_doors: tuple[Door, ...] = ()
    bystander_doors: tuple[Door, ...] = ()
    app_client: str = ""
    """The id of the vendor's client of a user pool: nobody knows it before it is made."""
