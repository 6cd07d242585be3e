"""Who at Stripe is the vendor, is engaged through it, or is a payee of its file. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from stopline.connectors.payouts.fairness import person_of
from stopline.text import Json
from stopline.vendors import PayoutsSelectors

_ORGANISATIONS = {"company", "non_profit", "government_entity"}
"""Kinds of business that are no natural person.

https://docs.stripe.com/api/accounts/object#account_object-business_type
"""


class Payee(NamedTuple):
    """Who is paid, what selects it, and whether it is a natural person (`fairness.person_of`)."""

    name: str
    via: str
    person: Json


@dataclass(frozen=True)
class Wanted:
    """Who the vendor is: ids of its own, and ids of payees; exact, never a fragment."""

    payees: frozenset[str]
    vendors: frozenset[str]
    selectors: tuple[PayoutsSelectors, ...] = ()

    @classmethod
    def of(cls, selectors: Iterable[PayoutsSelectors]) -> "Wanted":
        """Put the selectors of a vendor's file together."""
        told = tuple(selectors)
        vendors = frozenset(v for one in told for v in one.vendors)
        return cls(vendors.union(*(one.payees for one in told)), vendors, told)

    def payee(self, thing: Json) -> Payee | None:
        """Whose an account or an intent is; None where it is not the vendor's.

        The lab writes its metadata, the payee cannot: `payee` is the id in the lab's own ledgers,
        `engaged_through` the vendor's, and `person` is "true" for a natural person, "false" for
        none. What kind of business an account is, Stripe has looked at.
        """
        metadata = thing.get("metadata") or {}
        name, id_ = metadata.get("payee") or thing["id"], thing["id"]
        kinds = (thing.get("business_type"), (thing.get("identity") or {}).get("entity_type"))
        told = {"true": True, "false": False}.get(metadata.get("person", ""))
        if "individual" in kinds or (told is None and _ORGANISATIONS.intersection(kinds)):
            told = "individual" in kinds
        through = metadata.get("engaged_through", "")
        engaged = through in self.vendors
        if not (engaged or {id_, name} & self.payees):
            return None
        # Whose selectors are asked for changes nothing of whose it is.
        person = person_of({id_, name}, self.selectors, through=bool(through), told=told)
        return Payee(name, f"engaged through {through}" if engaged else "its payee id", person)
