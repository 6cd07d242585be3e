"""Worse days: what is missing, away, full, expired or wrong is said, and nothing is lost by it."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.asking import CONFIRM, Asking
from support.journals import a_book
from support.refusing import refusing_server
from support.temporal import VENDOR, House, write_configuration

from stopline.connectors.memory import MemoryConnector, Principal
from stopline.errors import ConnectorError
from stopline.journal.pauses import PauseStatus
from stopline.model import Document
from stopline.receipts import Cause
from stopline.settings import settings

pytestmark = pytest.mark.night

# --- what is not there ---------------------------------------------------------------------------


def test_no_worker_is_said_soon_and_nothing_is_started(asking: Asking) -> None:
    """The queue's name and the command that serves it; reading the journal still works."""
    asking.pause()
    asking.house.stop_worker()
    other = a_book(f"sqlite:///{asking.house.settings.data_dir}/other.db")
    asking.monkeypatch.setenv("STOPLINE_JOURNAL_URL", str(other.store.engine.url))
    settings.cache_clear()
    for words in (("plan", "mercor"), ("pause", "mercor", "--reason", "x", *CONFIRM)):
        answer = asking.ask(*words)
        assert answer.code == 1
        assert f"No worker is polling the queue stopline/{other.id}" in answer.err
        assert "stopline worker" in answer.err
    assert other.pauses.list() == ()
    doctor = asking.ask("doctor", "--output", "json")
    assert doctor.code == 1
    assert [c["name"] for c in doctor.document["checks"] if not c["ok"]] == ["worker"]


def test_temporal_that_goes_away_leaves_the_journal_readable(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` says what is missing and shows the journal; what must act says how to start it."""
    asking.pause()
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    shown = asking.ask("status", "mercor", "--output", "json")
    assert (shown.code, shown.document["status"], shown.document["phase"]) == (0, "contained", "")
    assert "What follows is from the journal alone" in shown.err
    for answer in (asking.rollback(), asking.ask("watch", "mercor"), asking.pause()):
        assert answer.code == 1
        assert "Temporal does not answer at 127.0.0.1:1" in answer.err
        assert "stopline up" in answer.err


@pytest.mark.parametrize("status", [7, 16])
def test_temporal_that_does_not_let_us_in_is_four(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A refused key or certificate: the address, and what to check."""
    with refusing_server(status, "the key has expired") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        answer = asking.ask("plan", "mercor")
    assert answer.code == 4
    assert f"Temporal at {address} does not let us in: the key has expired" in answer.err
    assert "TEMPORAL_API_KEY" in answer.err


def test_a_namespace_that_is_not_there_is_named(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in TEMPORAL_NAMESPACE: its name, and no traceback."""
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nobodys")
    answer = asking.ask("plan", "mercor")
    assert (answer.code, "nobodys" in answer.err) == (1, True)


def test_a_worker_that_has_just_died_is_noticed(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still counts as polling: what nobody takes, and what nobody answers, is said so soon."""
    monkeypatch.setattr("stopline.entrypoints.temporal.TAKEN_SECONDS", 0.5)
    monkeypatch.setattr("stopline.entrypoints.temporal.ANSWER", timedelta(seconds=2))
    asking.pause()
    asking.house.stop_worker()
    planned = asking.ask("plan", "mercor")
    assert planned.code == 1
    assert "No worker takes work of the queue" in planned.err
    assert "stopline worker" in planned.err
    said = asking.rollback()
    assert (said.code, "and a worker with it?" in said.err) == (1, True)
    asking.house.start_worker()
    monkeypatch.setattr("stopline.entrypoints.temporal.ANSWER", timedelta(seconds=30))
    assert asking.rollback().code == 5


def test_an_empty_scope_asks_for_a_reason(asking: Asking) -> None:
    """A principal that nobody has: no pause, and the likeliest cause."""
    answer = asking.pause("--principal", "anotator")
    assert answer.code == 1
    assert "empty-scope" in answer.err
    assert "copy it from `stopline plan`" in answer.said
    assert asking.house.book.pauses.list() == ()


def test_a_vendor_that_holds_nothing_is_likeliest_a_slip(asking: Asking) -> None:
    """nothing-found asks for an override; with one, an empty pause is opened and says so."""
    asking.house.world.principals.clear()
    asking.house.world.targets.clear()
    answer = asking.pause()
    assert answer.code == 1
    assert "nothing-found" in answer.err
    assert "misspelt selector" in answer.said
    known = asking.pause("--override", "nothing-found=they hold nothing", "--output", "json")
    assert (known.code, known.document["held"]) == (0, 0)


# --- credentials ---------------------------------------------------------------------------------


def refusing(cause: Cause, detail: str, *, after: int, mended: threading.Event) -> object:
    """A hook of a system that refuses every write after some, until it is mended."""
    sent: list[Document] = []

    def refuse(moment: str, document: Document) -> None:
        if moment == "sending" and not mended.is_set():
            sent.append(document)
            if len(sent) > after:
                raise ConnectorError(cause, detail)

    return refuse


def test_credentials_that_expire_midway_are_named_and_the_pause_goes_on(asking: Asking) -> None:
    """Six with the cause for each; once they are renewed, a pause finishes the same one."""
    mended = threading.Event()
    hook = refusing(Cause.CREDENTIALS, "the token has expired", after=3, mended=mended)
    asking.house.connector.hook = hook
    answer = asking.pause("--output", "json")
    assert answer.code == 6
    left = answer.document["left"]
    assert {(one["kind"], one["cause"]) for one in left} == {("failed", "credentials")}
    assert 0 < answer.document["held"] < 9
    mended.set()
    again = asking.pause("--output", "json")
    assert (again.code, again.document["left"]) == (0, [])
    assert again.document["pause"] == answer.document["pause"]


def test_a_worker_without_credentials_finds_gaps_and_starts_nothing(asking: Asking) -> None:
    """What cannot be read is a gap; when nothing was found at all, nothing is paused."""
    asking.house.world.closed.add("r1")
    answer = asking.pause()
    assert answer.code == 1
    assert "could not be read" in answer.said
    assert "The worker's credentials" in answer.said
    assert "nothing-found" in answer.err
    assert asking.house.book.pauses.list() == ()


def test_what_fails_beside_a_change_is_told_and_blocks_nothing(asking: Asking) -> None:
    """Contained, and the status says what a person still has to do; it is given back as ever."""
    once = threading.Event()

    def sign_out(moment: str, _document: Document) -> None:
        if moment == "sent" and not once.is_set():
            once.set()
            detail = "not signed out; do it by hand"
            raise ConnectorError(Cause.UNREACHABLE, detail, landed=True)

    asking.house.connector.hook = sign_out
    answer = asking.pause("--output", "json")
    assert (answer.code, answer.document["status"]) == (0, "contained")
    (left,) = answer.document["left"]
    assert (left["kind"], left["cause"]) == ("beside", "unreachable")
    assert left["reason"] == "not signed out; do it by hand"
    assert answer.document["held"] == len(answer.document["holds"])
    asking.rollback()
    assert asking.approve().code == 0


# --- an estate that moves ------------------------------------------------------------------------


def test_a_target_deleted_between_plan_and_write_is_contained(asking: Asking) -> None:
    """What is gone is open to nobody: the run succeeds, and the rest is contained."""
    once = threading.Event()

    def delete(moment: str, _document: Document) -> None:
        if moment == "sending" and not once.is_set():
            once.set()
            with asking.house.world.lock:
                del asking.house.world.targets["training-data"]

    asking.house.connector.hook = delete
    answer = asking.pause("--output", "json")
    assert (answer.code, answer.document["status"]) == (0, "contained")
    assert not [h for h in answer.document["holds"] if "training-data" in h["address"]]


def test_a_key_switched_off_by_somebody_else_meanwhile_is_not_ours_to_give_back(
    asking: Asking,
) -> None:
    """It changed under the plan: it is contained by another's hand, and stays off afterwards."""
    once = threading.Event()

    def switch_off(moment: str, _document: Document) -> None:
        if moment == "sending" and not once.is_set():
            once.set()
            asking.house.world.principals["reviewer"].switches["k3"] = "off"

    asking.house.connector.hook = switch_off
    assert asking.pause().code == 0
    asking.rollback()
    assert asking.approve().code == 0
    assert asking.house.world.principals["reviewer"].switches["k3"] == "off"
    assert asking.house.world.principals["annotator"].switches["k1"] == "on"


def test_a_state_that_nobody_planned_for_is_planned_anew(asking: Asking) -> None:
    """A switch in a third state under the plan: not overwritten unseen, and off in the end."""
    once = threading.Event()

    def expire(moment: str, _document: Document) -> None:
        if moment == "sending" and not once.is_set():
            once.set()
            asking.house.world.principals["reviewer"].switches["k3"] = "limited"

    asking.house.connector.hook = expire
    assert asking.pause().code == 0
    switches = asking.house.world.principals["reviewer"].switches
    assert switches["k3"] == "off"
    asking.rollback()
    assert asking.approve().code == 0
    assert switches["k3"] == "limited"  # what was found is what is given back


# --- the journal ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("temporal_server")
def test_a_full_disk_under_the_journal_holds_the_work_until_there_is_space(asking: Asking) -> None:
    """Nothing is written that could not be written down; with space again it ends by itself."""
    engine, full = asking.house.book.store.engine, threading.Event()
    refused = threading.Event()

    def no_space(connection: sa.Connection, *_: object) -> None:
        if full.is_set():
            refused.set()
            raise sa.exc.OperationalError("INSERT", {}, OSError(28, "No space left on device"))

    def fill(moment: str, _document: Document) -> None:
        if moment == "sent" and not refused.is_set():
            full.set()

    sa.event.listen(engine, "before_cursor_execute", no_space, named=False)
    asking.house.connector.hook = fill
    threading.Thread(target=lambda: (refused.wait(40), full.clear()), daemon=True).start()
    answer = asking.pause("--output", "json")
    assert refused.is_set()
    assert (answer.code, answer.document["status"]) == (0, "contained")
    assert asking.house.book.store.verify()[1] == ""
    sa.event.remove(engine, "before_cursor_execute", no_space)


def test_a_journal_of_a_newer_release_is_not_touched(asking: Asking) -> None:
    """Its revision is unknown here: the database and the way out, and no traceback."""
    with asking.house.book.store.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for words in (("status",), ("doctor",), ("plan", "mercor")):
        answer = asking.ask(*words)
        assert answer.code == 1
        assert "newer" in answer.said
        assert "journal.db" in answer.said


def test_two_journals_on_one_server_do_not_join(asking: Asking) -> None:
    """The same vendor and scope of another journal is another pause; each gives back its own."""
    before = asking.house.world.picture()
    asking.pause()
    other = a_book(f"sqlite:///{asking.house.settings.data_dir}/other.db")
    stranger = House(
        asking.house.settings, other, asking.house.world, MemoryConnector(asking.house.world)
    )
    stranger.start_worker()
    asking.monkeypatch.setenv("STOPLINE_JOURNAL_URL", str(other.store.engine.url))
    settings.cache_clear()
    try:
        answer = asking.pause("--output", "json")
        assert answer.code == 0
        assert answer.document["pause"] == other.pauses.list("mercor")[0].id
        asking.rollback()
        assert asking.approve().code == 0
        asking.monkeypatch.delenv("STOPLINE_JOURNAL_URL")
        settings.cache_clear()
        asking.rollback()
        assert asking.approve().code == 0
    finally:
        stranger.stop_worker()
        other.store.engine.dispose()
    assert asking.house.world.picture() == before


# --- the configuration ---------------------------------------------------------------------------


def test_what_is_edited_after_a_pause_opened_changes_nothing_of_it(asking: Asking) -> None:
    """The frozen files go on; the difference is said; --apart opens another by the new ones."""
    asking.house.world.principals["mercor-two"] = Principal("U5", "acme", switches={"k9": "on"})
    write_configuration(
        asking.house.settings.config_dir, vendor=VENDOR + "protected: ['arn:aws:sns:*:*:kept']\n"
    )
    first = asking.pause("--output", "json")
    write_configuration(asking.house.settings.config_dir)
    same = asking.pause()
    assert same.code == 0
    assert "The files differ" in same.err
    assert "--apart" in same.err
    assert len(asking.house.book.pauses.list("mercor")) == 1
    apart = asking.pause("--apart", "--output", "json")
    assert apart.code == 0
    assert apart.document["pause"] != first.document["pause"]
    assert asking.house.world.principals["mercor-two"].switches == {"k9": "on"}


def test_a_configuration_that_broke_while_a_pause_is_open_stops_nobody(asking: Asking) -> None:
    """Status, rollback and approve need no file: what they go by is in the journal."""
    before = asking.house.world.picture()
    asking.pause()
    write_configuration(
        asking.house.settings.config_dir, vendor="vendor: [", playbook="x", estate="?"
    )
    assert asking.ask("status", "mercor").code == 0
    assert asking.rollback().code == 5
    assert asking.approve().code == 0
    assert asking.house.world.picture() == before


def test_a_folder_that_cannot_be_read_is_named(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file where a folder is meant: a usage error with its path and the variable."""
    asking.pause()
    file = tmp_path / "a-file"
    file.write_text("not a folder")
    monkeypatch.setenv("STOPLINE_CONFIG_DIR", str(file))
    settings.cache_clear()
    for words in (("plan", "mercor"), ("vendor", "list")):
        answer = asking.ask(*words)
        assert (answer.code, str(file) in answer.err) == (2, True)
        assert "STOPLINE_CONFIG_DIR" in answer.err
    assert asking.ask("status", "mercor").code == 0
    assert asking.house.book.pauses.list("mercor")[0].status is PauseStatus.CONTAINED
