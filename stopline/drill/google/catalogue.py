"""The permissions that are known here, as Google's reference names them.

https://cloud.google.com/iam/docs/permissions-reference
"""

_EDITED = "create delete get list update"
_SHARED = f"{_EDITED} getIamPolicy setIamPolicy"
_TOKENS = "getAccessToken getOpenIdToken implicitDelegation signBlob signJwt"

_KNOWN: dict[str, dict[str, str]] = {
    "artifactregistry": {
        "locations": "get list",
        "repositories": f"{_SHARED} deleteArtifacts downloadArtifacts uploadArtifacts",
    },
    "bigquery": {
        "datasets": "create delete get getIamPolicy setIamPolicy update",
        "jobs": f"{_EDITED} listAll",
        "routines": _EDITED,
        "tables": f"{_SHARED} export getData updateData",
    },
    "cloudasset": {"assets": "searchAllIamPolicies searchAllResources"},
    "cloudkms": {
        "cryptoKeys": "create get getIamPolicy list setIamPolicy update",
        "cryptoKeyVersions": "create destroy get list restore update useToDecrypt useToEncrypt"
        " useToSign useToVerify viewPublicKey",
        "importJobs": "create get getIamPolicy list setIamPolicy useToImport",
        "locations": "get list",
        "keyRings": "create get getIamPolicy list setIamPolicy",
    },
    "compute": {
        "instances": f"{_SHARED} setMetadata start stop",
        "projects": "get setCommonInstanceMetadata",
    },
    "iam": {
        "denypolicies": _EDITED,
        "roles": f"{_EDITED} undelete",
        "serviceAccountKeys": "create delete disable enable get list",
        "serviceAccounts": f"{_SHARED} actAs disable enable undelete {_TOKENS}",
        "workloadIdentityPoolProviders": f"{_EDITED} undelete",
        "workforcePools": f"{_SHARED} undelete",
        "workloadIdentityPools": f"{_EDITED} undelete",
    },
    "pubsub": {
        "schemas": "attach create delete get getIamPolicy list setIamPolicy validate",
        "snapshots": f"{_SHARED} seek",
        "subscriptions": f"{_SHARED} consume",
        "topics": f"{_SHARED} attachSubscription detachSubscription publish",
    },
    "resourcemanager": {
        "folders": f"{_SHARED} move undelete",
        "organizations": "get getIamPolicy setIamPolicy",
        "tagKeys": _SHARED,
        "tagValues": _SHARED,
        "projects": f"{_SHARED} createBillingAssignment deleteBillingAssignment move undelete",
    },
    "run": {
        "jobs": f"{_SHARED} run",
        "locations": "get list",
        "routes": "get invoke list",
        "services": _SHARED,
    },
    "secretmanager": {
        "locations": "get list",
        "secrets": _SHARED,
        "versions": "access add destroy disable enable get list",
    },
    "storage": {
        "buckets": _SHARED,
        "hmacKeys": _EDITED,
        "managedFolders": "create delete get getIamPolicy list setIamPolicy",
        "objects": f"{_SHARED} move restore",
    },
}

PERMISSIONS: tuple[str, ...] = tuple(
    sorted(
        f"{service}.{collection}.{verb}"
        for service, collections in _KNOWN.items()
        for collection, verbs in collections.items()
        for verb in verbs.split()
    )
)
SERVICES = frozenset(_KNOWN)
NOT_DENIABLE = ("resourcemanager.projects.createBillingAssignment", "billing.", "cloudbilling.")
"""https://cloud.google.com/iam/docs/deny-permissions-support"""
