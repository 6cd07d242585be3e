"""A pause that an older release opened goes on: what Temporal wrote down of one replays."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.histories import FOLDER
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from stopline.entrypoints.temporal import CONVERTER
from workflows import messages as m
from workflows.pause_vendor import BREACHED, REFUSED, PauseVendor
from workflows.plan_vendor import PlanVendor
from workflows.preflight import Preflight
from workflows.shard import Shard
from workflows.tell import Tell
from workflows.words import GLASS, NOTICES

RECORDED = sorted(FOLDER.glob("*/*.json"))
WORKFLOWS = [PauseVendor, PlanVendor, Preflight, Shard, Tell]


@workflow.defn(name=m.SHARD)
class Hasty:
    """A shard that forgets its batches: what a careless change would look like."""

    @workflow.run
    async def run(self, order: m.ShardOrder) -> None:
        """Do nothing at all."""


def history(path: Path) -> WorkflowHistory:
    """A recorded history under the workflow's own id, from which the ids of children are made."""
    text = path.read_text("utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def replay(paths: list[Path], workflows: list[type]) -> list[BaseException]:
    """Replay; return what went wrong."""

    async def run() -> list[BaseException]:
        replayer = Replayer(
            workflows=workflows,
            data_converter=CONVERTER,
            workflow_runner=UnsandboxedWorkflowRunner(),  # a test's module is not made for it
        )
        results = [
            await replayer.replay_workflow(history(path), raise_on_replay_failure=False)
            for path in paths
        ]
        return [r.replay_failure for r in results if r.replay_failure is not None]

    return asyncio.run(run())


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_recorded_history_replays(path: Path) -> None:
    """The present workflows ask for what they asked for then, in that order."""
    assert replay([path], WORKFLOWS) == []


def test_a_life_with_its_renewals_is_recorded() -> None:
    """Plans, shards and a pause that continued as new more than once are among the files."""
    kinds = [path.stem.partition("-")[2] for path in RECORDED]
    assert {m.PLAN_VENDOR, m.SHARD, m.PAUSE_VENDOR} <= {*kinds}
    assert kinds.count(m.PAUSE_VENDOR) > 2


def test_every_word_that_people_can_say_is_recorded() -> None:
    """A word in no history could be changed so that an open pause does not go on, unseen."""
    words = {m.APPROVE, m.REJECT, m.CONTAIN, m.ROLLBACK, m.TERMINATE, m.STOP, m.ACKNOWLEDGE}
    words |= {m.AUDIT, m.REASSESS, m.ATTEST}
    assert words == set(workflow._Definition.must_from_class(PauseVendor).updates)
    told = [e.get("workflowExecutionUpdateAcceptedEventAttributes") for e in events()]
    assert words == {one["acceptedRequest"]["input"]["name"] for one in told if one}


def test_what_only_newer_histories_hold_is_recorded() -> None:
    """A broken glass, a breach, a refusal that is told, notices: the patches by which they tell."""
    marks = [e.get("markerRecordedEventAttributes") for e in events()]
    data = [mark["details"]["patch-data"]["payloads"][0]["data"] for mark in marks if mark]
    assert {NOTICES, GLASS, BREACHED, REFUSED} <= {json.loads(b64decode(d))["id"] for d in data}


def events() -> Iterator[dict[str, Any]]:
    """Every event of every recorded history."""
    for path in RECORDED:
        yield from json.loads(path.read_text("utf-8"))["events"]


def test_a_careless_change_would_be_seen() -> None:
    """A shard that asks for no batch fails on the recorded one."""
    shards = [path for path in RECORDED if path.stem.endswith(m.SHARD)]
    assert replay(shards[:1], [Hasty])
