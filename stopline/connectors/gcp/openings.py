"""By what a dataset is open that is no member of the vendor's: its views, and everybody. Pure.

https://docs.cloud.google.com/bigquery/docs/authorized-views
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from stopline.connectors.gcp import datasets
from stopline.connectors.gcp.bindings import Entry
from stopline.connectors.gcp.dialects import known
from stopline.connectors.gcp.documents import state_of
from stopline.connectors.gcp.reading import NAME, Realm
from stopline.model import Address, Found, Grant, Seen, State
from stopline.vendors import GcpSelectors

PUBLIC = ("allUsers", "allAuthenticatedUsers")


def discover(
    read: Realm,
    selectors: GcpSelectors,
    held: Collection[tuple[str, Entry]],
    reached: Collection[str],
) -> Iterator[Found]:
    """Yield all of it; what everybody has is seen as an entry of its list, too."""
    yield from through(read, selectors)
    for grant in public(read, held, reached):
        yield grant
        yield Seen(replace(grant.address, kind="allow-policy-entry"), grant.state)


def through(read: Realm, selectors: GcpSelectors) -> Iterator[Grant]:
    """Yield what lies in a project of the vendor's and reads in a dataset, whoever asks."""
    theirs = {*selectors.projects, *selectors.project_numbers}
    for resource, policy in sorted(read.policies.items()):
        for entry in datasets.resources(policy):
            kind, place = datasets.resource_of(entry)
            project = place.partition(".")[0]
            if project in theirs:
                yield Grant(
                    Address(NAME, read.id, "authorised-resource", f"{resource}#{kind}/{place}"),
                    State.of({"kind": kind, "entry": entry}),
                    f"{kind}:{place}",
                    f"authorised {kind}",
                    resource,
                    f"the project {project}",
                )


def public(
    read: Realm, held: Collection[tuple[str, Entry]], reached: Collection[str]
) -> Iterator[Grant]:
    """Yield each entry by which everybody comes into a dataset that the vendor reaches anyhow.

    `reached`: where it is let in by its name, on the dataset or on what that lies in.
    """
    for resource, entry in held:
        if entry.member not in PUBLIC or not _listed(resource):
            continue
        places = {resource, *read.above.get(resource.split("/")[2], ())}
        if ways := sorted(places.intersection(reached)):
            yield Grant(
                Address(NAME, read.id, "public-entry", f"{resource}#{entry.part}"),
                state_of(entry),
                entry.member,
                entry.role,
                resource,
                f"it is let in on {ways[0]} besides",
                shared_with=("everybody",),
            )


def _listed(resource: str) -> bool:
    how = known(resource)
    return how is not None and how.listed
