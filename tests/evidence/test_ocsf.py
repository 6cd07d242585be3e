"""The events are valid by OCSF's own schema, which a package of the tests brings."""

import json
from collections.abc import Iterator
from itertools import product

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from stopline.configuration import installed_techniques
from stopline.evidence import ocsf
from stopline.evidence.veiling import Veil
from stopline.journal.store import Event
from stopline.model import Direction
from stopline.receipts import Cause, Outcome
from stopline.text import Json

NAME = "remediation_activity"
SCHEMA = get_ocsf_schema(ocsf.OCSF)
VALID = Draft202012Validator(OcsfJsonSchemaEmbedded(SCHEMA).get_class_schema(NAME))
WORKERS = "ada@mercor.example"


def wrong(event: Json) -> list[str]:
    """What the schema of the class has against an event, closed to attributes that it lacks."""
    return [f"{[*error.path]}: {error.message}" for error in VALID.iter_errors(event)]


def chain(direction: Direction) -> Iterator[Event]:
    """Receipts of every outcome and cause, one way, of one kind of each connector and of none."""
    kinds = {name: next(iter(kinds)) for name, kinds in installed_techniques().items()}
    places = [f"{name}:realm:{kind}:{WORKERS}" for name, kind in sorted(kinds.items())]
    places += ["aws:realm:bucket-lifecycle:b#r", "elsewhere:realm:kind:x"]
    for number, (outcome, cause, where) in enumerate(product(Outcome, ["", *Cause], places), 1):
        receipt = {
            "address": where, "principal": WORKERS, "outcome": str(outcome), "cause": str(cause),
            "detail": "", "held": True, "before": "", "after": "f" * 64, "found": "",
        }  # fmt: skip
        data = {"direction": str(direction), "receipts": [receipt]}
        at = "2026-11-29T10:00:00.123Z"
        yield Event(number, at, "0000000a", "receipts", "stopline", data, "0" * 64)


@pytest.mark.parametrize("direction", Direction)
def test_every_event_is_valid_by_the_schema_of_its_class(direction: Direction) -> None:
    """Whichever way, outcome, cause and kind; and also once people are hidden in it."""
    events = [*ocsf.events("0a1b2c3d", tuple(chain(direction)), installed_techniques())]
    assert len(events) > 300
    veil = Veil(bytes(32))
    for event in events:
        assert not wrong(json.loads(json.dumps(event)))
        assert not wrong(veil.value(event))


def test_names_beside_numbers_are_those_of_the_schema() -> None:
    """A schema of JSON does not tie `status` to `status_id`, nor a name to its activity."""
    attributes = SCHEMA["classes"][NAME]["attributes"]
    for direction in Direction:
        for event in ocsf.events("0a1b2c3d", tuple(chain(direction)), installed_techniques()):
            for number, caption in (("activity_id", "activity_name"), ("status_id", "status")):
                told = attributes[number]["enum"][str(event[number])]["caption"]
                assert event[caption] == told, event
            assert event["class_uid"] == SCHEMA["classes"][NAME]["uid"]
            assert event["category_uid"] == SCHEMA["classes"][NAME]["category_uid"]
            assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


EVENT = next(
    event
    for event in ocsf.events("0a1b2c3d", tuple(chain(Direction.CONTAIN)), installed_techniques())
    if "countermeasures" in event
)


@pytest.mark.parametrize("name", VALID.schema["required"])
def test_an_event_without_what_the_class_requires_is_found(name: str) -> None:
    """The validation is one: it fails."""
    assert wrong({key: value for key, value in EVENT.items() if key != name})


@pytest.mark.parametrize(
    "change",
    [
        {"activity_id": 42},
        {"status_id": 77},
        {"time": "yesterday"},
        {"class_uid": 3001},
        {"countermeasures": [{"version": "1.2.0"}]},
        {"metadata": {"version": "1.6.0"}},
        {"of_our_own_making": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_that_says_it_otherwise_is_found(change: dict[str, Json]) -> None:
    """Numbers that are none of the class, a countermeasure without one, a name of our own."""
    assert not wrong(EVENT)
    assert wrong(EVENT | change)
