"""The vendor's entries in policies of resources, taken out for good, and our deny with them.

One write does both, so that there is no moment between them. Taken out is who is named in an
`Allow` and whom our own deny is about; what others are named with stays word for word, and so does
the account's own root. Where what is left could still let the vendor in (by a wildcard, by a
condition, past the policy), nothing is taken out and the deny stays, with the reason.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stopline.connectors.aws import beneath, marks, policy, whole
from stopline.connectors.aws.classes import READERS, WRITERS
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.further import GLUE
from stopline.connectors.aws.kinds import STATEMENT, where_of
from stopline.connectors.aws.policy import Vendors
from stopline.connectors.aws.resources import BY_STATEMENT, KMS
from stopline.connectors.aws.selection import Selected
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Document, Effect, Gap, Skip
from stopline.port import Observed
from stopline.receipts import Cause, Hold
from stopline.text import Json, canonical, sha256

BUCKET = f"bucket{STATEMENT}"
_SHARING = "ram.amazonaws.com"
STAYS = "the deny of the vendor stays: "
_WHOM = ("Acct", "Own", "All")


def is_grant(address: Address) -> bool:
    """Whether an address is our deny of the vendor in the policy of such a resource."""
    known = address.kind == BUCKET or address.kind in BY_STATEMENT
    return known and address.part.endswith(_WHOM)


# --- whom, and what is left ----------------------------------------------------------------------


def whom(denies: Sequence[Json]) -> Vendors:
    """Whom our statements are about: accounts, and patterns of ARNs in the estate."""
    accounts: set[str] = set()
    arns: set[str] = set()
    for statement in denies:
        condition = statement.get("Condition", {})
        accounts |= {*condition.get("StringEquals", {}).get("aws:PrincipalAccount", ())}
        for pattern in condition.get("ArnLike", {}).get("aws:PrincipalArn", ()):
            whole = pattern.startswith("arn:aws:*::") and pattern.endswith(":*")
            (accounts if whole else arns).add(
                policy.account_of(pattern) if whole else pattern
            )  # fmt: skip
    return Vendors(frozenset(accounts), principals=tuple(sorted(arns)))


def without(document: Json, vendors: Vendors) -> tuple[Json, tuple[str, ...]]:
    """A policy without the vendor's entries and without our marks, and who was taken out."""
    kept, out = [], []
    for statement in policy.listed((document or {}).get("Statement")):
        if marks.journal_of_sid(str(statement.get("Sid", ""))):
            continue
        rest, theirs = _cut(statement, vendors)
        out += theirs
        kept += [rest] if rest else []
    return {**(document or {}), "Statement": kept}, tuple(sorted(set(out)))


def _cut(statement: Json, vendors: Vendors) -> tuple[Json, list[str]]:
    principal = statement.get("Principal")
    if statement.get("Effect") != "Allow" or not isinstance(principal, dict):
        return statement, []
    named = [str(token) for token in policy.listed(principal.get("AWS"))]
    theirs = [token for token in named if policy.names(token, vendors)]
    if not theirs:
        return statement, []
    others = [token for token in named if token not in theirs]
    by_kind = {kind: who for kind, who in principal.items() if kind != "AWS"}
    if others:
        by_kind = {kind: others if kind == "AWS" else who for kind, who in principal.items()}
    return ({**statement, "Principal": by_kind} if by_kind else None), theirs


def _speaks(kind: str) -> str:
    return "s3:*" if kind == BUCKET else BY_STATEMENT[kind].speaks


def _digest(left: Json) -> str:
    """What is left of a policy. Whom AWS shows by an id has been deleted meanwhile, perhaps by us,
    and counts for nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    living = list(filter(None, map(_living, policy.listed(left.get("Statement")))))
    return sha256(canonical({**left, "Statement": living}))[:12]


def _living(statement: Json) -> Json | None:
    """A statement without principals that have been deleted; None where it allows nobody then."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        return statement
    named = [str(token) for token in policy.listed(principal.get("AWS"))]
    there = [token for token in named if not marks.orphans(token)]
    if there == named:
        return statement
    others = {kind: who for kind, who in principal.items() if kind != "AWS" or there}
    by_kind = {kind: there if kind == "AWS" else who for kind, who in others.items()}
    nobody = statement.get("Effect") == "Allow" and not by_kind
    return None if nobody else {**statement, "Principal": by_kind}


# --- the plan ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estate:
    """What is known of the estate: who is selected, whose deny stands; in which accounts somebody
    may be the vendor's whom nobody could tell, and why.
    """

    vendors: Vendors
    selected: Mapping[str, Selected]
    unread: Mapping[str, str]
    denied: frozenset[str]
    """ARNs of principals that a deny of everything of this pause is on."""
    going: frozenset[str]
    """ARNs of those that this termination removes."""

    @property
    def reach(self) -> Vendors:
        """The vendor with all that it can act as: what discovery would find it by again."""
        return replace(self.vendors, reachable=frozenset(self.selected))

    @property
    def loose(self) -> frozenset[str]:
        """The vendor's own principals, which our denies in policies name: who has no other deny."""
        theirs = {a for a, s in self.selected.items() if s.vouched and not s.shared_with}
        return frozenset(theirs - self.denied)


def removable(
    clients: Clients, wanted: Sequence[Hold], standing: Sequence[Hold], estate: Estate
) -> Iterator[Effect | Skip]:
    """Say of each of our denies in a policy whether it goes, with the entries that it is about."""
    by_document: dict[Document, list[Hold]] = {}
    for hold in wanted:
        if is_grant(hold.address):
            by_document.setdefault(hold.address.document, []).append(hold)
    for document, holds in sorted(by_document.items()):
        try:
            says = _judged(clients, document, holds, standing, estate)
        except ConnectorError as error:
            says = f"its policy could not be read ({error.detail})", ""
        reason, digest = says
        for hold in holds:
            if reason:
                yield Skip(hold.address, hold.change.principal, f"{STAYS}{reason}")
            else:
                what = f"take the vendor out of the policy of {document.id} for good, and our deny"
                yield Effect(hold.address, what, only_if=digest)


def _judged(
    clients: Clients,
    document: Document,
    holds: Sequence[Hold],
    standing: Sequence[Hold],
    estate: Estate,
) -> tuple[str, str]:
    """Why a policy is left as it is, or the digest of what would be left of it."""
    observed = READERS[document.kind](clients, document)
    if not observed.exists:
        return "", ""
    mine = {hold.address for hold in holds}
    alien = [a for a in observed.states if a not in mine]
    alien += [h.address for h in standing if h.address in mine and h.pause != holds[0].pause]
    if alien:
        return f"another statement of stopline's is in it ({alien[0].part})", ""
    denies = [hold.ours.value for hold in holds if hold.ours]
    left, _ = without(_body(observed), whom(denies))
    reason = _still_in(document, left, estate) or _own(denies, estate)
    reason = reason or _by_identity(document, estate)
    past = PAST.get(document.kind)
    return reason or (past(clients, document, left, estate) if past else ""), _digest(left)


def _body(observed: Observed) -> Json:
    return json.loads(observed.raw) if observed.raw else {}


def _still_in(document: Document, left: Json, estate: Estate) -> str:
    if ways := policy.admitted(left, _speaks(document.kind), estate.reach).vendor:
        return f"its policy lets the vendor in by {ways[0]}, and others may be meant by that"
    row = BY_STATEMENT.get(document.kind)
    if row is None or left["Statement"]:
        return ""
    if row.drop is None:
        return f"nothing would be left in its policy, and {row.service} wants one"
    return f"nothing would be left in its policy, and {row.unguarded}" if row.unguarded else ""


def _own(denies: Sequence[Json], estate: Estate) -> str:
    """Principals of the estate need no policy of the resource: something else must deny them."""
    if not whom(denies).principals:
        return ""
    if estate.unread:
        return _unread(estate, min(estate.unread))
    return f"nothing else denies {min(estate.loose)}" if estate.loose else ""


def _unread(estate: Estate, number: str) -> str:
    return f"who is the vendor's in {number} could not be read ({estate.unread[number]})"


def _by_identity(document: Document, estate: Estate) -> str:
    """Whoever stays and has a right to a bucket by its own policies: it would be denied anew."""
    if document.kind != BUCKET:
        return ""
    if document.realm in estate.unread:
        return _unread(estate, document.realm)
    arn = f"arn:aws:s3:::{document.id}"
    for one in (s.identity for a, s in sorted(estate.selected.items()) if a not in estate.going):
        same = one.account == document.realm
        if same and policy.allows(one.documents, _speaks(BUCKET), arn):
            return f"the policies of the {one.kind} {one.name}, which stays, let it in"
    return ""


# --- what lets somebody in past a policy ---------------------------------------------------------


def _grants(clients: Clients, document: Document, _left: Json, estate: Estate) -> str:
    """https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""
    where = where_of(document)
    for page in clients.pages(where.account, KMS.placed(where.region), "list_grants",
                              KeyId=where.name):  # fmt: skip
        for grant in page["Grants"]:
            who = (str(grant.get(f"{what}Principal", "")) for what in ("Grantee", "Retiring"))
            if any(policy.names(one, estate.reach) for one in who):
                return f"the grant {str(grant['GrantId'])[:8]} of the key names the vendor"
    return ""


def _lake(_clients: Clients, _document: Document, left: Json, _estate: Estate) -> str:
    """Lake Formation shares tables beside the policy, which then lets its service do so.

    https://docs.aws.amazon.com/lake-formation/latest/dg/hybrid-cross-account.html
    """
    if _SHARING not in policy.named(left, "Service"):
        return ""
    return "Lake Formation shares some of it too, and that may be with the vendor"


def _access_lists(clients: Clients, document: Document, _left: Json, _estate: Estate) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"""
    words = {"Bucket": document.id, "ExpectedBucketOwner": document.realm}
    try:
        answer = clients.ask(document.realm, "s3", "get_bucket_ownership_controls", **words)
    except ConnectorError as error:
        if "OwnershipControlsNotFoundError" not in error.detail:
            raise
        rules: list[Json] = []
    else:
        rules = answer["OwnershipControls"]["Rules"]
    if [rule["ObjectOwnership"] for rule in rules] == ["BucketOwnerEnforced"]:
        return ""
    return "access lists are on in it, and those of objects may name the vendor"


def _beneath(clients: Clients, document: Document, _left: Json, estate: Estate) -> str:
    """What lies in it has policies of its own, before which our deny here goes."""
    row = BY_STATEMENT[document.kind]
    for way in beneath.ways(clients, row, where_of(document), estate.reach):
        return f"{way.what} could not be read ({way.cause})" if isinstance(way, Gap) else way
    return ""


PAST: Mapping[str, Callable[[Clients, Document, Json, Estate], str]] = {
    BUCKET: _access_lists,
    KMS.statement: _grants,
    GLUE.statement: _lake,
    **{kind: _beneath for kind, row in BY_STATEMENT.items() if row.beneath},
}
"""By kind: the reason why a deny stays although nothing in the policy lets the vendor in. Of all
other kinds the policy is the only way in from another account.
"""


# --- the write -----------------------------------------------------------------------------------


def revoke(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """Take the vendor's entries and our denies out in one write. Raises ConnectorError."""
    document = observed.document
    denies = [change.before.value for change in changes if change.before]
    left, _ = without(_body(observed), whom(denies))
    digests = {change.only_if for change in changes}
    if digests != {_digest(left)}:
        detail = f"the policy of {document.id} has changed since this plan; ask again"
        raise ConnectorError(Cause.REFUSED, detail)
    kept = [s for a, s in observed.states.items() if a not in {c.address for c in changes}]
    said = [*left["Statement"], *(state.value for state in kept)]
    text = json.dumps({**left, "Statement": said}, separators=(",", ":")) if said else ""
    if document.kind == BUCKET:
        WRITERS[BUCKET](clients, replace(observed, raw=text), changes, None)
    else:  # by one call, also where ours alone could be taken out by another
        whole.replace(clients, observed, text)
