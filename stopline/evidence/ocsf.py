"""Receipts as OCSF events of class 7001, Remediation Activity, with D3FEND techniques.

https://schema.ocsf.io/1.6.0/classes/remediation_activity : containing is `Isolate`, giving back
is `Restore`, removing for good is `Evict`. Only the attributes that the class and its base
require, and what says the same.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import stopline
from stopline.journal.store import Event
from stopline.model import Address, Direction
from stopline.receipts import Cause, Outcome
from stopline.text import Json, sha256

OCSF = "1.6.0"
D3FEND = "1.2.0"
CATEGORY, CLASS = 7, 7001
INFORMATIONAL = 1
_ACTIVITY = {
    Direction.CONTAIN: (1, "Isolate"),
    Direction.RESTORE: (3, "Restore"),
    Direction.TERMINATE: (2, "Evict"),
}
_STATUS = {
    Outcome.APPLIED: (1, "Success"),
    Outcome.ALREADY: (1, "Success"),
    Outcome.UNPROVEN: (4, "Partial"),
    Outcome.UNVERIFIED: (4, "Partial"),
    Outcome.CONFLICT: (2, "Failure"),
    Outcome.FAILED: (2, "Failure"),
}
GONE = (3, "Does Not Exist")
_BY_DIRECTION = {
    Direction.RESTORE: ("D3-RA", "Restore Access"),
    Direction.TERMINATE: ("D3-CR", "Credential Revocation"),
}
"""What a way is whatever it is about; effects delete credentials and nothing else so far."""

Techniques = Mapping[str, Mapping[str, tuple[str, str]]]
"""By connector and kind of address: the D3FEND technique's id and name that containing it is."""


def events(journal: str, chain: tuple[Event, ...], techniques: Techniques) -> Iterator[Json]:
    """Yield one event for each receipt of one pause, in the chain's order."""
    for event in chain:
        if event.kind == "receipts":
            for number, receipt in enumerate(event.data["receipts"]):
                yield _event(journal, event, number, receipt, techniques)


def _event(
    journal: str, event: Event, number: int, receipt: Json, techniques: Techniques
) -> dict[str, Json]:
    direction = Direction(event.data["direction"])
    activity, name = _ACTIVITY[direction]
    status, caption = _STATUS[Outcome(receipt["outcome"])]
    if receipt["cause"] == Cause.GONE:
        status, caption = GONE
    address = Address.parse(receipt["address"])
    return {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "command_uid": f"{journal}/{event.seq}/{number}",
        "severity_id": INFORMATIONAL,
        "status_id": status,
        "status": caption,
        "status_detail": receipt["detail"] or receipt["outcome"],
        "time": int(datetime.fromisoformat(event.at).timestamp() * 1000),
        "message": f"{direction} {address}: {receipt['outcome']}",
        "metadata": {
            "version": OCSF,
            "uid": sha256(f"{journal}/{event.seq}/{number}"),
            "correlation_uid": event.pause,
            "product": {"name": "stopline", "version": stopline.__version__},
        },
        **_countermeasures(address, direction, techniques),
        "unmapped": {k: receipt[k] for k in ("address", "principal", "outcome", "cause", "held")}
        | {k: receipt[k] for k in ("before", "after", "found")},
    }


def _countermeasures(
    address: Address, direction: Direction, techniques: Techniques
) -> dict[str, Json]:
    known = techniques.get(address.connector, {}).get(address.kind)
    if known is None:
        return {}
    uid, name = _BY_DIRECTION.get(direction, known)
    technique = {"uid": uid, "name": name}
    return {"countermeasures": [{"d3f_technique": technique, "version": D3FEND}]}
