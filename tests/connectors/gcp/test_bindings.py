"""Allow policies are edited by a delta, and nobody else's entry is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopline.connectors.gcp.bindings import Entry, edited, entries, leaves_nobody
from stopline.errors import ConnectorError
from stopline.receipts import Cause
from stopline.text import Json, canonical

CONDITION = canonical({"title": "until", "expression": "request.time < timestamp('2027-01-01')"})
ENTRIES = st.builds(
    Entry,
    st.sampled_from(["roles/viewer", "roles/editor", "roles/owner"]),
    st.sampled_from(["serviceAccount:a@v.example", "group:g@v.example", "domain:us.example"]),
    st.sampled_from(["", CONDITION]),
)
SETS = st.frozensets(ENTRIES)


def policy(held: frozenset[Entry]) -> Json:
    """A policy that holds these."""
    return edited({"etag": "e1", "auditConfigs": [{"service": "x"}]}, (), held)


@given(SETS, SETS, SETS)
def test_trap_2_what_changed_meanwhile_survives_the_way_back(
    before: frozenset[Entry], ours: frozenset[Entry], meanwhile: frozenset[Entry]
) -> None:
    """We take ours out, others come in, ours come back: all of it is there, and nothing else."""
    taken = before & ours
    contained = edited(policy(before), taken, ())
    assert entries(contained) == before - taken
    theirs = edited(contained, (), meanwhile)
    restored = edited(theirs, (), taken)
    assert entries(restored) == before | meanwhile
    assert (restored["etag"], restored["auditConfigs"]) == ("e1", [{"service": "x"}])


@given(SETS, SETS)
def test_an_edit_twice_is_once(before: frozenset[Entry], ours: frozenset[Entry]) -> None:
    """A second edit finds nothing to do, either way."""
    once = edited(policy(before), ours, ())
    assert edited(once, ours, ()) == once
    back = edited(once, (), ours)
    assert edited(back, (), ours) == back


@given(SETS)
def test_no_two_entries_share_an_address(held: frozenset[Entry]) -> None:
    """Equal role and member under another condition is another address."""
    assert len({entry.part for entry in held}) == len(held)


def test_trap_4_a_policy_that_hides_its_conditions_is_refused() -> None:
    """One that was read at version 1 is neither understood nor written."""
    hidden = {"bindings": [{"role": "roles/viewer_withcond_0a1b", "members": ["user:a@v.example"]}]}
    for ask in (entries, lambda p: edited(p, (), ())):
        with pytest.raises(ConnectorError) as caught:
            ask(hidden)
        assert caught.value.cause is Cause.REFUSED


def test_trap_15_the_last_administrator_is_not_taken_out() -> None:
    """Nobody could repair the organisation afterwards; where none was, nothing is lost."""
    admin = Entry("roles/resourcemanager.organizationAdmin", "serviceAccount:a@v.example")
    other = Entry("roles/resourcemanager.organizationAdmin", "group:admins@us.example")
    alone, both = policy(frozenset({admin})), policy(frozenset({admin, other}))
    assert leaves_nobody(alone, edited(alone, [admin], ()))
    assert not leaves_nobody(both, edited(both, [admin], ()))
    assert not leaves_nobody(policy(frozenset()), policy(frozenset()))


def test_trap_1_a_persons_ownership_is_never_taken_out() -> None:
    """It could not be given back; that of a service account can."""
    with pytest.raises(ConnectorError, match="owner again"):
        edited({}, [Entry("roles/owner", "user:a@v.example")], ())
    assert not Entry("roles/owner", "serviceAccount:a@v.example").irrevocable
