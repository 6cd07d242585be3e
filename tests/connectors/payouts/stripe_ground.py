"""A platform at Stripe as the contract's ground, and what its tests share."""

from collections.abc import Sequence
from typing import Any

import pytest
from connectors.contract import MARK
from support.platforms import LEDGER, PLAYBOOK, VENDOR, connector_at, estate_at

from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.drill.stripe_double import StripeDouble
from stopline.engine import Errand, apply
from stopline.journal.book import Book
from stopline.model import Change, Direction, Document, Plan
from stopline.playbook import Playbook
from stopline.receipts import Receipt
from stopline.text import Json
from stopline.vendors import Vendor

MARK_PAYOUT = "POST /v1/payouts/{id}"
CANCEL = "POST /v1/payouts/{id}/cancel"
SETTINGS = "POST /v1/balance_settings"
INTENT = "POST /v2/money_management/payout_intents/{id}"


class StripeGround:
    """One platform, and the calls that were made to it."""

    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    realm = LEDGER

    def __init__(self, double: StripeDouble) -> None:
        """Stand on a platform that is running."""
        self.double = double
        self.connector = connector_at(double)
        self.estate = estate_at(double.url)

    def picture(self) -> Json:
        """All that is there."""
        return self.double.snapshot()

    def raw(self, document: Document) -> str | None:
        """Nothing here has a text."""
        return None

    def used(self) -> frozenset[str]:
        """The calls that were made."""
        used = frozenset(self.double.calls)
        self.double.calls.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Disconnect the account; send the intent; somebody cancels the payout."""
        if document.kind == "payout-schedule":
            del self.double.accounts[document.id]
        elif document.kind == MARKED:
            self.double.payouts[document.id.partition("/")[2]]["status"] = "canceled"
        else:
            self.double.intents[document.id]["status"] = "processing"
        return True

    def edit(self, document: Document) -> bool:
        """Another team writes something of its own on an intent."""
        if document.kind == "payout-schedule":
            return False
        self._thing(document)["metadata"]["tax"] = "W-9"
        return True

    def edited(self, document: Document) -> bool:
        """Whether it is still there."""
        return bool(self._thing(document)["metadata"].get("tax") == "W-9")

    def _thing(self, document: Document) -> Json:
        if document.kind == MARKED:
            return self.double.payouts[document.id.partition("/")[2]]
        return self.double.intents[document.id]

    def close(self) -> None:
        """Stripe is down."""
        self.double.down = True


@pytest.fixture
def ground(platform: StripeDouble) -> Any:
    """A platform with everything that the vendor can hold there."""
    return StripeGround(platform)


def change_of(planned: Plan, id_: str) -> Change:
    """The change of one account or intent."""
    return next(c for c in planned.changes if c.address.document.id == id_)


def interval(ground: StripeGround, account: str) -> str:
    """How often an account is paid out now."""
    payouts = ground.double.settings[account]["payments"]["payouts"]
    return str(payouts["schedule"]["interval"])


def engine_run(
    ground: StripeGround, book: Book, work: Sequence[Change], way: Direction = Direction.CONTAIN
) -> list[Receipt]:
    """The receipts of the engine's own write path."""
    done = apply(ground.connector, book.writes, Errand(MARK.pause, way, f"a-{way}", "t"), work)
    return [receipt for receipts in done for receipt in receipts]
