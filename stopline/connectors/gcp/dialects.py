"""How each kind of resource is asked for its allow policy, and given another: a table.

All `getIamPolicy` methods fall into a few dialects, and this is the one place that knows them. A
resource of the tree, an account or a bucket has a name of our own; what lies below a project is
named as Google's inventory does, by its service and its path.
https://docs.cloud.google.com/asset-inventory/docs/asset-names
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from stopline.connectors.gcp import datasets
from stopline.connectors.gcp.bindings import ADMINS, DATA_OWNER, VERSION
from stopline.connectors.gcp.clients import Clients
from stopline.text import Json

_BODY: tuple[tuple[str, object], ...] = (
    ("body", {"options": {"requestedPolicyVersion": VERSION}}),
)
_QUERY: tuple[tuple[str, object], ...] = (("options_requestedPolicyVersion", VERSION),)
_STORAGE: tuple[tuple[str, object], ...] = (("optionsRequestedPolicyVersion", VERSION),)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of resource is asked for its allow policy, and given another."""

    names: str
    """A regular expression over our name; its groups are the words by which methods take it."""
    methods: str
    """The collection whose `getIamPolicy` and `setIamPolicy` they are."""
    asked: tuple[tuple[str, object], ...] = _QUERY
    wrapped: bool = True
    """Whether the setter takes `{"policy": …}` and not the policy itself."""
    quoted: tuple[str, ...] = ()
    """The words that our name has quoted, since they may have any mark in them."""
    verbs: tuple[str, str] = ("getIamPolicy", "setIamPolicy")
    listed: bool = False
    """Whether it is an access list, which `datasets` turns into a policy; written `If-Match`."""
    admins: tuple[str, ...] = ADMINS
    """The roles of those who can repair it: the last of them stays."""

    @property
    def getter(self) -> str:
        """The method that reads."""
        return f"{self.methods}.{self.verbs[0]}"

    @property
    def setter(self) -> str:
        """The method that writes."""
        return f"{self.methods}.{self.verbs[1]}"

    @property
    def permissions(self) -> dict[str, str]:
        """What each of the two methods needs.

        https://docs.cloud.google.com/iam/docs/roles-permissions
        """
        service, _, path = self.methods.partition("/")
        service = {"cloudresourcemanager": "resourcemanager"}.get(service, service)
        of = f"{service}.{path.rpartition('/')[2].rpartition('.')[2]}"
        return {m: f"{of}.{m.rpartition('.')[2]}" for m in (self.getter, self.setter)}

    def words(self, resource: str) -> dict[str, str]:
        """Which resource, as the methods take it."""
        found = re.fullmatch(self.names, resource)
        words = found.groupdict() if found else {}
        return {key: unquote(word) if key in self.quoted else word for key, word in words.items()}


_TREE = ("organizations", "folders", "projects")
BELOW = (
    # https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/getIamPolicy
    ("pubsub/v1", "projects/*/topics/*"),
    ("pubsub/v1", "projects/*/subscriptions/*"),
    ("pubsub/v1", "projects/*/snapshots/*"),
    ("pubsub/v1", "projects/*/schemas/*"),
    # https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/getIamPolicy
    ("secretmanager/v1", "projects/*/secrets/*"),
    # https://docs.cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings/getIamPolicy
    ("cloudkms/v1", "projects/*/locations/*/keyRings/*"),
    ("cloudkms/v1", "projects/*/locations/*/keyRings/*/cryptoKeys/*"),
    ("cloudkms/v1", "projects/*/locations/*/keyRings/*/importJobs/*"),
    # https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories/getIamPolicy
    ("artifactregistry/v1", "projects/*/locations/*/repositories/*"),
    # https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/getIamPolicy
    ("run/v2", "projects/*/locations/*/services/*"),
    ("run/v2", "projects/*/locations/*/jobs/*"),
)
"""By service and version, each kind that is asked in the usual way."""


def _below() -> Iterator[Dialect]:
    for service, path in BELOW:
        host = f"{service.partition('/')[0]}.googleapis.com"
        steps = path.split("/")
        names = "/".join("[^/]+" if step == "*" else step for step in steps)
        collections = ".".join(step for step in steps if step != "*")
        yield Dialect(rf"{re.escape(host)}/(?P<resource>{names})", f"{service}/{collections}")


DIALECTS = (
    # https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/getIamPolicy
    *(
        Dialect(rf"(?P<resource>{kind}/[^/]+)", f"cloudresourcemanager/v3/{kind}", _BODY)
        for kind in _TREE
    ),
    # https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/getIamPolicy
    Dialect(
        r"(?P<resource>projects/[^/]+/serviceAccounts/[^/]+)", "iam/v1/projects.serviceAccounts"
    ),
    # https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/getIamPolicy
    Dialect(r"buckets/(?P<bucket>[^/]+)", "storage/v1/buckets", _STORAGE, wrapped=False),
    # https://docs.cloud.google.com/storage/docs/json_api/v1/managedFolders/getIamPolicy
    Dialect(
        r"buckets/(?P<bucket>[^/]+)/managedFolders/(?P<managedFolder>.+)",
        "storage/v1/managedFolders",
        _STORAGE,
        wrapped=False,
        quoted=("managedFolder",),
    ),
    # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/get
    Dialect(
        r"bigquery\.googleapis\.com/projects/(?P<projectId>[^/]+)/datasets/(?P<datasetId>[^/]+)",
        "bigquery/v2/datasets",
        (("accessPolicyVersion", VERSION),),
        verbs=("get", "patch"),
        listed=True,
        admins=(DATA_OWNER,),
    ),
    # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables/getIamPolicy
    Dialect(
        r"bigquery\.googleapis\.com/(?P<resource>projects/[^/]+/datasets/[^/]+/tables/[^/]+)",
        "bigquery/v2/tables",
        _BODY,
    ),
    # https://docs.cloud.google.com/resource-manager/reference/rest/v3/tagKeys/getIamPolicy
    *(
        Dialect(
            rf"cloudresourcemanager\.googleapis\.com/(?P<resource>{kind}/[^/]+)",
            f"cloudresourcemanager/v3/{kind}",
            _BODY,
        )
        for kind in ("tagKeys", "tagValues")
    ),
    # https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/getIamPolicy
    Dialect(
        r"iam\.googleapis\.com/(?P<resource>locations/global/workforcePools/[^/]+)",
        "iam/v1/locations.workforcePools",
        _BODY,
    ),
    *_below(),
)


def of_folder(bucket: str, name: str) -> str:
    """How we name a managed folder. Quoted: a `#` in an address ends the name of its document."""
    return f"buckets/{bucket}/managedFolders/{quote(name)}"


def known(resource: str) -> Dialect | None:
    """The dialect of a resource; None for one whose policy nothing here reads or writes."""
    return next((d for d in DIALECTS if re.fullmatch(d.names, resource)), None)


def dialect(resource: str) -> Dialect:
    """The dialect of a resource. Raises LookupError for one that nothing here knows."""
    if found := known(resource):
        return found
    raise LookupError(resource)


def policy_of(clients: Clients, resource: str) -> Json:
    """The allow policy of a resource as it is now, at version 3. Raises ConnectorError."""
    how = dialect(resource)
    said = clients.ask(how.getter, **how.words(resource), **dict(how.asked))
    return datasets.policy(said) if how.listed else said


def set_policy(clients: Clients, resource: str, policy: Json) -> None:
    """Replace it, on the etag that it carries. Raises StaleError when that has moved."""
    how = dialect(resource)
    if how.listed:
        # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/patch
        words = {**how.words(resource), **dict(how.asked), "updateMode": "UPDATE_ACL"}
        access: Json = {"access": datasets.access(policy)}
        clients.do(how.setter, if_match=policy["etag"], **words, body=access)
        return
    ignored = ("kind", "resourceId")  # Cloud Storage says these, and passes over them
    plain = {key: value for key, value in policy.items() if key not in ignored}
    body = {"policy": plain} if how.wrapped else plain
    clients.do(how.setter, **how.words(resource), body=body)
