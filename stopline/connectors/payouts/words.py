"""What a playbook may say about payouts. Needs no database to be read."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "payables": frozenset({"hold"}),
    "payout-schedules": frozenset({"manual"}),
    "payout-intents": frozenset({"reschedule"}),
    "in-flight": frozenset({"let-proceed"}),
}
