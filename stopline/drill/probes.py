"""Acting as the vendor, and as bystanders, with their own keys and with sessions issued before.

Only where the emulator is right: an explicit deny on a user or a role is enforced for it and for
its sessions. The rest is judged by `oracle`, and is named here so that the report can say so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from stopline.drill.access import Access, Credentials
from stopline.drill.emulator import Emulator
from stopline.drill.manifest import Manifest, Person, Way

NOT_EMULATED = (
    "an Inactive access key goes on working in the emulator",
    "conditions, trust policies and bucket policies' principals are not evaluated by it",
    "when a session was issued is not asked by it, nor is a permissions boundary",
    "policies of an organization (SCP, RCP) are stored by it, and refuse nobody",
    "console logins, SSH keys and signing certificates cannot be used against it",
)
BOUNDED = ("fuller-role",)
"""Contained by a boundary, which the emulator stores and does not evaluate."""
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with working credentials."""

    who: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Probe:
    """One act, and whether it was allowed."""

    who: str
    allowed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """All actors of a drill. The sessions were issued when it began."""

    vendor: tuple[Actor, ...]
    bystanders: tuple[Actor, ...]


def gather(access: Access, manifest: Manifest) -> Cast:
    """Take every Active key, and a session of every role, while they can be had."""
    shared = {way.arn for way in manifest.shared_roles}
    bystanders = [way for way in manifest.bystander_roles if way.arn not in shared]
    vendors = [way for way in manifest.vendor_roles if way.role not in BOUNDED]
    return Cast(
        (*_keys(manifest.vendor_users), *_sessions(access, vendors)),
        (*_keys(manifest.bystander_users), *_sessions(access, bystanders)),
    )


def _keys(people: Iterable[Person]) -> list[Actor]:
    return [
        Actor(f"{person.name} with {key[:4]}…{key[-4:]}", Credentials(key, secret))
        for person in people
        for key, secret, active in person.keys
        if active
    ]


def _sessions(access: Access, ways: Iterable[Way]) -> list[Actor]:
    owner = Credentials("owner", "owner")
    return [Actor(f"a session of {way.role}", access.assume(owner, way.arn)) for way in ways]


def act(emulator: Emulator, access: Access, actors: Iterable[Actor]) -> list[Probe]:
    """Let each actor list queues, with the emulator's enforcement on."""
    emulator.enforce(on=True)
    try:
        return [_probe(access, actor) for actor in actors]
    finally:
        emulator.enforce(on=False)


def _probe(access: Access, actor: Actor) -> Probe:
    try:
        access.as_(actor.credentials, "sqs").list_queues()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != FORBIDDEN:
            raise
        return Probe(actor.who, allowed=False, detail=error.response["Error"]["Code"])
    return Probe(actor.who, allowed=True)
