"""Which buckets a vendor reaches, or its file wants preserved; and what is now set in each."""

from collections.abc import Iterator, Sequence

from stopline.connectors.gcp import buckets, storing
from stopline.connectors.gcp.bindings import entries
from stopline.connectors.gcp.reading import NAME, Realm
from stopline.errors import ConnectorError
from stopline.model import Address, Document, Found, Gap, Grant, Seen, State
from stopline.text import Json
from stopline.vendors import GcpSelectors

PUBLIC = ("allUsers", "allAuthenticatedUsers")


def stores(allowed: Sequence[str] | None) -> bool:
    """Whether a role is one on Cloud Storage; nobody knows of one that cannot be read."""
    return allowed is None or any(permission.startswith("storage.") for permission in allowed)


def discover(
    selectors: GcpSelectors, read: Realm, reached: Sequence[tuple[str, str]]
) -> Iterator[Found]:
    """Yield each with its settings. `reached`: by which role on what the vendor comes to buckets.

    Who comes by an access list alone does not make a bucket one of these.
    """
    lost = set(selectors.preserve)
    for name, (project, said) in sorted(read.buckets.items()):
        places = {f"buckets/{name}", *read.above.get(project, ())}
        inside = f"buckets/{name}/managedFolders/"
        there = {(r, at) for at, r in reached if at in places or at.startswith(inside)}
        ways = sorted(f"{role} on {where}" for role, where in there)
        named = [glob for glob in selectors.preserve if storing.matches(name, (glob,))]
        lost -= set(named)
        if not ways and not named:
            continue
        document = Document(NAME, read.id, buckets.KIND, name)
        for address, state in sorted(buckets.states(document, said).items()):
            yield Seen(address, state)
        yield Grant(
            Address(NAME, read.id, "bucket", name),
            State.of(_told(read, name, said)),
            f"buckets/{name}",
            "bucket",
            f"buckets/{name}",
            "; ".join((*ways, *(f"preserve: {glob}" for glob in named))),
        )
    for glob in sorted(lost) if not read.gaps else ():
        cause = "no bucket has this name, which the vendor's file wants preserved"
        yield Gap(NAME, read.id, f"bucket {glob}", cause)


def _told(read: Realm, name: str, said: Json) -> Json:
    """What an opinion needs of it. Of public objects in lists of their own nothing is known."""
    settings = {part: state.value for part, state in buckets.settings(said).items()}
    prevented = settings[buckets.PUBLIC].get(buckets.PUBLIC) == "enforced"
    return {
        "settings": settings,
        "public": not prevented and _public(read.policies.get(f"buckets/{name}", {})),
        "folders": bool(said.get("hierarchicalNamespace", {}).get("enabled")),
    }


def _public(policy: Json) -> bool:
    try:
        return any(entry.member in PUBLIC for entry in entries(policy))
    except ConnectorError:  # it hides its conditions: a gap, which is told already
        return False
