"""What takes URLs that the vendor signs is found and named; nothing of it is edited."""

from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, error_text, owners_client
from support.aws_nights import AwsNight

from stopline.estate import AwsAccount
from stopline.model import Gap, Plan, Scope
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("url-signers",),
}


def naming(*keys: str) -> Vendor:
    """The vendor, whose file names these keys."""
    return VENDOR.model_copy(update={"aws": VENDOR.aws.model_copy(update={"public_keys": keys})})


def client(cloud: Cloud) -> Any:
    """The owner's."""
    return owners_client(cloud.url, DATA, "cloudfront")


def a_key(cloud: Cloud, name: str) -> str:
    """A public key; returns its id."""
    said = {"CallerReference": name, "Name": name, "EncodedKey": "PEM"}
    return str(client(cloud).create_public_key(PublicKeyConfig=said)["PublicKey"]["Id"])


def a_group(cloud: Cloud, name: str, *keys: str) -> str:
    """A key group; returns its id."""
    said = {"Name": name, "Items": [*keys]}
    return str(client(cloud).create_key_group(KeyGroupConfig=said)["KeyGroup"]["Id"])


def a_distribution(cloud: Cloud, *signers: str) -> str:
    """A distribution that takes what some accounts have signed; returns its id."""
    trusted: Json = {"Enabled": True, "Quantity": len(signers), "Items": [*signers]}
    behavior = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "https-only",
        "TrustedSigners": trusted,
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    origin = {
        "Id": "o",
        "DomainName": "x.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    said = {
        "CallerReference": "".join(signers),
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
    }
    return str(client(cloud).create_distribution(DistributionConfig=said)["Distribution"]["Id"])


def planned(cloud: Cloud, vendor: Vendor = VENDOR) -> Plan:
    """A plan of a pause that looks at what is signed."""
    return AwsNight(cloud.connector(**WORDS), vendor).plan()


def test_a_group_with_a_key_of_the_vendors_is_named_and_left(cloud: Cloud) -> None:
    """With what a person does; a group without one is not even named."""
    theirs, labs = a_key(cloud, "theirs"), a_key(cloud, "labs")
    group, alone = a_group(cloud, "both", theirs, labs), a_group(cloud, "alone", theirs)
    a_group(cloud, "labs", labs)
    plan = planned(cloud, naming(theirs))
    assert not plan.work
    told = {skip.address.id.split("/")[1]: skip for skip in plan.skips}
    assert set(told) == {group, alone}
    assert all(skip.leaves_access for skip in told.values())
    assert "take the key out" in told[group].reason
    assert "only key" in told[alone].reason


def test_a_distribution_that_trusts_an_account_of_the_vendors_is_named(cloud: Cloud) -> None:
    """A look-alike's is not."""
    theirs = a_distribution(cloud, MERCOR, MERCER)
    a_distribution(cloud, MERCER)
    (skip,) = planned(cloud).skips
    assert skip.address.id == f"distribution/{theirs}/{MERCOR}"
    assert "trusted signers" in skip.reason


def test_key_groups_are_not_read_for_a_vendor_that_has_no_key(cloud: Cloud) -> None:
    """Each look costs a call."""
    a_group(cloud, "labs", a_key(cloud, "labs"))
    planned(cloud)
    assert "cloudfront:ListKeyGroups" not in cloud.used


@pytest.mark.parametrize("what", ["distribution", "key-group"])
def test_what_may_not_be_read_is_a_gap_and_the_other_is_looked_at(cloud: Cloud, what: str) -> None:
    """Of the account."""
    cloud.interfere = lambda request: (
        answer(403, error_text("AccessDenied")) if request.url.endswith(f"/{what}") else None
    )
    found = list(cloud.connector(**WORDS).discover(naming("K1"), Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == f"{what.replace('-', ' ')}s of CloudFront"
