"""The table of AWS's kinds in docs/access-paths.md is what the tables and the playbooks say."""

import os
import re

import pytest
from botocore.session import get_session
from support import aws_resources, aws_shares
from support.paths import OWN, PAGE, STUBBED, fresh, rows
from support.tree import ROOT

from stopline.connectors.aws.resources import TABLE
from stopline.connectors.aws.shares import ROWS, SHARES
from stopline.connectors.aws.words import CONTAINS, NOT_LOOKED_AT

KINDS_OF_THEIR_OWN = {
    row.kind for row in (*TABLE.values(), *SHARES.values()) if row.contains in STUBBED | OWN
}


def test_the_table_of_kinds_is_fresh() -> None:
    """`make permissions` writes it anew."""
    text = PAGE.read_text("utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(fresh(text), "utf-8")
        return
    assert text == fresh(text)


def test_every_kind_is_shown_by_a_test_that_is_there() -> None:
    """A file, or a folder of files."""
    shown = {row[0].strip("`"): re.findall(r"tests/[\w/.]+", row[-1]) for row in rows()}
    assert {*shown} == {*CONTAINS}
    assert not [kind for kind, (path,) in shown.items() if not ROOT.joinpath(path).exists()]


def test_every_other_kind_of_the_tables_stands_on_a_ground_with_others() -> None:
    """So that none is said to be contained there that is not."""
    there = {*aws_resources.KINDS, *aws_shares.KINDS}
    table = (*TABLE.values(), *SHARES.values())
    lost = [row.kind for row in table if row.kind not in there]
    assert not [kind for kind in lost if kind not in KINDS_OF_THEIR_OWN]


@pytest.mark.parametrize("contains", sorted(STUBBED | OWN))
def test_a_kind_with_tests_of_its_own_is_named_in_them(contains: str) -> None:
    """By its word, or by the kind of its address, there or in what they stand on."""
    table = {row.contains: row.kind for row in (*TABLE.values(), *SHARES.values())}
    text = ROOT.joinpath("tests", "connectors", (STUBBED | OWN)[contains]).read_text("utf-8")
    stands_on = re.findall(r"from support\.(\w+) import", text)
    text += "".join(ROOT.joinpath("tests", "support", f"{n}.py").read_text() for n in stands_on)
    assert contains in text or table[contains] in text


NAMED = {
    "amp": "Prometheus",
    "aiops": "investigations",
    "bedrock-agent": "Bedrock",
    "bedrock-agentcore-control": "Bedrock",
    "cleanroomsml": "Clean Rooms ML",
    "cloudhsmv2": "CloudHSM",
    "codeguruprofiler": "CodeGuru Profiler",
    "dsql": "Aurora DSQL",
    "ecr-public": "public repositories of ECR",
    "elementalinference": "Elemental Inference",
    "imagebuilder": "Image Builder",
    "kafka": "MSK",
    "lambda-web": "Lambda Web",
    "lexv2-models": "Lex",
    "logs": "CloudWatch Logs",
    "lookoutequipment": "Lookout for Equipment",
    "marketplace-catalog": "Marketplace",
    "mediapackagev2": "MediaPackage",
    "migration-hub-refactor-spaces": "Refactor Spaces",
    "network-firewall": "network firewalls",
    "networkmanager": "Network Manager",
    "oam": "observability sinks",
    "omics": "HealthOmics",
    "organizations": "organization delegates",
    "osis": "Ingestion",
    "payment-cryptography": "Payment Cryptography",
    "pinpoint-sms-voice-v2": "End User Messaging",
    "route53resolver": "Route 53 Resolver",
    "rum": "RUM",
    "s3files": "S3 Files",
    "schemas": "schema registries",
    "ssm": "Systems Manager",
    "ssm-contacts": "Incident Manager",
    "ssm-incidents": "Incident Manager",
    "waf-regional": "WAF",
    "wafv2": "WAF",
    "wellarchitected": "Well-Architected",
    "xray": "X-Ray",
}
"""What NOT_LOOKED_AT calls services that it does not call as the SDK does."""
_TAKES_A_POLICY = re.compile(
    r"(Put|Set)\w*(Resource|Permission|Repository|Cluster|Channel|Contact|Project|Container|S3Access|"
    r"FileSystem|Component|Sink|Vault\w*Access|Group|Audience\w*|Feed|Profile)Policy"
)


@pytest.mark.night
def test_every_service_that_takes_a_policy_is_read_or_named_as_not_read() -> None:
    """A plan says what nobody looks at: a service that AWS adds is to be in one list or the other.

    By the SDK's own models.
    """
    session, said = get_session(), " ".join(NOT_LOOKED_AT).lower()
    read = {"iam", "s3", *(row.service for row in ROWS)}
    takes = [
        service
        for service in session.get_available_services()
        if any(map(_TAKES_A_POLICY.fullmatch, session.get_service_model(service).operation_names))
    ]
    unseen = [s for s in takes if s not in read and NAMED.get(s, s).lower() not in said]
    assert unseen == []
