"""Access lists of Cloud Storage: a bucket's, its default for new objects, a generation's own.

One entry for each entity; a list is written whole, on the metageneration at which it was read, so
nobody's edit is lost. A noncurrent generation has its own, and is named by its number. Where
access is uniform no list is shown, and none is written: one made blindly would drop all others.
https://docs.cloud.google.com/storage/docs/access-control/lists
"""

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

from stopline.connectors.gcp import members, refusing
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import require_same, uniform
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import GcpSelectors

KIND = "access-list-entry"
_FIELDS = "nextPageToken,items(name,generation,metageneration,acl(entity,role,email))"
OF_BUCKET, FOR_OBJECTS = "acl", "defaultObjectAcl"


def of_bucket(bucket: str, field: str) -> str:
    """How we name a list of a bucket."""
    return f"buckets/{bucket}/{field}"


def of_object(bucket: str, name: str, generation: str) -> str:
    """How we name the list of one generation of an object."""
    return f"buckets/{bucket}/objects/{quote(name)}/{generation}"


def place(document: str) -> tuple[str, dict[str, str], str]:
    """The collection, the words by which its methods know whose list it is, and the list's field.

    The opposite of `of_bucket` and `of_object`.
    """
    bucket, _, rest = document.removeprefix("buckets/").partition("/")
    if not rest.startswith("objects/"):
        return "buckets", {"bucket": bucket}, rest
    name, _, generation = rest.removeprefix("objects/").rpartition("/")
    words = {"bucket": bucket, "object": unquote(name), "generation": generation}
    return "objects", words, OF_BUCKET


# --- entries -----------------------------------------------------------------------------------


def member_of(entry: Json) -> str:
    """Whom an entry names, as an allow policy would; nothing where only an id is said of them.

    https://docs.cloud.google.com/storage/docs/json_api/v1/objectAccessControls#resource
    """
    entity = str(entry["entity"])
    kind, _, rest = entity.partition("-")
    if kind in ("user", "group"):
        email = str(entry.get("email") or rest)
        robot = kind == "user" and email.endswith("gserviceaccount.com")
        return f"{'serviceAccount' if robot else kind}:{email}" if "@" in email else ""
    return f"{kind}:{rest}" if kind == "domain" else entity


def via(selectors: GcpSelectors, entry: Json) -> str:
    """What selects an entry as the vendor's, or nothing: the lab's own teams never are."""
    member = member_of(entry)
    if member.startswith("project-"):
        number = member.rpartition("-")[2]
        return f"the project number {number}" if number in selectors.project_numbers else ""
    return members.via(selectors, member) if member else ""


def states(document: Document, entries: Sequence[Json]) -> Iterator[tuple[Address, State]]:
    """Each entry by its address: what is ours to change is its role."""
    for one in entries:
        where = Address(document.connector, document.realm, KIND, f"{document.id}#{one['entity']}")
        yield where, State.of({"entity": one["entity"], "role": one["role"]})


# --- reading and writing -----------------------------------------------------------------------


def read(clients: Clients, document: Document) -> Observed:
    """Read one list; an object is found in its bucket's list of objects.

    To get an object would need the permission to read what is in it, which we do not want.
    https://docs.cloud.google.com/storage/docs/json_api/v1/objects/list
    """
    collection, words, field = place(document.id)
    try:
        said = _object(clients, words) if collection == "objects" else _bucket(clients, words)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    shown = shown_in(said, field)
    raw = json.dumps(shown) if shown is not None else ""
    found = dict(states(document, shown or ()))
    return Observed(document, found, raw=raw, tag=str(said["metageneration"]))


def _bucket(clients: Clients, words: dict[str, str]) -> Json:
    return clients.ask("storage/v1/buckets.get", **words, projection="full")


def _object(clients: Clients, words: dict[str, str]) -> Json:
    """Names come in order, so all generations of one are first among those that begin with it."""
    bucket, name, generation = words["bucket"], words["object"], words["generation"]
    asked = {"prefix": name, "versions": True, "projection": "full", "fields": _FIELDS}
    for page in clients.paged("storage/v1/objects.list", "items", bucket=bucket, **asked):
        for one in page:
            if one["name"] == name and one["generation"] == generation:
                return one
        if page and page[-1]["name"] != name:
            break
    raise ConnectorError(Cause.GONE, f"there is no generation {generation} of {name} in {bucket}")


def shown_in(said: Json, field: str) -> list[Json] | None:
    """The list in what was read of a bucket or an object; None where access is uniform."""
    if uniform(said) or (field == OF_BUCKET and field not in said):
        return None
    found: list[Json] = said.get(field, [])
    return found


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """A delta on the list as it is now. Raises StaleError where it has moved meanwhile.

    https://docs.cloud.google.com/storage/docs/json_api/v1/objects/patch
    """
    document = observed.document
    collection, words, field = place(document.id)
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"{document.id} is not there any more")
    if not observed.raw:
        what = f"the access list of {document.id} is not shown: access to its bucket is uniform"
        raise ConnectorError(Cause.REFUSED, what)
    for change in changes:
        if change.after is not None and change.uid:
            require_same(clients, change)
    now: list[Json] = [{k: e[k] for k in ("entity", "role")} for e in json.loads(observed.raw)]
    wanted = {change.address.part: change.after for change in changes}
    kept = [entry for entry in now if entry["entity"] not in wanted]
    kept += [state.value for state in wanted.values() if state is not None]
    if sorted(map(str, kept)) == sorted(map(str, now)):  # nothing to write, unless it is gone
        if not read(clients, document).exists:
            raise ConnectorError(Cause.GONE, f"{document.id} is not there any more")
        return
    body = {field: kept}
    words |= {"ifMetagenerationMatch": observed.tag}
    others = [member_of(entry) for entry in json.loads(observed.raw)]
    with refusing.named(changes, _put_in, filter(None, others)):
        clients.do(f"storage/v1/{collection}.patch", **words, body=body)


def _put_in(change: Change) -> str:
    return member_of(change.after.value) if change.after is not None else ""
