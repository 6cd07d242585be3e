"""A bundle of evidence: everything that the journal has of one pause, in one file.

    manifest.json     what is in it: a digest for each member, the chain's head, what was hidden
    envelope.json     the manifest, signed; absent where no key was given
    chain.jsonl       the whole chain: this pause's events whole, of the others only the links
    bodies/DIGEST     plans, frozen configuration and documents, by the digest that the chain names
    ocsf.jsonl        the receipts as OCSF events
    report.html       for people

Where a body holds what looks like a secret, the secret is hidden and the body is listed as such:
its digest can then not be checked, and everything else still can.
"""

import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import stopline
from stopline.evidence import ocsf
from stopline.journal.book import Book
from stopline.redaction import hide
from stopline.text import Json, canonical, sha256_bytes

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


def gather(book: Book, pause: str, techniques: ocsf.Techniques, exported_at: str) -> Bundle:
    """Make the bundle of one pause. Raises UserError when there is no such pause.

    `exported_at` is UTC, ISO 8601.
    """
    case = book.pauses.get(pause)
    rows = [*book.store.chain()]
    own = book.pauses.events(pause)
    found = {name for row in rows if row["pause"] == pause for name in _DIGEST.findall(row["data"])}
    members: dict[str, bytes] = {
        CHAIN: "".join(f"{canonical(_link(row, pause))}\n" for row in rows).encode(),
        OCSF: "".join(
            f"{canonical(event)}\n" for event in ocsf.events(book.id, own, techniques)
        ).encode(),
    }
    hidden = []
    for digest, body in book.store.kept(sorted(found | _inside(book, found))):
        text = hide(body)
        hidden += [digest] if text != body else []
        members[f"{BODIES}{digest}"] = text.encode()
    head = {"seq": rows[-1]["seq"], "hash": rows[-1]["hash"]} if rows else {}
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "journal": book.id,
        "pause": pause,
        "vendor": case.vendor,
        "status": str(case.status),
        "exported_at": exported_at,
        "stopline": stopline.__version__,
        "chain": {"events": len(rows), "of_this_pause": len(own), "head": head},
        "hidden": sorted(hidden),
    }
    return Bundle(manifest, members)


def _link(row: Mapping[str, Json], pause: str) -> dict[str, Json]:
    """An event of this pause whole; of another, or of nobody's, only what links the chain."""
    return {name: row[name] for name in (WHOLE if row["pause"] == pause else LINK)}


def _inside(book: Book, digests: set[str]) -> set[str]:
    """Digests that a body names in turn: a plan names the snapshot that it was taken from."""
    return {name for _, body in book.store.kept(sorted(digests)) for name in _DIGEST.findall(body)}


def finished(bundle: Bundle) -> Bundle:
    """The bundle with the digest of every member in its manifest."""
    digests = {name: sha256_bytes(data) for name, data in sorted(bundle.members.items())}
    return Bundle({**bundle.manifest, "members": digests}, bundle.members)


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
