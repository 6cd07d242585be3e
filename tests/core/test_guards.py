"""What the guards say: each finding with its numbers and the way out, and nothing when all is well.

Worst first; a refusal has no override, a limit asks for a reason, a gap is never a finding.
"""

from dataclasses import replace

import pytest
from support.plans import (
    foundation,
    grant,
    ids,
    overlay,
    planned,
)

from stopline.estate import Estate, Protected
from stopline.guards import Bounds, guard, limits, refused, unanswered
from stopline.model import (
    Breadth,
    Change,
    Counted,
    Direction,
    Finding,
    Found,
    Gap,
    Plan,
    Scope,
    Severity,
    Snapshot,
)
from stopline.planner import snapshot_of
from stopline.playbook import Limits

KEEP = "arn:aws:iam::111122223333:role/break-glass/responder"
BOUNDS = Bounds(Estate(), Limits())


def found(*items: Found, bounds: Bounds = BOUNDS, scope: Scope | None = None) -> list[Finding]:
    """The findings about a plan of what was found."""
    snapshot = snapshot_of("mercor", items, "")
    return list(guard(planned(*items, scope=scope), snapshot, bounds))


def names(findings: list[Finding]) -> list[str]:
    """The guards that spoke."""
    return [f.guard for f in findings]


def users(number: int, kind: str = "user") -> list[Found]:
    """So many principals of the vendor's."""
    return [grant(kind, f"v{n}") for n in range(number)]


def test_a_plan_without_danger_has_no_finding() -> None:
    """() is a pass."""
    assert found(*users(3), Counted("memory", "r1", "attachment", 100)) == []


@pytest.mark.parametrize("kind", ["orchestrator", "break_glass", "log_delivery", "journal"])
def test_what_would_hurt_the_lab_most_is_refused(kind: str) -> None:
    """Our own identity, break-glass, log delivery, the journal: each by its own name."""
    estate = Estate(protected=Protected(**{kind: ("arn:aws:iam::*:role/break-glass/*",)}))
    (finding,) = found(
        grant("user", KEEP, principal=KEEP), grant("user", "v1"), bounds=Bounds(estate, Limits())
    )
    assert finding.severity is Severity.REFUSE
    assert finding.guard == kind.replace("_", "-")
    assert "1 of 3 changes" in finding.what
    assert KEEP in finding.what
    assert finding.way_out
    assert [a.id for a in finding.addresses] == [f"{KEEP}#ours"]


def test_the_orchestrator_is_known_by_its_address_too() -> None:
    """A bucket is protected as the target that it is, not as whom the change is about."""
    where = "memory:r1:attachment:lab-journal#ours"
    snapshot = snapshot_of("mercor", [grant("target", "lab-journal")], "")
    protected = Protected.model_construct(journal=(where,))
    estate = Estate.model_construct(aws=None, protected=protected)
    plan = planned(grant("target", "lab-journal"))
    (finding,) = guard(plan, snapshot, Bounds(estate, Limits()))
    assert finding.guard == "journal"


def test_nothing_found_at_all_is_a_limit() -> None:
    """A misspelt selector is the likeliest cause; how much was looked at is said."""
    (finding,) = found(Counted("memory", "r1", "user", 40), Counted("memory", "r1", "bucket", 2))
    assert (finding.guard, finding.severity) == ("nothing-found", Severity.LIMIT)
    assert "42 principals and targets" in finding.what
    assert "misspelt" in finding.way_out


def test_nothing_found_counts_the_gaps() -> None:
    """Nothing may have been found because nothing could be read."""
    (finding,) = found(Gap("memory", "r1", "everything", "closed"))
    assert "1 gaps" in finding.what


def test_nothing_found_while_something_is_held_is_no_finding() -> None:
    """A sweep after everything was deleted has nothing to warn of."""
    assert found(bounds=replace(BOUNDS, before=3)) == []


def test_a_scope_that_admits_nothing_is_a_limit() -> None:
    """Grants were found, and the scope fits none of them: a misspelt principal, most likely."""
    (finding,) = found(*users(2), scope=Scope(principals=("v00",)))
    assert (finding.guard, finding.severity) == ("empty-scope", Severity.LIMIT)
    assert "2 grants" in finding.what
    assert found(*users(2), scope=Scope(principals=("v0",))) == []


@pytest.mark.parametrize(("before", "spoken"), [(0, []), (1, ["too-many-changes"])])
def test_too_many_changes_counts_what_the_pause_has_made_already(
    before: int, spoken: list[str]
) -> None:
    """The limit is the pause's, sweeps included: just at it is well, one more is not."""
    bounds = Bounds(Estate(), Limits(changes=4), before=before)
    findings = found(*users(3), bounds=bounds)
    assert names(findings) == spoken
    if findings:
        assert "5 changes; the playbook's limit is 4" in findings[0].what
        assert len(findings[0].addresses) == 4


@pytest.mark.parametrize(("cut", "spoken"), [(5, []), (6, ["too-large-a-share"])])
def test_too_large_a_share_says_both_numbers(cut: int, spoken: list[str]) -> None:
    """Half of all is the limit here; more asks for a reason."""
    findings = found(*users(cut), Counted("memory", "r1", "attachment", 10))
    assert names(findings) == spoken
    if findings:
        assert "6 of 10 attachments in memory r1" in findings[0].what
        assert "60%" in findings[0].what
        assert "50%" in findings[0].what


def test_a_share_of_a_few_says_nothing() -> None:
    """Three of four users is no sign of a selector that is too wide."""
    assert found(*users(4), Counted("memory", "r1", "attachment", 4)) == []


def test_a_share_is_counted_by_realm_and_by_thing() -> None:
    """What is cut off in one realm is held against that realm; two statements are one bucket."""
    many = [grant("user", f"v{n}", realm="r2") for n in range(6)]
    counted = [Counted("memory", r, "attachment", 10) for r in ("r1", "r2")]
    findings = found(*many, *counted)
    assert [f.what.split(" would")[0] for f in findings] == ["6 of 10 attachments in memory r2"]


def bucket_plan(buckets: int) -> Plan:
    """Two statements of ours in each of some buckets, as the AWS connector names them."""
    proto = overlay(grant("target", "b"), Breadth.TARGET)
    changes = [
        replace(proto, address=replace(proto.address, kind="bucket-policy-statement", id=i))
        for n in range(buckets)
        for i in (f"b{n}#Acct", f"b{n}#Own")
    ]
    return Plan("mercor", Direction.CONTAIN, Scope(), tuple(changes))


@pytest.mark.parametrize(("buckets", "spoken"), [(5, []), (6, ["too-large-a-share"])])
def test_a_bucket_counts_once_however_many_statements(buckets: int, spoken: list[str]) -> None:
    """Twelve statements in six buckets are six of ten buckets."""
    counted = (Counted("memory", "r1", "bucket", 10),)
    snapshot = Snapshot("mercor", (grant("target", "b"),), counted=counted)
    findings = list(guard(bucket_plan(buckets), snapshot, BOUNDS))
    assert names(findings) == spoken
    assert all("6 of 10 buckets" in f.what for f in findings)


@pytest.mark.parametrize(("people", "spoken"), [(5, []), (6, ["too-large-a-share"])])
def test_a_person_counts_once_however_many_groups(people: int, spoken: list[str]) -> None:
    """A domain that is the lab's own would take half of a directory out of its groups."""
    proto = overlay(grant("user", "v"), Breadth.NARROW)
    changes = [
        replace(
            proto,
            address=replace(proto.address, kind=kind, id=f"{kind}/v{n}"),
            principal=f"v{n}",
        )
        for n in range(people)
        for kind in ("group-membership", "account-assignment")
    ]
    made = Plan("mercor", Direction.CONTAIN, Scope(), tuple(changes))
    counted = (Counted("memory", "r1", "directory-user", 10),)
    snapshot = Snapshot("mercor", (grant("user", "v"),), counted=counted)
    findings = list(guard(made, snapshot, BOUNDS))
    assert names(findings) == spoken
    assert all("6 of 10 directory-users" in f.what for f in findings)


@pytest.mark.parametrize("owner", ["user", "role"])
def test_an_attachment_counts_its_principal(owner: str) -> None:
    """What AWS calls an attachment takes everything from one user or one role."""
    proto = overlay(grant("user", "v"))
    changes: tuple[Change, ...] = tuple(
        replace(proto, address=replace(proto.address, kind=f"{owner}-attachment", id=f"v{n}#a"))
        for n in range(9)
    )
    plan = Plan("mercor", Direction.CONTAIN, Scope(), changes)
    snapshot = Snapshot(
        "mercor", (grant("user", "v"),), counted=(Counted("memory", "r1", owner, 10),)
    )
    (finding,) = guard(plan, snapshot, BOUNDS)
    assert f"9 of 10 {owner}s" in finding.what


def test_a_grant_that_is_shared_names_whom_it_would_hit() -> None:
    """A plan that cuts a shared principal off asks for a reason."""
    shared = grant("user", "v0", shared_with=("mercer", "acme", "corp", "more"))
    plan = Plan("mercor", Direction.CONTAIN, Scope(), (foundation(shared), overlay(shared)))
    (finding,) = guard(plan, snapshot_of("mercor", [shared], ""), BOUNDS)
    assert (finding.guard, finding.severity) == ("shared", Severity.LIMIT)
    assert "mercer, acme, corp" in finding.what
    assert finding.addresses == (shared.address,)


def test_whom_another_project_uses_too_is_named() -> None:
    """It asks for a reason; a target that both reach is nobody's to ask about."""
    mine, place = grant("user", "v0"), grant("user", "data")
    changes = (foundation(mine), overlay(mine), replace(overlay(place), breadth=Breadth.TARGET))
    plan = Plan("mercor", Direction.CONTAIN, Scope("chordus"), changes)
    bounds = replace(BOUNDS, elsewhere=frozenset({mine.principal, place.principal}))
    (finding,) = guard(plan, snapshot_of("mercor", [mine], ""), bounds)
    assert (finding.guard, finding.severity) == ("other-projects", Severity.LIMIT)
    assert finding.what.startswith(f"{mine.principal} is used by another project")
    assert guard(plan, snapshot_of("mercor", [mine], ""), BOUNDS) == ()


def test_a_shared_grant_that_is_left_alone_is_no_finding() -> None:
    """It is a skip, which is shown as such."""
    assert found(grant("user", "v0", shared_with=("mercer",)), grant("user", "v1")) == []


def test_a_gap_is_never_a_finding() -> None:
    """It does not block a containment; it makes the result partial."""
    assert found(*users(1), Gap("memory", "r2", "everything", "closed")) == []


def test_the_worst_comes_first() -> None:
    """Refusals before limits, however many there are."""
    estate = Estate(protected=Protected(break_glass=(KEEP,)))
    bounds = Bounds(estate, Limits(changes=1))
    findings = found(grant("user", KEEP, principal=KEEP), *users(2), bounds=bounds)
    assert names(findings) == ["break-glass", "too-many-changes"]
    assert refused(findings) == (findings[0],)
    assert limits(findings) == (findings[1],)


def test_only_a_typed_reason_answers_a_limit_and_nothing_a_refusal() -> None:
    """Overrides go by the guard's name; blanks are no reason."""
    findings = [
        Finding(severity, name, "what", "way out")
        for severity, name in (
            (Severity.REFUSE, "break-glass"),
            (Severity.LIMIT, "shared"),
            (Severity.NOTE, "to-be-read"),
        )
    ]
    assert names(list(unanswered(findings, {}))) == ["break-glass", "shared"]
    assert names(list(unanswered(findings, {"shared": "  "}))) == ["break-glass", "shared"]
    assert names(list(unanswered(findings, {"other": "because"}))) == ["break-glass", "shared"]
    answered = unanswered(findings, {"shared": "agreed with mercer", "break-glass": "please"})
    assert names(list(answered)) == ["break-glass"]


def test_claims_cut_nobody_off_anew() -> None:
    """What another pause has contained already is not counted as ours to cut off."""
    items = [*users(6), Counted("memory", "r1", "attachment", 10)]
    snapshot = snapshot_of("mercor", items, "")
    plan = planned(*items)
    claimed = replace(plan, changes=(), claims=plan.changes)
    assert ids(claimed.claims)
    assert list(guard(claimed, snapshot, BOUNDS)) == []


def test_each_entry_of_a_coarse_deny_counts_its_principal() -> None:
    """One document names nine of ten principals: a vendor's domain that is the lab's, say."""
    proto = overlay(grant("user", "v"), Breadth.EVERYWHERE)
    changes: tuple[Change, ...] = tuple(
        replace(proto, address=replace(proto.address, kind="deny-policy-entry", id=f"ours#u{n}"))
        for n in range(9)
    )
    plan = Plan("mercor", Direction.CONTAIN, Scope(), changes)
    counted = (Counted("memory", "r1", "principal", 10),)
    snapshot = Snapshot("mercor", (grant("user", "v"),), counted=counted)
    (finding,) = guard(plan, snapshot, BOUNDS)
    assert "9 of 10 principals" in finding.what
