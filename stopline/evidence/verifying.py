"""Verifying a bundle offline: no journal, no network, only the file and the keys that one trusts.

Found are: a flipped bit in any member, a dropped, added, reordered or forged event of the pause, a
document that is not the one that the chain names, a manifest that somebody else signed, and a
person's word whose signature is not theirs, or is over something else.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stopline.errors import RefusedError
from stopline.evidence import bundle as b
from stopline.evidence.envelope import fingerprint, opened
from stopline.evidence.veiling import HIDING
from stopline.evidence.words import APPROVALS, SAID, Word, unfinished, words
from stopline.journal.store import GENESIS, Event, link
from stopline.signing import Statement, verify
from stopline.text import Json, sha256_bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was verified: whether it holds, and what was found.

    `next_step` says what to do where nothing speaks against it, and it is not proven either.
    """

    name: str
    ok: bool
    found: str
    next_step: str = ""

    @property
    def proven(self) -> bool:
        """Whether it holds, and nothing of it was left unchecked."""
        return self.ok and not self.next_step


Found = tuple[str, str]
"""What was found, and what is to be done for it to be proven; the latter empty where it is."""


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
    looks: Mapping[str, Callable[[], str | Found]] = {
        "signature": lambda: _signature(members, trusted),
        "members": lambda: _members(members, manifest),
        "chain": lambda: _chain(members, manifest),
        "documents": lambda: _documents(members, manifest),
    }
    return (
        *(_looked(name, look) for name, look in looks.items()),
        *_words(members, manifest, trusted.signers),
    )


def _looked(name: str, look: Callable[[], str | Found]) -> Verdict:
    try:
        found = look()
    except WRONG as error:
        return Verdict(name, ok=False, found=str(error) or type(error).__name__)
    told, next_step = (found, "") if isinstance(found, str) else found
    return Verdict(name, ok=True, found=told, next_step=next_step)


WRONG = (ValueError, KeyError, TypeError, AttributeError)
"""What reading something forged may raise."""


def _signature(members: Mapping[str, bytes], trusted: Trusted) -> str | Found:
    if b.ENVELOPE not in members:
        if trusted.key is not None:
            raise ValueError("it is not signed")
        return "NOT SIGNED: whoever had the file could have made all of it anew", UNSIGNED_STEP
    signed = opened(members[b.ENVELOPE].decode(), trusted.key)
    if signed.payload != members[b.MANIFEST]:
        raise ValueError("what is signed is not this manifest")
    if trusted.key:
        return f"signed by the key that was given, {fingerprint(trusted.key)}"
    named = ", ".join(signed.keys)
    told = (
        f"WHO SIGNED IT WAS NOT CHECKED: the key {named} did, which only the bundle itself names, "
        "as a forger's would be"
    )
    return told, KEY_STEP


UNSIGNED_STEP = "Ask for a bundle that is signed, and verify it with --key."
KEY_STEP = (
    "Verify it with --key FILE, the public key that you were given beforehand; or compare that "
    "key's SHA-256 with this one."
)
HIDDEN_STEP = "Ask for the bundle with personal data in it (`evidence export --unredacted`)."
SIGNERS_STEP = "Verify it with --signers FILE, the approvers' public keys as you know them."


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
    previous, number, own, hidden = GENESIS, 0, 0, _hidden(manifest)
    for row in _rows(members):
        number += 1
        if row["seq"] != number or row["previous"] != previous:
            raise ValueError(f"event {number} does not follow the one before it")
        if set(row) == set(b.WHOLE):
            own += row["pause"] == manifest["pause"]
            fields = {name: row[name] for name in b.WHOLE if name != "hash"}
            if number not in hidden and link(fields) != row["hash"]:
                raise ValueError(f"event {number} does not match its hash")
        elif set(row) != set(b.LINK):
            raise ValueError(f"event {number} is neither whole nor a link")
        previous = row["hash"]
    told = manifest["chain"]
    head = {"seq": number, "hash": previous} if number else {}
    if (told["events"], told["of_this_pause"], told["head"]) != (number, own, head):
        raise ValueError("it does not end where the manifest says")
    said = f"{number} events follow one another, {own} of this pause"
    more = f"; in {len(hidden)} something is hidden, so only the signature speaks for their words"
    return said + more if hidden else said


def _hidden(manifest: Json) -> frozenset[int]:
    """The events in which something is hidden; older releases hid only in documents."""
    return frozenset(manifest.get("hidden_events", ()))


def _documents(members: Mapping[str, bytes], manifest: Json) -> str:
    hidden = set(manifest["hidden"])
    bodies = {n.removeprefix(b.BODIES): d for n, d in members.items() if n.startswith(b.BODIES)}
    for digest, body in sorted(bodies.items()):
        if digest not in hidden and sha256_bytes(body) != digest:
            raise ValueError(f"the document {digest[:16]} is not the one that the chain names")
    if lost := sorted(hidden - set(bodies)):
        raise ValueError(f"in {lost[0][:16]} something is said to be hidden, and it is not there")
    said = f"{len(bodies) - len(hidden)} documents match their digests"
    if hidden:
        said += f"; in {len(hidden)} something is hidden, so only the signature speaks for them"
    left_in = manifest.get("personal_data") == b.LEFT_IN
    return f"{said}; PERSONAL DATA WAS LEFT IN" if left_in else said


def _words(members: Mapping[str, bytes], manifest: Json, signers: Path | None) -> Iterator[Verdict]:
    """A verdict for the approvals, and one for each other kind of word that was said."""
    try:
        own = [_event(r) for r in _rows(members) if r.get("pause") == manifest["pause"]]
        said = [*words(manifest["journal"], manifest["pause"], own)]
        left = unfinished(manifest["journal"], manifest["pause"], own)
    except WRONG as error:
        yield Verdict(APPROVALS, ok=False, found=str(error) or type(error).__name__)
        return
    hidden = _hidden(manifest)
    for what in dict.fromkeys((APPROVALS, *SAID.values())):
        mine = [word for word in said if word.what == what]
        if mine or what == APPROVALS:
            verdict = _looked(what, partial(_said, mine, signers, hidden))
            more = f"; {left} by break-glass that came to no approval"
            told = verdict.found + (more if left and what == APPROVALS else "")
            yield replace(verdict, found=told)


def _event(row: Mapping[str, Json]) -> Event:
    fields = {**row, "data": json.loads(row["data"])}
    return Event(**{name: fields[name] for name in Event.__slots__})


def _said(said: Sequence[Word], signers: Path | None, hidden: Collection[int]) -> str | Found:
    """What of an event is hidden need not be signed: a signature over what is shown proves it."""
    signed = [word for word in said if word.signature]
    veiled = [word for word in signed if word.seq in hidden and _is_veiled(word)]
    for word in signed:
        if word in veiled:
            continue
        if word.wrong:
            raise ValueError(f"event {word.seq}: what {word.by} signed {word.wrong}")
        if signers and word.statement:
            _proven(word, word.statement, signers)
    unsigned, alone = len(said) - len(signed), sum(word.alone for word in said)
    how = "verified" if signers else "WHO SIGNED WAS NOT CHECKED"
    told = f"{len(signed) - len(veiled)} signed ({how}), " if signed else ""
    if veiled:
        told += f"{len(veiled)} signed over words that are hidden in part, NOT VERIFIED, "
    told += f"{unsigned} unsigned"
    told += f"; {alone} by break-glass" if alone else ""
    if signed and signers is None:
        return told, SIGNERS_STEP
    return told, HIDDEN_STEP if veiled else ""


def _is_veiled(word: Word) -> bool:
    """Whether something stands hidden in what the signature is over."""
    return word.statement is not None and HIDING[0] in word.statement.text


def _proven(word: Word, statement: Statement, signers: Path) -> None:
    try:
        verify(statement, word.signature, signers)
    except RefusedError as error:
        raise ValueError(f"event {word.seq}: {error.what}") from error
