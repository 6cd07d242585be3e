"""The rail `stripe` keeps the contract, over its own SDK, against a stateful double."""

from connectors.contract import ConnectorContract
from connectors.payouts.stripe_ground import ground
from support.platforms import platform

__all__ = ["ground", "platform"]


class TestStripe(ConnectorContract):
    """A platform at Stripe."""
