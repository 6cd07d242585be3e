"""What takes URLs that the vendor signs is found and named; nothing of it is edited."""

from typing import Any

from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, error_text, owners_client
from support.aws_nights import AwsNight

from stopline.estate import AwsAccount
from stopline.model import Gap, Plan, Scope
from stopline.text import Json

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("url-signers",),
}


def client(cloud: Cloud) -> Any:
    """The owner's."""
    return owners_client(cloud.url, DATA, "cloudfront")


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


def planned(cloud: Cloud) -> Plan:
    """A plan of a pause that looks at what is signed."""
    return AwsNight(cloud.connector(**WORDS), VENDOR).plan()


def test_a_distribution_that_trusts_an_account_of_the_vendors_is_named(cloud: Cloud) -> None:
    """A look-alike's is not."""
    theirs = a_distribution(cloud, MERCOR, MERCER)
    a_distribution(cloud, MERCER)
    (skip,) = planned(cloud).skips
    assert skip.address.id == f"distribution/{theirs}/{MERCOR}"
    assert "trusted signers" in skip.reason


def test_what_may_not_be_read_is_a_gap(cloud: Cloud) -> None:
    """Of the account."""
    cloud.interfere = lambda request: (
        answer(403, error_text("AccessDenied")) if request.url.endswith("/distribution") else None
    )
    found = list(cloud.connector(**WORDS).discover(VENDOR, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == "url-signers in us-east-1"
