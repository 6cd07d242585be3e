"""A workforce pool of the organisation's that lets in the vendor's people: off, and on again."""

import pytest
from support.google import ORG, VENDOR
from support.google_nights import Night

from stopline.drill.google.faults import Moment
from stopline.drill.google.state import Resource
from stopline.model import Gap, Scope

POOL = "locations/global/workforcePools/mercor-staff"
FOREIGN = "locations/global/workforcePools/their-own"
WHERE = f"//iam.googleapis.com/{POOL}"
TOP = f"//cloudresourcemanager.googleapis.com/organizations/{ORG}"
LIST = "iam.v1.locations.workforcePools.list"


@pytest.fixture
def staffed(night: Night) -> Night:
    """The vendor's file names one of the lab's and one of another organisation's."""
    data = {"name": POOL, "state": "ACTIVE", "displayName": "mercor-staff"}
    night.google.state.add(Resource(WHERE, "iam.googleapis.com/WorkforcePool", TOP, data, {}))
    pools = (*VENDOR.gcp.pools, POOL, FOREIGN)
    night.vendor = VENDOR.model_copy(update={"gcp": VENDOR.gcp.model_copy(update={"pools": pools})})
    return night


def switched(night: Night) -> bool:
    """Whether it is off."""
    return bool(night.google.state.get(WHERE).data.get("disabled"))


def test_it_is_switched_off_and_on_again(staffed: Night) -> None:
    """Its people's tokens end with it; what was there before is there after."""
    before = staffed.picture()
    staffed.contain()
    assert switched(staffed)
    staffed.restore()
    assert staffed.picture() == before


def test_one_that_was_off_stays_off(staffed: Night) -> None:
    """It was so before us."""
    staffed.google.state.get(WHERE).data["disabled"] = True
    staffed.contain()
    staffed.restore()
    assert switched(staffed)


def test_another_organisations_is_not_asked_for_and_is_no_gap(staffed: Night) -> None:
    """It is not ours to switch off; its principals are denied."""
    found = list(staffed.connector.discover(staffed.vendor, Scope()))
    assert not [f for f in found if isinstance(f, Gap) and "workforce" in f.what]
    assert not [f for f in found if FOREIGN in str(f)]


def test_where_nobody_says_whose_it_is_there_is_a_gap(staffed: Night) -> None:
    """A list that is refused: a person must look."""
    staffed.google.faults.add(LIST, Moment.BEFORE, 403, times=9)
    found = list(staffed.connector.discover(staffed.vendor, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap) and POOL in f.what)
    assert gap.what == f"whether {POOL} is the organisation's"


def test_a_lost_answer_leaves_nothing_behind(staffed: Night) -> None:
    """The write landed, and nobody was told: it is held, and given back."""
    before = staffed.picture()
    staffed.google.faults.add("iam.v1.locations.workforcePools.patch", Moment.AFTER, 503, times=1)
    staffed.contain()
    staffed.google.faults.clear()
    staffed.contain()
    assert switched(staffed)
    staffed.restore(unproven=True)
    assert staffed.picture() == before
