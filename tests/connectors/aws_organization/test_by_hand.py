"""The printed commands of a fast cut, run by bash over the emulated organization, both ways."""

import os
import subprocess
from pathlib import Path

import pytest
from connectors.contract import back, carry_out, plan
from support.aws import Cloud
from support.aws_cli import aws_on_path
from support.organization import MANAGEMENT, OrganizationGround

from stopline.drill.access import Access, Credentials
from stopline.model import Direction, Plan
from stopline.render.script import Words, script

pytestmark = pytest.mark.night
WELL = "0 failed, 0 realms passed over.\n"


@pytest.fixture
def ground(cloud: Cloud) -> OrganizationGround:
    """The organization, made anew."""
    return OrganizationGround.of(cloud)


def by_hand(ground: OrganizationGround, made: Plan, folder: Path, account: str = MANAGEMENT) -> str:
    """Run a plan's script with the credentials of an account; what it complains of."""
    access = Access(ground.cloud.url, (account,))
    owner = Credentials("owner", "owner")
    taken = access.assume(owner, f"arn:aws:iam::{account}:role/stopline/organization")
    with aws_on_path(access, folder / "bin"):
        done = subprocess.run(
            ["bash", "-s"],
            input=script(made, Words({"aws": ground.connector.commands}, {})),
            env={
                "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
                "AWS_ACCESS_KEY_ID": taken.key,
                "AWS_SECRET_ACCESS_KEY": taken.secret,
                "AWS_SESSION_TOKEN": taken.token,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    return done.stderr


def test_by_hand_it_is_the_same_both_ways(ground: OrganizationGround, tmp_path: Path) -> None:
    """What a person types makes what stopline makes, and takes away what stopline made."""
    before, made = ground.picture(), plan(ground)
    assert by_hand(ground, made, tmp_path) == WELL
    ours = ground.picture()
    way_back = Plan("mercor", Direction.RESTORE, made.scope, back(made.changes))
    assert by_hand(ground, way_back, tmp_path) == WELL
    assert ground.picture() == before
    carry_out(ground, made.changes)
    assert ground.picture() == ours
    assert by_hand(ground, way_back, tmp_path) == WELL
    assert ground.picture() == before


def test_the_credentials_of_another_account_do_nothing(
    ground: OrganizationGround, tmp_path: Path
) -> None:
    """It says whose are wanted, and passes over."""
    before = ground.picture()
    said = by_hand(ground, plan(ground), tmp_path, account="123123123123")
    assert f"PASSED OVER: {ground.owner.id}" in said
    assert ground.picture() == before
