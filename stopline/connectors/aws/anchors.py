"""IAM Roles Anywhere: what lets in, by a certificate, whom nothing in IAM names. A table. Pure.

A trust anchor says whose certificates count, a profile which roles are handed out. Both are
switches; switched off, no session begins by them, and those that have begun go on, as what the
role is allowed. A role is reached through an anchor by its trust (`selection`), and contained as a
role. https://docs.aws.amazon.com/rolesanywhere/latest/userguide/introduction.html
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stopline.connectors.aws.kinds import Call, Edit, Entry, Share, Theirs, Where, by_arn
from stopline.connectors.aws.policy import account_of, matches
from stopline.connectors.aws.selection import Reach
from stopline.text import Json

_ARN = "arn:aws:rolesanywhere:{region}:{account}:"
ON: Json = {"enabled": True}


def _tags(answer: Json) -> Mapping[str, str]:
    return {str(tag["key"]): str(tag["value"]) for tag in answer.get("tags") or ()}


def _by(provider: str, arn: str, reach: Reach) -> Theirs | None:
    """The vendor's file names it as an identity provider, itself or as a pattern."""
    named = matches(reach.vendors.providers, arn)
    return Theirs(f"identity provider {provider}") if named else None


def of_anchor(_: Where, page: Json, reach: Reach) -> Theirs | None:
    """Named in the vendor's file, or with certificates of an authority that is the vendor's."""
    anchor = page["trustAnchor"]
    arn = str(anchor["trustAnchorArn"])
    source = str(((anchor.get("source") or {}).get("sourceData") or {}).get("acmPcaArn") or "")
    if theirs := _by(arn.rpartition(":")[2], arn, reach):
        return theirs
    if source and account_of(source) in reach.vendors.accounts:
        return Theirs(f"certificates of account {account_of(source)}")
    return _by(source, source, reach) if source else None


def of_profile(_: Where, page: Json, reach: Reach) -> Theirs | None:
    """Named in the vendor's file, or all that it hands out are roles of the vendor's alone."""
    profile = page["profile"]
    arn = str(profile["profileArn"])
    if theirs := _by(arn.rpartition(":")[2], arn, reach):
        return theirs
    alone = {s.identity.arn: s.vouched for s in reach.selected if not s.shared_with}
    roles = [str(role) for role in profile.get("roleArns") or ()]
    if roles and all(role in alone for role in roles):
        return Theirs("hands out roles of the vendor's alone", all(alone[r] for r in roles))
    return None


def _row(what: str, noun: str, plural: str) -> dict[str, Any]:
    """What both say alike, by their names in the API: `TrustAnchor`, `Profile`."""
    low, id_ = f"{noun[0].lower()}{noun[1:]}", f"{noun[0].lower()}{noun[1:]}Id"
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in noun).lstrip("_")
    resource = snake.replace("_", "-")

    def entries(page: Json) -> Iterator[Entry]:
        if page[low].get("enabled"):
            yield Entry("", str(page[low].get("name") or page[low][id_]), ON)

    def edit(verb: str) -> Edit:
        words: Callable[[Where, Json], Json] = lambda where, _: {id_: where.name}  # noqa: E731
        return Edit(f"{verb}_{snake}", words)

    return {
        "what": what,
        "service": "rolesanywhere",
        "listing": f"list_{snake}s",
        "items": plural,
        "name": lambda item: str(item[id_]),
        "page": lambda item: {low: item},
        "get": Call(f"get_{snake}", lambda w, _: {id_: w.name}),
        "entries": entries,
        "give": edit("enable"),
        "take": edit("disable"),
        "tags": (
            Call("list_tags_for_resource", by_arn(f"{_ARN}{resource}/{{name}}", "resourceArn")),
            _tags,
        ),
        "arn": f"{_ARN}{resource}/{{name}}",
        "off": "switch off",
        "outlives": (("sessions that were issued by it before, of roles that stay open", "PT12H"),),
    }


ANCHOR_SWITCHES = Share(
    # https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_DisableTrustAnchor.html
    kind="trust-anchor",
    contains="trust-anchors",
    whose=of_anchor,
    **_row("trust anchor", "TrustAnchor", "trustAnchors"),
)
PROFILES = Share(
    # https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_DisableProfile.html
    kind="anywhere-profile",
    contains="anywhere-profiles",
    whose=of_profile,
    **_row("profile of Roles Anywhere", "Profile", "profiles"),
)
