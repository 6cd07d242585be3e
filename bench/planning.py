"""A containment plan as the benches of single connectors make it: no guard, no journal."""

from collections.abc import Sequence

from stopline import planner
from stopline.model import Change, Scope
from stopline.playbook import Phase, Playbook, Rule
from stopline.port import Connector, Mark, Terms
from stopline.vendors import Vendor


def plan(
    connector: Connector, vendor: Vendor, rules: Sequence[tuple[str, str]], mark: Mark
) -> tuple[Change, ...]:
    """What a pause would do, by rules of what and how. Leaves the bench where not all was read."""
    name = connector.name
    said = tuple(Rule(name=what, connector=name, contains=what, how=how) for what, how in rules)
    playbook = Playbook(playbook="bench", phases=(Phase(name="all", rules=said),))
    snapshot = planner.snapshot_of(vendor.vendor, connector.discover(vendor, Scope()), "")
    opinions = planner.Opinions({name: connector.contained}, {name: connector.residuals})
    terms = Terms(vendor, playbook, mark)
    made = planner.plan_containment(snapshot, terms, Scope(), planner.Standing(), opinions)
    if made.gaps:
        raise SystemExit(f"not all was read: {made.gaps[0]}")
    return made.work
