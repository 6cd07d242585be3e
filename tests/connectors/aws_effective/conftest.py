"""What is looked at where a test does not say: all that has a policy of its own."""

import pytest
from support.aws import Cloud
from support.aws_resources import KINDS

from stopline.connectors.aws.resources import TABLE


@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    """An emulated AWS, of whose resources all are looked at that it serves."""
    cloud.resources = tuple(TABLE[kind].contains for kind in KINDS)
    return cloud
