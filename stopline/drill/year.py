"""A year of a pause in short: what happens while it is open, up to the evidence of it.

Another case overlaps it, a colleague edits documents that something of ours is in, one project is
given back by two people, somebody opens it again and an audit finds that. At the end all is given
back but for the edits, which stay; and the evidence is verified by whoever has only the file.
The year itself, with its audits by the calendar, is lived in tests/workflows/test_year.py.
"""

import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from stopline.drill import report
from stopline.drill.children import Said
from stopline.drill.fingerprint import Fingerprint
from stopline.drill.manifest import Person
from stopline.drill.meddling import REOPENED, Edit, Lab, with_edits
from stopline.drill.report import Sight, Step
from stopline.drill.signatures import Signers
from stopline.evidence.bundle import CHAIN
from stopline.journal.book import Book
from stopline.render.standing import DONE, UNVERIFIED, WAITING
from stopline.text import Json

PROJECT = "chordus"
HELD_TWICE = "reviewer-1"
"""Of whom another case is as well."""
CONFIRM = ("--confirm", "mercor")


class Saying(Protocol):
    """Says a command; what it exits with must be one of the codes."""

    def __call__(self, words: Sequence[str], *codes: int, live: bool = True) -> Said:
        """Say it; `live` shows its data as it comes, instead of returning it."""
        ...


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, and who approves."""

    alice: str
    bob: str
    carol: str


@dataclass
class Year:
    """One pause, while it is open and until its evidence is verified. What it tells is `steps`."""

    lab: Lab
    book: Book
    people: People
    signers: Signers
    say: Saying
    act: Callable[[], Mapping[str, Sight]]
    """Lets everybody act who can, by connector."""
    before: Mapping[str, Sight]
    pause: str
    steps: list[Step] = field(default_factory=list)
    edits: tuple[Edit, ...] = ()
    _other: str = ""
    _back: tuple[Person, ...] = ()

    @property
    def faults(self) -> list[str]:
        """What was wrong, of all steps."""
        return [f"the year: {fault}" for step in self.steps for fault in step.faults]

    # --- while it is open ------------------------------------------------------------------------

    def pass_by(self) -> None:
        """All that happens until it is given back."""
        self.edits = self.lab.edit()
        self._step(
            "edit",
            f"colleagues edited {len(self.edits)} documents in which something of ours stands",
            "their edits stay, and all else is as it was",
        )
        self._overlap()
        self._give_back_a_project()
        self._open_again()

    def _overlap(self) -> None:
        """Pause one of its principals once more, as a case of its own."""
        carol, person = self.people.carol, self.lab.person(HELD_TWICE)
        step = self._step(
            "overlap",
            f"{carol} paused {person.name} as well, as a case of its own",
            "nobody is given back before both cases are over",
        )
        known = {one.id for one in self.book.pauses.list("mercor")}
        scope = ("--principal", person.arn, "--realm", person.account, "--apart")
        reason = ("--reason", "another case, of one person", "--as", carol)
        self.say(("pause", "mercor", *scope, *reason, *CONFIRM), DONE)
        new = [one.id for one in self.book.pauses.list("mercor") if one.id not in known]
        if not new:
            step.faults.append("no pause of the other case was opened")
            return
        (self._other,) = new
        held = [
            {hold.address for hold in self.book.writes.holds(one)} for one in (self.pause, *new)
        ]
        step.found = f"{len(held[0] & held[1])} addresses are held by both"
        if not held[0] & held[1]:
            step.faults.append("no address is held by both cases")

    def _give_back_a_project(self) -> None:
        """One yes gives nothing back, two do: what is of one project, and no more."""
        alice, bob, carol = self.people.alice, self.people.bob, self.people.carol
        people = [one for one in self.lab.manifest.vendor_users if f"/{PROJECT}/" in one.arn]
        how = "signed" if self.signers.sign else "not signed, since OpenSSH is not installed"
        step = self._step(
            "project",
            f"{alice} asked for the project {PROJECT}, {bob} and {carol} approved ({how})",
            "one yes gives nothing back, two give that project back and nothing else",
        )
        why = ("--reason", f"{PROJECT} is cleared", "--as", alice)
        self.say(
            ("rollback", self.pause, "--project", PROJECT, *why, *CONFIRM), WAITING, live=False
        )
        self.approve(self.pause, bob, WAITING)
        early = [person.name for person in people if self.lab.works(person)]
        step.faults += [f"{name} works after one yes of two" for name in early]
        self.approve(self.pause, carol, DONE)
        working = [person.name for person in people if self.lab.works(person)]
        self._back = tuple(people)
        step.found = f"{len(working)} of {len(people)} of its users work again"
        step.faults += [
            f"{person.name} does not work, though {PROJECT} was given back"
            for person in people
            if person.name not in working
        ]

    def _open_again(self) -> None:
        """An audit finds what was opened, all of it and nothing else, and it is closed again."""
        opened = self.lab.reopen()
        step = self._step(
            "re-grant",
            f"colleagues gave a user and a domain back what they had: {len(opened)} addresses",
            "an audit finds exactly them, they are contained again, and nobody else is",
        )
        let_in = self.lab.reopened()
        if len(let_in) < len(REOPENED):
            step.faults.append(f"only {let_in} were let in again: the audit proves less")
        asked = ("audit", self.pause, "--as", self.people.bob, "--output", "json")
        said = self.say(asked, UNVERIFIED, live=False)
        told = json.loads(said.stdout) if said.stdout else {}
        step.faults += unlike_opened(opened, told)
        step.faults += [f"{who} works after the audit" for who in self.lab.reopened()]
        names = [person.name for person in self._back]
        for name, sight in self.act().items():
            step.faults += report.still_in(self.before[name], without(sight, names))
            step.faults += report.harmed(sight, "after the audit")
        step.faults += [
            f"{person.name} was given back, and does not work after the audit"
            for person in self._back
            if not self.lab.works(person)
        ]
        drift, new = len(told.get("drift", ())), len(told.get("fresh", ()))
        step.found = f"{drift} addresses that differ from what was left, {new} that are new"

    # --- its end ---------------------------------------------------------------------------------

    def approve(self, pause: str, who: str, code: int) -> None:
        """One person's yes, signed where they can."""
        yes = ("approve", pause, "--as", who, *self.signers.words(who), *CONFIRM)
        self.say(yes, code, live=False)

    def end(self) -> None:
        """The first case was given back: who is of the other as well waits for its end."""
        if not self._other:
            return
        step = next(one for one in self.steps if one.step == "overlap")
        person = self.lab.person(HELD_TWICE)
        if self.lab.works(person):
            step.faults.append(f"{person.name} works, though the other case is open")
        why = ("--reason", "the other case is over", "--as", self.people.carol)
        self.say(("rollback", self._other, *why, *CONFIRM), WAITING, live=False)
        self.approve(self._other, self.people.bob, DONE)
        if not self.lab.works(person):
            step.faults.append(f"{person.name} does not work after both cases are over")

    def wanted(self, name: str, was: Fingerprint, now: Fingerprint) -> Fingerprint:
        """What should be there of one connector, after the end: all as it was, with the edits."""
        return with_edits(was, now, [edit for edit in self.edits if edit.connector == name])

    def compared(self, identical: int, kept: Collection[str]) -> None:
        """Tell what became of the edits, by the comparison of all that is there."""
        step = next(one for one in self.steps if one.step == "edit")
        step.found = (
            f"{identical} objects are byte for byte what they were, "
            f"{len(kept)} have their colleague's edit and no other"
        )
        lost = [edit.name for edit in self.edits if edit.name not in kept]
        step.faults += [f"the edit of {name} is not as its colleague left it" for name in lost]

    # --- its evidence ----------------------------------------------------------------------------

    def evidence(self, folder: Path) -> None:
        """Export it signed, verify it with nothing but the file and public keys, and alter it."""
        secret, public, signers = folder / "evidence.key", folder / "evidence.pub", self.signers
        key = Ed25519PrivateKey.generate()
        secret.touch(mode=0o600)
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        public.write_bytes(pem)
        step = self._step(
            "evidence",
            "the evidence was exported, signed, and verified with nothing but public keys",
            "all of it is proven, and one bit that is flipped in it is found",
        )
        file, altered = folder / "mercor.zip", folder / "altered.zip"
        to = ("--key", str(secret), "--to", str(file))
        self.say(("evidence", "export", self.pause, *to), DONE, live=False)
        if not file.exists():
            step.faults.append("there is no bundle of evidence")
            return
        altered.write_bytes(flipped(file.read_bytes()))
        by = ("--key", str(public), *(("--signers", str(signers.allowed)) if signers.sign else ()))
        good, bad = self._verified((file, DONE), (altered, UNVERIFIED), by=by)
        step.faults += unproven(good, bad, len(self.book.pauses.events(self.pause)))
        step.found = "; ".join(c["found"] for c in good.get("checks", ()) if c["name"] in _TOLD)

    def _verified(self, *asked: tuple[Path, int], by: Sequence[str]) -> Iterator[Json]:
        """What `evidence verify` says of files, each of which must exit with a code."""
        verify, how = ("evidence", "verify"), (*by, "--output", "json")
        with ThreadPoolExecutor() as pool:  # each is a process of its own
            said = pool.map(
                lambda one: self.say((*verify, str(one[0]), *how), one[1], live=False), asked
            )
        return (json.loads(one.stdout) if one.stdout else {} for one in said)

    def _step(self, name: str, did: str, asserted: str) -> Step:
        step = Step(name, did, asserted=asserted)
        self.steps.append(step)
        return step


_TOLD = ("chain", "approvals")
"""What of a verification is told in the report."""


# --- what was wrong ------------------------------------------------------------------------------


def unlike_opened(opened: Collection[str], told: Json) -> list[str]:
    """Faults of an audit: it tells of all that was opened, and of nothing else."""
    drift = {one["address"] for one in told.get("drift", ())}
    others = sorted(drift - {*opened})
    more = [*told.get("fresh", ()), *told.get("gaps", ())]
    return [
        *(f"the audit did not find {address}" for address in sorted(set(opened) - drift)),
        *(f"the audit found {address}, which nobody opened" for address in others),
        *(f"the audit found {one}, which is not new" for one in more),
        *(() if told.get("contains") else ("the audit had nothing contained again",)),
    ]


def unproven(good: Json, bad: Json, events: int) -> list[str]:
    """Faults of the evidence: the file is proven, of so many events, and the altered one is not."""
    checks = {one["name"]: one for one in good.get("checks", ())}
    said = f"{events} of this pause"
    return [
        *(() if good.get("proven") else ("the evidence is not proven",)),
        *(
            f"evidence verify: {name}: {one['found']}"
            for name, one in checks.items()
            if not one["ok"] or one["warn"]
        ),
        *(
            ()
            if said in checks.get("chain", {}).get("found", "")
            else (f"the evidence does not hold the {events} events of the pause",)
        ),
        *(() if bad.get("ok") is False else ("a flipped bit in the evidence was not found",)),
    ]


def flipped(data: bytes) -> bytes:
    """A bundle with one bit flipped, in the middle of the journal's chain; its file is whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as found, zipfile.ZipFile(out, "w") as made:
        for info in found.infolist():
            body = bytearray(found.read(info))
            if info.filename == CHAIN:
                body[len(body) // 2] ^= 1
            made.writestr(info, bytes(body))
    return out.getvalue()


def without(sight: Sight, names: Collection[str]) -> Sight:
    """A sight of the vendor without some of its users, whose credentials are named after them."""
    ends = tuple(f" of {name}" for name in names)
    return replace(
        sight,
        vendor=tuple(check for check in sight.vendor if not check.who.endswith(ends)),
        acted=tuple(probe for probe in sight.acted if probe.who.partition(" ")[0] not in names),
    )
