"""IAM Roles Anywhere: anchors and profiles of the vendor's are switched off and on, nobody else's;
and roles that they hand out are the vendor's to be contained.

The emulator does not have the service: `support.aws_anywhere` answers, by AWS's own model of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, MERCER, PATH, RESEARCH, VENDOR, Cloud, trust
from support.aws_anywhere import (
    LABS,
    OFF,
    TAGGED,
    THEIRS,
    Anywhere,
    anchor,
    from_authority,
    profile,
    refused,
)
from support.aws_grounds import BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import SWITCHES, playbook

from stopline.connectors.aws.policy import ANCHORS, Door
from stopline.connectors.aws.selection import Identity, select
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Plan, Scope, Skip
from stopline.playbook import Playbook
from stopline.receipts import Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "trust-anchors", "anywhere-profiles"),
}
WITH_PRINCIPALS = playbook((*SWITCHES, ("roles", "deny-all"), ("shared-roles", "trust-deny")))
NAMED = f"arn:aws:rolesanywhere:*:{DATA}:trust-anchor/{THEIRS}"
NAMING: Vendor = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"identity_providers": (NAMED,)})}
)


@dataclass(kw_only=True)
class Ground(BesideATopic):
    """One account with anchors and profiles of the vendor's and of the lab's, and a topic."""

    there: Anywhere
    vendor: Vendor = NAMING
    playbook: Playbook = WITH_PRINCIPALS

    def picture(self) -> Json:
        """All of it, as the service shows it."""
        things = {**self.there.anchors, **self.there.profiles}
        return {**things, "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete a switch."""
        id_ = document.id.rpartition("/")[2]
        gone = self.there.anchors.pop(id_, None) or self.there.profiles.pop(id_, None)
        return gone is not None


@pytest.fixture
def there(cloud: Cloud) -> Anywhere:
    """The service, with nothing in it."""
    made = Anywhere()
    cloud.interfere = made.interfere
    return made


@pytest.fixture
def ground(cloud: Cloud, there: Anywhere) -> Ground:
    """An anchor that is named, one that is tagged, one that is off; a profile; and the lab's."""
    theirs = a_role(cloud, "labelling", anchor(THEIRS)["trustAnchorArn"])
    there.put(anchor(THEIRS), anchor(LABS), anchor(TAGGED), anchor(OFF, enabled=False))
    there.put(profile(f"9{THEIRS[1:]}", theirs), profile(f"8{LABS[1:]}", theirs, "arn:aws:iam::x"))
    there.tags = {TAGGED: {"vendor": "mercor"}, LABS: {"vendor": "mercer"}}
    return Ground(**beside_a_topic(cloud, WORDS), there=there)


@pytest.mark.night
class TestAnywhere(ConnectorContract):
    """Anchors and profiles; a topic bears our mark."""


def a_role(cloud: Cloud, name: str, *anchors: str, also: Json = None) -> str:
    """A role that some anchors may hand out; any, where none is named. Returns its ARN."""
    condition = {"ArnEquals": {"aws:SourceArn": [*anchors]}} if anchors else None
    trusted = trust({"Service": ANCHORS, **(also or {})}, condition)
    return cloud.role(name, trusted, account=DATA)


def a_night(cloud: Cloud, vendor: Vendor = NAMING, **words: Any) -> AwsNight:
    """A pause that looks at Roles Anywhere."""
    return AwsNight(cloud.connector(**WORDS | words), vendor, playbook=WITH_PRINCIPALS)


def switched(plan: Plan) -> set[str]:
    """The ids of what a plan switches off."""
    kinds = ("trust-anchor", "anywhere-profile")
    return {c.address.id.rpartition("/")[2] for c in plan.work if c.address.kind in kinds}


def outcomes(receipts: tuple[Receipt, ...]) -> set[Outcome]:
    """What became of all changes."""
    return {receipt.outcome for receipt in receipts}


# --- whose it is ---------------------------------------------------------------------------------


def test_the_vendors_are_switched_off_and_on_again_and_nobody_elses(ground: Ground) -> None:
    """By name, by tag, and a profile that hands out nothing but the vendor's role."""
    night, before = a_night(ground.cloud), ground.picture()
    night.contain()
    assert ground.there.on() == {LABS, f"8{LABS[1:]}"}
    assert not night.plan().work
    night.restore()
    assert ground.picture() == before


def test_what_only_a_tag_selects_is_said_to_be_so(ground: Ground) -> None:
    """Who may tag an anchor could make it look like the vendor's."""
    plan = a_night(ground.cloud).plan()
    vouched = {c.address.id.rpartition("/")[2]: c.vouched for c in plan.work}
    assert (vouched[THEIRS], vouched[TAGGED]) == (True, False)


@pytest.mark.parametrize(
    ("authority", "theirs"),
    [
        (from_authority(), True),
        (from_authority(f"arn:aws:acm-pca:us-east-1:{MERCER}:certificate-authority/ca"), False),
        (from_authority(f"arn:aws:acm-pca:us-east-1:{DATA}:certificate-authority/ca"), False),
        (None, False),
    ],
)
def test_an_anchor_of_the_vendors_own_authority_is_the_vendors(
    cloud: Cloud, there: Anywhere, authority: Json, theirs: object
) -> None:
    """Its certificates are what the anchor takes; a look-alike's and the lab's are not."""
    there.put(anchor(LABS, authority))
    assert switched(a_night(cloud, VENDOR).plan()) == ({LABS} if theirs else set())


def test_trap_what_somebody_had_switched_off_stays_off(ground: Ground) -> None:
    """Nothing is planned for it, and the rollback does not switch it on."""
    ground.there.tags[OFF] = {"vendor": "mercor"}
    night = a_night(ground.cloud)
    assert OFF not in switched(night.plan())
    night.contain()
    night.restore()
    assert OFF not in ground.there.on()


def test_trap_what_somebody_switches_on_meanwhile_is_switched_off_and_on_once(
    ground: Ground,
) -> None:
    """It is seen by the next sweep, and restored like all else."""
    night = a_night(ground.cloud)
    night.contain()
    ground.there.put(anchor(THEIRS))
    assert switched(night.plan()) == {THEIRS}
    night.contain()
    night.restore()
    assert THEIRS in ground.there.on()


def test_every_page_of_a_list_is_read_and_nothing_is_asked_for_one_by_one(ground: Ground) -> None:
    """The list says all that is wanted; only whose it is may need its tags."""
    list(ground.connector.discover(VENDOR, Scope()))
    asked = ground.there.asked
    assert asked.count("ListProfiles") == len(ground.there.profiles)
    assert not {"GetTrustAnchor", "GetProfile"} & set(asked)


# --- roles that they hand out --------------------------------------------------------------------


def roles_of(plan: Plan) -> dict[str, str]:
    """What is done to which role, by the kind of the change."""
    return {
        c.address.id.partition("#")[0].partition("/")[0]: c.address.kind
        for c in plan.work
        if c.address.kind.startswith(("role", "trust-policy"))
    }


def test_a_role_that_the_vendors_anchor_alone_hands_out_is_the_vendors(
    cloud: Cloud, there: Anywhere
) -> None:
    """It is denied everything, which ends sessions too; the lab's role is not touched."""
    there.put(anchor(THEIRS), anchor(LABS))
    a_role(cloud, "labelling", anchor(THEIRS)["trustAnchorArn"])
    a_role(cloud, "builds", anchor(LABS)["trustAnchorArn"])
    assert roles_of(a_night(cloud).plan()) == {"labelling": "role-attachment"}


@pytest.mark.parametrize("on", [True, False])
def test_a_role_is_the_vendors_whether_or_not_the_anchor_is_on(
    cloud: Cloud, there: Anywhere, on: object
) -> None:
    """Whoever switched it off may switch it on; and what we left must be found again."""
    there.put(anchor(THEIRS, enabled=bool(on)))
    a_role(cloud, "labelling", anchor(THEIRS)["trustAnchorArn"])
    assert roles_of(a_night(cloud).plan()) == {"labelling": "role-attachment"}


def test_an_anchor_that_is_named_counts_where_nobody_looks(cloud: Cloud, there: Anywhere) -> None:
    """In a region that the estate's file does not name: the role's trust says its ARN."""
    del there
    a_role(cloud, "labelling", anchor(THEIRS)["trustAnchorArn"].replace("us-east-1", "eu-west-1"))
    assert "labelling" in roles_of(a_night(cloud, resources=()).plan())


def test_a_role_that_the_lab_uses_too_loses_only_the_vendors_anchor(
    cloud: Cloud, there: Anywhere
) -> None:
    """A deny in its trust for that anchor, and an end of its sessions; the lab's anchor stays."""
    there.put(anchor(THEIRS), anchor(LABS))
    arns = [anchor(id_)["trustAnchorArn"] for id_ in (THEIRS, LABS)]
    a_role(cloud, "both", *arns)
    night = a_night(cloud)
    plan = night.plan()
    (deny,) = (c for c in plan.work if c.address.part.endswith("Anchor"))
    assert deny.after is not None
    said = deny.after.value
    assert said["Principal"] == {"Service": ANCHORS}
    assert said["Condition"] == {"ArnEquals": {"aws:SourceArn": [arns[0]]}}
    before = cloud.iam(DATA).get_role(RoleName="both")["Role"]["AssumeRolePolicyDocument"]
    assert outcomes(night.carry_out(plan)) == {Outcome.APPLIED}
    assert not night.plan().work
    night.restore()
    after = cloud.iam(DATA).get_role(RoleName="both")["Role"]["AssumeRolePolicyDocument"]
    assert after == before


def test_trap_a_role_that_names_no_anchor_is_open_to_all_of_its_account(
    cloud: Cloud, there: Anywhere
) -> None:
    """The vendor's among them: it is shared with the lab's, where there is one."""
    there.put(anchor(THEIRS))
    a_role(cloud, "open")
    assert roles_of(a_night(cloud).plan()) == {"open": "role-attachment"}
    there.put(anchor(LABS))
    kinds = {c.address.kind for c in a_night(cloud).plan().work if "open" in c.address.id}
    assert "trust-policy-statement" in kinds


@pytest.mark.parametrize("looking", [True, False])
def test_a_role_that_the_file_names_is_the_vendors_under_the_labs_anchor_too(
    cloud: Cloud, there: Anywhere, looking: object
) -> None:
    """The vendor comes by a certificate of the lab's: it is denied everything, and not shared."""
    there.put(anchor(LABS))
    condition = {"ArnEquals": {"aws:SourceArn": anchor(LABS)["trustAnchorArn"]}}
    cloud.role("vr", trust({"Service": ANCHORS}, condition), PATH, account=DATA)
    resources = WORDS["resources"] if looking else ()
    plan = a_night(cloud, VENDOR, resources=resources).plan()
    assert roles_of(plan) == {"vr": "role-attachment"}
    assert not [skip for skip in plan.skips if "vr" in skip.address.id]


def test_an_anchor_hands_out_no_role_of_another_account() -> None:
    """A role that names no anchor is the vendor's by anchors of its own account alone."""
    door = Door(ANCHORS, anchor(THEIRS)["trustAnchorArn"], "theirs", DATA, theirs=True)

    def role(account: str) -> Identity:
        arn = f"arn:aws:iam::{account}:role/open"
        trusted = trust({"Service": ANCHORS})
        return Identity("role", account, "open", arn, "/", f"uid-{account}", {}, trust=trusted)

    found = select([role(DATA), role(RESEARCH)], VENDOR.aws, (door,))
    assert [one.identity.account for one in found] == [DATA]


# --- faults --------------------------------------------------------------------------------------


def once(*statuses: tuple[int, str]) -> Callable[[str], Any]:
    """Answer the next switches off in this way, and no others."""
    left = [*statuses]
    return lambda operation: (
        refused(*left.pop(0)) if left and operation == "DisableTrustAnchor" else None
    )


@pytest.fixture
def alone(cloud: Cloud, there: Anywhere) -> AwsNight:
    """A pause of one anchor."""
    there.put(anchor(THEIRS))
    return a_night(cloud)


def test_a_throttled_call_is_sent_again(alone: AwsNight, there: Anywhere) -> None:
    """429: nothing happened, so nothing is unproven."""
    there.instead = once((429, "ThrottlingException"))
    assert outcomes(alone.contain()) == {Outcome.APPLIED}
    assert there.asked.count("DisableTrustAnchor") == len(("refused", "taken"))
    alone.restore()
    assert there.on() == {THEIRS}


@pytest.mark.parametrize("status", [500, 503])
def test_a_reply_that_is_lost_leaves_it_unproven_and_off(
    alone: AwsNight, there: Anywhere, status: int
) -> None:
    """AWS did it and answered 5xx: a person says whether it was us."""

    def lost(operation: str) -> Any:
        if operation != "DisableTrustAnchor":
            return None
        there.put(anchor(THEIRS, enabled=False))
        return refused(status, "ServiceUnavailableException")

    there.instead = lost
    assert outcomes(alone.contain()) == {Outcome.UNPROVEN}
    assert there.on() == set()


def test_what_is_denied_is_a_gap_and_stops_nothing_else(ground: Ground) -> None:
    """Anchors that may not be listed: said once, and profiles are looked at all the same."""
    ground.there.instead = lambda operation: (
        refused(403, "AccessDeniedException") if operation == "ListTrustAnchors" else None
    )
    found = list(ground.connector.discover(NAMING, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == "trust-anchors in us-east-1"
    assert any("labelling" in str(f) for f in found)


def test_a_deleted_anchor_is_given_back_to_nobody(alone: AwsNight, there: Anywhere) -> None:
    """An id is never used again: there is nothing to switch on."""
    alone.contain()
    there.anchors.clear()
    assert outcomes(alone.restore()) <= {Outcome.CONFLICT, Outcome.ALREADY}
    assert there.on() == set()


def test_by_hand_the_same_calls_are_made(alone: AwsNight) -> None:
    """Off and on, as the AWS CLI names them."""
    (change,) = alone.plan().work
    for one, verb in ((change, "disable"), (change.inverse(), "enable")):
        (line,) = alone.aws.commands(change.address.document, [one], None).lines
        assert line.startswith(f"aws rolesanywhere {verb}-trust-anchor --trust-anchor-id {THEIRS}")


def test_sessions_that_have_begun_are_told_and_nothing_is_deleted(alone: AwsNight) -> None:
    """They live on in roles that stay open; a termination leaves the switch to people."""
    (change,) = alone.plan().work
    assert any("issued by it before" in told.what for told in alone.aws.residuals(change))
    alone.contain()
    (hold,) = alone.book.writes.holds()
    skip = alone.aws.ended(hold)
    assert isinstance(skip, Skip)
    assert "switched off" in skip.reason
