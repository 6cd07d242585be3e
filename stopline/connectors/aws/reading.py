"""Reading one account: its principals in O(pages) calls, the vendor's keys, its buckets.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stopline.connectors.aws import marks
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import READERS, decoded
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.selection import Identity
from stopline.errors import ConnectorError
from stopline.model import Document, State
from stopline.text import Json

DETAILS = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
READERS_AT_ONCE = 8
_KEYS = (
    ("access-key", "list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
    ("ssh-key", "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
    ("signing-certificate", "list_signing_certificates", "Certificates", "CertificateId"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """What one account's authorization details say."""

    id: str
    identities: tuple[Identity, ...]
    our_policies: Mapping[str, State]


@dataclass(frozen=True, slots=True)
class Holder:
    """A principal with every policy that it holds, by itself or by its groups, ours among them."""

    arn: str
    documents: tuple[Json, ...]
    boundary: Json


Held = Mapping[tuple[str, str], Holder]
"""All principals of an account, by kind and name."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: its policy's verbatim text ("" for none), and who its ACL names."""

    account: str
    name: str
    raw: str
    grantees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One credential with a status."""

    kind: str
    id: str
    status: str


def account(clients: Clients, number: str) -> Account:
    """Read an account's principals and policies. Raises ConnectorError."""
    pages = _details(clients, number)
    managed = {p["Arn"]: _default(p) for page in pages for p in page["Policies"]}
    groups = {g["GroupName"]: g for page in pages for g in page["GroupDetailList"]}
    identities = [
        *(_user(number, u, groups, managed) for page in pages for u in page["UserDetailList"]),
        *(_role(number, r, managed) for page in pages for r in page["RoleDetailList"]),
    ]
    ours = {
        arn.rpartition("/")[2]: State.of({"document": document})
        for arn, document in managed.items()
        if marks.journal_of_policy(arn)
    }
    return Account(number, tuple(identities), ours)


def held(clients: Clients, number: str) -> Held:
    """Read what every principal of an account holds now. Raises ConnectorError."""
    pages = _details(clients, number)
    managed = {p["Arn"]: _default(p) for page in pages for p in page["Policies"]}
    groups = {g["GroupName"]: g for page in pages for g in page["GroupDetailList"]}
    found = {}
    for kind, low in (("User", "user"), ("Role", "role")):
        for item in (i for page in pages for i in page[f"{kind}DetailList"]):
            holders = [(item, f"{kind}PolicyList")]
            holders += [(groups.get(n, {}), "GroupPolicyList") for n in item.get("GroupList", ())]
            documents = [d for holder, key in holders for d in _all(holder, key, managed)]
            boundary = managed.get(_boundary(item))
            found[low, item[f"{kind}Name"]] = Holder(item["Arn"], tuple(documents), boundary)
    return found


def _all(found: Json, inline: str, managed: Mapping[str, Json]) -> list[Json]:
    arns = [p["PolicyArn"] for p in found.get("AttachedManagedPolicies", ())]
    return [*_inline(found.get(inline, ())).values(), *(managed[a] for a in arns if a in managed)]


def _details(clients: Clients, number: str) -> list[Any]:
    try:
        client = clients.reading(number, "iam")
        paginator = client.get_paginator("get_account_authorization_details")
        return list(paginator.paginate(Filter=DETAILS))
    except Exception as error:
        raise translated(error, "iam.get_account_authorization_details", writing=False) from error


def _default(found: Json) -> Json:
    for version in found.get("PolicyVersionList", ()):
        if version.get("IsDefaultVersion"):
            return decoded(version["Document"])
    return None


def _inline(items: Sequence[Json]) -> dict[str, Json]:
    return {item["PolicyName"]: decoded(item["PolicyDocument"]) for item in items}


def _own(inline: Mapping[str, Json]) -> list[Json]:
    """Inline policies; not ours, as in `_held`."""
    return [d for name, d in inline.items() if not marks.journal_of_inline(name)]


def _held(found: Json, managed: Mapping[str, Json]) -> list[Json]:
    """Attached policies; not ours, since planning looks at the vendor as if no hold were there."""
    arns = [p["PolicyArn"] for p in found.get("AttachedManagedPolicies", ())]
    return [managed[a] for a in arns if managed.get(a) and not marks.journal_of_policy(a)]


def _tags(found: Json) -> dict[str, str]:
    return {t["Key"]: t["Value"] for t in found.get("Tags", ())}


def _user(
    number: str, found: Json, groups: Mapping[str, Json], managed: Mapping[str, Json]
) -> Identity:
    inline = _inline(found.get("UserPolicyList", ()))
    documents = _own(inline) + _held(found, managed)
    for name in found.get("GroupList", ()):
        group = groups.get(name, {})
        documents += _own(_inline(group.get("GroupPolicyList", ()))) + _held(group, managed)
    return Identity(
        "user",
        number,
        found["UserName"],
        found["Arn"],
        found["Path"],
        found["UserId"],
        _tags(found),
        tuple(p["PolicyArn"] for p in found.get("AttachedManagedPolicies", ())),
        tuple(documents),
        None,
        inline,
        _boundary(found),
    )


def _boundary(found: Json) -> str:
    return str(found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def _role(number: str, found: Json, managed: Mapping[str, Json]) -> Identity:
    inline = _inline(found.get("RolePolicyList", ()))
    documents = _own(inline) + _held(found, managed)
    return Identity(
        "role",
        number,
        found["RoleName"],
        found["Arn"],
        found["Path"],
        found["RoleId"],
        _tags(found),
        tuple(p["PolicyArn"] for p in found.get("AttachedManagedPolicies", ())),
        tuple(documents),
        decoded(found.get("AssumeRolePolicyDocument")),
        inline,
        _boundary(found),
    )


def keys(clients: Clients, number: str, user: str) -> Iterator[Key]:
    """Every credential of one user that has a status. Raises ConnectorError."""
    for kind, operation, items, id_ in _KEYS:
        for item in clients.listed(number, operation, items, UserName=user):
            yield Key(kind, item[id_], item["Status"])


def buckets(clients: Clients, number: str) -> Iterator[Bucket | tuple[str, ConnectorError]]:
    """Every bucket of an account, or its name with what kept us from reading it."""
    names = list(bucket_names(clients, number))

    def read(name: str) -> Bucket | tuple[str, ConnectorError]:
        try:
            return _bucket(clients, number, name)
        except ConnectorError as error:
            return name, error
        except (KeyError, ValueError) as error:  # no JSON, or not as S3 documents it
            return name, translated(error, f"the policy or ACL of {name}", writing=False)

    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        yield from pool.map(read, sorted(names))


def bucket_names(clients: Clients, number: str) -> Iterator[str]:
    """The names of an account's buckets. Raises ConnectorError.

    Without a page size: with one, buckets were seen to be lost behind a missing token.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
    """
    more: dict[str, Any] = {}
    while True:
        page = clients.ask(number, "s3", "list_buckets", **more)
        yield from (b["Name"] for b in page.get("Buckets", ()))
        if not page.get("ContinuationToken"):
            return
        more = {"ContinuationToken": page["ContinuationToken"]}


def versioning(clients: Clients, number: str, name: str) -> str:
    """`Enabled`, `Suspended`, or `never`, which nobody can give back. Raises ConnectorError.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
    """
    words = {"Bucket": name, "ExpectedBucketOwner": number}
    return str(clients.ask(number, "s3", "get_bucket_versioning", **words).get("Status", "never"))


def _bucket(clients: Clients, number: str, name: str) -> Bucket:
    document = Document("aws", number, "bucket-policy-statement", name)
    raw = READERS[document.kind](clients, document).raw
    acl = clients.ask(number, "s3", "get_bucket_acl", Bucket=name, ExpectedBucketOwner=number)
    owner = acl.get("Owner", {}).get("ID", "")
    grantees = {
        str(g["Grantee"].get("ID") or g["Grantee"].get("URI") or "") for g in acl.get("Grants", ())
    } - {owner, ""}
    return Bucket(number, name, raw, tuple(sorted(grantees)))
