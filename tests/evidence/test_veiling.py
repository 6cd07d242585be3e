"""Personal data and secrets are hidden in a bundle by type, visibly; who decided is proven."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nights import Night
from support.signers import a_key, needs_openssh

from stopline.approving import statement_of
from stopline.configuration import installed_people
from stopline.evidence import bundle as b
from stopline.evidence.report import report
from stopline.evidence.veiling import Veil
from stopline.evidence.verifying import Trusted, verified
from stopline.journal.outbox import Draft
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Scope
from stopline.personal import hide_people
from stopline.render.page import Line, Section
from stopline.signing import sign

PAUSE = "0000000a"
WHEN = "2026-01-01T00:00:00.000Z"
MAIL, IBAN, CARD, PHONE = (
    "Wanda.Worker@mercor.example", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111",
    "+49 30 901820",
)  # fmt: skip
PAYEE, SECRET = "wp-0017", "hunter2-hunter2"
KEPT = ("alice@lab.example", "bob@lab.example")
ALL = (MAIL, MAIL.lower(), IBAN, CARD, PHONE, PAYEE, SECRET)


def a_pause(reason: str = "breach") -> Night:
    """A pause in which alice and bob decide, of which people hear, and which tells of people."""
    night = Night()
    case = Pause(
        PAUSE, "mercor", Scope(), f"pause/{PAUSE}", KEPT[0], reason, "",
        PauseStatus.CONTAINING, "", "", "",
    )  # fmt: skip
    told = Draft("payees", "mail", MAIL, "Your pay", f"Dear {PAYEE}, call {PHONE}.")
    night.book.pauses.open(case, {"reason": reason}, (told,))
    night.contain(PAUSE)
    with night.book.store.write() as connection:
        state = json.dumps({"payee": PAYEE, "iban": IBAN, "password": SECRET})
        digest = night.book.store.keep(connection, "state", state)
    receipt = {
        "address": "payouts:payroll:payable-hold:p-1#StoplineP0a", "principal": PAYEE,
        "outcome": "applied", "cause": "", "detail": f"{PAYEE}: card {CARD}", "held": True,
        "before": digest, "after": digest, "found": digest,
    }  # fmt: skip
    data = {"attempt": "1", "direction": "contain", "receipts": [receipt]}
    night.book.pauses.note(PAUSE, "receipts", data)
    return night


def exported(night: Night, key: bytes = bytes(32), *, unredacted: bool = False) -> bytes:
    """The bundle with its report, as the command makes it."""
    terms = b.Terms(WHEN, key, {}, installed_people(), unredacted)
    made, veil = b.gather(night.book, PAUSE, terms)
    page = (Section("Here", (Line(f"held of {PAYEE}, {MAIL}", under=(PHONE,)),)),)
    text = report(night.book, PAUSE, page, veil.text).encode()
    return b.packed(b.finished(b.Bundle(made.manifest, {**made.members, b.REPORT: text}), veil))


def manifest(data: bytes) -> dict[str, object]:
    """What a bundle says of itself."""
    return dict(json.loads(dict(b.unpacked(data))[b.MANIFEST]))


@pytest.fixture
def night() -> Iterator[Night]:
    """That pause."""
    made = a_pause()
    yield made
    made.book.close()


def test_no_personal_datum_and_no_secret_is_in_any_member(night: Night) -> None:
    """Chain, documents, OCSF and report: none of it, in whatever letters."""
    members = dict(b.unpacked(exported(night)))
    for name, body in members.items():
        for datum in ALL:
            assert datum not in body.decode(), (name, datum)
    assert members[b.REPORT].decode().count("‹payee ") >= 1


def test_what_is_hidden_is_told_by_type_and_counted(night: Night) -> None:
    """The reader sees where, what, and how much; events and documents are listed."""
    data = exported(night)
    members, told = dict(b.unpacked(data)), manifest(data)
    chain = members[b.CHAIN].decode()
    for kind in ("email", "payee", "card"):
        assert f"‹{kind} " in chain, kind
    assert told["hidden_data"] == {
        "card": 1, "email": 1, "iban": 1, "payee": 1, "phone": 1, "secret": 1,
    }  # fmt: skip
    assert told["personal_data"] == "hidden by type"
    assert len(list(told["hidden_events"])) == 2  # type: ignore[call-overload]
    assert len(list(told["hidden"])) == 2  # type: ignore[call-overload]


def test_the_chain_still_holds_and_says_what_speaks_for_the_hidden(night: Night) -> None:
    """Every part; the events in which something is hidden are told apart from the others."""
    verdicts = {v.name: v for v in verified(exported(night), Trusted())}
    assert all(v.ok for v in verdicts.values()), verdicts
    assert "in 2 something is hidden" in verdicts["chain"].found
    assert "in 2 something is hidden" in verdicts["documents"].found


def test_an_event_in_which_nothing_is_said_to_be_hidden_must_match_its_hash(night: Night) -> None:
    """Else a forger would call hidden what was reworded: the list is in what is signed."""
    members = dict(b.unpacked(exported(night)))
    told = json.loads(members[b.MANIFEST])
    rest = {n: d for n, d in members.items() if n != b.MANIFEST}
    made = b.finished(b.Bundle({**told, "hidden_events": told["hidden_events"][:1]}, rest))
    bad = [v.name for v in verified(b.packed(made), Trusted()) if not v.ok]
    assert bad == ["chain"]


def test_equal_data_are_told_equal_in_one_bundle_and_not_in_two(night: Night) -> None:
    """The digest is keyed: nobody finds the datum by trying, nor one bundle's in another."""
    one, other = (Veil(key, {PAYEE: "payee"}) for key in (b"1" * 32, b"2" * 32))
    assert one.text(f"{MAIL} {MAIL.upper()}").split("› ")[0] + "›" == one.text(MAIL)
    assert one.text(PAYEE) == one.text(f"{PAYEE}.").rstrip(".")
    assert one.text(MAIL) != other.text(MAIL)
    tokens = [exported(night, key).hex() for key in (b"1" * 32, b"1" * 32, b"2" * 32)]
    assert tokens[0] == tokens[1] != tokens[2]


@needs_openssh
def test_who_decided_stays_and_is_proven(night: Night, tmp_path: Path) -> None:
    """Their addresses, and the signature over them."""
    book = night.book
    public = a_key(tmp_path, "bob").with_suffix(".pub").read_text()
    (tmp_path / "signers").write_text(f"{KEPT[1]} {public}")
    plan = night.plan(PAUSE)
    kept, pause = book.pauses.keep_plan(replace(plan, pause=PAUSE)), book.pauses.get(PAUSE)
    said = statement_of("contain", book.id, pause, KEPT[1], "read it", kept.plan.digest)
    said = replace(said, request="")
    book.pauses.approve(
        PAUSE, kept.ref, said.digest, said.by, sign(said, tmp_path / "bob"), said.reason, said.kept
    )
    data = exported(night)
    assert all(name in dict(b.unpacked(data))[b.CHAIN].decode() for name in KEPT)
    (one,) = [
        v for v in verified(data, Trusted(signers=tmp_path / "signers")) if v.name == "approvals"
    ]
    assert one.found.startswith("1 signed (verified)"), one


@needs_openssh
def test_a_decision_whose_reason_names_somebody_is_not_called_verified(
    night: Night, tmp_path: Path
) -> None:
    """The signature is over what is hidden: it is counted apart, and wants the whole bundle."""
    book = night.book
    public = a_key(tmp_path, "bob").with_suffix(".pub").read_text()
    (tmp_path / "signers").write_text(f"{KEPT[1]} {public}")
    kept = book.pauses.keep_plan(replace(night.plan(PAUSE), pause=PAUSE))
    pause, why = book.pauses.get(PAUSE), f"asked {MAIL}"
    said = statement_of("contain", book.id, pause, KEPT[1], why, kept.plan.digest)
    said = replace(said, request="")
    book.pauses.approve(
        PAUSE, kept.ref, said.digest, said.by, sign(said, tmp_path / "bob"), why, said.kept
    )
    trusted = Trusted(signers=tmp_path / "signers")

    def approvals(data: bytes) -> tuple[bool, bool, str]:
        (one,) = [v for v in verified(data, trusted) if v.name == "approvals"]
        return one.ok, one.proven, one.found

    ok, proven, found = approvals(exported(night))
    assert (ok, proven) == (True, False)
    assert "1 signed over words that are hidden in part, NOT VERIFIED" in found
    ok, proven, found = approvals(exported(night, unredacted=True))
    assert (ok, proven) == (True, True)


def test_for_a_court_personal_data_is_left_in_and_said_so_and_secrets_are_not(night: Night) -> None:
    """The same chain, of which every event can then be compared with its hash."""
    data = exported(night, unredacted=True)
    members, told = dict(b.unpacked(data)), manifest(data)
    everything = b"".join(members.values()).decode()
    assert all(datum in everything for datum in (MAIL, IBAN, CARD, PHONE, PAYEE))
    assert SECRET not in everything
    assert (told["personal_data"], told["hidden_events"]) == ("left in", [])
    assert told["chain"] == manifest(exported(night))["chain"]
    verdicts = {v.name: v for v in verified(data, Trusted())}
    assert "PERSONAL DATA WAS LEFT IN" in verdicts["documents"].found
    assert all(v.ok for v in verdicts.values())


def _shown(text: str) -> str:
    return hide_people(text, lambda kind, _: f"<{kind}>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user:ada@mercor.example", "user:<email>"),
        ('{"to":"o\'neil+x@a-b.co.uk"}', '{"to":"<email>"}'),
        ("GB82 WEST 1234 5698 7654 32 PAID", "<iban> PAID"),
        ("DE89370400440532013000", "<iban>"),
        ("378282246310005, 5555-5555-5555-4444", "<card>, <card>"),
        ("call +1 (415) 555-0132 or (415) 555-0132", "call <phone> or <phone>"),
        ("tel:+4930901820", "tel:<phone>"),
    ],
)
def test_each_type_is_found_as_people_write_it(text: str, shown: str) -> None:
    """With blanks, dashes, brackets, and beside other words."""
    assert _shown(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::111122223333:role/mercor-annotator",
        "serviceAccount:bot@proj.iam.gserviceaccount.com",
        "2026-11-29T10:00:00+01:00",
        "20260101123456",
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "projects/123456789012/serviceAccounts/104857600000000000001",
        "-----BEGIN SSH SIGNATURE-----",
        "payouts:payroll:payable-hold:p-1#StoplineP7f3a9c",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    """Accounts of clouds, machines' addresses, times, numbers whose check digits do not agree."""
    assert _shown(text) == text


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_a_digest_is_never_taken_for_a_person(digest: str) -> None:
    """The chain names documents by it."""
    assert _shown(f'{{"ref":"{digest}"}}') == f'{{"ref":"{digest}"}}'


@given(st.text(max_size=60))
def test_what_was_hidden_once_is_not_hidden_again(text: str) -> None:
    """Whatever the text: a page made of hidden texts is the same page."""
    veil = Veil(bytes(32), {PAYEE: "payee"})
    once = veil.text(f"{text} {MAIL} {PAYEE} password={SECRET}")
    assert veil.text(once) == once
