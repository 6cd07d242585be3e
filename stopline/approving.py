"""Whose yes counts: the rule that the worker keeps, whatever a client or a database says."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from stopline.errors import RefusedError, SetupError
from stopline.journal.glass import Broken
from stopline.journal.pauses import Pause
from stopline.model import Direction
from stopline.roles import ANYBODY, Roles, parse_roles
from stopline.signing import UNSIGNED, Statement, can_verify, names_of, verify

FILE = "roles.yaml"
TELL_OUTSIDE = "tell-outside"
SEND_AGAIN = "send-again"
GAPS = "accept-gaps"
REVIEW = "review-break-glass"
BREAKABLE = (str(Direction.CONTAIN), str(Direction.RESTORE))
"""What one person can approve alone: what can be undone, and nothing that is removed for good."""


def statement_of(
    what: str, journal: str, pause: Pause, by: str, reason: str, digest: str = ""
) -> Statement:
    """What a second person says yes to, where it is about a pause and no plan that waits.

    `digest` is of the plan that says what stays open, where that is accepted.
    """
    return Statement(
        journal=journal,
        pause=pause.id,
        vendor=pause.vendor,
        direction=what,
        digest=digest,
        request=pause.id,
        asked_by=pause.requester,
        by=by,
        reason=reason,
    )


def review_of(journal: str, pause: Pause, broken: Broken, by: str, reason: str) -> Statement:
    """What another person says of one break-glass approval: that they have looked at it."""
    said = statement_of(REVIEW, journal, pause, by, reason, broken.digest)
    return replace(said, request=str(broken.seq), asked_by=broken.by)


def deed_statement(
    journal: str, pause: Pause, word: str, by: str, reason: str, about: tuple[str, int, str]
) -> Statement:
    """What a person signs who did something by hand, or confirms or refuses what another did.

    `about` is the deed's ref and, for another's word, its event and who did it.
    """
    ref, seq, doer = about
    said = statement_of(f"by-hand-{word}", journal, pause, by, reason, ref)
    return replace(said, request=str(seq), asked_by=doer) if doer else said


@dataclass(frozen=True, slots=True)
class Approvers:
    """The approvers of one installation, read anew each time from its folder of configuration."""

    folder: Path | None = None
    read: Callable[[Path], str] = field(default=lambda path: path.read_text(encoding="utf-8"))

    @property
    def roles(self) -> Roles:
        """What the file says; without one, anybody. Raises ConfigError on a broken one."""
        path = self.folder / FILE if self.folder else None
        if path is None or not path.exists():
            return ANYBODY
        return parse_roles(self.read(path), path.as_posix())

    def vouch(self, statement: Statement, signature: str) -> str:
        """Return what is written down as the signature. Raises RefusedError when it is no yes."""
        roles = self.roles
        if statement.break_glass:
            _require_breaker(statement, roles)
        else:
            _require_another(statement, roles)
        return self._signed(statement, signature, roles)

    def _signed(self, statement: Statement, signature: str, roles: Roles) -> str:
        if signature and signature != UNSIGNED:
            self._verified(statement, signature, roles)
            return signature
        if roles.signatures == "required":
            raise RefusedError(
                "Approvals are signed here, and this one is not. Nothing was approved.",
                "Approve with --sign KEY, or set STOPLINE_SIGNING_KEY to your OpenSSH key.",
            )
        return UNSIGNED

    def may_not_ask(self, person: str) -> str:
        """Why the roles do not let this person ask for anything; empty where they do."""
        if self.roles.may_ask(person):
            return ""
        return f"{person} may not ask for it; the worker's {FILE} says who may (requesters)"

    def require_asker(self, person: str) -> None:
        """Raise RefusedError where they do not."""
        if why := self.may_not_ask(person):
            raise RefusedError(f"{why}. Nothing was done.")

    def provable(self, people: int) -> str:
        """Why so many people could never approve with a signature; empty where they could.

        A file of roles that cannot be read raises ConfigError.
        """
        roles = self.roles
        if roles.signatures != "required":
            return ""
        signers = (self.folder or Path()) / roles.allowed_signers
        if not can_verify():
            return "OpenSSH's ssh-keygen is not on the worker, so no approval can be verified"
        if not signers.is_file():
            return f"the worker has no allowed signers at {signers}, so nobody can approve"
        able = {n for n in names_of(self.read(signers)) if _may_be(n, roles)}
        if len(able) < people:
            return f"{signers} names {len(able)} who may approve, and the playbook wants {people}"
        return ""

    def witness(self, statement: Statement, signature: str) -> str:
        """As `vouch`, for what a person says to have done: any responder, the requester too."""
        roles = self.roles
        if not roles.may_acknowledge(statement.by):
            raise RefusedError(
                f"{statement.by} is not a responder. Nothing was written down.",
                f"The worker's {FILE} says who is.",
            )
        return self._signed(statement, signature, roles)

    def stands(self, statement: Statement, signature: str) -> bool:
        """Whether a yes in the journal is still one: who only has the database cannot make it."""
        try:
            return self.vouch(statement, signature) == signature
        except RefusedError:
            return False

    def _verified(self, statement: Statement, signature: str, roles: Roles) -> None:
        try:
            verify(statement, signature, (self.folder or Path()) / roles.allowed_signers)
        except SetupError as error:  # asking again would not bring OpenSSH to the worker
            raise RefusedError(f"The worker could not verify it: {error.what}") from error


def _may_be(name: str, roles: Roles) -> bool:
    """Whether a name, or a pattern of names, of the signers' file can be an approver."""
    return "*" in name or "?" in name or roles.may_approve(name)


def _require_another(statement: Statement, roles: Roles) -> None:
    by = statement.by
    if not roles.may_approve(by):
        raise RefusedError(
            f"{by} is not an approver. Nothing was approved.",
            f"The worker's {FILE} says who is.",
        )
    if by == statement.asked_by:
        raise RefusedError(f"{by} asked for it; the approval must be another person's.")


def _require_breaker(statement: Statement, roles: Roles) -> None:
    """The requester may be the one person: that is what it is for."""
    if statement.direction not in BREAKABLE:
        raise RefusedError(
            f"Nobody approves a {statement.direction} alone: what it does cannot be undone. "
            "Nothing was approved.",
            "Have another person approve it.",
        )
    if not roles.may_break_glass(statement.by):
        raise RefusedError(
            f"{statement.by} may not break the glass. Nothing was approved.",
            f"The worker's {FILE} says who may: break_glass.",
        )
    if not statement.reason.strip():
        raise RefusedError("Why the glass is broken must be said. Nothing was approved.")
