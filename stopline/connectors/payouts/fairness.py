"""What it takes to hold pay that a person has earned: a ground in law, and a second approver. Pure.

Laws on late pay give a person the contract's date or a number of days, and double what is withheld
also in good faith. So such a hold is refused while nobody has written down why it is lawful, or
while one person alone could place it. Which ground is a good one is counsel's to say, not ours.
https://www.nysenate.gov/legislation/laws/GBS/A44-A

Whoever is not known to be a company is taken for a person: a payee that nobody has said anything
about is then left unheld and named, never held unlawfully. Only the lab's own word, or Stripe's
after it looked, makes a company.
"""

from collections.abc import Collection, Iterable, Iterator

from stopline.model import Grant, Skip
from stopline.port import Terms
from stopline.text import Json
from stopline.vendors import PayoutsSelectors

UNKNOWN = "unknown"
"""Nobody says whether it is a person: it is taken for one."""


def refused(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """Say why earned pay of a person is not held under these terms; nothing where it may be.

    A payable is of a person where its state says `person`.
    """
    missing, person = [], grant.state.value.get("person")
    if not person:
        return
    if not terms.vendor.payouts.legal_basis:
        missing.append("a legal basis (`payouts.legal_basis` in the vendor's file)")
    if terms.playbook.approvals.contain != "second-person":
        missing.append("a second approver (`approvals.contain: second-person` in the playbook)")
    if missing:
        whose = "earned pay of a person"
        if person == UNKNOWN:
            whose = "nobody says that it is owed to a company (`payouts.companies`), so to a person"
        reason = f"{whose}: it is held only with {' and '.join(missing)}"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)


def person_of(
    ids: Collection[str], selectors: Iterable[PayoutsSelectors], *, through: bool, told: bool | None
) -> Json:
    """Whether whoever has these ids is a natural person; `UNKNOWN` where nobody says.

    `through`: engaged through a vendor. `told` is what its system says of it. The vendor itself is
    an organisation, and those are whom its file names as companies.
    """
    if through or told is not None:
        return through or told
    known = {id_ for one in selectors for id_ in (*one.vendors, *one.companies)}
    return UNKNOWN if known.isdisjoint(ids) else False


def facts(*, person: Json, pay_by: Json) -> dict[str, Json]:
    """What a payable's state says of fairness; what does not apply is left out."""
    told: dict[str, Json] = {"person": person} if person else {}
    return told | ({"pay_by": str(pay_by)} if pay_by else {})
