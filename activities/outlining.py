"""How a plan's work is cut: into shards by connector and realm, stages and batches."""

from collections.abc import Mapping
from itertools import groupby
from math import ceil

from activities import api
from stopline.model import Change, Direction, Plan, stage

Shards = Mapping[tuple[str, str], list[Change]]
FEW = 5
"""A batch of fewer changes is not worth an activity of its own."""


def shards_of(plan: Plan) -> Shards:
    """A plan's work in its order, apart for each connector and realm."""
    return {
        where: list(group)
        for where, group in groupby(plan.work, key=lambda c: (c.address.connector, c.address.realm))
    }


def outline_of(plan: Plan, options: api.Options) -> tuple[api.Outline, ...]:
    """Cut a plan's work: a shard for each connector and realm, batches inside one stage.

    A batch ends between documents, so it may be a little larger than `batch_size` says. What spans
    other realms is contained beside them, since neither may wait, and given back in a later wave.
    """
    shards = []
    for (connector, realm), work in shards_of(plan).items():
        stages, start = [], 0
        for _, inside in groupby(work, key=lambda c: stage(c, plan.direction)):
            members = list(inside)
            stages.append(_batches(members, start, batch_size(len(members), options)))
            start += len(members)
        last = plan.direction is not Direction.CONTAIN and any(c.spans for c in work)
        shards.append(api.Outline(connector, realm, tuple(stages), len(work), int(last)))
    return tuple(shards)


def batch_size(number: int, options: api.Options) -> int:
    """How many changes of a stage go into one batch: at most `options.batch`, and so that the
    batches that run side by side end together. Below `FEW` a batch costs more than it saves.
    """
    rounds = ceil(number / (options.batch * options.window))
    return min(options.batch, max(FEW, ceil(number / (rounds * options.window))))


def _batches(members: list[Change], start: int, size: int) -> tuple[tuple[int, int], ...]:
    bounds, begin, end = [], start, start
    for _, group in groupby(members, key=lambda c: c.address.document):
        end += len(list(group))
        if end - begin >= size:
            bounds.append((begin, end))
            begin = end
    if end > begin:
        bounds.append((begin, end))
    return tuple(bounds)
