"""How all resources of each kind are listed, service by service: a table. Pure.

Google's own inventory is quicker, and knows services that nothing here knows. It may be refused,
or not be switched on; and BigQuery's datasets are listed in any case, as buckets are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stopline.connectors.gcp.datasets import name_of, table_of
from stopline.connectors.gcp.dialects import BELOW, known
from stopline.text import Json

PROJECTS, ORGANIZATIONS, LOCATIONS = "projects", "organizations", "locations"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list for each of what such resources lie in."""

    method: str
    items: str
    """The field of the answer; of what lies in such a resource, it says `under`."""
    under: tuple[str, ...] = (PROJECTS,)
    word: str = "parent"
    """By what the method knows of which one; nothing where our name's own words say it."""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def service(self) -> str:
        """Such as `pubsub/v1`."""
        return self.method.rpartition("/")[0]

    def words(self, parent: str) -> dict[str, str]:
        """What the method is asked with, of one parent as we name it."""
        how = known(parent)
        said = how.words(parent) if how is not None else {"resource": parent}
        if of := said.pop("resource", ""):
            said[self.word] = of.removeprefix("projects/") if self.word == "projectId" else of
        return {**said, **dict(self.more)}

    @property
    def permission(self) -> str:
        """What the method needs. https://docs.cloud.google.com/iam/docs/roles-permissions"""
        api = self.service.partition("/")[0]
        return f"{'resourcemanager' if api == 'cloudresourcemanager' else api}.{self.items}.list"

    def named(self, item: Json) -> str:
        """How we name one of the answer, and Google's inventory does; a place by its path alone."""
        if self.items == LOCATIONS:
            return str(item["name"])
        if self.service == "bigquery/v2":
            return name_of(item) if self.items == "datasets" else table_of(item)
        return f"{self.service.partition('/')[0]}.googleapis.com/{item['name']}"


# https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list
DATASETS = Listing("bigquery/v2/datasets.list", "datasets", word="projectId")
_PARENTS = {
    # https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/list
    "topics": "project",
    "subscriptions": "project",
    "snapshots": "project",
}
"""Where the word is not `parent`."""


def _below() -> Iterator[Listing]:
    """What `dialects` knows below a project: by `list` in its own collection."""
    for service, path in BELOW:
        steps = path.split("/")
        collections = ".".join(step for step in steps if step != "*")
        items = steps[-2]
        word = _PARENTS.get(items, "parent")
        yield Listing(f"{service}/{collections}.list", items, (steps[-4],), word)


LISTINGS = (
    DATASETS,
    # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables/list
    Listing("bigquery/v2/tables.list", "tables", ("datasets",)),
    # https://docs.cloud.google.com/resource-manager/reference/rest/v3/tagKeys/list
    Listing("cloudresourcemanager/v3/tagKeys.list", "tagKeys", under=(ORGANIZATIONS, PROJECTS)),
    # https://docs.cloud.google.com/resource-manager/reference/rest/v3/tagValues/list
    Listing("cloudresourcemanager/v3/tagValues.list", "tagValues", ("tagKeys",)),
    # https://docs.cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/list
    Listing(
        "iam/v1/locations.workforcePools.list",
        "workforcePools",
        (ORGANIZATIONS,),
        more=(("location", "locations/global"),),
    ),
    *_below(),
)
"""What lies in another of the table comes after it."""


def locations(service: str) -> Listing:
    """How the places are listed in which a project may have something of a service.

    https://docs.cloud.google.com/kms/docs/reference/rest/v1/projects.locations/list
    """
    said = {"run/v2": "run/v1"}.get(service, service)
    return Listing(f"{said}/projects.locations.list", LOCATIONS, word="name")


ALL = (*LISTINGS, *(locations(one.service) for one in LISTINGS if LOCATIONS in one.under))
"""Every list that is ever asked for."""
