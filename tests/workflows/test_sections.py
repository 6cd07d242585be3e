"""A playbook may have rules for systems that the lab does not run."""

import pytest
from support.journals import a_book
from support.pausing import PLAYBOOK, VENDOR, a_world
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.bodies import Activities
from stopline.configuration import Frozen
from stopline.connectors.memory import NAME, MemoryConnector

RULE = "      - {name: hold-payables, connector: payouts, contains: payables, how: hold}\n"
WITH_MORE = PLAYBOOK.replace("    rules:\n", f"    rules:\n{RULE}", 1)
LEDGERS = "payouts: {ledgers: {a: {url_from: LAB_LEDGER_URL}}}\n"


def assessed(playbook: str, estate: str, *names: str) -> api.PlanRef:
    """What a worker that has these connectors plans."""
    book = a_book("sqlite://")
    connector = MemoryConnector(a_world())
    activities = Activities(book, lambda _: dict.fromkeys(names, connector))
    frozen = book.pauses.keep("frozen", Frozen(VENDOR, playbook, estate).dump())
    order = api.PauseOrder(journal=book.id, vendor="mercor", frozen=frozen)
    try:
        return ActivityEnvironment().run(activities.assess, order)
    finally:
        book.close()


def test_a_rule_for_a_system_that_the_estate_does_not_name_finds_nothing() -> None:
    """One playbook serves labs with and without a ledger: the plan is the same."""
    bare = assessed(PLAYBOOK, "{}", NAME)
    more = assessed(WITH_MORE, "{}", NAME)
    assert more.changes == bare.changes > 0
    assert not more.gaps


def test_a_system_that_the_estate_names_must_have_its_connector() -> None:
    """A worker without it would pass over what the lab runs, so nothing is planned."""
    with pytest.raises(ApplicationError, match="payouts, which are not there"):
        assessed(WITH_MORE, LEDGERS, NAME)


def test_a_playbook_of_which_nothing_is_left_is_refused() -> None:
    """An estate that names none of its systems is a slip, and would look like success."""
    with pytest.raises(ApplicationError, match="memory, payouts, which are not there"):
        assessed(WITH_MORE, "{}")
