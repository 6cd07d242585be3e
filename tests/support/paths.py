"""Write the table of AWS's kinds in docs/access-paths.md, or say that it is not fresh.

It says of each kind what the tables and the shipped playbooks say of it, and where it is shown.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from support.tree import ROOT

from stopline.configuration import installed_words
from stopline.connectors.aws.kinds import Resource, Share
from stopline.connectors.aws.resources import TABLE
from stopline.connectors.aws.shares import SHARES
from stopline.playbook import parse_playbook

PAGE = ROOT / "docs" / "access-paths.md"
_BEGIN, _END = "<!-- kinds of aws -->", "<!-- end of kinds of aws -->"
_TESTS = "tests/connectors"
STUBBED: dict[str, str] = {
    "lambda-functions": "aws_resources/test_functions.py",
    "backup-vaults": "aws_resources/test_vaults.py",
    "access-grants": "aws_resources/test_access_grants.py",
    "ecr-registries": "aws_resources/test_registries.py",
    "stream-consumers": "aws_resources/test_longtail.py",
    "table-streams": "aws_resources/test_longtail.py",
    "lambda-versions": "aws_resources/test_longtail.py",
    "package-domains": "aws_resources/test_longtail.py",
    "package-repositories": "aws_resources/test_longtail.py",
    "table-buckets": "aws_resources/test_longtail.py",
    "vector-buckets": "aws_resources/test_longtail.py",
    "directory-buckets": "aws_resources/test_longtail.py",
    "object-lambdas": "aws_resources/test_longtail.py",
    "lattice-services": "aws_resources/test_longtail.py",
    "lattice-networks": "aws_resources/test_longtail.py",
    "resource-shares": "aws_shares/test_resource_shares.py",
    "endpoint-connections": "aws_shares/test_connections.py",
    "key-groups": "aws_shares/test_key_groups.py",
    "fpga-images": "aws_shares/test_entries.py",
    "datashares": "aws_shares/test_entries.py",
    "redshift-endpoints": "aws_shares/test_entries.py",
    "redshift-snapshots": "aws_shares/test_entries.py",
    "signing-profiles": "aws_shares/test_entries.py",
    "serverless-applications": "aws_shares/test_applications.py",
    "trust-anchors": "aws_shares/test_anywhere.py",
    "anywhere-profiles": "aws_shares/test_anywhere.py",
    "log-account-policies": "aws_shares/test_log_subscriptions.py",
}
"""Kinds that the emulator does not serve as AWS does: against AWS's own model of them."""
OWN: dict[str, str] = {
    "pool-users": "aws_shares/test_pools.py",
    "api-keys": "aws_shares/test_api_keys.py",
    "app-clients": "aws_shares/test_app_clients.py",
    "topic-subscriptions": "aws_shares/test_topic_subscriptions.py",
    "log-subscriptions": "aws_shares/test_log_subscriptions.py",
}
"""Kinds with a ground of their own; all others of the tables stand on one with others."""
ASIDE: dict[str, str] = {
    "group-memberships": "aws_people",
    "account-assignments": "aws_people",
    "application-assignments": "aws_people",
    "organization-principals": "aws_organization",
    "organization-resources": "aws_organization",
    "member-accounts": "aws_organization",
}
"""What is in no table, and no principal or bucket of an account."""
MODELLED = {*STUBBED, "application-assignments"}
"""What is held against AWS's own model: the emulator has it not, or otherwise."""


def rows() -> Iterator[tuple[str, ...]]:
    """Each kind: what it is called in a playbook, how it is contained, by which calls, and more."""
    table = {row.contains: row for row in (*TABLE.values(), *SHARES.values())}
    for contains, how in installed_words()["aws"].items():
        row = table.get(contains)
        shown = f"{_TESTS}/{_shown(contains, row)}"
        by = "AWS's own model" if contains in MODELLED else "the emulator"
        yield (
            f"`{contains}`",
            ", ".join(f"`{way}`" for way in sorted(how)),
            _shipped().get(contains, "none: a lab's own"),
            _calls(row) if row else "see above",
            f"`{shown}`, against {by}",
        )


def _shown(contains: str, row: Resource | Share | None) -> str:
    if found := (STUBBED | OWN | ASIDE).get(contains):
        return found
    if row is None:
        return "aws/test_contract.py"
    table = "resources" if isinstance(row, Resource) else "shares"
    return f"aws_{table}/test_contract_of_{table}.py"


def _calls(row: Resource | Share) -> str:
    """What finds, reads, and writes it."""
    writes: Sequence[str] = (
        [row.put.operation, *([row.drop.operation] if row.drop else [])]
        if isinstance(row, Resource)
        else [row.take.operation, row.give.operation]
    )
    names = [row.listing or "", row.inner[0].operation if row.inner else "", row.get.operation]
    said = [f"`{name}`" for name in dict.fromkeys((*names, *writes)) if name]
    return f"`{row.service}`: {', '.join(said)}"


@cache
def _shipped() -> Mapping[str, str]:
    """By kind, the playbooks of `config` with a rule for it; in remarks, where a lab must ask."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "config" / "playbooks").glob("*.yaml")):
        text = path.read_text("utf-8")
        book = parse_playbook(text, path.name, installed_words())
        for rule in (r for phase in book.phases for r in phase.rules if r.connector == "aws"):
            found.setdefault(rule.contains, []).append(f"`{path.stem}`")
        for line in re.findall(r"#.*connector: aws, contains: ([\w-]+)", text):
            found.setdefault(line, []).append(f"`{path.stem}`, where the remark is taken off")
    return {contains: ", ".join(dict.fromkeys(names)) for contains, names in found.items()}


def table() -> str:
    """The table, as the page has it."""
    head = ("in a playbook", "how", "shipped with it", "AWS's calls", "shown by")
    lines = [head, ("---",) * len(head), *rows()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def fresh(text: str) -> str:
    """The page with the table as it must be."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
    sys.stderr.write(f"{PAGE}: {len(list(rows()))} kinds\n")
