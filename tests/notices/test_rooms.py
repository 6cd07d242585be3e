"""`doctor --preflight` looks who else reads what those inside are told over Slack."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.journals import a_book
from support.pausing import FROZEN
from support.providers import Provider, provider
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.checks import Checks
from activities.telling import Teller
from stopline.journal.book import Book
from stopline.text import Json

FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: slack, secret: NOTICES_SLACK, to: C0123, url: "{url}"}}
  next: {{kind: slack, secret: {secret}, to: C0124, url: "{url}"}}
  theirs: {{kind: slack, secret: NOTICES_SLACK, to: C0125, url: "{url}", shared_with: [mercor]}}
audiences:
  responders: [{{channel: room}}]
escalation:
  levels: [[{{channel: next}}]]
vendors:
  mercor:
    vendor: [{{channel: theirs}}]
"""


@pytest.fixture
def there() -> Iterator[Provider]:
    """Slack."""
    with provider() as made:
        yield made


@pytest.fixture
def book() -> Iterator[Book]:
    """A journal."""
    made = a_book("sqlite://")
    yield made
    made.close()


def looked(book: Book, folder: Path, url: str, variable: str = "NOTICES_SLACK") -> dict[str, Json]:
    """What the worker finds about notices, by what it is about."""
    (folder / "notices.yaml").write_text(FILE.format(url=url, secret=variable))
    checks = Checks(book, lambda _: {}, teller=Teller(folder), secret_of=lambda _: "xoxb-1")
    order = api.CheckOrder(journal=book.id, frozen=book.pauses.keep("frozen", FROZEN.dump()))
    ref = ActivityEnvironment().run(checks.preflight, order)
    found = json.loads(book.store.body(ref.ref))
    return {one["name"]: one for one in found if one["name"].startswith("notices")}


def test_every_channel_by_which_those_inside_are_told_is_looked_at(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """Those of the escalation too; the vendor's own may be shared with it."""
    found = looked(book, tmp_path, there.url)
    assert [*found] == ["notices next", "notices room"]
    assert all(one["ok"] and not one["warn"] for one in found.values())
    there.room = {"ok": True, "channel": {"is_ext_shared": True, "connected_team_ids": ["T1"]}}
    found = looked(book, tmp_path, there.url)
    assert not any(one["ok"] for one in found.values())
    assert "shared with other organisations (1)" in found["notices room"]["found"]


def test_a_token_that_may_not_look_is_a_warning_that_names_the_scope(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """It fails nothing: those inside are told all the same, and a person has to look."""
    there.room = {"ok": False, "error": "missing_scope", "needed": "channels:read"}
    found = looked(book, tmp_path, there.url)["notices room"]
    assert (found["ok"], found["warn"]) == (True, True)
    assert "channels:read" in found["next_step"]


def test_what_slack_refuses_and_a_file_that_is_broken_fail(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """Each with its reason, and no token in it."""
    there.room = {"ok": False, "error": "channel_not_found"}
    found = looked(book, tmp_path, there.url)["notices room"]
    assert (found["ok"], "channel_not_found" in found["found"]) == (False, True)
    (broken,) = looked(book, tmp_path, there.url, "not a name").values()
    assert (broken["ok"], broken["name"]) == (False, "notices")
    assert "xoxb" not in str(found) + str(broken)
