"""What the predefined roles of the estate allow, and what each method asks for.

https://cloud.google.com/iam/docs/understanding-roles and
https://cloud.google.com/iam/docs/permissions-reference
"""

import fnmatch
import functools
from dataclasses import dataclass

from stopline.drill.google.catalogue import PERMISSIONS
from stopline.drill.google.documents import Method


@dataclass(frozen=True)
class Role:
    """Permissions, as patterns: all of `gives` but those of `keeps`."""

    gives: tuple[str, ...]
    keeps: tuple[str, ...] = ()

    def includes(self, permission: str) -> bool:
        """Whether a permission is in the role."""
        return _in(permission, self.gives) and not _in(permission, self.keeps)

    def permissions(self) -> list[str]:
        """All that are known here and that the role includes."""
        return [p for p in PERMISSIONS if self.includes(p)]


def _in(permission: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(permission, p) for p in patterns)


_DATA = ("storage.objects.*", "storage.managedFolders.*", "bigquery.tables.getData", "iam.*Token")
_ESCALATORS = (
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getOpenIdToken",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.implicitDelegation",
)
_NOT_OF_BASIC = (*_DATA, *_ESCALATORS, "secretmanager.versions.access", "cloudkms.*.use*")
_READS = ("*.get", "*.list", "*.search*")

PREDEFINED: dict[str, Role] = {
    "roles/owner": Role(("*",), (*_DATA, *_ESCALATORS, "iam.denypolicies.*")),
    "roles/editor": Role(("*",), (*_NOT_OF_BASIC, "*.setIamPolicy", "iam.denypolicies.*")),
    "roles/viewer": Role(_READS, _NOT_OF_BASIC),
    "roles/browser": Role(("resourcemanager.*.get", "resourcemanager.*.list")),
    "roles/iam.securityReviewer": Role(("*.list", "*.getIamPolicy", "cloudasset.assets.search*")),
    "roles/iam.securityAdmin": Role(("*.list", "*.getIamPolicy", "*.setIamPolicy")),
    "roles/iam.denyAdmin": Role(("iam.denypolicies.*",)),
    "roles/iam.denyReviewer": Role(("iam.denypolicies.get", "iam.denypolicies.list")),
    "roles/iam.serviceAccountUser": Role(
        ("iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list")
    ),
    "roles/iam.serviceAccountTokenCreator": Role((*_ESCALATORS, "iam.serviceAccounts.get")),
    "roles/iam.workloadIdentityUser": Role(
        ("iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken")
    ),
    "roles/iam.serviceAccountAdmin": Role(("iam.serviceAccounts.*",), _ESCALATORS),
    "roles/iam.serviceAccountKeyAdmin": Role(("iam.serviceAccountKeys.*",)),
    "roles/iam.workforcePoolAdmin": Role(("iam.workforcePools.*",)),
    "roles/iam.workloadIdentityPoolAdmin": Role(("iam.workloadIdentityPool*",)),
    "roles/resourcemanager.organizationAdmin": Role(
        (
            "resourcemanager.*.getIamPolicy",
            "resourcemanager.*.setIamPolicy",
            "resourcemanager.*.get",
            "resourcemanager.*.list",
        )
    ),
    "roles/resourcemanager.projectIamAdmin": Role(
        ("resourcemanager.projects.getIamPolicy", "resourcemanager.projects.setIamPolicy")
    ),
    "roles/cloudasset.viewer": Role(("cloudasset.assets.*",)),
    "roles/storage.admin": Role(("storage.*",)),
    "roles/storage.objectAdmin": Role(("storage.objects.*",)),
    "roles/storage.objectUser": Role(("storage.objects.*",), ("*IamPolicy",)),
    "roles/storage.objectViewer": Role(("storage.objects.get", "storage.objects.list")),
    "roles/storage.objectCreator": Role(("storage.objects.create",)),
    "roles/storage.legacyBucketOwner": Role(
        (
            "storage.buckets.*",
            "storage.objects.create",
            "storage.objects.delete",
            "storage.objects.list",
            "storage.managedFolders.*",
        )
    ),
    "roles/storage.legacyBucketWriter": Role(
        (
            "storage.buckets.get",
            "storage.objects.list",
            "storage.objects.create",
            "storage.objects.delete",
        )
    ),
    "roles/storage.legacyBucketReader": Role(("storage.buckets.get", "storage.objects.list")),
    "roles/storage.legacyObjectOwner": Role(
        (
            "storage.objects.get",
            "storage.objects.update",
            "storage.objects.getIamPolicy",
            "storage.objects.setIamPolicy",
        )
    ),
    "roles/storage.legacyObjectReader": Role(("storage.objects.get",)),
    "roles/bigquery.dataViewer": Role(
        (
            "bigquery.datasets.get",
            "bigquery.tables.get",
            "bigquery.tables.list",
            "bigquery.tables.getData",
        )
    ),
    "roles/bigquery.metadataViewer": Role(
        ("bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list")
    ),
    "roles/bigquery.dataEditor": Role(("bigquery.datasets.get", "bigquery.tables.*")),
    "roles/bigquery.dataOwner": Role(("bigquery.datasets.*", "bigquery.tables.*")),
    "roles/bigquery.admin": Role(("bigquery.*",)),
    "roles/bigquery.jobUser": Role(("bigquery.jobs.create",)),
    "roles/pubsub.subscriber": Role(("pubsub.subscriptions.consume",)),
    "roles/pubsub.publisher": Role(("pubsub.topics.publish",)),
    "roles/pubsub.admin": Role(("pubsub.*",)),
    "roles/secretmanager.secretAccessor": Role(("secretmanager.versions.access",)),
    "roles/secretmanager.admin": Role(("secretmanager.*",)),
    "roles/cloudkms.cryptoKeyDecrypter": Role(("cloudkms.cryptoKeyVersions.useToDecrypt",)),
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": Role(("cloudkms.cryptoKeyVersions.useTo*",)),
    "roles/cloudkms.admin": Role(("cloudkms.*",), ("cloudkms.cryptoKeyVersions.useTo*",)),
    "roles/artifactregistry.reader": Role(
        ("artifactregistry.repositories.get", "artifactregistry.repositories.downloadArtifacts")
    ),
    "roles/artifactregistry.writer": Role(
        ("artifactregistry.repositories.*",), ("*.setIamPolicy",)
    ),
    "roles/artifactregistry.admin": Role(("artifactregistry.*",)),
    "roles/run.invoker": Role(("run.routes.invoke",)),
    "roles/run.admin": Role(("run.*",)),
    "roles/compute.admin": Role(("compute.*",)),
    "roles/compute.viewer": Role(("compute.*.get", "compute.*.list")),
}
BASIC = ("roles/owner", "roles/editor", "roles/viewer")

_WHOLE = {
    "iam.v2.policies.createPolicy": "iam.denypolicies.create",
    "iam.v2.policies.listPolicies": "iam.denypolicies.list",
    "iam.v2.policies.operations.get": "iam.denypolicies.get",
    "cloudasset.v1.searchAllIamPolicies": "cloudasset.assets.searchAllIamPolicies",
    "cloudasset.v1.searchAllResources": "cloudasset.assets.searchAllResources",
}
_COLLECTION = {
    "iam.v1.keys": "serviceAccountKeys",
    "iam.v1.locations.workforcePools.operations": "workforcePools",
    "iam.v1.operations": "workloadIdentityPools",
    "iam.v2.policies": "denypolicies",
    "storage.v1.bucketAccessControls": "buckets",
    "storage.v1.defaultObjectAccessControls": "buckets",
    "storage.v1.objectAccessControls": "objects",
    "iamcredentials.v1.serviceAccounts": "serviceAccounts",
}
_SERVICE = {"cloudresourcemanager": "resourcemanager", "iamcredentials": "iam"}
_VERB = {
    "patch": "update",
    "insert": "create",
    "search": "get",
    "generateAccessToken": "getAccessToken",
}


@functools.cache
def _permission(key: str) -> str:
    if whole := _WHOLE.get(key):
        return whole
    api, version, *path, verb = key.split(".")
    last = path[-1] if path else ""
    if last.endswith("AccessControls"):
        verb = "getIamPolicy" if verb in ("get", "list") else "setIamPolicy"
    collection = _COLLECTION.get(f"{api}.{version}.{last}", last)
    collection = _COLLECTION.get(".".join((api, version, *path)), collection)
    return f"{_SERVICE.get(api, api)}.{collection}.{_VERB.get(verb, verb)}"


def permission_of(method: Method) -> str:
    """The permission that a method asks for, from its id: `storage.buckets.patch` wants update."""
    return _permission(method.key)


def v2_spelling(permission: str) -> str:
    """A permission as deny policies spell it: `storage.googleapis.com/objects.get`.

    https://cloud.google.com/iam/docs/deny-permissions-support
    """
    service, _, rest = permission.partition(".")
    host = "cloudresourcemanager" if service == "resourcemanager" else service
    return f"{host}.googleapis.com/{rest}"


def v1_spelling(permission: str) -> str:
    """A permission of a deny policy as allow policies spell it: `storage.objects.get`."""
    host, _, rest = permission.partition(".googleapis.com/")
    service = "resourcemanager" if host == "cloudresourcemanager" else host
    return f"{service}.{rest}"
