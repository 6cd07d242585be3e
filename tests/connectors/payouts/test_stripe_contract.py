"""The rail `stripe` keeps the contract, over its own SDK, against a stateful double."""

import pytest
from connectors.contract import ConnectorContract
from connectors.ending import EndingContract
from connectors.payouts.stripe_ground import StripeGround, ground
from support.platforms import in_flight, platform

from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.drill.stripe_double import StripeDouble

__all__ = ["ground", "platform"]


class TestStripe(ConnectorContract):
    """A platform at Stripe."""


class TestStripeCancels(ConnectorContract, EndingContract):
    """The same, where the playbook cancels what is in flight: of what is removed for good, too."""

    keep_nothing = frozenset({MARKED})

    @pytest.fixture
    def ground(self, platform: StripeDouble) -> StripeGround:
        """A platform on which a person and a schedule have made payouts."""
        platform.add_payout("acct_mercor", "usd", 2_500, "pending", automatic=False)
        platform.add_payout("acct_mercor", "usd", 900, "pending", automatic=True)
        made = StripeGround(platform)
        made.playbook = in_flight("cancel")
        return made
