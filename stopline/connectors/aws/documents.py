"""Reading and writing, one class of document after the other. The only calls that change AWS.

No API here has a concurrency tag. The window of law 4 is therefore:
- attachments and key states are set or unset one by one, so nobody's edit can be lost;
- `PutBucketPolicy` replaces the whole text: an edit that a stranger makes between our read and our
  write, some tens of milliseconds, is lost. Read again right after, and shown by the journal's raw
  texts. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from stopline.connectors.aws import lockout, marks, policy
from stopline.connectors.aws.clients import Clients
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json, canonical

LONGEST_BUCKET_POLICY = 20_480
VERSIONS = 5
SETTLING = (0.0, 0.2, 0.5, 1.0)


def address(document: Document, part: str = "") -> Address:
    """An address in a document."""
    id_ = f"{document.id}#{part}" if part else document.id
    return Address(document.connector, document.realm, document.kind, id_)


def gone(error: ConnectorError) -> bool:
    """Whether what was asked for is not there."""
    return error.cause is Cause.GONE


# --- attachments -------------------------------------------------------------------------------


def _read_attachments(clients: Clients, document: Document, owner: str) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html"""
    words = {f"{owner}Name": document.id}
    low = owner.lower()
    try:
        found = clients.ask(document.realm, "iam", f"get_{low}", **words)[owner]
        listed = f"list_attached_{low}_policies"
        attached = clients.listed(document.realm, listed, "AttachedPolicies", **words)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    arns = [p["PolicyArn"] for p in attached]
    states = {address(document, arn): State.of({"PolicyArn": arn}) for arn in arns}
    return Observed(document, states, uid=found[f"{owner}Id"], ending=is_ending(found))


def is_ending(principal: Json) -> bool:
    """Whether a user or role stays denied by its boundary while the rest of it is removed."""
    boundary = principal.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return boundary == marks.DENY_ALL or bool(marks.journal_of_policy(boundary))


def _write_attachments(
    clients: Clients, observed: Observed, changes: Sequence[Change], owner: str
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html"""
    document = observed.document
    for change in changes:
        verb = "attach" if change.after is not None else "detach"
        words = {f"{owner}Name": document.id, "PolicyArn": change.address.part}
        try:
            clients.do(document.realm, "iam", f"{verb}_{owner.lower()}_policy", **words)
        except ConnectorError as error:
            if not (gone(error) and verb == "detach"):
                raise


# --- the deny-all policy -----------------------------------------------------------------------


def _policy_arn(document: Document) -> str:
    return f"arn:aws:iam::{document.realm}:policy{marks.PATH}{document.id}"


def _read_policy(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html"""
    arn = _policy_arn(document)
    try:
        found = clients.ask(document.realm, "iam", "get_policy", PolicyArn=arn)["Policy"]
        version = clients.ask(
            document.realm,
            "iam",
            "get_policy_version",
            PolicyArn=arn,
            VersionId=found["DefaultVersionId"],
        )["PolicyVersion"]
    except ConnectorError as error:
        if gone(error):
            return Observed(document)
        raise
    return Observed(
        document, {address(document): State.of({"document": decoded(version["Document"])})}
    )


def decoded(document: Json) -> Json:
    """A policy document as data; botocore decodes most of them, and leaves some as text."""
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _write_policy(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    document = observed.document
    for change in changes:
        if change.after is None:
            _delete_policy(clients, document)
        elif observed.states.get(change.address) == change.after:
            continue  # a redelivery must not use up a version
        elif observed.states:
            _new_version(clients, document, change.after)
        else:
            clients.do(
                document.realm,
                "iam",
                "create_policy",
                PolicyName=document.id,
                Path=marks.PATH,
                PolicyDocument=canonical(change.after.value["document"]),
                Description="Denies everything to a paused vendor. Kept by stopline.",
            )


def _versions(clients: Clients, document: Document) -> list[Any]:
    arn = _policy_arn(document)
    return clients.listed(document.realm, "list_policy_versions", "Versions", PolicyArn=arn)


def _new_version(clients: Clients, document: Document, after: State) -> None:
    """Mend an altered policy: five versions are the most, so the oldest may have to go.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html
    """
    arn, versions = _policy_arn(document), _versions(clients, document)
    if len(versions) >= VERSIONS:
        spare = [v for v in versions if not v["IsDefaultVersion"]]
        oldest = min(spare, key=lambda v: int(v["VersionId"].removeprefix("v")))
        clients.do(
            document.realm,
            "iam",
            "delete_policy_version",
            PolicyArn=arn,
            VersionId=oldest["VersionId"],
        )
    clients.do(
        document.realm,
        "iam",
        "create_policy_version",
        PolicyArn=arn,
        PolicyDocument=canonical(after.value["document"]),
        SetAsDefault=True,
    )


def _delete_policy(clients: Clients, document: Document) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""
    arn = _policy_arn(document)
    try:
        for version in _versions(clients, document):
            if not version["IsDefaultVersion"]:
                clients.do(
                    document.realm,
                    "iam",
                    "delete_policy_version",
                    PolicyArn=arn,
                    VersionId=version["VersionId"],
                )
        clients.do(document.realm, "iam", "delete_policy", PolicyArn=arn)
    except ConnectorError as error:
        if not gone(error):
            raise


# --- keys and certificates: toggles ------------------------------------------------------------

_TOGGLES: Mapping[str, tuple[str, str, str, str]] = {
    "access-key": ("list_access_keys", "AccessKeyMetadata", "AccessKeyId", "update_access_key"),
    "ssh-key": (
        "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId", "update_ssh_public_key",
    ),
    "signing-certificate": (
        "list_signing_certificates", "Certificates", "CertificateId",
        "update_signing_certificate",
    ),
}  # fmt: skip


def _read_toggle(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html"""
    list_, items, id_, _ = _TOGGLES[document.kind]
    user, _, wanted = document.id.partition("/")
    try:
        found = clients.listed(document.realm, list_, items, UserName=user)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    for item in found:
        if item[id_] == wanted:
            return Observed(document, {address(document): State.of({"Status": item["Status"]})})
    return Observed(document, exists=False)


def _write_toggle(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html"""
    _, _, id_, update = _TOGGLES[observed.document.kind]
    user, _, wanted = observed.document.id.partition("/")
    for change in changes:
        if change.after is not None:
            words = {"UserName": user, id_: wanted, "Status": change.after.value["Status"]}
            clients.do(observed.document.realm, "iam", update, **words)


# --- bucket policies ---------------------------------------------------------------------------


def _read_bucket(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html"""
    words = {"Bucket": document.id, "ExpectedBucketOwner": document.realm}
    try:
        raw: str = clients.ask(document.realm, "s3", "get_bucket_policy", **words)["Policy"]
    except ConnectorError as error:
        if "NoSuchBucketPolicy" in error.detail:
            return Observed(document)
        if gone(error):
            return Observed(document, exists=False)
        raise
    return Observed(document, our_statements(document, raw), raw=raw)


def our_statements(document: Document, raw: str) -> dict[Address, State]:
    """The statements of a policy that bear a mark of stopline's, by their address."""
    return {
        address(document, s["Sid"]): State.of(s)
        for s in policy.statements(json.loads(raw))
        if marks.journal_of_sid(str(s.get("Sid", "")))
    }


def composed(raw: str, changes: Sequence[Change], original: str | None) -> str:
    """The policy with our statements put in or taken out; nothing means: no policy at all.

    Everything else stays as it is, and what says the same as the original is the original.
    """
    body: dict[str, Any] = json.loads(raw) if raw else {"Version": "2012-10-17", "Statement": []}
    ours = {c.address.part for c in changes}
    kept = [s for s in policy.listed(body.get("Statement")) if s.get("Sid") not in ours]
    added = [c.after.value for c in changes if c.after is not None]
    body["Statement"] = kept + added
    if original and _same(body, json.loads(original)):
        return original
    if not body["Statement"]:
        return ""  # S3 takes no policy without a statement
    return canonical(body) if not raw else json.dumps(body, separators=(",", ":"))


def _same(a: Json, b: Json) -> bool:
    """Equal, where a single statement may stand without a list."""
    plain = [{**d, "Statement": policy.listed(d.get("Statement"))} for d in (a, b)]
    return canonical(plain[0]) == canonical(plain[1])


def _write_bucket(
    clients: Clients, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    document = observed.document
    wanted = composed(observed.raw, changes, original)
    words = {"Bucket": document.id, "ExpectedBucketOwner": document.realm}
    if not wanted:
        if observed.raw:
            clients.do(document.realm, "s3", "delete_bucket_policy", **words)
    else:
        refuse_lockout(clients, document, changes)
        if len(wanted.encode()) > LONGEST_BUCKET_POLICY:
            detail = f"the policy of {document.id} would be {len(wanted.encode())} bytes"
            raise ConnectorError(Cause.QUOTA, f"{detail} of {LONGEST_BUCKET_POLICY}")
        clients.do(document.realm, "s3", "put_bucket_policy", Policy=wanted, **words)
    settled(lambda: _read_bucket(clients, document).raw, document, wanted)


def refuse_lockout(clients: Clients, document: Document, changes: Sequence[Change]) -> None:
    """Never write a deny that hits ourselves or our account's root."""
    denies = [c.after.value for c in changes if c.after is not None]
    us = (
        clients.identity(document.realm),
        clients.read_role(document.realm),
        f"arn:aws:iam::{document.realm}:root",
    )
    if denies and (who := lockout.hit(denies, us)):
        detail = f"the deny on {document.id} would lock out {who}"
        raise ConnectorError(Cause.REFUSED, detail)


def settled(look: Callable[[], str], document: Document, wanted: str) -> None:
    """Look until what we wrote is shown: such configuration is eventually consistent.

    It was sent and taken: a read that fails afterwards leaves open what stands there, no more.
    """
    for seconds in SETTLING:
        time.sleep(seconds)
        try:
            raw = look()
        except ConnectorError as error:
            raise ConnectorError(Cause.UNREACHABLE, error.detail, landed=None) from error
        if raw == wanted or (
            raw and wanted and canonical(json.loads(raw)) == canonical(json.loads(wanted))
        ):
            return
    detail = f"the policy of {document.id} does not read back as it was written"
    raise ConnectorError(Cause.UNREACHABLE, detail, landed=None)


READERS: Mapping[str, Callable[[Clients, Document], Observed]] = {
    "deny-policy": _read_policy,
    "user-attachment": lambda c, d: _read_attachments(c, d, "User"),
    "role-attachment": lambda c, d: _read_attachments(c, d, "Role"),
    "access-key": _read_toggle,
    "ssh-key": _read_toggle,
    "signing-certificate": _read_toggle,
    "bucket-policy-statement": _read_bucket,
}
Writer = Callable[[Clients, Observed, Sequence[Change], str | None], None]
WRITERS: Mapping[str, Writer] = {
    "deny-policy": lambda c, o, ch, _: _write_policy(c, o, ch),
    "user-attachment": lambda c, o, ch, _: _write_attachments(c, o, ch, "User"),
    "role-attachment": lambda c, o, ch, _: _write_attachments(c, o, ch, "Role"),
    "access-key": lambda c, o, ch, _: _write_toggle(c, o, ch),
    "ssh-key": lambda c, o, ch, _: _write_toggle(c, o, ch),
    "signing-certificate": lambda c, o, ch, _: _write_toggle(c, o, ch),
    "bucket-policy-statement": _write_bucket,
}
