"""`make histories`: live through a pause on a real server, and keep what Temporal wrote down of it.

The files are replayed by tests/workflows/test_replay.py, so that a workflow that would not go on
with a pause that an older release opened fails a test. They are added to, never written over: a
history of an older release is the very thing that must go on replaying.
"""

import asyncio
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from support.pausing import PLAYBOOK, VENDOR, Line, a_line
from support.signers import signers, statement
from temporalio.client import WorkflowHandle

from activities import api
from stopline.attesting import CONFIRM, DONE, REFUSE, Amount, Attesting, Became, Deed, Step
from stopline.configuration import Frozen
from stopline.connectors.memory import Principal
from stopline.connectors.payouts import build as build_payouts
from stopline.estate import Estate
from stopline.journal.attested import attested
from stopline.model import Address, Scope
from stopline.port import Connector
from stopline.signing import sign
from stopline.text import dump
from workflows import messages as m

FOLDER = Path(__file__).parents[1] / "workflows" / "histories"
WHO = re.compile(r'"identity": "[^"]*"')
STACK = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')
"""Both name the machine; nothing in a replay hangs on them."""
BREACHED = 6
"""How often our deny may be removed until the pause is breached: more than it takes."""
NEVER, HANDS = "0000dead", "0000feed"
"""A pause that is rejected, and the one in which people act by hand."""
PROOF = "0" * 64
BY_HAND = Address("payouts", "deel", "manual-hold", "V-MERCOR")
VENDOR_BY_HAND = f"{VENDOR}payouts: {{vendors: [V-MERCOR], legal_basis: a sentence of counsel's}}\n"
PLAYBOOK_BY_HAND = PLAYBOOK.replace(
    "limits:",
    """\
  - name: payouts
    rules:
      - {name: hold-by-hand, connector: payouts, contains: manual-payouts, how: by-hand}
approvals: {contain: second-person}
limits:""",
)
ESTATE_BY_HAND = """\
payouts:
  ledgers:
    deel: {rail: manual, system: Deel, hold: approve none, release: approve what waits}
"""


async def live(line: Line) -> None:
    """Contained, audited and contained again, given back in part, rejected, terminated; then what
    is left is given back.
    """
    handle = await line.pause()
    with line.world.lock:
        line.world.principals["v0"].attached.clear()
    await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
    await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.audit_due)
    await _settled(line, handle)
    waiting = await line.rollback(handle, scope=Scope(principals=("v0",)))
    await line.approve(handle, waiting.digest)
    await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.pending)
    await _settled(line, handle)
    await line.rollback(handle)
    await handle.execute_update(m.REJECT, m.Reject("carol", "not yet"), result_type=str)
    await _settled(line, handle)
    over = api.RestoreOrder(by="alice", reason="over", request="over")
    waiting = await handle.execute_update(m.TERMINATE, over, result_type=api.PlanRef)
    await line.approve(handle, waiting.digest)
    await line.until(handle, lambda s: s.summary.result == "terminated")
    await _settled(line, handle)
    await line.restored(handle)


async def words(line: Line) -> None:
    """Stopped and contained again, with what is left open accepted; kept, decided about, breached
    and contained slowly; then given back.
    """
    line.world.principals["shared"] = Principal("s", "mercor", shared_with=("mercer",))
    order = await line.plan(line.order())
    handle = await line.start(order)
    await line.rests(handle)
    await handle.execute_update(m.STOP, m.Stop("alice", "leave it"), result_type=str)
    again = await line.plan(replace(order, plan="", digest=""))
    await handle.execute_update(m.CONTAIN, again, result_type=str)
    await line.until(handle, lambda s: s.summary.result == "partial")
    await _settled(line, handle)
    known = api.Acknowledgement("bob", "it is known")
    await handle.execute_update(m.ACKNOWLEDGE, known, result_type=api.Summary)
    back = api.RestoreOrder(by="alice", reason="over", request="over")
    for decision in (m.KEEP, m.BACK, m.END):
        word = m.Reassess("alice", decision, "the report is there", restore=back)
        await handle.execute_update(m.REASSESS, word, result_type=api.PlanRef)
    await handle.execute_update(m.REJECT, m.Reject("carol", "not yet"), result_type=str)
    await _settled(line, handle)
    await _breached(line, handle)
    await line.restored(handle)


async def alone(line: Line, folder: Path) -> None:
    """One person alone gives back what wants another one."""
    handle = await line.pause()
    waiting = await line.rollback(handle, request="alone")
    said = await statement(line, handle, "alice", reason="nobody answers")
    said = replace(said, digest=waiting.digest, break_glass=True)
    signature = sign(said, folder / "alice")
    yes = m.Approve("alice", said.digest, said.reason, signature, break_glass=True)
    await handle.execute_update(m.APPROVE, yes, result_type=str)
    await line.client.get_workflow_handle(handle.id).result()


async def _breached(line: Line, handle: WorkflowHandle) -> None:
    """Somebody removes our deny as often as it takes, and what was climbed to."""
    for _ in range(BREACHED):
        with line.world.lock:
            line.world.principals["v0"].attached.clear()
            line.world.bans.clear()
        await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
        await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.audit_due)
        await _settled(line, handle)
        if (await line.status(handle)).summary.result == "breached":
            return
    raise TimeoutError("it was removed again and again, and is not breached")


async def hands(line: Line) -> None:
    """One is rejected before it began. Two people begin the next; a person holds by hand, another
    refuses, then confirms; and back.
    """
    never = await line.start(await line.plan(line.order(NEVER)))
    await line.until(never, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
    await never.execute_update(m.REJECT, m.Reject("bob", "not this one"), result_type=str)
    await never.result()
    handle = await line.start(await line.plan(line.order(HANDS)))
    waiting = await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
    await line.approve(handle, waiting.order.digest)
    await line.rests(handle)
    await _attested(line, handle, Step.HOLD, REFUSE)
    await _attested(line, handle, Step.HOLD, CONFIRM)
    await line.until(handle, lambda s: s.summary.result == "contained")
    await _settled(line, handle)
    asked = await line.rollback(handle)
    await line.approve(handle, asked.digest)
    await line.until(handle, lambda s: s.by_hand)
    await _attested(line, handle, Step.RELEASE, CONFIRM)
    await line.client.get_workflow_handle(handle.id).result()


async def _attested(line: Line, handle: WorkflowHandle, step: Step, answer: str) -> None:
    """Sam attests that it is done, and riley answers."""
    became = Became.HELD if step is Step.HOLD else Became.RELEASED
    amounts = (Amount("c1", "USD", 1200, became),)
    deed = Deed(BY_HAND, step, "proof.png", PROOF, amounts, "weekly")
    ref = line.book.pauses.keep("deed", dump(deed))
    done = Attesting(DONE, ref, "sam", "done")
    await handle.execute_update(m.ATTEST, done, result_type=bool)
    seq = attested(line.book.store, BY_HAND)[-1].seq
    said = Attesting(answer, ref, "riley", "looked", seq, PROOF)
    await handle.execute_update(m.ATTEST, said, result_type=bool)
    if step is Step.HOLD:
        await _settled(line, handle)


async def _settled(line: Line, handle: WorkflowHandle) -> None:
    """Until it has continued as new and rests."""
    await asyncio.sleep(0.5)
    await line.rests(handle)


async def recorded() -> dict[str, str]:
    """Every history of such lives, as JSON by a telling name."""
    found: dict[str, str] = {}
    async with a_line() as line:
        await live(line)
        await _keep(line, found)
    async with a_line() as line:
        await words(line)
        await _keep(line, found)
    with tempfile.TemporaryDirectory() as folder:
        approvers = signers(Path(folder), "alice", "bob")
        with (Path(folder) / "roles.yaml").open("a") as file:
            file.write("break_glass: [alice]\n")
        async with a_line(approvers=approvers) as line:
            await alone(line, Path(folder))
            await _keep(line, found)
    async with a_line(working=False) as line:
        _with_hands(line)
        async with line.working():
            await hands(line)
            await _keep(line, found)
    return found


def _with_hands(line: Line) -> None:
    """A system that people act in, beside the one in memory."""
    assert line.activities is not None

    def connectors_of(estate: Estate) -> dict[str, Connector]:
        return {"payouts": build_payouts(estate), "memory": line.connector}

    line.activities = replace(line.activities, connectors_of=connectors_of)
    line.frozen = line.book.pauses.keep(
        "frozen", Frozen(VENDOR_BY_HAND, PLAYBOOK_BY_HAND, ESTATE_BY_HAND).dump()
    )


async def _keep(line: Line, found: dict[str, str]) -> None:
    """What the server wrote down of one life, after that of the lives before it."""
    listed = [one async for one in line.listed()]
    for one in sorted(listed, key=lambda w: (w.start_time, w.id)):
        handle = line.client.get_workflow_handle(one.id, run_id=one.run_id)
        history = (await handle.fetch_history()).to_json()
        history = WHO.sub('"identity": "worker"', STACK.sub('"stackTrace": ""', history))
        found[f"{len(found) + 1:02}-{one.workflow_type}"] = history


def main(release: str) -> int:
    """Write the histories of a release. Returns 1, and writes nothing, where they are there."""
    folder = FOLDER / release
    if folder.exists():
        sys.stderr.write(f"{folder} is there already: histories are added, never replaced.\n")
        return 1
    histories = asyncio.run(recorded())
    folder.mkdir(parents=True)
    for name, text in histories.items():
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
