"""Everything that somebody reaches, also by acting as accounts that it may ask tokens of.

The drill compares it before, during and after a pause: for the vendor it must become empty, for
everybody else it must not move.
"""

from dataclasses import dataclass, field

from stopline.drill.google.oracle import allowed
from stopline.drill.google.principals import ACCOUNT, Caller, caller_of
from stopline.drill.google.state import State

_CLOUD = "cloudresourcemanager.googleapis.com"
ACTS: dict[str, tuple[str, ...]] = {
    "storage.googleapis.com/Object": ("storage.objects.get", "storage.objects.delete"),
    "storage.googleapis.com/Bucket": ("storage.objects.create", "storage.buckets.setIamPolicy"),
    "bigquery.googleapis.com/Table": ("bigquery.tables.getData", "bigquery.tables.updateData"),
    "pubsub.googleapis.com/Topic": ("pubsub.topics.publish",),
    "pubsub.googleapis.com/Subscription": ("pubsub.subscriptions.consume",),
    "secretmanager.googleapis.com/Secret": ("secretmanager.versions.access",),
    "cloudkms.googleapis.com/CryptoKey": ("cloudkms.cryptoKeyVersions.useToDecrypt",),
    "artifactregistry.googleapis.com/Repository": (
        "artifactregistry.repositories.downloadArtifacts",
    ),
    "run.googleapis.com/Service": ("run.routes.invoke",),
    ACCOUNT: ("iam.serviceAccounts.getAccessToken", "iam.serviceAccountKeys.create"),
    f"{_CLOUD}/Project": ("resourcemanager.projects.setIamPolicy", "bigquery.jobs.create"),
    f"{_CLOUD}/Folder": ("resourcemanager.folders.setIamPolicy",),
    f"{_CLOUD}/Organization": ("resourcemanager.organizations.setIamPolicy",),
}
"""What can be done to each kind of resource that is worth cutting off."""

_TOKENS = "iam.serviceAccounts.getAccessToken"


@dataclass(frozen=True, order=True)
class Reached:
    """One thing that can be done to one resource, and as whom."""

    permission: str
    resource: str
    through: tuple[str, ...] = field(default=(), compare=False)
    """The accounts that are acted as, in turn; empty for an access of its own. Only told: what
    is reached on two ways is reached once."""


def reach(state: State, token: str) -> frozenset[Reached]:
    """All that the bearer of a token can do, itself and through accounts that it may act as."""
    with state.lock:
        found: set[Reached] = set()
        seen: set[str] = set()
        waiting: list[tuple[Caller, tuple[str, ...]]] = [(caller_of(state, token), ())]
        while waiting:
            caller, through = waiting.pop(0)
            own = _own(state, caller, through)
            found.update(own)
            for account in sorted(r.resource for r in own if r.permission == _TOKENS):
                member = f"serviceAccount:{state.resources[account].email}"
                if member not in seen and member != token:
                    seen.add(member)
                    waiting.append((caller_of(state, member), (*through, member)))
        return frozenset(found)


def _own(state: State, caller: Caller, through: tuple[str, ...]) -> list[Reached]:
    return [
        Reached(permission, resource.name, through)
        for kind, permissions in ACTS.items()
        for resource in state.of_kind(kind)
        for permission in permissions
        if allowed(state, caller, permission, resource.name)
    ]
