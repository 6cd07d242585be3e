"""`stopline manual`: a person holds where stopline cannot reach, and another confirms it."""

import hashlib
import re
import time
import zipfile
from pathlib import Path

import pytest
from support.asking import Answer, Asking, words_proven
from support.ledgers import BASIS
from support.signers import needs_openssh, signers
from support.temporal import House

from stopline.configuration import Frozen
from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import build as build_payouts
from stopline.connectors.payouts.words import CONTAINS
from stopline.estate import Estate
from stopline.journal.attested import ATTESTED, LATE
from stopline.port import Connector

VENDOR = f"""\
vendor: mercor
aws: {{paths: [/vendors/mercor/]}}
payouts: {{vendors: [V-MERCOR], legal_basis: "{BASIS}"}}
"""
PLAYBOOK = """\
playbook: default
phases:
  - name: payouts
    rules:
      - {name: hold-by-hand, connector: payouts, contains: manual-payouts, how: by-hand}
  - name: credentials
    rules:
      - {name: cut-principals, connector: memory, contains: principals, how: deny-all}
      - {name: deny-targets, connector: memory, contains: targets, how: deny}
      - {name: switch-off, connector: memory, contains: switches, how: "off"}
limits: {changes: 40}
approvals: {contain: second-person}
"""
ESTATE = """\
payouts:
  ledgers:
    deel:
      rail: manual
      system: Deel
      hold: |
        Contracts of Mercor, Timesheets: approve none.
      release: |
        Contracts of Mercor, Timesheets: approve what waits.
      escalate_hours: 0.00001
"""
TASK = "deel/V-MERCOR"
RILEY, SAM = "riley@lab.example", "sam@lab.example"
ADDRESS = "payouts:deel:manual-hold:V-MERCOR"
HELD = ("--held", "c1:USD=120050", "--held", "c2:JPY=5000", "--left", "c1:USD=7")


@pytest.fixture
def house(house: House) -> House:
    """A house with a system that people act in, beside one that stopline reaches."""

    def connectors_of(estate: Estate) -> dict[str, Connector]:
        payouts: PayoutsConnector = build_payouts(estate)
        return {"payouts": payouts, "memory": house.connector}

    return house.anew(
        connectors_of, {"payouts": CONTAINS}, vendor=VENDOR, playbook=PLAYBOOK, estate=ESTATE
    )


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """What the person saw there, as a picture."""
    file = tmp_path / "deel-timesheets.png"
    file.write_bytes(b"a picture of names and bank accounts")
    return file


def done(asking: Asking, proof: Path, *words: str, by: str = SAM) -> Answer:
    """Sam attests what they did there."""
    return asking.ask("manual", "done", "mercor", TASK, "--proof", str(proof), "--as", by, *words)


def confirm(asking: Asking, proof: Path, *words: str, by: str = RILEY) -> Answer:
    """Riley has looked, and has the same file."""
    more = ("--proof", str(proof), "--as", by, *words)
    return asking.ask("manual", "confirm", "mercor", TASK, *more)


def settled(asking: Asking, status: str) -> None:
    """Wait until the pause has this status."""
    book = asking.house.book
    for _ in range(300):
        if book.pauses.list("mercor")[-1].status == status:
            return
        time.sleep(0.1)
    pytest.fail(asking.ask("status", "mercor").out)


def contained(asking: Asking, proof: Path) -> None:
    """Paused, held by hand, confirmed."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert done(asking, proof, "--before", "approved weekly by ops", *HELD).code == 6
    assert confirm(asking, proof).code == 0
    settled(asking, "contained")
    asking.ask("watch", "mercor")


def test_the_rest_is_contained_while_a_person_is_waited_for(asking: Asking, proof: Path) -> None:
    """Nothing waits for the hand; the pause is partial, and says what to do and what to run."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    switches = asking.house.world.principals["annotator"].switches
    assert switches["k1"] == "off"
    status = asking.ask("status", "mercor")
    assert "By hand: a person must do it in another system" in status.said
    assert "stopline manual list" in status.said
    told = asking.ask("manual", "list", "mercor", "--output", "json")
    assert told.code == 6
    (task,) = told.document["tasks"]
    assert (task["task"], task["step"], task["system"]) == (TASK, "hold", "Deel")
    assert "approve none" in asking.ask("manual", "list", "mercor").said


def test_it_is_contained_once_another_person_has_confirmed_it(asking: Asking, proof: Path) -> None:
    """Done is not contained; neither the doer nor another file confirms it; a hash is kept."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert done(asking, proof, "--before", "approved weekly by ops", *HELD).code == 6
    settled(asking, "partial")
    alone = confirm(asking, proof, by=SAM)
    assert (alone.code, "another person's" in alone.said) == (1, True)
    other = proof.with_name("other.png")
    other.write_bytes(b"another picture")
    wrong = confirm(asking, other)
    assert "another one than sam@lab.example attested with" in wrong.said
    assert confirm(asking, proof).code == 0
    settled(asking, "contained")
    asking.ask("watch", "mercor")
    assert asking.ask("status", "mercor").code == 0
    (event,) = asking.house.book.store.events(kind=ATTESTED)
    assert event.data["proof"] == "deel-timesheets.png"
    assert len(event.data["sha256"]) == 64
    report = asking.ask("payouts", "mercor", "--output", "json")
    states = {(p["payee"], p["currency"], p["amount"]): p["state"]
              for p in report.document["payables"]}  # fmt: skip
    assert states == {
        ("c1", "USD", 120_050): "held", ("c1", "USD", 7): "escaped", ("c2", "JPY", 5_000): "held",
    }  # fmt: skip


def test_people_give_it_back_and_the_rollback_goes_on_by_itself(
    asking: Asking, proof: Path
) -> None:
    """One approval: stopline gives back what it can, the rest when people have, to the cent."""
    contained(asking, proof)
    asking.rollback()
    assert asking.approve().code == 6
    assert asking.house.world.principals["annotator"].switches["k1"] == "on"
    told = asking.ask("manual", "list", "mercor")
    assert "set it as it was before: approved weekly by ops" in told.said
    short = done(asking, proof, "--written-off", "c1:USD=999999")
    assert "not accounted for" in short.said
    assert (
        done(asking, proof, "--written-off", "c2:JPY=2000", "--reissued", "c2:JPY=1000").code == 6
    )
    assert asking.house.book.writes.holds()
    confirm(asking, proof)
    settled(asking, "closed")
    assert not asking.house.book.writes.holds()
    report = asking.ask("payouts", "mercor", "--output", "json")
    assert report.document["balanced"]
    totals = {(t["payee"], t["currency"]): t for t in report.document["totals"]}
    assert totals["c1", "USD"]["released"] == 120_050
    yen = totals["c2", "JPY"]
    assert (yen["released"], yen["reissued"], yen["written_off"]) == (2_000, 1_000, 2_000)


def test_what_was_refused_must_be_done_again(asking: Asking, proof: Path) -> None:
    """Another person looks, and it is not so: it waits for a hand again."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert done(asking, proof, "--before", "as ever", *HELD).code == 6
    no = asking.ask(
        "manual", "refuse", "mercor", TASK, "--as", RILEY, "--reason", "it is approved still"
    )
    assert no.code in (0, 6)
    for _ in range(100):
        told = asking.ask("manual", "list", "mercor", "--output", "json").document["tasks"]
        if told:
            break
    assert (told[0]["step"], told[0]["attested_by"]) == ("hold", "")


def test_a_rollback_that_is_stopped_leaves_the_rest_held(asking: Asking, proof: Path) -> None:
    """What people have not given back stays held, and a new rollback can be asked for."""
    contained(asking, proof)
    asking.rollback()
    assert asking.approve().code == 6
    assert asking.ask("stop", "mercor", "--reason", "wait", "--as", RILEY).code in (0, 1)
    settled(asking, "stopped")
    assert [str(h.address) for h in asking.house.book.writes.holds()] == [ADDRESS]
    late = done(asking, proof)
    assert late.code == 1
    assert "is stopped" in late.said


def test_a_rollback_that_another_request_took_the_place_of_releases_nothing_more(
    asking: Asking, proof: Path
) -> None:
    """Its approval went with it: what people release by hand wants the new one's."""
    contained(asking, proof)
    asking.rollback()
    assert asking.approve().code == 6
    settled(asking, "restoring")
    assert asking.rollback().code == 5
    assert asking.house.book.pauses.list("mercor")[-1].status != "restoring"
    early = done(asking, proof)
    assert early.code == 1
    assert "a release is not what it waits for" in early.said
    assert [str(h.address) for h in asking.house.book.writes.holds()] == [ADDRESS]


def test_whoever_is_waited_for_too_long_is_told_once(asking: Asking, proof: Path) -> None:
    """By the estate's `escalate_hours`, once for each time that a person is waited for."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert done(asking, proof, "--before", "as ever").code == 6
    for _ in range(100):
        late = asking.house.book.store.events(kind=LATE)
        if len(late) > 1:
            break
        settled(asking, "partial")
    assert {e.data["step"] for e in late} == {"hold"}
    said = [(e.data["address"], e.data["since"]) for e in late]
    assert len(said) == len(set(said))


def test_bad_words_change_nothing(asking: Asking, proof: Path) -> None:
    """A task, an amount, a file that is none: it is said, and no traceback."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert (
        "it waits for: deel/V-MERCOR"
        in asking.ask("manual", "done", "mercor", "wise/x", "--proof", str(proof)).said
    )
    for words in (("--held", "USD=1.5"), ("--held", "XYZ=1"), ("--pay-by", "soon")):
        told = done(asking, proof, "--before", "as ever", *words)
        assert (told.code, "Nothing was written down" in told.said) == (2, True)
    assert "nobody could put it back" in done(asking, proof).said
    assert "cannot be read" in done(asking, proof.with_name("none"), "--before", "x").said
    assert not asking.house.book.store.events(kind=ATTESTED)


def test_the_instructions_are_those_the_pause_was_opened_with() -> None:
    """A ledger that is not in the frozen estate says nothing."""
    frozen = Frozen(VENDOR, PLAYBOOK, ESTATE)
    assert frozen.ledger("deel").system == "Deel"
    assert frozen.ledger("wise").system == ""


@needs_openssh
def test_where_approvals_are_signed_so_are_the_deed_and_its_confirmation(
    asking: Asking, proof: Path
) -> None:
    """By the one who did it and by another, each with their own key; a name alone is no word."""
    folder = asking.house.settings.config_dir
    signers(folder, "riley", "sam")
    riley, sam = (("--sign", str(folder / name)) for name in ("riley", "sam"))
    assert asking.pause().code == 5
    assert asking.approve(*riley, by="riley").code == 6
    words = ("--before", "as ever", *HELD)
    unsigned = done(asking, proof, *words, by="sam")
    assert (unsigned.code, "this one is not" in unsigned.said) == (1, True)
    assert done(asking, proof, *words, *riley, by="sam").code == 1
    assert not asking.house.book.store.events(kind=ATTESTED)
    assert done(asking, proof, *words, *sam, by="sam").code == 6
    for key in ((), sam):
        assert confirm(asking, proof, *key, by="riley").code == 1
    assert confirm(asking, proof, *sam, by="sam").code == 1
    assert confirm(asking, proof, *riley, by="riley").code == 0
    settled(asking, "contained")
    proven = words_proven(asking, folder)
    assert proven["deeds by hand"] == "2 signed (verified), 0 unsigned"
    assert proven["approvals"] == "1 signed (verified), 1 unsigned"


def test_what_was_done_by_hand_is_in_the_evidence_and_the_file_is_not(
    asking: Asking, proof: Path, tmp_path: Path
) -> None:
    """The deed, its amounts and the file's hash are verified offline; its content is nowhere."""
    contained(asking, proof)
    pause = asking.house.book.pauses.list("mercor")[-1].id
    bundle = tmp_path / "evidence.zip"
    assert asking.ask("evidence", "export", pause, "--to", str(bundle)).code == 0
    assert asking.ask("evidence", "verify", str(bundle)).code == 0
    with zipfile.ZipFile(bundle) as archive:
        told = b"".join(archive.read(name) for name in archive.namelist())
    assert b"deel-timesheets.png" in told
    assert b'"minor":120050' in told
    assert hashlib.sha256(proof.read_bytes()).hexdigest().encode() in told
    assert b"names and bank accounts" not in told
    assert "‹payee " in told.decode()
    assert not re.search(rb"V-MERCOR|\bc1\b", told)
    assert asking.house.book.store.verify()[1] == ""
