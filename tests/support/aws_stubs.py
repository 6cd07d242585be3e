"""What the emulator does not have, against AWS's own models: botocore's clients with its own stubs.

Requests and answers are held to those models; nothing else answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.stub import Stubber
from support.aws import DATA, MERCOR, VENDOR, estate

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.clients import BY_SDK, Clients
from stopline.connectors.aws.policy import Vendors
from stopline.connectors.aws.selection import Reach

REACH = Reach(Vendors(accounts=frozenset({MERCOR})), VENDOR.aws, (), ())
REGION = "us-east-1"


@contextmanager
def answering(
    service: str, mode: str, connector: AwsConnector, region: str = REGION
) -> Iterator[Stubber]:
    """One of the connector's clients is answered by a stub, and each answer is asked for."""
    made: Any = boto3.client  # the typed one wants a literal name
    sdk = BY_SDK.get(service, service)
    client = made(sdk, region_name=region, aws_access_key_id="k", aws_secret_access_key="s")
    connector.clients._clients[DATA, f"{service}/{region}", mode] = client
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def looking_at(*resources: str, **words: Any) -> AwsConnector:
    """A connector that looks at some kinds alone, and that nobody answers yet."""
    return AwsConnector(Clients(estate(resources=resources, regions=(REGION,), **words)), 0.0)
