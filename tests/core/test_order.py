"""In which order a plan is carried out, and how it is cut: stages, whole documents, batches."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from activities import api
from activities.outlining import outline_of, shards_of
from stopline.model import (
    Address,
    Breadth,
    Change,
    Direction,
    Plan,
    Scope,
    State,
    in_order,
    stage,
)
from stopline.text import dump, sha256

CONTAIN, RESTORE = Direction.CONTAIN, Direction.RESTORE


def change(
    id_: str,
    breadth: Breadth = Breadth.NARROW,
    phase: int = 0,
    realm: str = "r1",
    *,
    spans: bool = False,
) -> Change:
    """One change of the world in memory."""
    where = Address("memory", realm, "k", id_)
    return Change(where, None, State.of({"id": id_}), "rule", breadth, phase, spans=spans)


changes = st.lists(
    st.builds(
        change,
        st.from_regex(r"[abc]#[1-4]", fullmatch=True),
        st.sampled_from(Breadth),
        st.integers(0, 2),
        st.sampled_from(["r1", "r2"]),
    ),
    unique_by=lambda c: c.address,
    max_size=30,
)
FAST = settings(max_examples=60, deadline=None, derandomize=True)


def plan(found: list[Change], direction: Direction, claims: int = 0) -> Plan:
    """A plan of these changes, of which the first few are claims."""
    return Plan("mercor", direction, Scope(), tuple(found[claims:]), tuple(found[:claims]))


def test_containment_goes_through_the_phases_broad_before_narrow() -> None:
    """The playbook's phase first; within it what cuts most; what others stand on before all."""
    key = change("key", Breadth.NARROW)
    deny = change("deny", Breadth.PRINCIPAL)
    base = change("base", Breadth.FOUNDATION)
    bucket = change("bucket", Breadth.TARGET, phase=1)
    assert in_order([bucket, key, deny, base], CONTAIN) == (base, deny, key, bucket)


def test_restore_goes_from_narrow_to_broad() -> None:
    """Keys first, the coarse deny last, whatever the phases were."""
    key = change("key", Breadth.NARROW)
    deny = change("deny", Breadth.PRINCIPAL)
    base = change("base", Breadth.FOUNDATION)
    bucket = change("bucket", Breadth.TARGET, phase=1)
    assert in_order([bucket, key, deny, base], RESTORE) == (key, deny, bucket, base)


@FAST
@given(changes)
def test_within_a_breadth_and_phase_a_restore_is_the_reverse(found: list[Change]) -> None:
    """What was contained last is given back first."""
    there, back = in_order(found, CONTAIN), in_order(found, RESTORE)
    for realm in ("r1", "r2"):
        for key in {stage(c, CONTAIN) for c in found}:
            forward = [c for c in there if (c.address.realm, stage(c, CONTAIN)) == (realm, key)]
            backward = [c for c in back if (c.address.realm, stage(c, CONTAIN)) == (realm, key)]
            assert backward == forward[::-1]


@FAST
@given(changes, st.sampled_from(Direction), st.randoms(use_true_random=False))
def test_an_order_hangs_on_nothing_but_the_changes(
    found: list[Change], direction: Direction, random: object
) -> None:
    """However they come, they leave in one order, realm by realm, nothing lost."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered = in_order(found, direction)
    assert in_order(shuffled, direction) == ordered
    assert sorted(ordered) == sorted(found)
    realms = [c.address.realm for c in ordered]
    assert realms == sorted(realms)


@FAST
@given(changes, st.sampled_from(Direction), st.integers(1, 6), st.integers(0, 3))
def test_an_outline_covers_all_work_once_and_tears_no_document(
    found: list[Change], direction: Direction, size: int, claims: int
) -> None:
    """Batches follow one another without a hole, inside one stage, whole documents each."""
    made = plan(found, direction, claims)
    shards = shards_of(made)
    outlines = outline_of(made, api.Options(batch=size))
    assert [(o.connector, o.realm) for o in outlines] == list(shards)
    for outline in outlines:
        work = shards[outline.connector, outline.realm]
        bounds = [bound for inside in outline.stages for bound in inside]
        assert outline.size == len(work) == sum(stop - start for start, stop in bounds)
        assert [b for start, stop in bounds for b in range(start, stop)] == list(range(len(work)))
        for start, stop in bounds:
            _one_batch(work, start, stop, direction, size)


def _one_batch(work: list[Change], start: int, stop: int, direction: Direction, size: int) -> None:
    batch = work[start:stop]
    assert len({stage(c, direction) for c in batch}) == 1
    same = [c for c in work if stage(c, direction) == stage(batch[0], direction)]
    inside = {c.address.document for c in batch}
    assert all(c in batch for c in same if c.address.document in inside)
    last = batch[-1].address.document
    assert len([c for c in batch if c.address.document != last]) < size


def test_stages_are_in_the_order_in_which_they_may_begin() -> None:
    """A stage begins when the one before it is done: the foundation stands alone, and first."""
    base = change("base", Breadth.FOUNDATION)
    denies = [change(f"deny-{n}", Breadth.PRINCIPAL) for n in range(5)]
    (outline,) = outline_of(plan([*denies, base], CONTAIN), api.Options(batch=2))
    assert outline.stages == (((0, 1),), ((1, 3), (3, 5), (5, 6)))
    (back,) = outline_of(plan([*denies, base], RESTORE), api.Options(batch=2))
    assert back.stages[-1] == ((5, 6),)


@FAST
@given(changes, st.sampled_from(Direction))
def test_what_spans_other_realms_is_contained_beside_them_and_given_back_after(
    found: list[Change], direction: Direction
) -> None:
    """A realm of its own, whatever its name: on the way back nothing else is still to come."""
    over = [change("over", Breadth.EVERYWHERE, realm="r0", spans=True)]
    made = plan(list(in_order([*found, *over], direction)), direction)
    outlines = outline_of(made, api.Options())
    assert [(o.connector, o.realm) for o in outlines] == list(shards_of(made))
    waves = {o.realm: o.wave for o in outlines}
    if direction is CONTAIN:
        assert set(waves.values()) == {0}
        assert made.changes[0] == over[0]
    else:
        assert made.changes[-1] == over[0]
        assert waves.pop("r0") == 1
        assert set(waves.values()) <= {0}


def test_a_digest_of_before_there_was_any_span_is_the_same() -> None:
    """What was approved under an older release is still what it was."""
    apart = plan([change("a", spans=True)], CONTAIN)
    same = plan([change("a")], CONTAIN)
    assert "spans" in dump(same)
    assert same.digest != apart.digest
    older = dump(replace(same, residuals=(), taken_from="", pause=""))
    for later in (
        '"felt":"",', '"moment":"",', '"only_if":"",', '"over":null,', '"spans":false,',
        '"kept":"",',
    ):  # fmt: skip
        older = older.replace(later, "")
    assert same.digest == sha256(older)


def test_nothing_to_do_is_no_shard() -> None:
    """An empty plan has an empty outline."""
    assert outline_of(plan([], CONTAIN), api.Options()) == ()
