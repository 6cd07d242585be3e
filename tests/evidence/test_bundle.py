"""A bundle proves itself: what was done to it afterwards is found, offline."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from support.nights import Night

from stopline.configuration import installed_techniques
from stopline.countermeasures import ACCOUNT_LOCKING
from stopline.evidence import bundle as b
from stopline.evidence import ocsf
from stopline.evidence.envelope import sealed
from stopline.evidence.report import report
from stopline.evidence.verifying import Trusted, verified
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.store import Store
from stopline.model import Scope
from stopline.render.page import Section
from stopline.text import canonical

PAUSE, OTHER = "0000000a", "0000000b"
KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
Members = dict[str, bytes]
_packed: list[bytes] = []


def a_night() -> Night:
    """A pause that was contained and given back, beside another one in the same chain."""
    night = Night()
    for pause in (PAUSE, OTHER):
        case = Pause(
            pause, "mercor", Scope(), f"pause/{pause}", "alice", "breach", "",
            PauseStatus.CONTAINING, "", "", "",
        )  # fmt: skip
        night.book.pauses.open(case, {"reason": "breach"})
    plan = night.contain(PAUSE)
    kept = night.book.pauses.keep_plan(plan)
    night.book.pauses.approve(PAUSE, kept.ref, plan.digest, "bob", "unsigned", "read it")
    night.contain(OTHER, Scope(principals=("v0",)))
    night.restore(PAUSE)
    return night


def a_bundle() -> bytes:
    """The bundle of that pause, signed; made once."""
    if not _packed:
        night = a_night()
        terms = b.Terms("2026-01-01T00:00:00.000Z", bytes(32), installed_techniques())
        made, veil = b.gather(night.book, PAUSE, terms)
        text = report(night.book, PAUSE, (Section("Here"),)).encode()
        made = b.finished(b.Bundle(made.manifest, {**made.members, b.REPORT: text}), veil)
        _packed.append(b.packed(made, sealed(made.manifest_bytes, KEY)))
    return _packed[0]


def forged(change: Callable[[Members], None], *, manifest: bool = False) -> bytes:
    """The bundle with its members changed; with `manifest` its digests are made anew as well."""
    members = dict(b.unpacked(a_bundle()))
    change(members)
    if manifest:
        told = json.loads(members[b.MANIFEST])
        rest = {n: d for n, d in members.items() if n not in (b.MANIFEST, b.ENVELOPE)}
        members[b.MANIFEST] = b.finished(b.Bundle(told, rest)).manifest_bytes
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def failing(data: bytes, trusted: Trusted | None = None) -> set[str]:
    """The names of what does not hold."""
    return {v.name for v in verified(data, trusted or Trusted(KEY.public_key())) if not v.ok}


def rows(members: Members) -> list[dict[str, object]]:
    """The chain's rows."""
    return [json.loads(line) for line in members[b.CHAIN].decode().splitlines()]


def put(members: Members, chain: list[dict[str, object]]) -> None:
    """Write the chain back."""
    members[b.CHAIN] = "".join(f"{canonical(row)}\n" for row in chain).encode()


def test_a_bundle_as_it_was_made_holds_in_every_part() -> None:
    """Signature, members, chain, documents and approvals, by the key that one trusts."""
    assert failing(a_bundle()) == set()
    assert failing(a_bundle(), Trusted()) == set()


class Busy(Store):
    """A journal of an open pause: after each reading of its chain something is written into it."""

    def chain(self) -> tuple[dict[str, Any], ...]:
        """As it was a moment ago."""
        found = super().chain()
        with self.write() as connection:
            self.append(connection, PAUSE, "audited", {"at": "meanwhile"})
        return found


def test_trap_what_is_written_while_a_bundle_is_made_breaks_nothing() -> None:
    """A notice that is just being sent: the bundle is of one moment, in all that it counts."""
    book = a_night().book
    busy = replace(book, store=Busy(book.store.engine, book.store.clock, book.store.id))
    terms = b.Terms("2026-01-01T00:00:00.000Z", bytes(32), installed_techniques())
    made, veil = b.gather(busy, PAUSE, terms)
    made = b.finished(b.Bundle(made.manifest, {**made.members, b.REPORT: b"here"}), veil)
    assert failing(b.packed(made, sealed(made.manifest_bytes, KEY))) == set()


def test_the_same_evidence_is_the_same_file() -> None:
    """No clock and no order of chance in it, so that two exports can be compared."""
    members = dict(b.unpacked(a_bundle()))
    made = b.Bundle(
        json.loads(members[b.MANIFEST]),
        {n: d for n, d in members.items() if n not in (b.MANIFEST, b.ENVELOPE)},
    )
    assert b.packed(made, members[b.ENVELOPE].decode()) == a_bundle()


def test_of_other_pauses_a_bundle_tells_only_that_they_are_there() -> None:
    """The chain is whole, and what is not this pause's has neither words nor people in it."""
    others = [r for r in rows(dict(b.unpacked(a_bundle()))) if r.get("pause") != PAUSE]
    assert others
    assert all(set(row) == set(b.LINK) for row in others)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_a_flipped_bit_anywhere_is_found(data: st.DataObject) -> None:
    """Whichever byte of whichever member: something does not hold."""
    names = sorted(dict(b.unpacked(a_bundle())))
    name = data.draw(st.sampled_from(names))

    def flip(members: Members) -> None:
        body = bytearray(members[name])
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] ^= 1 << data.draw(st.integers(0, 7))
        members[name] = bytes(body)

    assert failing(forged(flip))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_a_flipped_bit_of_the_file_is_found_or_changes_nothing_in_it(data: st.DataObject) -> None:
    """The archive's own bytes too: a verdict, never an exception; or the members are the same."""
    packed = bytearray(a_bundle())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    verdicts = verified(bytes(packed), Trusted())
    if all(verdict.ok for verdict in verdicts):
        assert dict(b.unpacked(bytes(packed))) == dict(b.unpacked(a_bundle()))


def _drop(members: Members) -> None:
    chain = rows(members)
    del chain[next(i for i, row in enumerate(chain) if row.get("kind") == "receipts")]
    put(members, chain)


def _drop_last(members: Members) -> None:
    put(members, rows(members)[:-1])


def _swap(members: Members) -> None:
    chain = rows(members)
    chain[2], chain[3] = chain[3], chain[2]
    put(members, chain)


def _reword(members: Members) -> None:
    chain = rows(members)
    row = next(row for row in chain if row.get("kind") == "approved")
    row["actor"] = "mallory"
    put(members, chain)


def _hide(members: Members) -> None:
    chain = rows(members)
    number = next(i for i, row in enumerate(chain) if row.get("kind") == "receipts")
    chain[number] = {name: chain[number][name] for name in b.LINK}
    put(members, chain)


def _swap_document(members: Members) -> None:
    name = next(n for n in sorted(members) if n.startswith(b.BODIES))
    members[name] = b'{"forged":true}'


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_drop, "chain"),
        (_drop_last, "chain"),
        (_swap, "chain"),
        (_reword, "chain"),
        (_hide, "chain"),
        (_swap_document, "documents"),
    ],
)
def test_a_forger_who_makes_the_manifest_anew_is_found_all_the_same(
    change: Callable[[Members], None], found: str
) -> None:
    """By the chain or the documents themselves, and by the signature over the manifest."""
    bad = failing(forged(change, manifest=True))
    assert found in bad
    assert "signature" in bad


def test_a_bundle_that_somebody_else_signed_is_not_ours() -> None:
    """All of it is consistent, and the key is a stranger's."""

    def sign_anew(members: Members) -> None:
        members[b.ENVELOPE] = sealed(members[b.MANIFEST], STRANGER).encode()

    assert failing(forged(sign_anew)) == {"signature"}


def test_an_unsigned_bundle_says_so_and_fails_where_a_key_is_wanted() -> None:
    """Without an envelope the reader is told; with a key in hand it does not hold."""

    def strip(members: Members) -> None:
        del members[b.ENVELOPE]

    unsigned = forged(strip)
    assert failing(unsigned) == {"signature"}
    assert failing(unsigned, Trusted()) == set()
    assert "NOT SIGNED" in verified(unsigned, Trusted())[0].found


def test_without_a_key_the_signer_is_named_and_said_to_be_unchecked() -> None:
    """By the SHA-256 of the key's 32 bytes, as any other tool makes it: a forger has a key too."""
    raw = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    verdict = verified(a_bundle(), Trusted())[0]
    assert (verdict.ok, verdict.proven) == (True, False)
    assert "WHO SIGNED IT WAS NOT CHECKED" in verdict.found
    assert hashlib.sha256(raw).hexdigest() in verdict.found
    assert "--key" in verdict.next_step
    assert verified(a_bundle(), Trusted(KEY.public_key()))[0].proven


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip"])
def test_what_is_no_bundle_is_called_so(data: bytes) -> None:
    """One verdict, no traceback."""
    (verdict,) = verified(data, Trusted())
    assert not verdict.ok


def test_a_secret_in_a_document_is_hidden_visibly_and_the_rest_still_holds() -> None:
    """The manifest lists the document; its digest is not checked, all others are."""
    night = a_night()
    with night.book.store.write() as connection:
        secret = '{"Password":"hunter2-hunter2"}'
        digest = night.book.store.keep(connection, "document", secret)
    night.book.pauses.note(PAUSE, "noted", {"raw": digest})
    terms = b.Terms("2026-01-01T00:00:00.000Z", bytes(32))
    made = b.finished(*b.gather(night.book, PAUSE, terms))
    assert made.manifest["hidden"] == [digest]
    assert made.manifest["hidden_data"] == {"secret": 1}
    assert b"hunter2" not in made.members[f"{b.BODIES}{digest}"]
    assert all(v.ok for v in verified(b.packed(made), Trusted()))


def test_each_receipt_is_one_ocsf_event_with_a_name_of_its_own() -> None:
    """Contained and given back; what the events must be is held by OCSF's schema elsewhere."""
    members = dict(b.unpacked(a_bundle()))
    found = [json.loads(line) for line in members[b.OCSF].decode().splitlines()]
    assert {e["activity_name"] for e in found} == {"Isolate", "Restore"}
    assert all(e["metadata"]["product"]["name"] == "stopline" for e in found)
    assert len({event["metadata"]["uid"] for event in found}) == len(found)
    receipts = [r for row in rows(members) if row.get("kind") == "receipts"
                for r in json.loads(str(row["data"]))["receipts"]]  # fmt: skip
    assert len(found) == len(receipts)


def test_what_is_removed_for_good_is_an_eviction() -> None:
    """Deleting a credential is `Evict`, and revokes it, whatever containing it was."""
    night = Night()
    night.contain(PAUSE)
    night.terminate(PAUSE)
    known = {"memory": {"switch": ACCOUNT_LOCKING}}
    found = [
        event
        for event in ocsf.events(night.book.id, night.book.pauses.events(PAUSE), known)
        if event["message"].startswith("terminate ")
    ]
    assert found
    for event in found:
        assert (event["activity_id"], event["type_uid"]) == (2, 700102)
        (measure,) = event["countermeasures"]
        assert measure["d3f_technique"]["uid"] == "D3-CR"


def test_the_report_is_one_page_without_scripts_that_escapes_what_strangers_wrote(
    tmp_path: Path,
) -> None:
    """Provider text cannot become markup, and the timeline is a picture in it."""
    night = a_night()
    night.book.pauses.note(PAUSE, "stop", {"reason": "<script>alert(1)</script>"}, "<b>bob</b>")
    text = report(night.book, PAUSE, (Section("<i>Here</i>"),))
    assert "<script" not in text
    assert "<b>bob" not in text
    assert "&lt;i&gt;Here" in text
    assert "<svg" in text
