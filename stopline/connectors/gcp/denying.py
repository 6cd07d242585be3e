"""Our deny policy: one for each pause, one entry for each principal that it names. Pure.

https://docs.cloud.google.com/iam/docs/deny-overview
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from stopline.connectors.gcp.members import spelt, unspelt
from stopline.model import State
from stopline.port import Mark
from stopline.text import Json

_ID = re.compile(r"stopline-j([0-9a-f]{8})-p[0-9a-f]{8}")
_ESCALATORS = (
    "iam.googleapis.com/serviceAccounts.actAs",
    "iam.googleapis.com/serviceAccounts.getAccessToken",
    "iam.googleapis.com/serviceAccounts.getOpenIdToken",
    "iam.googleapis.com/serviceAccounts.implicitDelegation",
    "iam.googleapis.com/serviceAccounts.signBlob",
    "iam.googleapis.com/serviceAccounts.signJwt",
    "iam.googleapis.com/serviceAccounts.create",
    "iam.googleapis.com/serviceAccounts.enable",
    "iam.googleapis.com/serviceAccounts.setIamPolicy",
    "iam.googleapis.com/serviceAccounts.undelete",
    "iam.googleapis.com/serviceAccountKeys.create",
    "iam.googleapis.com/serviceAccountKeys.enable",
    "iam.googleapis.com/roles.create",
    "iam.googleapis.com/roles.update",
    "iam.googleapis.com/denypolicies.create",
    "iam.googleapis.com/denypolicies.delete",
    "iam.googleapis.com/denypolicies.update",
    "iam.googleapis.com/workloadIdentityPools.create",
    "iam.googleapis.com/workloadIdentityPools.update",
    "iam.googleapis.com/workloadIdentityPoolProviders.create",
    "iam.googleapis.com/workloadIdentityPoolProviders.update",
    "cloudresourcemanager.googleapis.com/folders.setIamPolicy",
    "cloudresourcemanager.googleapis.com/organizations.setIamPolicy",
    "cloudresourcemanager.googleapis.com/projects.delete",
    "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
    "bigquery.googleapis.com/datasets.setIamPolicy",
    "bigquery.googleapis.com/datasets.update",
    "bigquery.googleapis.com/tables.setIamPolicy",
    "cloudkms.googleapis.com/cryptoKeys.setIamPolicy",
    "cloudkms.googleapis.com/keyRings.setIamPolicy",
    "pubsub.googleapis.com/subscriptions.setIamPolicy",
    "pubsub.googleapis.com/topics.setIamPolicy",
    "secretmanager.googleapis.com/secrets.setIamPolicy",
    "storage.googleapis.com/managedFolders.setIamPolicy",
)
"""With these a denied principal could take another way, let another in, or undo the deny."""
_DATA = (
    "storage.googleapis.com/buckets.create",
    "storage.googleapis.com/buckets.delete",
    "storage.googleapis.com/buckets.get",
    "storage.googleapis.com/buckets.getIamPolicy",
    "storage.googleapis.com/buckets.list",
    "storage.googleapis.com/buckets.setIamPolicy",
    "storage.googleapis.com/buckets.update",
    "storage.googleapis.com/hmacKeys.create",
    "storage.googleapis.com/hmacKeys.update",
    "storage.googleapis.com/objects.create",
    "storage.googleapis.com/objects.delete",
    "storage.googleapis.com/objects.get",
    "storage.googleapis.com/objects.getIamPolicy",
    "storage.googleapis.com/objects.list",
    "storage.googleapis.com/objects.setIamPolicy",
    "storage.googleapis.com/objects.update",
    "bigquery.googleapis.com/jobs.create",
    "bigquery.googleapis.com/tables.export",
    "bigquery.googleapis.com/tables.getData",
    "bigquery.googleapis.com/tables.updateData",
    "pubsub.googleapis.com/subscriptions.consume",
    "pubsub.googleapis.com/topics.publish",
    "secretmanager.googleapis.com/versions.access",
    "cloudkms.googleapis.com/cryptoKeyVersions.useToDecrypt",
    "cloudkms.googleapis.com/cryptoKeyVersions.useToEncrypt",
    "cloudkms.googleapis.com/cryptoKeyVersions.useToSign",
)
"""What is the lab's, and leaves with these."""
_SERVICES = {"resourcemanager": "cloudresourcemanager"}
PERMISSIONS = tuple(sorted((*_ESCALATORS, *_DATA)))
"""What the vendor is denied. Not all permissions can be denied, and a deny names no wildcard here.

https://docs.cloud.google.com/iam/docs/deny-permissions-support
"""


def undenied(allowed: Sequence[str] | None) -> int | None:
    """How many permissions of a role the deny does not name; None where nobody could say."""
    if allowed is None:
        return None
    return sum(_second(permission) not in PERMISSIONS for permission in allowed)


def _second(permission: str) -> str:
    """A permission as a deny policy spells it.

    https://docs.cloud.google.com/iam/docs/deny-permissions-support
    """
    service, _, rest = permission.partition(".")
    return f"{_SERVICES.get(service, service)}.googleapis.com/{rest}"


def policy_id(mark: Mark) -> str:
    """The name of one pause's deny policy: the same each time, so that a replay finds its own."""
    return f"stopline-j{mark.journal}-p{mark.pause}"


def journal_of(policy: str) -> str:
    """The journal whose deny policy this is, or nothing."""
    found = _ID.fullmatch(policy)
    return found[1] if found else ""


def entry(member: str, excepted: Iterable[str]) -> State:
    """What the deny says of one principal."""
    spared = sorted(filter(None, map(spelt, excepted)))
    return State.of({"denied": member, "except": spared, "permissions": list(PERMISSIONS)})


def entries(policy: Json) -> dict[str, State]:
    """What a deny policy says, by principal. A rule that is not as we write them is kept whole."""
    found: dict[str, list[Json]] = {}
    for rule in policy.get("rules", []):
        deny = dict(rule.get("denyRule", {}))
        who = deny.pop("deniedPrincipals", [])
        permissions = sorted(deny.pop("deniedPermissions", []))
        said: Json = {"except": sorted(deny.pop("exceptionPrincipals", []))}
        said |= {"permissions": permissions}
        for one in who:
            found.setdefault(unspelt(one), []).append({**said, **({"more": deny} if deny else {})})
    return {
        member: State.of({"denied": member, **(said[0] if len(said) == 1 else {"rules": said})})
        for member, said in found.items()
    }


def rules(states: Mapping[str, State]) -> list[Json]:
    """The rules of a deny policy that says this: who is denied the same is in one rule."""
    alike: dict[str, tuple[Json, list[str]]] = {}
    for member, state in sorted(states.items()):
        for said in state.value.get("rules", [state.value]):
            body = {
                "deniedPermissions": said["permissions"],
                **({"exceptionPrincipals": said["except"]} if said["except"] else {}),
                **said.get("more", {}),
            }
            alike.setdefault(State.of(body).digest, (body, []))[1].append(spelt(member) or member)
    return [{"denyRule": {**body, "deniedPrincipals": who}} for body, who in alike.values()]
