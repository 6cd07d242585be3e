"""Shared drives of the emulated Google: who is in, by what, and who may change it."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import ANA, EVE, STRANGER

from stopline.drill.google.drive import name_of, permission
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.text import Json

DRIVE, FILE = "0Adrive", "1file"
ALL = {"supportsAllDrives": True}


@pytest.fixture
def shared(google: Google) -> Google:
    """Eve manages a drive, and Ana may only read one file in it."""
    own = [permission("user", EVE.partition(":")[2], "organizer")]
    top = google.state.add(
        Resource(
            name_of(DRIVE), "drive.googleapis.com/Drive", "", {"id": DRIVE, "permissions": own}
        )
    )
    held = [permission("user", ANA.partition(":")[2], "reader")]
    data: Json = {"id": FILE, "name": "x", "permissions": held}
    google.state.add(Resource(name_of(FILE), "drive.googleapis.com/File", top.name, data))
    return google


def code(request: Json) -> int:
    """How a request that is refused ends."""
    with pytest.raises(HttpError) as found:
        request.execute()
    return int(found.value.resp.status)


def test_a_file_says_who_is_in_by_itself_and_who_by_the_drive(shared: Google) -> None:
    """What is inherited cannot be taken out of the file; what is its own can."""
    client = shared.client("drive", "v3", EVE).permissions()
    fields = "permissions(id,role,permissionDetails(inherited,role))"
    listed = client.list(fileId=FILE, **ALL, fields=fields).execute()["permissions"]
    own = {one["role"]: one["permissionDetails"][0]["inherited"] for one in listed}
    assert own == {"reader": False, "organizer": True}
    ids = {one["role"]: one["id"] for one in listed}
    assert code(client.delete(fileId=FILE, permissionId=ids["organizer"], **ALL)) == 403
    client.delete(fileId=FILE, permissionId=ids["reader"], **ALL).execute()
    assert code(client.delete(fileId=FILE, permissionId=ids["reader"], **ALL)) == 404
    theirs = shared.client("drive", "v3", ANA)
    assert code(theirs.files().get(fileId=FILE, **ALL)) == 404


def test_a_grantee_comes_back_under_its_id(shared: Google) -> None:
    """Wherever it is let in; mail is a matter of people and groups alone."""
    client = shared.client("drive", "v3", EVE).permissions()
    told = {"type": "user", "role": "writer", "emailAddress": ANA.partition(":")[2]}
    made = client.create(fileId=DRIVE, body=told, **ALL, sendNotificationEmail=False).execute()
    assert made["id"] == permission("user", ANA.partition(":")[2], "reader")["id"]
    domain = {"type": "domain", "role": "reader", "domain": "mercor.example"}
    words = {"fileId": FILE, "body": domain, **ALL}
    assert code(client.create(**words, sendNotificationEmail=False)) == 400
    assert client.create(**words).execute()["type"] == "domain"


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ({"type": "user", "role": "reader"}, 400),
        ({"type": "user", "role": "organizer", "emailAddress": "eve@lab.example"}, 400),
        ({"type": "user", "role": "reader", "emailAddress": "nobody@lab.example"}, 400),
        (
            {
                "type": "user",
                "role": "reader",
                "emailAddress": "eve@lab.example",
                "expirationTime": "2020-01-01T00:00:00Z",
            },
            403,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(shared: Google, told: Json, refused: int) -> None:
    """Nobody, a role that a file has not, somebody who does not exist, an end that is over."""
    client = shared.client("drive", "v3", EVE).permissions()
    assert code(client.create(fileId=FILE, body=told, **ALL)) == refused


def test_who_may_not_see_a_file_is_told_that_there_is_none(shared: Google) -> None:
    """A reader sees it and not who is in it; what is not asked for all drives is not found."""
    theirs = shared.client("drive", "v3", ANA)
    assert theirs.files().get(fileId=FILE, **ALL).execute()["hasAugmentedPermissions"]
    assert code(theirs.files().get(fileId=FILE)) == 404
    assert code(theirs.permissions().list(fileId=FILE, **ALL)) == 403
    stranger = shared.client("drive", "v3", STRANGER)
    assert code(stranger.permissions().list(fileId=FILE, **ALL)) == 404
    words = {"corpora": "drive", "driveId": DRIVE, "includeItemsFromAllDrives": True, **ALL}
    assert code(stranger.files().list(**words)) == 404
    assert code(theirs.files().list(**words, q="name contains 'x'")) == 501
