"""A shared drive of the emulated organisation, with the vendor in it beside the lab."""

from datetime import UTC, datetime, timedelta

from stopline.drill.google.drive import name_of, permission
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.text import Json

SHARED_DRIVE, FILE = "0AdeliveriesPVA", "1batchReportXYZ"
"""A shared drive with the vendor as a member, and a file in it that is shared with it besides."""
ENDS = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
_OURS = "stopline@lab-security.iam.gserviceaccount.com"
_DRIVE = "drive.googleapis.com"


def shared_drive(google: Google, manager: str, reader: str, theirs: tuple[str, str, str]) -> None:
    """The lab manages it; a member of the vendor's, and shares of one of its two files."""
    member, writer, ending = (who.partition(":")[2] for who in theirs)
    own = [
        permission("user", _OURS, "organizer"),
        permission("user", manager.partition(":")[2], "organizer"),
        permission("user", member, "writer"),
    ]
    shares = [
        permission("user", reader.partition(":")[2], "reader"),
        permission("user", writer, "writer"),
        permission("user", ending, "commenter", expirationTime=ENDS),
        permission("domain", "mercor.example", "reader", allowFileDiscovery=False),
    ]
    data: dict[str, Json] = {"id": SHARED_DRIVE, "name": "deliveries", "permissions": own}
    top = google.state.add(Resource(name_of(SHARED_DRIVE), f"{_DRIVE}/Drive", "", data))
    for id_, name, held in ((FILE, "report", shares), ("2otherFile", "other", [])):
        data = {"id": id_, "name": name, "permissions": held}
        google.state.add(Resource(name_of(id_), f"{_DRIVE}/File", top.name, data))
