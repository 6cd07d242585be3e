"""What a termination that was cut off has begun to remove: by the chain, nobody is asked."""

from stopline.journal.pauses import Pauses
from stopline.model import Address, Change, Direction
from stopline.terminating import Begun


def begun(pauses: Pauses, pause: str) -> tuple[Begun, ...]:
    """What was, or may be, removed for good with addresses of which no receipt says so, sorted.

    An intent says that it was to be; what a plan that is made afterwards still finds was not. Until
    there is one, nothing shows that an attempt came to nothing: its first writes may have landed.
    """
    planned: dict[str, Change] = {}
    perhaps: dict[Address, dict[str, Change]] = {}
    for event in pauses.events(pause):
        if event.data.get("direction") != Direction.TERMINATE:
            continue
        if event.kind == "planned":
            for change in pauses.plan(event.data["ref"]).plan.work:
                planned[str(change.address)] = change
                for line in change.only_if.splitlines():
                    perhaps.get(change.address, {}).pop(line, None)
        for one in event.data["changes"] if event.kind == "intent" else ():
            if found := planned.get(one["address"]):
                lines = dict.fromkeys(found.only_if.splitlines(), found)
                perhaps.setdefault(found.address, {}).update(lines)
    return tuple(sorted(_begun(address, lines) for address, lines in perhaps.items() if lines))


def _begun(address: Address, lines: dict[str, Change]) -> Begun:
    """Lines that name entries as addresses do are told; of others, what the change was."""
    told = {line if "#" in line else change.summary for line, change in lines.items()}
    return Begun(address, next(iter(lines.values())).principal, tuple(sorted(told)))
