"""Backup vaults, whose policies the emulator does not have: against AWS's own model of Backup."""

import json
import shlex
from functools import partial

import boto3
import pytest
from botocore import xform_name
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_cli import parsed
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.model import Change, Document, Grant

DOCUMENT = Document("aws", DATA, "backup-vault-policy-statement", "us-east-1/label")
NAMED = {"BackupVaultName": "label"}
ALLOW = {
    "Sid": "Work", "Effect": "Allow", "Action": "backup:CopyIntoBackupVault", "Resource": "*",
    "Principal": {"AWS": [f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER)]},
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}, indent=1)


answering = partial(aws_stubs.answering, "backup")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at vaults, and that nobody answers yet."""
    return aws_stubs.looking_at("backup-vaults")


def get(stub: Stubber, text: str) -> None:
    """The policy is there, or none is."""
    if text:
        stub.add_response("get_backup_vault_access_policy", {"Policy": text}, NAMED)
    else:
        stub.add_client_error(
            "get_backup_vault_access_policy", "ResourceNotFoundException", expected_params=NAMED
        )


def there(stub: Stubber, *, still: bool = True) -> None:
    """What is asked where no policy is: whether there is a vault."""
    if still:
        stub.add_response("describe_backup_vault", NAMED, NAMED)
    else:
        stub.add_client_error(
            "describe_backup_vault", "ResourceNotFoundException", expected_params=NAMED
        )


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the vault."""
    grant = a_grant("backup-vault", "us-east-1/label")
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def test_a_vault_that_lets_the_vendor_in_is_found(connector: AwsConnector) -> None:
    """One that has no policy of its own is nobody's but its owner's."""
    with answering("reading", connector) as stub:
        vaults = [{"BackupVaultName": name} for name in ("bare", "label")]
        stub.add_response("list_backup_vaults", {"BackupVaultList": vaults}, {})
        stub.add_client_error("get_backup_vault_access_policy", "ResourceNotFoundException")
        get(stub, POLICY)
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    (grant,) = (f for f in found if isinstance(f, Grant))
    assert (grant.address.kind, grant.address.id) == ("backup-vault", "us-east-1/label")
    assert f"account {MERCOR}" in grant.via


def test_a_vault_is_denied_and_given_back_verbatim(connector: AwsConnector) -> None:
    """The vendor's accounts by a deny of ours; the others' part stays as it is."""
    ours = changes(connector)
    kept = [c.after.value for c in ours if c.after]
    assert MERCOR in json.dumps(kept)
    assert MERCER not in json.dumps(kept)
    wanted = json.dumps({**json.loads(POLICY), "Statement": [ALLOW, *kept]}, separators=(",", ":"))
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, POLICY)
        observed = connector.read(DOCUMENT)
        put = {**NAMED, "Policy": wanted}
        writes.add_response("put_backup_vault_access_policy", {}, put)
        get(reads, wanted)
        connector.write(observed, ours, POLICY, "t")
        get(reads, wanted)
        contained = connector.read(DOCUMENT)
        assert set(contained.states) == {c.address for c in ours}
        writes.add_response("put_backup_vault_access_policy", {}, {**NAMED, "Policy": POLICY})
        get(reads, POLICY)
        connector.write(contained, [c.inverse() for c in ours], POLICY, "t")


def test_a_vault_that_is_gone_is_not_one_without_a_policy(connector: AwsConnector) -> None:
    """Of both Backup says the same."""
    for still in (True, False):
        with answering("reading", connector) as reads:
            get(reads, "")
            there(reads, still=still)
            assert connector.read(DOCUMENT).exists is still


def test_by_hand_the_same_calls_are_made(connector: AwsConnector) -> None:
    """Read, written, and dropped where nothing would be left: as the model names them."""
    (ours, *_) = changes(connector)
    *_, line = connector.commands(DOCUMENT, [ours.inverse()], None).lines
    client = boto3.client("backup", region_name="us-east-1")
    for verb in ("Get", "Put", "Delete"):
        name = f"{verb}BackupVaultAccessPolicy"
        words = line.partition(f"aws backup {xform_name(name, '-')} ")[2]
        words = words.partition(" > ")[0].partition(" &&")[0].replace("file://$D/new", "new text")
        given, _, _ = parsed(client, name, shlex.split(words))
        assert given == {**NAMED, **({"Policy": "new text"} if verb == "Put" else {})}
