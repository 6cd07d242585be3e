"""AWS keeps the contract for the policies of an organization, over an emulated one."""

from dataclasses import replace

import pytest
from connectors.contract import ConnectorContract, Ground, grants, terms
from support.aws import Cloud
from support.organization import OrganizationGround

from stopline.model import Skip


@pytest.fixture
def ground(cloud: Cloud) -> OrganizationGround:
    """The organization, made anew."""
    return OrganizationGround.of(cloud)


class TestOrganization(ConnectorContract):
    """One service control policy and one resource control policy, and their attachments."""

    def test_every_skip_says_why(self, ground: Ground) -> None:
        """An optional phase that nobody asks for leaves nothing open; a member account does."""
        bare = ground.playbook.model_copy(update={"phases": ()})
        optional = 0
        for grant in grants(ground):
            left = list(ground.connector.contained(grant, replace(terms(ground), playbook=bare)))
            asked = not grant.entitlement.startswith("organization-")
            optional += not asked
            assert left
            assert all(isinstance(s, Skip) and s.reason for s in left)
            assert all(isinstance(s, Skip) and s.leaves_access is asked for s in left)
        assert optional == 2  # its principals, its resources
