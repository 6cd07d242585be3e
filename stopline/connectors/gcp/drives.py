"""Shared drives: who is let in there and in single files of them. Each is one document.

No deny reaches Drive, so what is the vendor's is taken out. Drive has no tag: between our reading
and our write, some tens of milliseconds, a stranger's edit of the same permission is lost; and of
two edits of one file at once it keeps the last alone, so ours go one by one for each file, and are
read again before they count as done.
https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import require_same
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json

KIND = "drive-permission"
_DETAILS = "permissionDetails(role,inherited)"
_SAID = "id,type,role,emailAddress,domain,deleted,allowFileDiscovery,expirationTime,view"
_FIELDS = f"nextPageToken,permissions({_SAID},{_DETAILS})"
_KEPT = ("type", "emailAddress", "domain", "allowFileDiscovery", "expirationTime", "view")


def of_file(drive: str, file: str, permission: str = "") -> str:
    """How we name a permission of a file; the drive itself is the file of its own id."""
    return f"{drive}/{file}/{permission}".rstrip("/")


def member_of(permission: Json) -> str:
    """Whom a permission names, as an allow policy does; nothing for everybody with the link."""
    kind = str(permission["type"])
    if kind == "domain":
        return f"domain:{permission.get('domain', '')}"
    email = str(permission.get("emailAddress", ""))
    if kind not in ("user", "group") or not email:
        return ""
    robot = kind == "user" and email.endswith("gserviceaccount.com")
    return f"{'serviceAccount' if robot else kind}:{email}"


def state_of(permission: Json) -> State:
    """What is ours to take out and to give back: all but what Google works out by itself."""
    said = {key: permission[key] for key in _KEPT if permission.get(key) not in (None, "")}
    return State.of({**said, "role": permission["role"]})


def direct(clients: Clients, file: str) -> Iterator[Json]:
    """The permissions that a file has of its own, with the role that it has of its own.

    What it has from above is taken out above. Raises ConnectorError.
    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/list
    """
    words = {"fileId": file, "supportsAllDrives": True, "pageSize": 100, "fields": _FIELDS}
    for one in clients.pages("drive/v3/permissions.list", "permissions", **words):
        said = one.get("permissionDetails") or [{"role": one["role"]}]  # else its own, for sure
        own = [detail for detail in said if not detail.get("inherited")]
        if own and not one.get("deleted"):
            rest = {key: value for key, value in one.items() if key != "permissionDetails"}
            yield {**rest, "role": own[0]["role"]}


def read(clients: Clients, document: Document) -> Observed:
    """Read one permission.

    Drive calls absent what we may not see: only where the drive itself is shown, is it gone.
    https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get
    """
    drive, file, id_ = document.id.split("/")
    try:
        found = list(direct(clients, file))
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        _require_shown(clients, drive)
        return Observed(document, exists=False)
    states = {_address(document): state_of(one) for one in found if one["id"] == id_}
    return Observed(document, states)


def _require_shown(clients: Clients, drive: str) -> None:
    words = {"fileId": drive, "supportsAllDrives": True, "fields": "id"}
    try:
        clients.ask("drive/v3/files.get", **words)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        what = f"the shared drive {drive} is not shown to us: is our account a manager of it still?"
        raise ConnectorError(Cause.DENIED, what) from error


def _address(document: Document) -> Address:
    return Address(document.connector, document.realm, document.kind, document.id)


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    """Take one permission out, or give it back; then look whether it is so.

    Raises ConnectorError with `landed` None where another edit of the file has undone ours.
    """
    document = observed.document
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"{document.id} is not there any more")
    file = document.id.split("/")[1]
    for change in changes:
        if observed.states.get(change.address) == change.after:  # nothing to write
            if not read(clients, document).exists:
                raise ConnectorError(Cause.GONE, f"{document.id} is not there any more")
            continue
        with clients.alone(f"the file {file}"):
            if change.after is None:
                _take_out(clients, document)
            else:
                _put_in(clients, change, file)
            _require_done(clients, document, change)


def _require_done(clients: Clients, document: Document, change: Change) -> None:
    """Look at what was sent. Whatever becomes of the look, it may have landed."""
    try:
        now = read(clients, document).states.get(change.address)
    except ConnectorError as error:
        raise ConnectorError(Cause.UNREACHABLE, error.detail, landed=None) from error
    if now != change.after:
        what = f"{document.id} is not as we wrote it: somebody edited the file at the same time"
        raise ConnectorError(Cause.UNREACHABLE, what, landed=None)


def _take_out(clients: Clients, document: Document) -> None:
    """Never the last manager: that is our own account, or it could not take anybody out.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/delete
    """
    _, file, id_ = document.id.split("/")
    words: dict[str, Json] = {"permissionId": id_, "supportsAllDrives": True}
    clients.do("drive/v3/permissions.delete", fileId=file, **words)


def _put_in(clients: Clients, change: Change, file: str) -> None:
    """Nobody is written to about it, and who was made anew under the same name is let out again.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/create
    """
    said: Json = change.after.value if change.after is not None else {}
    part = frozenset((change.address,))
    ends = str(said.get("expirationTime", ""))
    if ends and datetime.fromisoformat(ends) <= clients.now():
        what = f"the permission of {change.principal} ended by itself at {ends}"
        raise ConnectorError(Cause.GONE, what, parts=part)
    if change.uid:
        require_same(clients, change)
    words: dict[str, Json] = {"fileId": file, "supportsAllDrives": True, "fields": "id"}
    if said["type"] in ("user", "group"):
        words["sendNotificationEmail"] = False
    made = clients.do("drive/v3/permissions.create", **words, body=said)
    wanted = change.address.id.rpartition("/")[2]
    if made["id"] != wanted:
        what = f"{change.principal} is another account now ({made['id']}, not {wanted})"
        out: dict[str, Json] = {"permissionId": made["id"], "supportsAllDrives": True}
        try:
            clients.do("drive/v3/permissions.delete", fileId=file, **out)
        except ConnectorError as error:
            left = f"{what}, and is in {file} now: take it out by hand ({error.detail})"
            raise ConnectorError(Cause.UNREACHABLE, left, landed=None) from error
        raise ConnectorError(Cause.RECREATED, what, parts=part)
