"""The laws of a hold, at Stripe: what was there is given back, and nobody else's is lost."""

from copy import deepcopy
from dataclasses import replace

import pytest
from support.platforms import PLAYBOOK, VENDOR, connector_at, in_flight, platform

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.drill.stripe_double import StripeDouble
from stopline.errors import ConnectorError
from stopline.model import Change, Grant, Scope, Seen
from stopline.port import Mark, Terms

__all__ = ["platform"]

MARK = Mark("0a1b2c3d", "4e5f6071")


@pytest.fixture
def connector(platform: StripeDouble) -> PayoutsConnector:
    """The connector over a filled platform."""
    return connector_at(platform)


def holds(connector: PayoutsConnector) -> dict[str, Change]:
    """What the playbook asks for, by account or intent."""
    found = list(connector.discover(VENDOR, Scope()))
    terms = Terms(VENDOR, PLAYBOOK, MARK)
    asked = (o for f in found if isinstance(f, Grant) for o in connector.contained(f, terms))
    stands = {f.address: f.state for f in found if isinstance(f, Seen)}
    changes = {o.address: o for o in asked if isinstance(o, Change)}
    return {a.document.id: replace(c, before=stands.get(a)) for a, c in changes.items()}


def wrote(connector: PayoutsConnector, change: Change) -> None:
    """Read and write one change, as the engine does."""
    connector.write(connector.read(change.address.document), [change], None, "t")


def test_a_hold_at_stripe_and_its_release_are_the_identity(
    platform: StripeDouble, connector: PayoutsConnector
) -> None:
    """Schedules with their days, rules that move money on, days of intents: all as they were."""
    before, changes = platform.snapshot(), holds(connector)
    for change in changes.values():
        wrote(connector, change)
    paid = platform.day("2026-12-31")
    assert set(paid) <= {("acct_mercer", "usd"), ("acct_other", "usd")}
    held = platform.snapshot()
    for change in changes.values():
        wrote(connector, change.inverse())
    after = platform.snapshot()
    assert before["settings"] == after["settings"]
    ways_out = held["settings"]["acct_mercor"]["payments"]["payouts"]
    assert ways_out["schedule"] == {"interval": "manual"}
    assert ways_out["automatic_transfer_rules_by_currency"] is None
    for id_ in ("poi_1", "poi_2"):
        assert before["intents"][id_] == after["intents"][id_]
        assert before["intents"][id_] != held["intents"][id_]


def test_a_day_that_a_stranger_set_for_an_intent_is_not_overwritten(
    platform: StripeDouble, connector: PayoutsConnector
) -> None:
    """Law 4: ours is taken out, theirs stays."""
    change = holds(connector)["poi_1"]
    wrote(connector, change)
    platform.intents["poi_1"]["schedule_options"] = {"execute_on": "2027-06-01"}
    wrote(connector, change.inverse())
    assert platform.intents["poi_1"]["schedule_options"] == {"execute_on": "2027-06-01"}
    assert platform.intents["poi_1"]["metadata"] == {"invoice": "i-1"}


def test_what_is_opened_again_at_stripe_is_contained_again(
    platform: StripeDouble, connector: PayoutsConnector
) -> None:
    """Under the same token too: Stripe's old answer to the same key is not taken for today's."""
    opened, change = deepcopy(platform.settings["acct_c1"]), holds(connector)["acct_c1"]
    wrote(connector, change)
    platform.settings["acct_c1"] = opened
    wrote(connector, change)
    assert connector.read(change.address.document).states == {change.address: change.after}


@pytest.mark.parametrize("held", [True, False])
def test_no_payout_is_cancelled_whose_money_nobody_would_hold(
    platform: StripeDouble, connector: PayoutsConnector, *, held: bool
) -> None:
    """A termination opens nothing: what comes back into an open balance would leave again."""
    payout = platform.add_payout("acct_mercor", "usd", 700, "pending", automatic=False)
    terms = Terms(VENDOR, in_flight("cancel"), MARK)
    found = [f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Grant)]
    asked = [o for f in found for o in connector.contained(f, terms) if isinstance(o, Change)]
    (mark,) = [c for c in asked if c.address.kind == MARKED]
    wrote(connector, mark)
    if held:
        wrote(connector, holds(connector)["acct_mercor"])
    observed = connector.read(mark.address.document)
    effect = replace(mark, before=mark.after, after=None)
    if held:
        connector.end(observed, [effect], "t")
        assert platform.payouts[payout]["status"] == "canceled"
        return
    with pytest.raises(ConnectorError, match="would leave again"):
        connector.end(observed, [effect], "t")
    assert platform.payouts[payout]["status"] == "pending"
