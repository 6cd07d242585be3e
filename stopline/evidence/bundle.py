"""A bundle of evidence: everything that the journal has of one pause, in one file.

    manifest.json     what is in it: a digest for each member, the chain's head, what was hidden
    envelope.json     the manifest, signed; absent where no key was given
    chain.jsonl       the whole chain: this pause's events whole, of the others only the links
    bodies/DIGEST     plans, frozen configuration and documents, by the digest that the chain names
    ocsf.jsonl        the receipts as OCSF events
    report.html       for people

Where a body or an event holds a secret, or personal data of somebody who is only its subject, that
is hidden and the body or event is listed as such: it can then not be compared with its own digest
or hash, and everything else still can. What links the chain is never hidden.
"""

import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import stopline
from stopline.configuration import Frozen
from stopline.countermeasures import Techniques
from stopline.errors import ConfigError
from stopline.evidence import ocsf
from stopline.evidence.veiling import People, Veil, people_in
from stopline.journal.book import Book
from stopline.journal.database import JournalError
from stopline.journal.store import event_of
from stopline.text import Json, canonical, sha256_bytes

BY_TYPE, LEFT_IN = "hidden by type", "left in"
API_VERSION, KIND = "stopline/v1", "Evidence"
MANIFEST, ENVELOPE, CHAIN, OCSF, REPORT = (
    "manifest.json", "envelope.json", "chain.jsonl", "ocsf.jsonl", "report.html",
)  # fmt: skip
BODIES = "bodies/"
LINK = ("seq", "previous", "hash")
WHOLE = ("seq", "at", "pause", "kind", "actor", "data", "previous", "hash")
LARGEST = 512 * 1024 * 1024
"""Bytes of one member that are read: a bundle comes from outside."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell: the same evidence is the same file."""
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The members of a bundle by name, the manifest and its envelope apart."""

    manifest: Json
    members: Mapping[str, bytes]

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest as it is signed."""
        return canonical(self.manifest).encode()


@dataclass(frozen=True, slots=True)
class Terms:
    """How a bundle is made: what OCSF says of each kind of address, and what is hidden.

    `exported_at` is UTC, ISO 8601. `key` are 32 random bytes that nobody keeps; `people` says of
    which connectors principals are people. With `unredacted` personal data stays, secrets do not.
    """

    exported_at: str
    key: bytes = field(repr=False)
    techniques: Techniques = field(default_factory=dict)
    people: People = field(default_factory=dict)
    unredacted: bool = False


def gather(book: Book, pause: str, terms: Terms) -> tuple[Bundle, Veil]:
    """Make the bundle of one pause, and what hides people in whatever else is told of it.

    Raises UserError when there is no such pause.
    """
    case = book.pauses.get(pause)
    rows = [*book.store.chain()]  # read once: an open pause goes on being written
    own = tuple(event_of(row) for row in rows if row["pause"] == pause)
    bodies = _bodies(book, [row["data"] for row in rows if row["pause"] == pause])
    veil = _veil(book, pause, terms, bodies.values())
    chain = [_link(row, pause, veil) for row in rows]
    told = zip(rows, chain, strict=True)
    members: dict[str, bytes] = {
        CHAIN: "".join(f"{canonical(row)}\n" for row in chain).encode(),
        OCSF: "".join(
            f"{canonical(veil.value(event))}\n"
            for event in ocsf.events(book.id, own, terms.techniques)
        ).encode(),
    }
    shown = {digest: veil.document(body) for digest, body in bodies.items()}
    members |= {f"{BODIES}{digest}": text.encode() for digest, text in shown.items()}
    head = {"seq": rows[-1]["seq"], "hash": rows[-1]["hash"]} if rows else {}
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "journal": book.id,
        "pause": pause,
        "vendor": case.vendor,
        "status": str(case.status),
        "exported_at": terms.exported_at,
        "stopline": stopline.__version__,
        "chain": {"events": len(rows), "of_this_pause": len(own), "head": head},
        "hidden": sorted(digest for digest, body in bodies.items() if shown[digest] != body),
        "hidden_events": [
            row["seq"] for row, shows in told if "data" in shows and shows["data"] != row["data"]
        ],
        "personal_data": LEFT_IN if terms.unredacted else BY_TYPE,
    }
    return Bundle(manifest, members), veil


def _link(row: Mapping[str, Json], pause: str, veil: Veil) -> dict[str, Json]:
    """An event of this pause whole; of another, or of nobody's, only what links the chain."""
    if row["pause"] != pause:
        return {name: row[name] for name in LINK}
    shown = canonical(veil.value(json.loads(row["data"])))
    return {name: row[name] for name in WHOLE} | {"data": shown}


def _veil(book: Book, pause: str, terms: Terms, bodies: Iterable[str]) -> Veil:
    """Who is hidden, by what the pause's own events and documents say; whoever acted in it stays.

    The vendor's own name is no person's, also where it is paid itself.
    """
    events, case = book.pauses.events(pause), book.pauses.get(pause)
    told = [*(event.data for event in events), *bodies, *_configured(book, pause)]
    known = {name: kind for one in told for name, kind in people_in(one, terms.people) if name}
    known.pop(case.vendor, None)
    kept = {name.casefold() for name in (case.requester, *(event.actor for event in events))}
    return Veil(terms.key, known, kept, personal=not terms.unredacted)


def _configured(book: Book, pause: str) -> Iterator[Json]:
    """The vendor and the estate as they were frozen, in YAML: also people who hold nothing."""
    try:
        vendor, _, estate = Frozen.load(book.store.body(book.pauses.opened_with(pause))).parse()
    except (JournalError, ConfigError):  # a lost one is no reason to have no evidence
        return
    yield from (vendor.model_dump(mode="json"), estate.model_dump(mode="json"))


def _bodies(book: Book, named: Iterable[str]) -> dict[str, str]:
    """The documents that these texts name, and those that they name in turn, by digest."""
    found = {name for text in named for name in _DIGEST.findall(text)}
    return dict(book.store.kept(sorted(found | _inside(book, found))))


def _inside(book: Book, digests: set[str]) -> set[str]:
    """Digests that a body names in turn: a plan names the snapshot that it was taken from."""
    return {name for _, body in book.store.kept(sorted(digests)) for name in _DIGEST.findall(body)}


def finished(bundle: Bundle, veil: Veil | None = None) -> Bundle:
    """The bundle with the digest of every member in its manifest, and what was hidden in them."""
    digests = {name: sha256_bytes(data) for name, data in sorted(bundle.members.items())}
    what = {"hidden_data": dict(sorted(veil.hidden.items()))} if veil else {}
    return Bundle({**bundle.manifest, **what, "members": digests}, bundle.members)


def packed(bundle: Bundle, envelope: str = "") -> bytes:
    """The bundle as a zip. The same bundle is the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {**bundle.members, MANIFEST: bundle.manifest_bytes}
        if envelope:
            members[ENVELOPE] = envelope.encode()
        for name, data in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
"""What zipfile raises for a damaged member, besides what any reading raises."""


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a packed bundle. Raises ValueError when it is none, or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.file_size > LARGEST:
                    raise ValueError(f"{info.filename} would be {info.file_size} bytes")
                yield info.filename, archive.read(info)
    except (*BROKEN, RuntimeError, OSError, EOFError) as error:
        raise ValueError(f"it is not a bundle: {error}") from error


def manifest_of(data: bytes) -> Json:
    """Read a manifest. Raises ValueError when it is none of ours."""
    found = json.loads(data)
    if not isinstance(found, dict) or (found.get("apiVersion"), found.get("kind")) != (
        API_VERSION,
        KIND,
    ):
        raise ValueError("its manifest is not one of stopline's evidence")
    return found
