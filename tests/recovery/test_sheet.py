"""The recovery sheet is there before the first write, says what was written, and stops nothing."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.pausing import PAUSE, Line, a_line, a_world
from temporalio.client import WorkflowHandle

from activities.bodies import Activities
from stopline.errors import ConfigError, SetupError, UserError
from stopline.model import Direction
from stopline.recovery.places import Bucket, Folder, Kept, place_of
from stopline.recovery.sheet import FILE, Sheet, parse
from stopline.render.sheet import READ_FIRST, SCRIPTS
from stopline.settings import Settings

NAME = f"mercor-{PAUSE}"


def sheet_in(line: Line) -> Sheet:
    """The machine-readable part, as it lies there now."""
    file = line.sheets / NAME / FILE
    return parse(json.loads(file.read_text("utf-8")), str(file))


def text_in(line: Line, file: str) -> str:
    """One of the files for people."""
    return (line.sheets / NAME / file).read_text("utf-8")


def test_the_sheet_is_there_before_the_first_write_and_names_every_change_both_ways() -> None:
    """At the first write both scripts hold the whole plan, one as the other's way back."""

    async def scenario() -> None:
        async with a_line() as line:
            seen: list[tuple[Sheet, str, str]] = []

            def look(moment: str, _document: object) -> None:
                if moment == "sending" and not seen:
                    contain, restore = (text_in(line, name) for name in SCRIPTS.values())
                    seen.append((sheet_in(line), contain, restore))

            line.connector.hook = look
            await line.pause()
            sheet, contain, restore = seen[0]
            plan = line.book.pauses.plan(line.refs[0].ref).plan
            assert (sheet.mine, sheet.receipts) == ((), ())
            assert {c.address for c in sheet.unanswered()} == {c.address for c in plan.changes}
            assert sheet.frozen == line.book.store.body(line.frozen)
            assert contain.count("memory set ") == len(plan.changes)
            assert restore.count("memory set ") + restore.count("memory remove ") == len(
                plan.changes
            )
            assert restore.rindex("remove foundation") > restore.rindex("remove attachment")

    asyncio.run(scenario())


def test_the_sheet_says_what_was_really_written_until_the_pause_is_closed() -> None:
    """What a sweep found is in it, texts from before us lie beside it; at the end it is empty."""

    async def scenario() -> None:
        async with a_line() as line:

            def mint(moment: str, _document: object) -> None:
                if moment == "sent":
                    line.world.principals["v1"].switches.setdefault("minted", "on")

            line.connector.hook = mint
            handle = await line.pause()
            sheet = sheet_in(line)
            held = line.book.writes.holds(PAUSE)
            assert sheet.mine == held
            assert sheet.unanswered() == ()
            assert {c.address for c in sheet.way_back().changes} == {h.address for h in held}
            assert "v1/minted" in text_in(line, SCRIPTS[Direction.CONTAIN])
            assert len(sheet.plans) == 2
            documents = [p.read_text() for p in (line.sheets / NAME / "documents").iterdir()]
            assert documents == ['{ "Statement": [] }']
            assert "contained" in text_in(line, READ_FIRST)
            assert sheet.status == "contained"
            await line.restored(handle)
            sheet = sheet_in(line)
            assert (sheet.status, sheet.way_back().work) == ("closed", ())
            assert "Nothing: the pause is closed" in text_in(line, READ_FIRST)

    asyncio.run(scenario())


@dataclass
class Failing:
    """A place that is full at first, and then has a fault that nobody thought of."""

    times: int = 0

    def keep(self, name: str, files: object) -> Kept:
        """Fail."""
        self.times += 1
        if self.times == 1:
            raise SetupError("The recovery sheet could not be written to /full: no space left.")
        raise ZeroDivisionError


def test_a_place_that_fails_stops_no_containment_and_is_journalled() -> None:
    """The pause is contained and given back all the same; what is wrong stands in the journal."""

    async def scenario() -> None:
        async with a_line(a_world(1), place=Failing()) as line:
            before = line.world.picture()
            handle: WorkflowHandle[Any, Any] = await line.pause()
            assert (await line.status(handle)).summary.result == "contained"
            wrong = [e.data["wrong"] for e in line.book.pauses.events(PAUSE, "sheet")]
            assert "no space left" in wrong[0]
            assert "ZeroDivisionError" in wrong[1]
            assert (await line.restored(handle)).result == "restored"
            assert line.world.picture() == before

    asyncio.run(scenario())


class Older(Activities):
    """The activities of a release that knew no sheets, as in the middle of an upgrade."""

    def all(self) -> list[Callable[..., Any]]:
        """All but one."""
        return [body for body in super().all() if body.__name__ != "sheet"]


def test_a_worker_that_cannot_write_sheets_contains_all_the_same() -> None:
    """When the activity itself fails, that is written down, and the containment goes on."""

    async def scenario() -> None:
        async with a_line(a_world(1), working=False) as line:
            line.activities = Older(line.book, lambda _: {"memory": line.connector})
            async with line.working():
                handle = await line.pause()
                assert (await line.status(handle)).summary.result == "contained"
            said = [e.data["reason"] for e in line.book.pauses.events(PAUSE, "sheet")]
            assert said
            assert all("not written" in reason for reason in said)

    asyncio.run(scenario())


# --- places --------------------------------------------------------------------------------------


def test_a_folder_is_its_owners_alone_and_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Files have mode 0600, folders 0700; a second writing leaves nothing of the first."""
    place = Folder(tmp_path / "recovery")
    place.keep("p", {"a.txt": "one", "documents/b.txt": "b"})
    kept = place.keep("p", {"a.txt": "two"})
    where = tmp_path / "recovery" / "p"
    assert kept == Kept(str(where))
    assert (where / "a.txt").read_text() == "two"
    assert (where / "a.txt").stat().st_mode & 0o777 == 0o600
    assert (where / "documents").stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in where.iterdir()) == ["a.txt", "documents"]


def test_a_folder_that_cannot_be_made_names_itself_and_the_setting(tmp_path: Path) -> None:
    """Where a file stands in the way, the error says where and what to change."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(SetupError, match="STOPLINE_RECOVERY"):
        Folder(tmp_path / "taken").keep("p", {"a": ""})


def test_a_bucket_keeps_the_files_and_says_when_it_keeps_no_versions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Objects under the prefix; with versioning on there is nothing to say."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="sheets")
        place = place_of("s3://sheets/stopline/")
        kept = place.keep("p", {"a.txt": "one"})
        assert kept.where == "s3://sheets/stopline/p"
        assert "versioning of the bucket is off" in kept.wrong
        s3.put_bucket_versioning(Bucket="sheets", VersioningConfiguration={"Status": "Enabled"})
        assert place.keep("p", {"a.txt": "two"}).wrong == ""
        body = s3.get_object(Bucket="sheets", Key="stopline/p/a.txt")["Body"].read()
        assert body == b"two"


def test_a_bucket_that_is_not_there_is_named() -> None:
    """What the SDK says is part of the error, and the permission that is wanted."""
    with mock_aws(), pytest.raises(SetupError, match=r"s3://nowhere/p.*s3:PutObject"):
        Bucket(
            "nowhere",
            "",
            lambda: boto3.client(
                "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
            ),
        ).keep("p", {"a": ""})


@pytest.mark.parametrize("setting", ["gs://bucket", "s3://", "s3://B/x", "s3://bucket?x=1"])
def test_a_setting_that_names_no_place_is_refused(
    setting: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable is named, and what it may be."""
    monkeypatch.setenv("STOPLINE_RECOVERY", setting)
    monkeypatch.setenv("STOPLINE_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="STOPLINE_RECOVERY: must be a folder, or s3"):
        Settings()


@pytest.mark.parametrize(
    "document", [{}, [], {"kind": "RecoverySheet"}, {"kind": "Plan", "apiVersion": "stopline/v1"}]
)
def test_what_is_no_sheet_is_not_read(document: object) -> None:
    """Another document is refused by name before anything is rebuilt."""
    with pytest.raises(UserError, match="is not a recovery sheet"):
        parse(document, "x.json")


def test_a_sheet_of_another_shape_says_where_it_differs() -> None:
    """The first field that cannot be read is named."""
    document = {"apiVersion": "stopline/v1", "kind": "RecoverySheet", "sheet": {"plans": 1}}
    with pytest.raises(UserError, match="the first at plans"):
        parse(document, "x.json")
