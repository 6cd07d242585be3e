"""Which systems a pause leaves out because its playbook has no rule for them. Pure.

That is no gap: money, for example, is held by a pause of its own, which waits for a second person
while access is cut off at once. But nobody may take "contained" for what was never meant.
"""

from collections.abc import Iterator

from stopline.estate import Estate
from stopline.model import Scope
from stopline.playbook import Playbook
from stopline.vendors import Vendor


def uncovered(vendor: Vendor, playbook: Playbook, estate: Estate, scope: Scope) -> tuple[str, ...]:
    """The connectors, sorted, that the estate's file has a section for and the vendor's file
    selects somebody in, and for which the playbook has no rule; of those that the scope admits.
    """
    there = {rule.connector for phase in playbook.phases for rule in phase.rules}
    wanted = set(_selected(vendor, estate, scope.project))
    return tuple(sorted(name for name in wanted - there if _admitted(scope, name)))


def _admitted(scope: Scope, name: str) -> bool:
    return not scope.connectors or name in scope.connectors


def _selected(vendor: Vendor, estate: Estate, project: str) -> Iterator[str]:
    projects = vendor.projects
    one = projects.get(project)
    places = (one,) if project else (vendor, *projects.values())
    for name in type(estate).model_fields.keys() & type(vendor).model_fields.keys() - {"protected"}:
        sections = [getattr(place, name) for place in places if place is not None]
        if getattr(estate, name) is not None and not all(s.empty for s in sections):
            yield name
