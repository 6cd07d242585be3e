"""What a read-only worker carries out: reading and planning. Everything else is refused by name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.bodies import Activities
from stopline.readonly import read_only


@activity.defn(dynamic=True)
def refuse(_: Sequence[RawValue]) -> None:
    """Refuse whatever this worker has no body for; asking again would not help."""
    raise ApplicationError(
        f"This worker is read-only; {activity.info().activity_type} was not done. Only a worker "
        "without --read-only (STOPLINE_READ_ONLY) contains and restores.",
        type="RefusedError",
        non_retryable=True,
    )


def reading(activities: Activities) -> list[Callable[..., Any]]:
    """The bodies of a read-only worker, over connectors that cannot write."""
    connectors_of = activities.connectors_of
    bare = replace(activities, connectors_of=lambda estate: read_only(connectors_of(estate)))
    return [bare.assess, refuse]
