"""What a playbook may say about payouts. Needs no database to be read."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "payables": frozenset({"hold"}),
    "payout-schedules": frozenset({"manual"}),
    "payout-intents": frozenset({"reschedule"}),
    "in-flight": frozenset({"let-proceed"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "payouts over Deel, Wise, PayPal or another provider, an ERP's own ledger",
    "outbound payments of Global Payouts that no payout intent made, and payout methods",
)
"""The rows of docs/access-paths.md about payouts that say `not looked at`."""
