"""Verifying a bundle offline: no journal, no network, only the file and the keys that one trusts.

Found are: a flipped bit in any member, a dropped, added, reordered or forged event of the pause, a
document that is not the one that the chain names, a manifest that somebody else signed, and an
approval whose signature is not its approver's.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stopline.errors import RefusedError
from stopline.evidence import bundle as b
from stopline.evidence.envelope import opened
from stopline.journal.store import GENESIS, link
from stopline.signing import BREAK_GLASS, UNSIGNED, Statement, verify
from stopline.text import Json, sha256_bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was verified: whether it holds, and what was found."""

    name: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the reader trusts: the key that must have signed, and the approvers' public keys."""

    key: Ed25519PublicKey | None = None
    signers: Path | None = None


def verified(data: bytes, trusted: Trusted) -> tuple[Verdict, ...]:
    """Verify a packed bundle, everything in it; what fails does not keep the rest from it."""
    try:
        members = {}
        for name, body in b.unpacked(data):
            if name in members:
                return (Verdict("file", ok=False, found=f"{name} is in it twice"),)
            members[name] = body
        manifest = b.manifest_of(members.get(b.MANIFEST, b"{}"))
    except ValueError as error:
        return (Verdict("file", ok=False, found=str(error)),)
    looks: Mapping[str, Callable[[], str]] = {
        "signature": lambda: _signature(members, trusted),
        "members": lambda: _members(members, manifest),
        "chain": lambda: _chain(members, manifest),
        "documents": lambda: _documents(members, manifest),
        "approvals": lambda: _approvals(members, manifest, trusted),
    }
    return tuple(_looked(name, look) for name, look in looks.items())


def _looked(name: str, look: Callable[[], str]) -> Verdict:
    try:
        return Verdict(name, ok=True, found=look())
    except (ValueError, KeyError, TypeError) as error:
        return Verdict(name, ok=False, found=str(error) or type(error).__name__)


def _signature(members: Mapping[str, bytes], trusted: Trusted) -> str:
    if b.ENVELOPE not in members:
        if trusted.key is not None:
            raise ValueError("it is not signed")
        return "not signed: whoever had the file could have made all of it anew"
    signed = opened(members[b.ENVELOPE].decode(), trusted.key)
    if signed.payload != members[b.MANIFEST]:
        raise ValueError("what is signed is not this manifest")
    whose = "the key that was given" if trusted.key else "a key that the bundle itself names"
    return f"signed by {signed.keys[0][:16]}, {whose}"


def _members(members: Mapping[str, bytes], manifest: Json) -> str:
    told: Mapping[str, str] = manifest["members"]
    there = set(members) - {b.MANIFEST, b.ENVELOPE}
    if missing := sorted(set(told) - there):
        raise ValueError(f"{len(missing)} members are missing, {missing[0]} first")
    if added := sorted(there - set(told)):
        raise ValueError(f"{len(added)} members were added, {added[0]} first")
    for name, digest in sorted(told.items()):
        if sha256_bytes(members[name]) != digest:
            raise ValueError(f"{name} was altered")
    return f"{len(told)} members are as the manifest says"


def _rows(members: Mapping[str, bytes]) -> Iterator[dict[str, Json]]:
    for line in members[b.CHAIN].decode().splitlines():
        yield json.loads(line)


def _chain(members: Mapping[str, bytes], manifest: Json) -> str:
    previous, number, own = GENESIS, 0, 0
    for row in _rows(members):
        number += 1
        if row["seq"] != number or row["previous"] != previous:
            raise ValueError(f"event {number} does not follow the one before it")
        if set(row) == set(b.WHOLE):
            own += row["pause"] == manifest["pause"]
            if link({name: row[name] for name in b.WHOLE if name != "hash"}) != row["hash"]:
                raise ValueError(f"event {number} does not match its hash")
        elif set(row) != set(b.LINK):
            raise ValueError(f"event {number} is neither whole nor a link")
        previous = row["hash"]
    told = manifest["chain"]
    head = {"seq": number, "hash": previous} if number else {}
    if (told["events"], told["of_this_pause"], told["head"]) != (number, own, head):
        raise ValueError("it does not end where the manifest says")
    return f"{number} events follow one another, {own} of this pause"


def _documents(members: Mapping[str, bytes], manifest: Json) -> str:
    hidden = set(manifest["hidden"])
    bodies = {n.removeprefix(b.BODIES): d for n, d in members.items() if n.startswith(b.BODIES)}
    for digest, body in sorted(bodies.items()):
        if digest not in hidden and sha256_bytes(body) != digest:
            raise ValueError(f"the document {digest[:16]} is not the one that the chain names")
    if lost := sorted(hidden - set(bodies)):
        raise ValueError(f"{lost[0][:16]} is said to hold secrets and is not there")
    said = f"{len(bodies) - len(hidden)} documents match their digests"
    return f"{said}; in {len(hidden)} a secret is hidden" if hidden else said


def _approvals(members: Mapping[str, bytes], manifest: Json, trusted: Trusted) -> str:
    signed = unsigned = alone = 0
    for row in _rows(members):
        if row.get("kind") != "approved" or row.get("pause") != manifest["pause"]:
            continue
        data = json.loads(row["data"])
        alone += bool(data.get("signed", {}).get(BREAK_GLASS))
        if data["signature"] == UNSIGNED or "signed" not in data:
            unsigned += 1
            continue
        signed += 1
        if trusted.signers is not None:
            _approval(data, row["actor"], trusted.signers)
    how = "verified" if trusted.signers else "not verified: no allowed signers were given"
    said = f"{signed} signed ({how}), {unsigned} unsigned" if signed else f"{unsigned} unsigned"
    return f"{said}; {alone} by break-glass" if alone else said


def _approval(data: Json, actor: str, signers: Path) -> None:
    statement = Statement(**data["signed"])
    if (statement.by, statement.digest) != (actor, data["digest"]):
        raise ValueError(f"{actor}'s approval is over something else")
    try:
        verify(statement, data["signature"], signers)
    except RefusedError as error:
        raise ValueError(error.what) from error
