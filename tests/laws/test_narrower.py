"""A narrower look does not weaken what stands, and a part given back says what still denies it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from stopline.model import (
    Address,
    Breadth,
    Change,
    Gap,
    Grant,
    Plan,
    Scope,
    Seen,
    Skip,
    Snapshot,
    State,
)
from stopline.planner import Opinions, Standing, plan_containment, plan_restore
from stopline.playbook import Phase, Playbook, Rule
from stopline.port import Mark, Terms
from stopline.receipts import Hold
from stopline.vendors import Vendor

ANA, BO = (f"arn:aws:iam::111122223333:user/vendors/mercor/{name}" for name in ("ana", "bo"))
BUCKET = Address("aws", "111122223333", "bucket", "data")
DENY = Address("aws", "111122223333", "bucket-policy-statement", "data#StoplineOwn")
KEY = Address("aws", "111122223333", "access-key", "ana/AKIA")
ATTACHED = Address("aws", "111122223333", "user-attachment", "ana#deny")
RULE = Rule(name="rule", connector="aws", contains="buckets", how="vendor")
TERMS = Terms(
    Vendor(vendor="mercor"),
    Playbook(playbook="default", phases=(Phase(name="storage", rules=(RULE,)),)),
    Mark("0000abcd", "0000beef"),
    frozenset(),
)


def deny(*principals: str) -> State:
    """A deny statement of ours that names these."""
    return State.of({"Principal": "*", "Condition": {"ArnLike": {"arn": sorted(principals)}}})


def change(address: Address, after: State, breadth: Breadth, principal: str) -> Change:
    """One change of ours."""
    return Change(address, None, after, "rule", breadth, principal=principal, marked=True)


def hold(made: Change, pause: str = "0000beef") -> Hold:
    """It was written, and is held."""
    return Hold(made.address, pause, made.before, made.after, made, written=True)


def planned(
    after: State, found: State, standing: Standing, *gaps: Gap, moment: str = ""
) -> tuple[Change, ...]:
    """What a containment would write to the bucket."""
    return plan_of(after, found, standing, *gaps, moment=moment).changes


def plan_of(after: State, found: State, standing: Standing, *gaps: Gap, moment: str = "") -> Plan:
    """What a containment plans for the bucket, when it would leave `after` and finds `found`."""

    def opinion(grant: Grant, _terms: Terms) -> Iterator[Change | Skip]:
        yield replace(change(DENY, after, Breadth.TARGET, grant.principal), moment=moment)

    grant = Grant(BUCKET, found, "arn:aws:s3:::data", "bucket", "data", "policy")
    snapshot = Snapshot("mercor", (grant,), gaps, seen=(Seen(DENY, found),))
    opinions = Opinions({"aws": opinion}, {"aws": lambda _: ()})
    return plan_containment(snapshot, TERMS, Scope(), standing, opinions)


BOTH = hold(change(DENY, deny(ANA, BO), Breadth.TARGET, "arn:aws:s3:::data"))


@pytest.mark.parametrize("hidden", ["scope", "gap"])
def test_what_a_narrower_look_hides_does_not_leave_a_deny(hidden: str) -> None:
    """Neither a narrower scope nor an account that does not answer takes a name out of a deny."""
    standing = Standing((BOTH,), narrowed=hidden == "scope")
    gaps = (Gap("aws", "222233334444", "users", "denied"),) if hidden == "gap" else ()
    assert planned(deny(ANA), deny(ANA, BO), standing, *gaps) == ()


@pytest.mark.parametrize("hidden", ["scope", "gap"])
def test_a_narrower_look_still_names_what_is_new(hidden: str) -> None:
    """What keeps every name that stands may be written: an old gap hides no new principal."""
    gaps = (Gap("aws", "222233334444", "users", "denied"),) if hidden == "gap" else ()
    standing = Standing((BOTH,), narrowed=hidden == "scope")
    (again,) = planned(deny(ANA, BO, "arn:new"), deny(ANA, BO), standing, *gaps)
    assert again.after == deny(ANA, BO, "arn:new")


def test_what_would_name_one_and_lose_another_is_said_to_be_open() -> None:
    """Neither is written, and the pause cannot say that it is contained."""
    plan = plan_of(deny(ANA, "arn:new"), deny(ANA, BO), Standing((BOTH,), narrowed=True))
    assert plan.changes == ()
    assert [(s.address, s.leaves_access) for s in plan.skips] == [(DENY, True)]


def test_a_deny_that_could_not_be_widened_loses_nobody_to_a_narrower_look() -> None:
    """The journal holds what we meant to leave; what stands is what was left before."""
    plan = plan_of(deny(BO), deny(ANA), Standing((BOTH,), narrowed=True))
    assert plan.changes == ()
    assert [s.leaves_access for s in plan.skips] == [True]
    (again,) = planned(deny(ANA, BO), deny(ANA), Standing((BOTH,), narrowed=True))
    assert again.before == deny(ANA)


def test_a_whole_look_writes_it_anew() -> None:
    """What is new in the whole scope goes into the deny; what stands is what was planned from."""
    (again,) = planned(deny(ANA, BO, "arn:new"), deny(ANA, BO), Standing((BOTH,)))
    assert (again.before, again.after) == (deny(ANA, BO), deny(ANA, BO, "arn:new"))


def test_a_later_cut_is_stamped_beside_a_gap_too() -> None:
    """A session from while the deny spread must not live on because another account is silent."""
    early, late = State.of({"before": "2026-01-01T00:00:00Z"}), State.of({"before": "2026-01-02"})
    stamped = hold(change(DENY, early, Breadth.TARGET, "arn:aws:s3:::data"))
    gap = Gap("aws", "222233334444", "users", "denied")
    assert planned(late, early, Standing((stamped,)), gap, moment="2026-01-02")


def test_a_narrower_look_still_mends_what_somebody_broke() -> None:
    """What is there is not what we left: the deny is written again."""
    broken = State.of({"Principal": "*", "Condition": {}})
    assert planned(deny(ANA), broken, Standing((BOTH,), narrowed=True))


def test_a_part_given_back_names_what_still_denies_it() -> None:
    """The key comes back; the attachment and the bucket's deny stay, and each is a skip."""
    key = change(KEY, State.of({"Status": "Inactive"}), Breadth.NARROW, ANA)
    key = replace(key, before=State.of({"Status": "Active"}))
    attached = change(ATTACHED, State.of({"on": "deny"}), Breadth.PRINCIPAL, ANA)
    globbed = replace(BOTH, ours=deny("arn:aws:iam::*:user/vendors/mercor/*"))
    accounts = replace(BOTH, address=BUCKET, ours=State.of({"Principal": "*", "acct": ["4444"]}))
    holds = (hold(key), hold(attached), globbed, accounts)
    part = plan_restore("mercor", "0000beef", holds, Scope(addresses=(str(KEY),)))
    assert [c.address for c in part.changes] == [KEY]
    assert {(s.address, s.principal) for s in part.skips} == {(DENY, ANA), (ATTACHED, ANA)}
    assert plan_restore("mercor", "0000beef", holds, Scope()).skips == ()


def test_a_part_given_back_names_the_coarse_deny_that_still_holds_it() -> None:
    """A service account is switched on again, and its entry in our deny policy stays."""
    etl = "serviceAccount:etl@lab-data.iam.gserviceaccount.com"
    where = Address("gcp", "123456789012", "service-account", "lab-data/etl")
    entry = replace(where, kind="deny-policy-entry", id=f"stopline#{etl}")
    off = change(where, State.of({"disabled": True}), Breadth.PRINCIPAL, etl)
    off = replace(off, before=State.of({"disabled": False}))
    denied = change(entry, State.of({"denied": etl}), Breadth.EVERYWHERE, etl)
    holds = (hold(off), hold(denied))
    part = plan_restore("mercor", "0000beef", holds, Scope(addresses=(str(where),)))
    assert [c.address for c in part.changes] == [where]
    assert [(s.address, s.principal) for s in part.skips] == [(entry, etl)]
    assert plan_restore("mercor", "0000beef", holds, Scope()).skips == ()


def test_a_part_given_back_names_the_directory_that_may_still_deny_it() -> None:
    """Her own entry goes; that of her whole directory stays, and nobody here knows who is in it."""
    ann, all_ = "user:ann@mercor.example", "principalSet://goog/cloudIdentityCustomerId/C0123abc"
    where = Address("gcp", "123456789012", "deny-policy-entry", f"stopline#{ann}")
    whole = replace(where, id=f"stopline#{all_}")
    elsewhere = replace(whole, realm="210987654321")
    own = change(where, State.of({"denied": ann}), Breadth.EVERYWHERE, ann)
    directory = change(whole, State.of({"denied": all_}), Breadth.EVERYWHERE, all_)
    other = change(elsewhere, State.of({"denied": all_}), Breadth.EVERYWHERE, all_)
    holds = (hold(own), hold(directory), hold(other))
    part = plan_restore("mercor", "0000beef", holds, Scope(principals=(ann,)))
    assert [(s.address, s.principal) for s in part.skips] == [(whole, ann)]
    assert "if it is in it" in part.skips[0].reason
