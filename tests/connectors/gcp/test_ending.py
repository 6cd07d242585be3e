"""What Google Cloud deletes for good, and why everything else stays. Pure."""

import pytest

from stopline.connectors.gcp import ending
from stopline.connectors.gcp.documents import WRITERS
from stopline.model import Address, Breadth, Change, Effect, Skip, State
from stopline.receipts import Hold

KEYS = {"service-account-key", "hmac-key"}


ID = "lab-data/etl@lab-data.iam.gserviceaccount.com/0a1b2c3d4e5f"


def hold(kind: str) -> Hold:
    """A hold on something of this kind."""
    address = Address("gcp", "123456789012", kind, ID)
    off = State.of({"disabled": True})
    change = Change(address, None, off, "r", Breadth.NARROW, principal="serviceAccount:etl")
    return Hold(address, "0000000a", None, off, change, written=True)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_only_keys_are_deleted_and_everything_else_says_why_it_stays(kind: str) -> None:
    """Whatever the connector writes: an effect on a key, a reason for all the rest."""
    says = ending.ended(hold(kind))
    assert isinstance(says, Effect if kind in KEYS | {*ending.TAKEN} else Skip)
    if isinstance(says, Skip):
        assert (says.principal, "stays" in says.reason) == ("serviceAccount:etl", True)


def test_a_summary_has_the_ends_of_a_keys_id_and_its_account() -> None:
    """It goes into notices and tickets; the whole id stands in the address alone."""
    says = ending.ended(hold("service-account-key"))
    assert isinstance(says, Effect)
    wanted = "delete the key 0a1b…4e5f of etl@lab-data.iam.gserviceaccount.com for good"
    assert says.summary == wanted
