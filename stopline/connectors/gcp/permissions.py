"""The IAM permissions that we use. A test holds this to the calls that are really made.

The custom roles in config/permissions/gcp are made from this (`make permissions`).
https://docs.cloud.google.com/iam/docs/roles-permissions
"""

from collections.abc import Mapping

from stopline.connectors.gcp import inventory
from stopline.connectors.gcp.clients import SCOPES, WORKSPACE
from stopline.connectors.gcp.dialects import DIALECTS
from stopline.text import Json

PRIVILEGES: Mapping[str, str] = {
    "admin/directory_v1/groups.get": "GROUPS_RETRIEVE",
    "admin/directory_v1/members.delete": "GROUPS_UPDATE",
    "admin/directory_v1/members.get": "GROUPS_RETRIEVE",
    "admin/directory_v1/members.insert": "GROUPS_UPDATE",
    "admin/directory_v1/members.list": "GROUPS_RETRIEVE",
    "admin/directory_v1/users.get": "USERS_RETRIEVE",
    "admin/directory_v1/users.list": "USERS_RETRIEVE",
    "admin/directory_v1/users.signOut": "USER_SECURITY_ALL",
    "admin/directory_v1/users.update": "USERS_SUSPEND",
    "cloudidentity/v1/groups.lookup": "GROUPS_RETRIEVE",
    "cloudidentity/v1/groups.memberships.get": "GROUPS_RETRIEVE",
    "cloudidentity/v1/groups.memberships.list": "GROUPS_RETRIEVE",
    "cloudidentity/v1/groups.memberships.lookup": "GROUPS_RETRIEVE",
}
"""What each method of Workspace needs: it stands in an administrator's role, and is no permission.

https://developers.google.com/workspace/admin/directory/v1/guides/manage-roles
"""
_BY_METHOD: Mapping[str, str | tuple[str, ...]] = {
    **dict.fromkeys(PRIVILEGES, ()),
    "admin/directory_v1/roleAssignments.list": (),  # the preflight says where it is refused
    "admin/directory_v1/roles.get": (),
    **{method: needed for one in DIALECTS for method, needed in one.permissions.items()},
    **{one.method: one.permission for one in inventory.ALL},
    "bigquery/v2/datasets.get": ("bigquery.datasets.get", "bigquery.datasets.getIamPolicy"),
    "bigquery/v2/datasets.list": "bigquery.datasets.get",  # without it there are none, it says
    "bigquery/v2/datasets.patch": ("bigquery.datasets.update", "bigquery.datasets.setIamPolicy"),
    "cloudasset/v1/v1.searchAllIamPolicies": "cloudasset.assets.searchAllIamPolicies",
    "cloudresourcemanager/v3/organizations.get": "resourcemanager.organizations.get",
    "cloudresourcemanager/v3/organizations.testIamPermissions": (),  # about the caller itself
    "cloudresourcemanager/v3/projects.testIamPermissions": (),
    "cloudresourcemanager/v3/folders.list": "resourcemanager.folders.list",
    "cloudresourcemanager/v3/projects.get": "resourcemanager.projects.get",
    "cloudresourcemanager/v3/projects.list": "resourcemanager.projects.list",
    "drive/v3/files.get": (),  # a member of the shared drive, and no role of IAM
    "drive/v3/files.list": (),
    "drive/v3/permissions.create": (),
    "drive/v3/permissions.delete": (),
    "drive/v3/permissions.list": (),
    "iam/v1/organizations.roles.get": "iam.roles.get",
    "iam/v1/locations.workforcePools.delete": "iam.workforcePools.delete",
    "iam/v1/locations.workforcePools.get": "iam.workforcePools.get",
    "iam/v1/locations.workforcePools.operations.get": "iam.workforcePools.get",
    "iam/v1/locations.workforcePools.patch": "iam.workforcePools.update",
    "iam/v1/projects.locations.workloadIdentityPools.delete": "iam.workloadIdentityPools.delete",
    "iam/v1/projects.locations.workloadIdentityPools.get": "iam.workloadIdentityPools.get",
    "iam/v1/projects.locations.workloadIdentityPools.operations.get": (
        "iam.workloadIdentityPools.get"
    ),
    "iam/v1/projects.locations.workloadIdentityPools.patch": "iam.workloadIdentityPools.update",
    "iam/v1/projects.roles.get": "iam.roles.get",
    "iam/v1/projects.serviceAccounts.delete": "iam.serviceAccounts.delete",
    "iam/v1/projects.serviceAccounts.disable": "iam.serviceAccounts.disable",
    "iam/v1/projects.serviceAccounts.enable": "iam.serviceAccounts.enable",
    "iam/v1/projects.serviceAccounts.get": "iam.serviceAccounts.get",
    "iam/v1/projects.serviceAccounts.keys.delete": "iam.serviceAccountKeys.delete",
    "iam/v1/projects.serviceAccounts.keys.disable": "iam.serviceAccountKeys.disable",
    "iam/v1/projects.serviceAccounts.keys.enable": "iam.serviceAccountKeys.enable",
    "iam/v1/projects.serviceAccounts.keys.get": "iam.serviceAccountKeys.get",
    "iam/v1/projects.serviceAccounts.keys.list": "iam.serviceAccountKeys.list",
    "iam/v1/projects.serviceAccounts.list": "iam.serviceAccounts.list",
    "iam/v1/roles.get": "iam.roles.get",
    "iam/v2/policies.createPolicy": "iam.denypolicies.create",
    "iam/v2/policies.delete": "iam.denypolicies.delete",
    "iam/v2/policies.get": "iam.denypolicies.get",
    "iam/v2/policies.listPolicies": "iam.denypolicies.list",
    "iam/v2/policies.operations.get": "iam.denypolicies.get",
    "iam/v2/policies.update": "iam.denypolicies.update",
    "storage/v1/buckets.get": ("storage.buckets.get", "storage.buckets.getIamPolicy"),
    "storage/v1/buckets.list": "storage.buckets.list",
    "storage/v1/buckets.patch": ("storage.buckets.update", "storage.buckets.setIamPolicy"),
    "storage/v1/managedFolders.list": "storage.managedFolders.list",
    "storage/v1/objects.list": ("storage.objects.list", "storage.objects.getIamPolicy"),
    "storage/v1/objects.patch": ("storage.objects.update", "storage.objects.setIamPolicy"),
    "storage/v1/projects.hmacKeys.delete": "storage.hmacKeys.delete",
    "storage/v1/projects.hmacKeys.get": "storage.hmacKeys.get",
    "storage/v1/projects.hmacKeys.list": "storage.hmacKeys.list",
    "storage/v1/projects.hmacKeys.update": "storage.hmacKeys.update",
}
_OF_CANARY: Mapping[str, str] = {
    "iam/v1/projects.serviceAccounts.create": "iam.serviceAccounts.create",
}
CANARY = frozenset({*_OF_CANARY.values(), "iam.serviceAccounts.delete"})
"""Besides, for `stopline doctor --canary` alone: to make and remove an account of its own."""
_READS = ("get", "list", "getIamPolicy", "searchAllIamPolicies")


def permissions_of(method: str) -> frozenset[str]:
    """The permissions that one method needs. Raises KeyError for one that is not declared."""
    needed = {**_BY_METHOD, **_OF_CANARY}[method]
    return frozenset((needed,) if isinstance(needed, str) else needed)


_ALL = frozenset(p for method in _BY_METHOD for p in permissions_of(method))
READ = frozenset(p for p in _ALL if p.rpartition(".")[2] in _READS)
TERMINATE = frozenset(
    {
        "iam.serviceAccountKeys.delete",
        "iam.serviceAccounts.delete",
        "iam.workforcePools.delete",
        "iam.workloadIdentityPools.delete",
        "storage.hmacKeys.delete",
    }
)
"""Besides, for `stopline terminate` alone: what it deletes cannot be given back."""
WRITE = _ALL - READ - TERMINATE
PERMISSIONS: Mapping[str, frozenset[str]] = {"read": READ, "write": WRITE, "terminate": TERMINATE}


READS_WORKSPACE = frozenset(p for p in PRIVILEGES.values() if p.endswith("_RETRIEVE"))
WRITES_WORKSPACE = frozenset(PRIVILEGES.values()) - READS_WORKSPACE


def workspace() -> dict[str, Json]:
    """Roles of an administrator of Workspace, for whoever reads and for whoever writes.

    With each the scopes of its tokens. https://support.google.com/a/answer/2406043
    """
    return {
        "read": {
            "role": "stopline reader",
            "privileges": sorted(READS_WORKSPACE),
            "scopes": [*SCOPES, *WORKSPACE["read"]],
        },
        "worker": {
            "role": "stopline worker",
            "privileges": sorted(READS_WORKSPACE | WRITES_WORKSPACE),
            "scopes": [*SCOPES, *WORKSPACE["write"]],
        },
    }


def roles() -> dict[str, Json]:
    """Custom roles of an organisation: to read, to write besides, to delete, to make a canary.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/organizations.roles
    """
    return {
        "read": _role("stopline reader", "Reads what stopline assesses and plans.", READ),
        "worker": _role("stopline worker", "Reads, contains and gives back.", READ | WRITE),
        "terminate": _role(
            "stopline terminator",
            "Besides the worker's: deletes contained keys, accounts, pools.",
            TERMINATE,
        ),
        "canary": _role("stopline canary", "Makes and removes a canary.", CANARY),
    }


def _role(title: str, description: str, permissions: frozenset[str]) -> Json:
    return {
        "title": title,
        "description": description,
        "stage": "GA",
        "includedPermissions": sorted(permissions),
    }
