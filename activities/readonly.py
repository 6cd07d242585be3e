"""What a read-only worker carries out: reading and planning. Everything else is refused by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.bodies import Activities
from stopline.estate import Estate
from stopline.journal.attested import attested
from stopline.port import Connector, attended
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
    store, held = activities.book.store, activities.book.writes.addresses

    def bare(estate: Estate) -> Mapping[str, Connector]:
        """Told what people attest before they are wrapped, or a plan would not see it."""
        told = attended(connectors_of(estate), lambda address: attested(store, address), held)
        return read_only(told)

    return [replace(activities, connectors_of=bare).assess, refuse]
