"""What a playbook may say about payouts. Needs no database to be read."""

from collections.abc import Mapping

from stopline.countermeasures import MONEY, Technique, Untagged

CONTAINS: Mapping[str, frozenset[str]] = {
    "payables": frozenset({"hold"}),
    "payout-schedules": frozenset({"manual"}),
    "payout-intents": frozenset({"reschedule"}),
    "in-flight": frozenset({"let-proceed", "reschedule", "cancel"}),
    "manual-payouts": frozenset({"by-hand"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "payouts over a provider or an ERP that no ledger of the estate's file names",
)
"""The rows of docs/access-paths.md about payouts that say `not looked at`."""
PEOPLE: tuple[str, frozenset[str]] = ("payee", frozenset({"payee", "payees"}))
"""Principals here are people, called so in evidence; and the fields of documents with their ids."""
TECHNIQUES: Mapping[str, Technique | Untagged] = dict.fromkeys(
    ("payable-hold", "payable-flag", "payable-status", "payable-day", "payable-place",
     "payout-schedule", "payout-intent", "payout-mark", "manual-hold"),
    MONEY,
)  # fmt: skip
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
