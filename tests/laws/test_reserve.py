"""What is kept in reserve is taken once it is wanted, and answers for whom it names."""

from hypothesis import given
from hypothesis import strategies as st

from stopline.climbing import Removals, breaches
from stopline.model import Address, Breadth, Change, Grant, State
from stopline.playbook import Audits, Phase, Playbook, Rule
from stopline.port import Mark, Terms
from stopline.receipts import Hold
from stopline.reserve import reserved
from stopline.vendors import Vendor

AUDITS = Audits()
REALMS = st.sampled_from(["r1", "r2", "r3"])
PEOPLE = st.sampled_from(["p1", "p2", "p3"])
TOP = Address("sky", "all", "cut-policy", "cut")
ATTACHED = Address("sky", "all", "cut-attachment", "root")
RULE = Rule(name="cut", connector="sky", contains="all", how="scp", when="removed")
PLAYBOOK = Playbook(playbook="p", phases=(Phase(name="one", rules=(RULE,)),))
MARK = Mark("0000000a", "0000000b")


def lever(realm: str, who: str) -> Hold:
    """A deny of one principal in one realm, as we left it."""
    after = State.of({"denied": who})
    where = Address("sky", realm, "deny", who)
    change = Change(where, None, after, "r", Breadth.PRINCIPAL, principal=who)
    return Hold(where, "p", None, after, change, written=True)


def cut(realms: frozenset[str], people: frozenset[str], over: Address) -> list[Hold]:
    """A lever above all realms: a policy that names some people in some realms, attached."""
    said = State.of({"document": {"Who": sorted(people), "In": sorted(realms), "What": "*"}})
    base = Change(TOP, None, said, "cut", Breadth.FOUNDATION, spans=True, over=over)
    on = State.of({"on": True})
    top = Change(
        ATTACHED, None, on, "cut", Breadth.EVERYWHERE, spans=True, stands_on=TOP, over=over
    )
    return [
        Hold(TOP, "p", None, said, base, written=True),
        Hold(ATTACHED, "p", None, on, top, written=True),
    ]


@given(
    st.frozensets(st.tuples(REALMS, PEOPLE), min_size=1),
    st.frozensets(REALMS),
    st.frozensets(PEOPLE),
)
def test_a_cut_above_all_realms_answers_for_whom_it_names_and_for_nobody_else(
    removed: frozenset[tuple[str, str]], realms: frozenset[str], people: frozenset[str]
) -> None:
    """Whatever lever it names as the one below it; removed itself, it is a breach of its own."""
    levers = [lever(*one) for one in sorted(removed)]
    often = {hold.address: Removals(times=9) for hold in levers}
    above = cut(realms, people, levers[0].address)
    left = {b.address for b in breaches([*levers, *above], often, AUDITS)}
    outside = {h.address for h in levers} - {
        h.address for h in levers if h.address.realm in realms and h.change.principal in people
    }
    assert left == outside
    gone = often | {ATTACHED: Removals(times=1)}
    assert {b.address for b in breaches([*levers, *above], gone, AUDITS)} == outside | {ATTACHED}


@given(st.frozensets(st.tuples(st.sampled_from(["sky", "sea"]), st.sampled_from(["r1", "all"]))))
def test_the_reserve_is_taken_when_something_below_it_was_removed_again_and_again(
    removed: frozenset[tuple[str, str]],
) -> None:
    """Not for what another system, or its own realm, had removed; till then it says so."""
    levers = frozenset(Address(name, realm, "deny", "x") for name, realm in removed)
    terms = Terms(Vendor(vendor="v"), PLAYBOOK, MARK, removed=levers)
    state = State.of({"here": True})
    grant = Grant(Address("sky", "all", "all", "all"), state, "organization", "all", "all", "via")
    said = [hold.change for hold in cut(frozenset({"r1"}), frozenset({"p1"}), TOP)]
    wanted = ("sky", "r1") in removed
    made = list(reserved(said, RULE, grant, terms))
    assert [one for one in made if isinstance(one, Change)] == (made if wanted else [])
    assert all(one.over == Address("sky", "r1", "deny", "x") for one in made if wanted)  # type: ignore[union-attr]
    usual = RULE.model_copy(update={"when": ""})
    assert list(reserved(said, usual, grant, terms)) == said
