"""Every kind of address that is written has its D3FEND technique, or says why there is none."""

import pytest
from support.nights import Night

from stopline import countermeasures
from stopline.configuration import installed_techniques
from stopline.connectors.aws.classes import WRITERS as AWS
from stopline.connectors.gcp.documents import WRITERS as GCP
from stopline.connectors.payouts.foreign import LEVERS
from stopline.connectors.payouts.in_flight import KINDS
from stopline.connectors.payouts.intents import INTENT
from stopline.connectors.payouts.manual_rail import MANUAL
from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.connectors.payouts.stripe_rail import SCHEDULE
from stopline.countermeasures import (
    ACCOUNT_LOCKING,
    FILE_ACCESS,
    KEPT_DATA,
    RESOURCE_ACCESS,
    USER_PERMISSIONS,
    Technique,
    Untagged,
)
from stopline.evidence import ocsf
from stopline.text import Json

PAUSE = "0000000a"
WRITTEN = {
    "aws": set(AWS),
    "gcp": set(GCP),
    "payouts": {*KINDS, *LEVERS, INTENT, MANUAL, MARKED, SCHEDULE},
}


def test_the_tables_are_those_of_the_connectors_that_are_installed() -> None:
    """A new connector has to say it too."""
    assert set(installed_techniques()) == set(WRITTEN)


@pytest.mark.parametrize("connector", WRITTEN)
def test_every_kind_that_a_connector_writes_has_a_line(connector: str) -> None:
    """None is left out, and none is told that nobody writes."""
    assert set(installed_techniques()[connector]) == WRITTEN[connector]


@pytest.mark.parametrize(
    ("connector", "kind", "technique"),
    [
        ("aws", "access-key", ACCOUNT_LOCKING),
        ("aws", "trust-policy-statement", USER_PERMISSIONS),
        ("aws", "bucket-policy-statement", FILE_ACCESS),
        ("aws", "kms-key-policy-statement", RESOURCE_ACCESS),
        ("aws", "image-share", RESOURCE_ACCESS),
        ("aws", "service-control-policy", USER_PERMISSIONS),
        ("aws", "bucket-lifecycle", KEPT_DATA),
        ("gcp", "allow-policy-entry", USER_PERMISSIONS),
        ("gcp", "bucket-setting", KEPT_DATA),
    ],
)
def test_a_kind_is_what_it_does(connector: str, kind: str, technique: Technique | Untagged) -> None:
    """A lock, a right, a door to files or to what answers over the network; or nothing of these."""
    assert installed_techniques()[connector][kind] == technique


def test_ids_are_named_once_and_reasons_are_said() -> None:
    """Two names for one id, or an empty reason, would be a slip of the pen."""
    found = [one for one in vars(countermeasures).values() if isinstance(one, Technique)]
    assert len({one.uid for one in found}) == len({one.name for one in found}) == len(found)
    assert all(one.tactic in ("Isolate", "Evict", "Restore") for one in found)
    for kinds in installed_techniques().values():
        assert all(one.why for one in kinds.values() if isinstance(one, Untagged))


def events(known: Technique | Untagged | None) -> list[Json]:
    """A night's events, of which the switches are contained by this."""
    night = Night()
    night.contain(PAUSE)
    night.restore(PAUSE)
    told = {"memory": {"switch": known}} if known else {}
    found = [*ocsf.events(night.book.id, night.book.pauses.events(PAUSE), told)]
    return [event for event in found if ":switch:" in event["message"]]


def test_the_activity_is_the_tactic_of_the_countermeasure() -> None:
    """As the class wants it: locking an account is an eviction there, and giving back restores."""
    told = {
        (e["activity_name"], e["type_uid"], e["countermeasures"][0]["d3f_technique"]["uid"])
        for e in events(ACCOUNT_LOCKING)
    }
    assert told == {("Evict", 700102, "D3-AL"), ("Restore", 700103, "D3-RA")}
    tactics = {e["countermeasures"][0]["d3f_tactic"]["name"] for e in events(ACCOUNT_LOCKING)}
    assert tactics == {"Evict", "Restore"}


def test_only_a_credential_that_is_removed_is_revoked() -> None:
    """A user who is deleted, or a share that stays taken out, is evicted, and no credential."""
    night = Night()
    night.contain(PAUSE)
    night.terminate(PAUSE)
    told = {}
    for known in (ACCOUNT_LOCKING, USER_PERMISSIONS):
        kinds = {"memory": dict.fromkeys(("switch", "attachment", "foundation"), known)}
        found = ocsf.events(night.book.id, night.book.pauses.events(PAUSE), kinds)
        ended = [e for e in found if e["message"].startswith("terminate ")]
        assert ended
        assert {e["activity_name"] for e in ended} == {"Evict"}
        told[known.uid] = {
            measure["d3f_technique"]["uid"]
            for event in ended
            for measure in event.get("countermeasures", ())
        }
    assert told == {"D3-AL": {"D3-CR"}, "D3-UAP": set()}


@pytest.mark.parametrize("known", [KEPT_DATA, None])
def test_what_has_no_technique_says_why(known: Untagged | None) -> None:
    """In the event itself: it is no lack of the mapping; nor is a connector that is not there."""
    for event in events(known):
        assert "countermeasures" not in event
        assert event["unmapped"]["no_countermeasure"]
    assert {e["activity_name"] for e in events(known)} == {"Isolate", "Restore"}
