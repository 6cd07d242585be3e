"""`stopline evidence`: exported from a journal, verified by whoever has only the file."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from support.temporal import House

from stopline.journal.pauses import PauseStatus

CONFIRM = ("--confirm", "mercor")


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """An Ed25519 key in two files, as OpenSSL makes them."""
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "evidence.key", tmp_path / "evidence.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def test_what_was_exported_is_verified_without_the_journal(
    house: House, keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by our key it holds, by another it does not; one flipped byte is found."""
    private, public = keys
    file = tmp_path / "case.zip"
    assert house.run("pause", "mercor", "--reason", "breach", *CONFIRM) == 0
    capsys.readouterr()
    words = ("--to", str(file), "--key", str(private), "--output", "json")
    assert house.run("evidence", "export", "mercor", *words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["signed"], said["vendor"]) == ("EvidenceExport", True, "mercor")
    assert file.stat().st_mode & 0o077 == 0
    shutil.rmtree(house.settings.data_dir)
    capsys.readouterr()
    assert house.run("evidence", "verify", str(file)) == 0
    unkeyed = capsys.readouterr().out
    assert "NOT PROVEN" in unkeyed
    assert "WHO SIGNED IT WAS NOT CHECKED" in unkeyed
    assert "All checks are ok" not in unkeyed
    assert house.run("evidence", "verify", str(file), "--key", str(public)) == 0
    assert "All checks are ok" in capsys.readouterr().out
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    broken = tmp_path / "broken.zip"
    broken.write_bytes(bytes(data))
    assert house.run("evidence", "verify", str(broken), "--key", str(public)) == 8


def test_the_report_has_what_the_other_commands_show_of_audits_and_notices(
    house: House, tmp_path: Path
) -> None:
    """One page for whoever has only the file: each audit, what one of them found, who was told."""
    assert house.run("pause", "mercor", "--reason", "breach", *CONFIRM) == 0
    assert house.run("audit", "mercor") == 0
    with house.world.lock:
        house.world.principals["annotator"].attached.clear()
    assert house.run("audit", "mercor") == 8
    assert house.run("evidence", "export", "mercor", "--to", str(tmp_path / "a.zip")) == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        text = archive.read("report.html").decode()
    assert "Audits of the pause" in text
    assert "Audit 2 of the pause" in text
    assert "Audit 1 of the pause" not in text
    assert "our overlay is gone" in text
    assert "Notices of the pause" in text


def test_the_open_pause_is_meant_and_no_evidence_is_written_over(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vendor that was paused before is named like any other; a bundle that is there stays."""
    assert house.run("pause", "mercor", "--reason", "breach", *CONFIRM) == 0
    (now,) = house.book.pauses.list("mercor")
    house.book.pauses.open(replace(now, id="0000beef", workflow="earlier"), {})
    house.book.pauses.mark("0000beef", PauseStatus.CLOSED)
    capsys.readouterr()
    words = ("evidence", "export", "mercor", "--to", str(tmp_path / "a.zip"), "--output", "json")
    assert house.run(*words) == 0
    assert json.loads(capsys.readouterr().out)["pause"] == now.id
    was = (tmp_path / "a.zip").read_bytes()
    assert house.run(*words) == 2
    assert (tmp_path / "a.zip").read_bytes() == was
    assert "not written over" in capsys.readouterr().err


def test_bad_words_about_evidence_are_answered_in_one_sentence(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No such pause, no such file, a key that is none: exit code 2, and nothing is written."""
    (tmp_path / "no.key").write_text("not a key")
    for words in (
        ("export", "mercor"),
        ("verify", str(tmp_path / "nothing.zip")),
        ("verify", str(tmp_path / "no.key"), "--key", str(tmp_path / "no.key")),
        ("verify", str(tmp_path / "no.key"), "--signers", str(tmp_path / "nobody")),
    ):
        assert house.run("evidence", *words) == 2
    assert "Traceback" not in capsys.readouterr().err
