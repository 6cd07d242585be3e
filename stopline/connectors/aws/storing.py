"""How buckets are contained: the vendor is denied; or they are preserved, for everybody. Pure.

Preserved: nobody but stopline, break-glass, the responders and the account's root writes, deletes
or changes settings, and lifecycle rules stand still. The delivery of logs, by AWS's own services or
by a role that the estate's file protects for it, goes on. Nothing here is irreversible: no object
lock, no retention, no versioning is set.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
"""

from collections.abc import Iterator
from dataclasses import replace

from stopline.connectors.aws import marks, policy
from stopline.connectors.aws.documents import LONGEST_BUCKET_POLICY
from stopline.connectors.aws.levers import (
    NAME,
    NOBODY,
    WHOM,
    Part,
    denied,
    left,
    orphaned,
    size_with,
    strangers,
    taken,
)
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms

OBJECTS = (
    "s3:PutObject*",
    "s3:DeleteObject*",
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
    "s3:RestoreObject",
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:ObjectOwnerOverrideToBucketOwner",
)
SETTINGS = (
    "s3:PutBucket*",
    "s3:DeleteBucket*",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutAccelerateConfiguration",
    "s3:PutIntelligentTieringConfiguration",
)


def preserved(name: str, terms: Terms) -> bool:
    """Whether a bucket is frozen for everybody: by the rule for all, or by the vendor's file."""
    found = terms.playbook.rule(NAME, "buckets")
    by_rule = found is not None and found[1].how == "preserve"
    return by_rule or policy.matches(terms.vendor.preserved, name)


def bucket(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """The first form of our statements that fits and was not refused; or why it is left."""
    state, name = grant.state.value, grant.address.id
    yield from strangers(grant, terms)
    if reason := orphaned(state["orphans"]):
        yield left(grant, f"its policy {reason}")
        return
    freeze = preserved(name, terms)
    if not (state["accounts"] or state["own"]):
        yield left(grant, NOBODY)
        if not freeze:
            return
    for frozen in (True, False) if freeze else (False,):
        for merged in (False, True):
            changes = list(_form(grant, terms, proto, frozen=frozen, merged=merged))
            if (
                changes
                and taken(changes, terms)
                and size_with(state, changes) <= LONGEST_BUCKET_POLICY
            ):
                yield from changes
                yield from _thawed(grant) if freeze and not frozen else ()
                return
    size = size_with(state, _form(grant, terms, proto, frozen=False, merged=True))
    reason = f"the policy of {name} would be {size} of {LONGEST_BUCKET_POLICY} bytes"
    yield left(grant, reason if size > LONGEST_BUCKET_POLICY else "AWS refused the writes")


def _thawed(grant: Grant) -> Iterator[Skip]:
    reason = "denied to the vendor, but its policy has no room for the freeze that was asked for"
    yield left(grant, f"{reason}: others can still write and delete")


def _form(
    grant: Grant, terms: Terms, proto: Change, *, frozen: bool, merged: bool
) -> Iterator[Change]:
    name, realm, state = grant.address.id, grant.address.realm, grant.state.value
    statements = _freeze(name, _exempt(terms, realm), merged=merged) if frozen else ()
    what = {"Action": "s3:*", "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
    for part, body in (*statements, *denied(what, state, merged=merged)):
        sid = marks.sid(terms.mark.journal, terms.mark.pause, part)
        yield replace(
            proto,
            address=Address(NAME, realm, "bucket-policy-statement", f"{name}#{sid}"),
            after=State.of({"Sid": sid, "Effect": "Deny", "Principal": "*", **body}),
            breadth=Breadth.TARGET,
            marked=True,
            summary=f"{_WHAT[part][0]} {name} {_WHAT[part][1]}",
            felt=FELT if part in ("Frz", "FrzObj") else "",
        )


FELT = (
    "it is preserved: nobody but stopline, break-glass and the responders can write to it, delete "
    "in it or change its settings; reading goes on, and so does what AWS itself delivers"
)
_WHAT = {
    **{part: ("deny", f"to {whom}") for part, whom in WHOM.items()},
    "Frz": ("freeze", "for everybody: objects and settings"),
    "FrzObj": ("freeze the objects of", "for everybody"),
    "FrzCfg": ("freeze the settings of", "for everybody"),
}


def _freeze(name: str, exempt: list[str], *, merged: bool) -> Iterator[Part]:
    """A service principal has no `aws:PrincipalArn`, so `ArnNotLike` alone would stop it too.

    A request without a signature has neither key, and is stopped.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    condition = {
        "ArnNotLike": {"aws:PrincipalArn": exempt},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    bucket_, objects = f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"
    if merged:
        both = {"Action": [*OBJECTS, *SETTINGS], "Resource": [bucket_, objects]}
        yield "Frz", {**both, "Condition": condition}
        return
    yield "FrzObj", {"Action": list(OBJECTS), "Resource": objects, "Condition": condition}
    yield "FrzCfg", {"Action": list(SETTINGS), "Resource": bucket_, "Condition": condition}


def _exempt(terms: Terms, account: str) -> list[str]:
    """Who may still write. A `*` for the account is the bucket's own: a stranger has roles too."""
    protected, aws = terms.estate.protected, terms.estate.aws
    few = (*protected.orchestrator, *protected.break_glass, *terms.estate.responders)
    said = (*few, *protected.log_delivery)
    arns = {_pinned(arn, account) for arn in said if of_iam(arn)}
    if aws and account in aws.accounts and (role := aws.accounts[account].role or aws.role):
        arns.add(f"arn:aws:iam::{account}:role/{role}")
    return sorted({f"arn:aws:iam::{account}:root", *arns})


def of_iam(who: str) -> bool:
    """Whether it is an ARN of IAM: what is protected may be of another provider too."""
    return who.startswith("arn:") and who.split(":")[2] in ("iam", "sts")


def _pinned(arn: str, account: str) -> str:
    fields = arn.split(":", 5)
    if not fields[4].isdigit():
        fields[4] = account
    return ":".join(fields)


def lifecycle(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change]:
    """Switch a rule of a preserved bucket off: no bucket policy stops what lifecycle deletes."""
    name, rule = grant.address.document.id, grant.state.value
    if preserved(name, terms) and rule["Status"] == "Enabled":
        yield replace(
            proto,
            after=State.of({**rule, "Status": "Disabled"}),
            breadth=Breadth.TARGET,
            summary=f"stop the lifecycle rule {grant.address.part} of {name}",
        )
