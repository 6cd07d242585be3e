"""Break-glass: one person's yes is enough for what can be undone; told loudly, and reviewed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.pausing import PAUSE, PLAYBOOK, VENDOR, Line, a_line
from support.signers import a_key, needs_openssh, signers, statement
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import ActivityEnvironment

from activities import api, glass, vouching
from activities.answering import REVIEW, Answering
from activities.telling import Teller
from stopline.approving import Approvers, review_of
from stopline.configuration import Frozen
from stopline.entrypoints.adoption import adopted_state
from stopline.errors import RefusedError
from stopline.journal.glass import BROKEN, REVIEWED, broken, unreviewed
from stopline.model import Direction, Scope
from stopline.signing import Statement, sign
from workflows import messages as m

pytestmark = needs_openssh
TWO = f"{PLAYBOOK}approvals: {{people: 2}}\n"
SECOND = f"{PLAYBOOK}approvals: {{contain: second-person, people: 2}}\n"
WHY = "nobody else answers"
NOTICES = """\
contact: "+1 555 0100"
channels:
  room: {kind: webhook, secret: NOTICES_ROOM, url: "https://127.0.0.1:9/room"}
audiences:
  responders: [{channel: room}]
  leadership: [{channel: room}]
  legal: [{channel: room}]
"""


def breakers(folder: Path, *people: str) -> Approvers:
    """Signed approvals by bob and alice; these people may break the glass."""
    approvers = signers(folder, "bob", "alice")
    with (folder / "roles.yaml").open("a") as file:
        file.write(f"break_glass: [{', '.join(people)}]\n")
    return approvers


async def break_glass(
    line: Line, handle: WorkflowHandle, key: Path, by: str = "alice", **other: str
) -> None:
    """Sign that one approves alone, and say it."""
    said = replace(await statement(line, handle, by, reason=WHY, **other), break_glass=True)
    yes = m.Approve(by, said.digest, WHY, sign(said, key), break_glass=True)
    await handle.execute_update(m.APPROVE, yes, result_type=str)


def test_one_person_gives_back_what_wants_two_and_another_reviews_it(tmp_path: Path) -> None:
    """The requester alone, signed; in the journal with its date, and told to two audiences."""

    async def scenario() -> None:
        approvers = breakers(tmp_path, "alice")
        (tmp_path / "notices.yaml").write_text(NOTICES)
        teller = Teller(tmp_path)
        async with a_line(approvers=approvers, playbook=TWO, teller=teller) as line:
            before = line.world.picture()
            handle = await line.pause()
            await line.rollback(handle, request="first")
            await break_glass(line, handle, tmp_path / "alice")
            end = await line.client.get_workflow_handle(handle.id, result_type=api.Summary).result()
            assert end.result == "restored"
            assert line.world.picture() == before
            yes = line.book.pauses.events(PAUSE, "approved")[-1]
            assert yes.data["signed"]["break_glass"] is True
            (one,) = unreviewed(line.book.store, PAUSE)
            assert (one.by, one.direction, one.reason) == ("alice", "restore", WHY)
            told = {n.audience for n in line.book.outbox.of(PAUSE) if n.event == BROKEN}
            assert told == {"responders", "leadership"}
            review(line, approvers, tmp_path)
            assert not unreviewed(line.book.store, PAUSE)
            assert line.book.store.verify()[1] == ""

    asyncio.run(scenario())


def review(line: Line, approvers: Approvers, folder: Path) -> None:
    """Not by who broke it, unsigned, or over another; by bob, signed, once."""
    (one,) = broken(line.book.store, PAUSE)
    pause = line.book.pauses.get(PAUSE)
    hear = Answering(line.book, approvers=approvers).hear

    def say(by: str, said: Statement | None, reason: str = "looked at it") -> None:
        signature = sign(said, folder / by) if said else ""
        order = api.TellOrder(
            PAUSE, line.book.id, word=REVIEW, by=by, reason=reason, seq=one.seq,
            signature=signature,
        )  # fmt: skip
        ActivityEnvironment().run(hear, order)

    own = review_of(line.book.id, pause, one, "alice", "looked at it")
    right = review_of(line.book.id, pause, one, "bob", "looked at it")
    for by, said in (("alice", own), ("bob", None), ("bob", replace(right, request="0"))):
        with pytest.raises(Exception, match=r"another person|signed here|is not bob's"):
            say(by, said)
    assert unreviewed(line.book.store, PAUSE)
    say("bob", right)
    say("bob", right)  # asked again, since its answer was lost
    (event,) = line.book.pauses.events(PAUSE, REVIEWED)
    assert (event.actor, event.data["of"]) == ("bob", one.seq)
    with pytest.raises(Exception, match="bob has reviewed it already"):
        say("bob", review_of(line.book.id, pause, one, "bob", "again"), "again")


def test_one_person_opens_a_containment_that_wants_two_others(tmp_path: Path) -> None:
    """The pause is contained on the requester's own signed word."""

    async def scenario() -> None:
        async with a_line(approvers=breakers(tmp_path, "alice"), playbook=SECOND) as line:
            before = line.world.picture()
            handle = await line.start(await line.plan(line.order()))
            await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
            asked = {"direction": "contain", "asked_by": "alice"}
            await break_glass(line, handle, tmp_path / "alice", **asked)
            assert (await line.rests(handle)).summary.result == "contained"
            assert line.world.picture() != before
            (one,) = unreviewed(line.book.store, PAUSE)
            assert one.direction == "contain"

    asyncio.run(scenario())


def test_who_is_not_named_breaks_nothing_and_a_normal_signature_is_not_enough(
    tmp_path: Path,
) -> None:
    """Refused: bob, who may only approve; and either kind of signature said as the other."""

    async def scenario() -> None:
        async with a_line(approvers=breakers(tmp_path, "alice"), playbook=TWO) as line:
            handle = await line.pause()
            contained = line.world.picture()
            waiting = await line.rollback(handle, request="first")
            with pytest.raises(WorkflowUpdateFailedError):
                await break_glass(line, handle, tmp_path / "bob", "bob")
            normal = await statement(line, handle, "alice", reason=WHY)
            alone = replace(await statement(line, handle, "bob", reason=WHY), break_glass=True)
            for yes in (
                m.Approve("alice", waiting.digest, WHY, sign(normal, tmp_path / "alice"), True),
                m.Approve("bob", waiting.digest, WHY, sign(alone, tmp_path / "bob")),
                m.Approve("alice", waiting.digest, WHY, "", True),
                m.Approve("", waiting.digest, WHY, "", True),
            ):
                with pytest.raises(WorkflowUpdateFailedError):
                    await handle.execute_update(m.APPROVE, yes, result_type=str)
            assert line.world.picture() == contained
            assert not broken(line.book.store)
            assert not [
                e for e in line.book.pauses.events(PAUSE, "approved") if e.data.get("signed")
            ]

    asyncio.run(scenario())


def test_a_termination_is_never_approved_alone(tmp_path: Path) -> None:
    """Not by an update, not at the worker, not by a yes that somebody wrote into the journal."""

    async def scenario() -> None:
        approvers = breakers(tmp_path, "alice")
        async with a_line(approvers=approvers) as line:
            handle = await line.pause()
            contained = line.world.picture()
            ask = api.RestoreOrder(by="alice", reason="over", request="first")
            ref = await handle.execute_update(m.TERMINATE, ask, result_type=api.PlanRef)
            key = tmp_path / "alice"
            with pytest.raises(WorkflowUpdateFailedError):
                await break_glass(line, handle, key, direction="terminate")
            order, plan = (await line.status(handle)).order, line.book.pauses.plan(ref.ref).plan
            said = replace(
                await statement(line, handle, "alice", direction="terminate", reason=WHY),
                break_glass=True,
            )
            word = api.Vouching(
                order, "alice", WHY, ref.ref, ref.digest, Direction.TERMINATE, "first", "alice",
                sign(said, key), break_glass=True,
            )  # fmt: skip
            for yes in (word, replace(word, direction=Direction.RESTORE)):
                with pytest.raises(RefusedError):
                    vouching.write_down(line.book, approvers, yes)
            line.book.pauses.approve(
                PAUSE, ref.ref, ref.digest, "alice", word.signature, WHY, said.kept
            )
            batch = api.BatchOrder(order, ref.ref, Direction.TERMINATE)
            for keepers in (approvers, Approvers()):
                with pytest.raises(RefusedError, match="Too few have approved the removal"):
                    vouching.require(line.book, keepers, batch, plan.work, 1)
            assert line.world.picture() == contained
            assert not broken(line.book.store)

    asyncio.run(scenario())


def test_a_yes_alone_counts_for_its_own_request_and_while_the_role_stands(tmp_path: Path) -> None:
    """The worker looks again before each batch: it may be withdrawn, and so may the role."""

    async def scenario() -> None:
        approvers = breakers(tmp_path, "alice")
        async with a_line(approvers=approvers, playbook=TWO) as line:
            handle = await line.pause()
            ref = await line.rollback(handle, request="first")
            status = await line.status(handle)
            said = replace(await statement(line, handle, "alice", reason=WHY), break_glass=True)
            word = api.Vouching(
                status.order, "alice", WHY, ref.ref, ref.digest, Direction.RESTORE, "first",
                "alice", sign(said, tmp_path / "alice"), break_glass=True,
            )  # fmt: skip
            vouching.write_down(line.book, approvers, word)
            vouching.write_down(line.book, approvers, word)  # its answer was lost
            assert len(broken(line.book.store)) == 1
            work = line.book.pauses.plan(ref.ref).plan.work
            batch = api.BatchOrder(status.order, ref.ref, Direction.RESTORE)
            vouching.require(line.book, approvers, batch, work, 2)
            roles = (tmp_path / "roles.yaml").read_text()
            (tmp_path / "roles.yaml").write_text(roles.replace("[alice]", "[carol]"))
            with pytest.raises(RefusedError, match="Too few have signed"):
                vouching.require(line.book, approvers, batch, work, 2)
            (tmp_path / "roles.yaml").write_text(roles)
            await handle.execute_update(m.REJECT, m.Reject("carol", "no"), result_type=str)
            with pytest.raises(RefusedError, match="Too few have signed"):
                vouching.require(line.book, approvers, batch, work, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize("direction", [Direction.RESTORE, Direction.TERMINATE])
def test_the_workflow_keeps_the_rule_as_well(direction: Direction) -> None:
    """A yes alone is enough at once, by whom asked too; for a termination it is none."""
    state = m.PauseState(approvers=2)
    state.restore = api.RestoreOrder(by="alice", direction=direction)
    state.pending = api.PlanRef("ref", "digest")
    yes = m.Approve("alice", "digest", WHY, break_glass=True)
    ends = direction is Direction.TERMINATE
    assert ("alone" in state.objection(yes)) is ends
    assert state.objection(replace(yes, break_glass=False)), "asked for by alice"
    assert state.objection(replace(yes, by="")), "nobody"
    if not ends:
        state.say_yes(m.Approve("bob", "digest"))
        assert state.approved is None, "one of two"
        assert not state.objection(replace(yes, by="bob")), "who has approved may also do it alone"
        state.say_yes(yes)
        assert state.approved == yes


def test_a_pause_that_was_let_open_alone_is_adopted_as_approved(tmp_path: Path) -> None:
    """Its workflow is gone before the first write: the yes in the journal still counts."""

    async def scenario() -> None:
        async with a_line(approvers=breakers(tmp_path, "alice"), playbook=SECOND) as line:
            order = await line.plan(line.order())
            handle = await line.start(order)
            await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
            pause = line.book.pauses.get(PAUSE)
            assert not adopted_state(line.book, pause, api.Options()).opened
            said = replace(
                await statement(
                    line, handle, "alice", direction="contain", asked_by="alice", reason=WHY
                ),
                break_glass=True,
            )
            word = api.Vouching(
                order, "alice", WHY, order.plan, order.digest, Direction.CONTAIN, "", "alice",
                sign(said, tmp_path / "alice"), break_glass=True,
            )  # fmt: skip
            vouching.write_down(line.book, Approvers(tmp_path), word)
            state = adopted_state(line.book, pause, api.Options())
            assert state.opened
            assert state.queued

    asyncio.run(scenario())


PAID = SECOND.replace(
    "limits:",
    "  - name: money\n    rules: [{name: pay, connector: payouts, contains: payables, how: hold}]\n"
    "limits:",
)
BASIS = f"{VENDOR}payouts: {{vendors: [v-1], legal_basis: counsel said so}}\n"


@pytest.mark.parametrize(
    ("vendor", "scope", "refused"),
    [
        (BASIS, Scope(), True),
        (BASIS, Scope(connectors=("memory", "payouts")), True),
        (BASIS, Scope(connectors=("memory",)), False),
        (VENDOR, Scope(), False),
    ],
)
def test_what_may_hold_earned_pay_of_people_is_never_opened_alone(
    tmp_path: Path, vendor: str, scope: Scope, *, refused: bool
) -> None:
    """Where the law is said to allow the hold, and its scope reaches payouts: another person's."""

    async def scenario() -> None:
        async with a_line(approvers=breakers(tmp_path, "alice"), playbook=SECOND) as line:
            order = await line.plan(line.order(scope=scope))
            handle = await line.start(order)
            await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
            plan = line.book.pauses.plan(order.plan).plan
            frozen = line.book.pauses.keep("frozen", Frozen(vendor, PAID, "{}").dump())
            pay = line.book.pauses.get(PAUSE)
            other = replace(pay, id="0000beef", frozen=frozen, workflow=f"other/{line.book.id}")
            line.book.pauses.open(other, {})
            word = api.Vouching(replace(order, pause=other.id), direction=Direction.CONTAIN)
            if refused:
                with pytest.raises(RefusedError, match="what people have earned"):
                    glass.require_breakable(line.book, word, replace(plan, pause=other.id))
            else:
                glass.require_breakable(line.book, word, replace(plan, pause=other.id))

    asyncio.run(scenario())


def test_a_key_of_their_own_is_nobodys_key(tmp_path: Path) -> None:
    """Who is named and signs with a key that the worker does not know breaks nothing."""

    async def scenario() -> None:
        async with a_line(approvers=breakers(tmp_path, "alice")) as line:
            handle = await line.pause()
            await line.rollback(handle, request="first")
            with pytest.raises(WorkflowUpdateFailedError):
                await break_glass(line, handle, a_key(tmp_path, "mallory"))
            assert not broken(line.book.store)

    asyncio.run(scenario())
