"""Whom no deny of ours may reach, although a directory, a group or a pool holds them. Pure.

A deny of a set takes single exceptions, and no patterns: a set that may hold whom a pattern
protects is not named at all.
https://docs.cloud.google.com/iam/docs/reference/rest/v2/policies#DenyRule
"""

from collections.abc import Iterator

from stopline.connectors.gcp.members import CUSTOMER, unspelt
from stopline.port import Terms

_GLOB = frozenset("*?")


def excepted(terms: Terms) -> list[str]:
    """Who is never denied, by whatever set: who is protected by name, and stopline's accounts."""
    gcp = terms.estate.gcp
    accounts = (gcp.service_account, gcp.read_service_account) if gcp else ()
    plain = {unspelt(who) for who in (*_ours(terms), *terms.vendor.protected) if not _glob(who)}
    return sorted(plain | {f"serviceAccount:{one}" for one in accounts if one})


def hidden(terms: Terms, member: str) -> str:
    """The pattern by which a set may hold somebody protected; nothing where it may be denied."""
    return next(_patterns(terms, member), "")


def _ours(terms: Terms) -> tuple[str, ...]:
    said = terms.estate.protected
    return (*said.orchestrator, *said.break_glass, *said.log_delivery, *said.journal)


def _glob(who: str) -> bool:
    return bool(set(who) & _GLOB)


def _patterns(terms: Terms, member: str) -> Iterator[str]:
    domains = {domain.casefold() for domain in terms.vendor.gcp_of().domains}
    for pattern in filter(_glob, terms.vendor.protected):
        if _may_hold(member, pattern):
            yield pattern
    for pattern in filter(_glob, _ours(terms)):
        domain = pattern.rpartition("@")[2].casefold()
        elsewhere = not _glob(domain) and domain not in domains
        if _may_hold(member, pattern) and not (elsewhere and member.startswith(CUSTOMER)):
            yield pattern


def _may_hold(member: str, pattern: str) -> bool:
    """Whether anybody of a set may be meant: a directory holds people, a group holds anybody."""
    kind = pattern.partition(":")[0]
    if member.startswith(CUSTOMER):
        return kind == "user"
    if member.startswith("group:"):
        return kind != "arn"
    if not member.startswith("principalSet:"):
        return False
    head = pattern.replace("?", "*").partition("*")[0].partition("://")[2]
    pool = member.partition("://")[2].partition("*")[0]
    return kind.startswith("principal") and (head.startswith(pool) or pool.startswith(head))
