"""How buckets are contained: the vendor is denied, or what is in them is preserved besides. Pure.

Preserved: nothing that anybody deletes or overwrites is lost, and nobody comes without a name.
Everybody of the lab's goes on reading and writing. Nothing here is irreversible: no retention
policy and no hold is set, and nothing is locked.
https://docs.cloud.google.com/storage/docs/soft-delete
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from stopline.connectors.gcp import buckets
from stopline.connectors.gcp.reading import NAME
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms

LONGEST = 7_776_000
"""Seconds: the longest that soft delete keeps what was deleted, 90 days."""
_FELT = {
    buckets.PUBLIC: "nobody without a name reads in it, while it is preserved",
    buckets.VERSIONS: "what is overwritten in it is kept, and paid for, until somebody deletes it",
    buckets.SOFT_DELETE: "what is deleted in it is kept, and paid for, for 90 days and no longer",
}
_SUMMARY = {
    buckets.PUBLIC: "prevent public access to",
    buckets.VERSIONS: "keep old versions in",
    buckets.SOFT_DELETE: "keep for 90 days what is deleted in",
}


def preserved(name: str, terms: Terms) -> bool:
    """Whether what is in a bucket is kept: by the rule for all, or by the vendor's file."""
    found = terms.playbook.rule(NAME, "buckets")
    by_rule = found is not None and found[1].how == "preserve"
    return by_rule or matches(name, terms.vendor.preserved_in_google)


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether any glob means a bucket: `*` and `?` are all it knows."""
    return any(fnmatchcase(name, glob) for glob in globs)


def bucket(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """What is switched in a bucket that is preserved; or that anybody may read in it."""
    said, name = grant.state.value, grant.address.id
    if not preserved(name, terms):
        if said["public"]:
            yield _left(grant, "public: the vendor reads in it like everybody, named or not")
        return
    wanted = {
        buckets.PUBLIC: State.of({buckets.PUBLIC: "enforced"}),
        buckets.VERSIONS: State.of({"enabled": True}),
        buckets.SOFT_DELETE: State.of({"retentionDurationSeconds": str(LONGEST)}),
        **{part: None for part in said["settings"] if part.startswith(buckets.RULE)},
    }
    if said["folders"]:  # https://docs.cloud.google.com/storage/docs/hns-overview
        del wanted[buckets.VERSIONS]
        yield _left(grant, "it has folders, so it cannot keep old versions", open_=False)
    for part, after in wanted.items():
        address = Address(NAME, grant.address.realm, buckets.KIND, f"{name}#{part}")
        if address in terms.refusals:
            yield Skip(
                address,
                grant.principal,
                "Google refused the write; see the receipt",
                leaves_access=False,
            )
        elif after is None or after.value != said["settings"][part]:
            rule = f"take out the lifecycle rule {part.removeprefix(buckets.RULE)} of"
            yield replace(
                proto,
                address=address,
                after=after,
                breadth=Breadth.TARGET,
                uid="",
                summary=f"{_SUMMARY.get(part, rule)} {name}",
                felt=_FELT.get(part, "nothing in it expires or moves by itself"),
            )


def _left(grant: Grant, reason: str, *, open_: bool = True) -> Skip:
    return Skip(grant.address, grant.principal, reason, leaves_access=open_)
