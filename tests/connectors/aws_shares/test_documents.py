"""Documents of Systems Manager that are shared with the vendor, over an emulated account."""

import json
from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, body_of
from support.aws_nights import AwsNight
from support.aws_shares import Sharer, playbook

from stopline.connectors.aws.entries import DOCUMENTS
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Grant, Scope
from stopline.receipts import Cause, Outcome
from stopline.text import Json

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("ssm-documents",),
}
DOCUMENT = Document("aws", DATA, "document-share", "us-east-1/labels")


@pytest.fixture
def sharer(cloud: Cloud) -> Sharer:
    """The owner of one document that the vendor and a look-alike may use."""
    sharer = Sharer(cloud)
    sharer.make("document-share", "labels")
    return sharer


@pytest.fixture
def night(cloud: Cloud) -> AwsNight:
    """A pause that looks at documents alone."""
    return AwsNight(cloud.connector(**WORDS), playbook=playbook())


def let(sharer: Sharer, who: str, version: str = "") -> None:
    """The owner shares it, in a version or in what AWS takes where none is said."""
    said = {"SharedDocumentVersion": version} if version else {}
    sharer.client("ssm").modify_document_permission(
        Name="labels", PermissionType="Share", AccountIdsToAdd=[who], **said
    )


def target_of(request: Any) -> str:
    """The operation that a request names."""
    said = request.headers.get("X-Amz-Target", b"")
    return said.decode() if isinstance(said, bytes) else str(said)


def versions(sharer: Sharer) -> dict[str, str]:
    """Which version each account has."""
    words = {"Name": "labels", "PermissionType": "Share"}
    said = sharer.client("ssm").describe_document_permission(**words)
    return {i["AccountId"]: i["SharedDocumentVersion"] for i in said["AccountSharingInfoList"]}


@pytest.mark.parametrize("version", ["$LATEST", "$ALL", "$DEFAULT"])
def test_the_version_that_was_shared_is_given_back(
    sharer: Sharer, night: AwsNight, version: str
) -> None:
    """Where none is said AWS takes the default one: the vendor would have another."""
    let(sharer, MERCOR, version)
    night.contain()
    assert versions(sharer) == {MERCER: "$LATEST"}
    night.restore()
    assert versions(sharer) == {MERCER: "$LATEST", MERCOR: version}


def test_trap_a_document_that_is_public_now_is_not_taken_from_everybody(
    sharer: Sharer, night: AwsNight
) -> None:
    """Shared with one account it is shared with everybody no more: its owner's to say."""
    night.contain()
    let(sharer, "all")
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert "everybody" in receipt.detail
    assert sharer.shared(DOCUMENT) == ["all"]


def test_a_public_document_is_left_open_and_said(sharer: Sharer, night: AwsNight) -> None:
    """It is not the vendor's alone: a person decides."""
    let(sharer, "all")
    (skip,) = night.plan().skips
    assert skip.leaves_access
    assert "everybody" in skip.reason


def test_a_document_of_the_same_name_is_another_one(sharer: Sharer, night: AwsNight) -> None:
    """What was made anew is never shared with the vendor by a rollback."""
    night.contain()
    sharer.remove(DOCUMENT)
    sharer.make("document-share", "labels", MERCER)
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert sharer.shared(DOCUMENT) == [MERCER]


def test_a_new_version_is_no_other_document(sharer: Sharer, night: AwsNight) -> None:
    """Its first one still is what it was."""
    night.contain()
    content = '{"schemaVersion": "2.2", "description": "more", "mainSteps": []}'
    ssm = sharer.client("ssm")
    ssm.update_document(Name="labels", Content=content, DocumentVersion="$LATEST")
    ssm.update_document_default_version(Name="labels", DocumentVersion="2")
    (receipt,) = night.restore()
    assert receipt.outcome is Outcome.APPLIED
    assert sharer.shared(DOCUMENT) == sorted([MERCOR, MERCER])


def test_a_document_without_its_first_version_is_still_given_back(
    cloud: Cloud, sharer: Sharer, night: AwsNight
) -> None:
    """Nothing tells it from another then. As AWS says it: the emulator says it is not there."""
    night.contain()
    cloud.interfere = lambda request: (
        answer(400, json.dumps({"__type": "InvalidDocumentVersion"}))
        if target_of(request).endswith(".DescribeDocument")
        else None
    )
    (receipt,) = night.restore()
    assert receipt.outcome is Outcome.APPLIED
    assert sharer.shared(DOCUMENT) == sorted([MERCOR, MERCER])


def shown(cloud: Cloud, *pages: Json) -> list[Gap | Grant]:
    """What is found where Systems Manager shows this, page by page, which the emulator does not."""
    left = [*pages]
    cloud.interfere = lambda request: (
        answer(200, json.dumps(left.pop(0)))
        if target_of(request).endswith(".DescribeDocumentPermission")
        else None
    )
    found = cloud.connector(**WORDS).discover(VENDOR, Scope())
    return [thing for thing in found if isinstance(thing, Gap | Grant)]


def test_trap_an_account_on_the_second_page_is_found(cloud: Cloud, sharer: Sharer) -> None:
    """The models do not say how this call pages."""
    first = {"AccountIds": [MERCER], "NextToken": "t"}
    assert sharer.shared(DOCUMENT)
    (grant,) = shown(cloud, first, {"AccountIds": [MERCOR], "NextToken": ""})
    assert isinstance(grant, Grant)
    assert grant.principal == MERCOR
    asked = [json.loads(b) for b in map(body_of, cloud.sent) if '"PermissionType"' in b]
    assert [one.get("NextToken") for one in asked] == [None, "t"]


def test_trap_an_account_whose_version_is_not_told_is_found(cloud: Cloud, sharer: Sharer) -> None:
    """The list of accounts is whole; an item without an account is a gap, and hides no other."""
    told = [{"SharedDocumentVersion": "$ALL"}, {"AccountId": MERCER}]
    assert sharer.shared(DOCUMENT)
    things = shown(cloud, {"AccountIds": [MERCER, MERCOR], "AccountSharingInfoList": told})
    assert [t.principal for t in things if isinstance(t, Grant)] == [MERCOR]
    assert [t.what for t in things if isinstance(t, Gap)] == [
        "an entry of the SSM document us-east-1/labels"
    ]


def test_everybody_is_known_however_it_is_written() -> None:
    """AWS's model takes `all` in either case."""
    (entry,) = DOCUMENTS.entries({"AccountIds": ["All"]})
    assert (entry.part, entry.who, entry.state) == ("all", "all", {"account": "All"})
