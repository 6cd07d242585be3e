"""What it takes to hold pay that a person has earned: a ground in law, and a second approver. Pure.

Laws on late pay give a person the contract's date or a number of days, and double what is withheld
also in good faith. So such a hold is refused while nobody has written down why it is lawful, or
while one person alone could place it. Which ground is a good one is counsel's to say, not ours.
https://www.nysenate.gov/legislation/laws/GBS/A44-A
"""

from collections.abc import Iterator

from stopline.model import Grant, Skip
from stopline.port import Terms
from stopline.text import Json


def refused(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """Say why earned pay of a person is not held under these terms; nothing where it may be.

    A payable is of a person where its state says `person`.
    """
    missing = []
    if not grant.state.value.get("person"):
        return
    if not terms.vendor.payouts.legal_basis:
        missing.append("a legal basis (`payouts.legal_basis` in the vendor's file)")
    if terms.playbook.approvals.contain != "second-person":
        missing.append("a second approver (`approvals.contain: second-person` in the playbook)")
    if missing:
        reason = f"earned pay of a person: it is held only with {' and '.join(missing)}"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)


def facts(*, person: bool, pay_by: Json) -> dict[str, Json]:
    """What a payable's state says of fairness; what does not apply is left out."""
    told: dict[str, Json] = {"person": True} if person else {}
    return told | ({"pay_by": str(pay_by)} if pay_by else {})
