"""Receipts as OCSF events of class 7001, Remediation Activity, with D3FEND techniques.

https://schema.ocsf.io/1.6.0/classes/remediation_activity : the activity is the tactic of the
countermeasure, as the class wants it. Containing is `Isolate` where a barrier is set, and `Evict`
where a credential is locked; giving back is `Restore`; removing for good is `Evict`. Only the
attributes that the class and its base require, and what says the same.
"""

from collections.abc import Iterator
from datetime import datetime

import stopline
from stopline.countermeasures import (
    ACCOUNT_LOCKING,
    CREDENTIAL_REVOCATION,
    RESTORE_ACCESS,
    VERSION,
    Technique,
    Techniques,
    Untagged,
)
from stopline.journal.store import Event
from stopline.model import Address, Direction
from stopline.receipts import Cause, Outcome
from stopline.text import Json, sha256

OCSF = "1.6.0"
CATEGORY, CLASS = 7, 7001
INFORMATIONAL = 1
_ACTIVITIES = {"Isolate": 1, "Evict": 2, "Restore": 3}
_USUALLY = {
    Direction.CONTAIN: "Isolate",
    Direction.RESTORE: "Restore",
    Direction.TERMINATE: "Evict",
}
"""The activity of what no technique is named for."""
_STATUS = {
    Outcome.APPLIED: (1, "Success"),
    Outcome.ALREADY: (1, "Success"),
    Outcome.UNPROVEN: (4, "Partial"),
    Outcome.UNVERIFIED: (4, "Partial"),
    Outcome.CONFLICT: (2, "Failure"),
    Outcome.FAILED: (2, "Failure"),
}
GONE = (3, "Does Not Exist")
_ENDED = Untagged(
    "it is removed for good; D3FEND has a technique for credentials that are, and none for users, "
    "roles and rights"
)


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
    status, caption = _STATUS[Outcome(receipt["outcome"])]
    if receipt["cause"] == Cause.GONE:
        status, caption = GONE
    address = Address.parse(receipt["address"])
    measure = _measure(address, direction, techniques)
    name = measure.tactic if isinstance(measure, Technique) else _USUALLY[direction]
    activity = _ACTIVITIES[name]
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
        **_countermeasures(measure),
        "unmapped": {k: receipt[k] for k in ("address", "principal", "outcome", "cause", "held")}
        | {k: receipt[k] for k in ("before", "after", "found")}
        | ({"no_countermeasure": measure.why} if isinstance(measure, Untagged) else {}),
    }


def _measure(
    address: Address, direction: Direction, techniques: Techniques
) -> Technique | Untagged:
    kind = f"{address.connector} {address.kind}"
    unknown = Untagged(f"no connector that is installed here says what containing {kind} is")
    known = techniques.get(address.connector, {}).get(address.kind, unknown)
    if isinstance(known, Untagged) or direction is Direction.CONTAIN:
        return known
    if direction is Direction.RESTORE:
        return RESTORE_ACCESS
    return CREDENTIAL_REVOCATION if known == ACCOUNT_LOCKING else _ENDED


def _countermeasures(measure: Technique | Untagged) -> dict[str, Json]:
    if isinstance(measure, Untagged):
        return {}
    told = {
        "d3f_tactic": {"name": measure.tactic, "src_url": measure.tactic_url},
        "d3f_technique": {"uid": measure.uid, "name": measure.name, "src_url": measure.url},
        "version": VERSION,
    }
    return {"countermeasures": [told]}
