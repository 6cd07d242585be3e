"""`apply`: the whole write path. The port is in `port`, the verdicts in `judging`.

The rules of a write, in the order in which `apply` keeps them, for one document at a time:

1. Nobody writes a document without its lease. The lease is checked again right before sending;
   what is sent ends, with its retries, inside the lease.
2. What the journal knows of the addresses is asked under the lease: who holds them, what was there.
   Both come in one transaction, for which nobody waits until it is on disk: the intent is refused
   without the lease, and is on disk after it.
3. The document is read, and `judge` says of each address: write, or why not.
4. The intent, with the hold, the state found and the raw text, is committed before the write.
5. One call writes all our changes of the document, built on exactly what `judge` saw.
6. The receipt is committed after it. An answer that leaves open what happened is settled by
   reading again: what bears our mark is ours; a toggle stays `unproven`. A write that landed while
   what belongs to it failed is `applied`, and its receipt says what failed.
7. The lease is given back, with the receipt, only when nothing of ours can still be under way:
   after an open answer, or an exception, it is left to run out. Who has lost it changes nothing in
   the journal.

Nothing here decides whether access should change: that was the planner.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ParamSpec, Protocol, TypeVar

from stopline.errors import ConnectorError, StaleError
from stopline.judging import NOTHING, Known, Verdict, _judge_gone, judge
from stopline.model import (
    Address,
    Change,
    Direction,
    Document,
)
from stopline.port import Connector, Ending, Observed
from stopline.receipts import Cause, Outcome, Receipt

READS = 4
"""How often a document is read, at once, while its tag moves under us."""

PATIENCE = (1.0, 2.0, 4.0, 8.0)
"""Seconds slept between attempts while a provider throttles, before the batch is asked again."""

UNASKED = ConnectorError(
    Cause.REFUSED,
    "since people approved the termination, more would go with this; nothing of it was removed: "
    "ask again with `stopline terminate`",
)
"""What is said of an errand's `unasked`."""


class Journal(Protocol):
    """What the write path asks of the journal. Each method is one transaction.

    All but the lease methods are called under the document's lease, which is what keeps two
    pauses, and two attempts of one batch, apart.
    """

    def take(
        self, errand: "Errand", document: Document, addresses: Sequence[Address]
    ) -> Mapping[Address, Known] | None:
        """Take or renew the document's lease, and say what is known of each address under it.

        One that is not held by anybody may be left out. None when another holder's lease is still
        running. A lease that is lost again (a power cut) is found out by `intend`.
        """
        ...

    def leased(self, document: Document, holder: str) -> bool:
        """Whether the holder's lease lasts longer than the longest request can take."""
        ...

    def intend(self, errand: "Errand", observed: Observed, changes: Sequence[Change]) -> str | None:
        """Record, before the write, the intent, the state found and (containing) the hold.

        The first raw text of the document from before our first overlay wins; it is returned,
        or None when the document has no text. Raises ConnectorError (`busy`), and records nothing,
        when the lease has become another attempt's or the pause is being rolled back.
        """
        ...

    def settle(self, errand: "Errand", receipts: Sequence[Receipt], *, over: bool = False) -> None:
        """Record receipts, and bring holds and records to what they say; `over` gives the lease
        back, if it is still this attempt's.

        A hold exists afterwards exactly where `held` says so. The last hold of an address takes
        the record with it, the last record of a document the raw text. From an attempt that has
        lost the lease, the receipts are recorded and nothing else: whoever has it knows better.
        """
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """Whose changes are carried out, which way, and by which attempt.

    `attempt` names one attempt of one batch (it holds the leases); `token` is the same for all
    attempts of it (providers that know idempotency keys get it). `unasked` is what is left alone,
    with a receipt, since it is more by now than people have said yes to.
    """

    pause: str
    direction: Direction
    attempt: str
    token: str
    unasked: frozenset[Address] = frozenset()


def apply(
    connector: Connector,
    journal: Journal,
    errand: Errand,
    changes: Sequence[Change],
    *,
    stopped: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = lambda _: None,
) -> Iterator[tuple[Receipt, ...]]:
    """Carry out changes, a document at a time, and yield the receipts of each document.

    Between documents it asks `stopped`, and ends early when it says so: what has no receipt was
    not touched. While a provider throttles, it sleeps and asks again. Never raises for what a
    connector does; does raise what the journal raises, since without it nothing may be written.
    """
    for document, group in groupby(changes, key=lambda c: c.address.document):
        if stopped():
            return
        yield _Write(connector, journal, errand, document, tuple(group), sleep).run()


P = ParamSpec("P")
R = TypeVar("R")


def _ask(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a connector. What it must not raise becomes a cause, so one target stops no other."""
    try:
        return call(*args, **kwargs)
    except ConnectorError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__} in the connector: {error}"
        raise ConnectorError(Cause.BUG, detail, landed=None) from error


@dataclass(frozen=True, slots=True)
class _Write:
    """One document of an errand."""

    connector: Connector
    journal: Journal
    errand: Errand
    document: Document
    changes: tuple[Change, ...]
    sleep: Callable[[float], None]

    def run(self) -> tuple[Receipt, ...]:
        """Lease, then write; a document that another attempt is at is left to it."""
        known = self._take()
        if known is None:
            detail = "another attempt is at work on this document"
            busy = Verdict(Outcome.FAILED, held=False, cause=Cause.BUSY, detail=detail)
            return self._receipts(dict.fromkeys(self.changes, busy))  # not ours to settle
        receipts, over = self._patiently(known)
        self.journal.settle(self.errand, receipts, over=over)
        return receipts

    def _patiently(self, known: Mapping[Address, Known]) -> tuple[tuple[Receipt, ...], bool]:
        """Try, again after a throttle or a stale tag, until there is an answer or no lease.

        Also says whether it is over: False while a request of ours may still be under way.
        What is known is asked anew before each try: while we slept, the lease may have been
        another attempt's.
        """
        reads, waits = iter(range(1, READS)), iter(PATIENCE)
        while True:
            try:
                return self._attempt(known)
            except StaleError as error:
                last: ConnectorError = error
                again = next(reads, None) is not None
            except ConnectorError as error:
                last = error
                wait = next(waits, None) if error.cause is Cause.THROTTLED else None
                again = wait is not None
                if wait is not None:
                    self.sleep(wait)
            taken = self._take() if again else None
            if taken is None:
                break
            known = taken
        return self._receipts({c: self._failed(c, known, last) for c in self.changes}), True

    def _take(self) -> Mapping[Address, Known] | None:
        return self.journal.take(self.errand, self.document, [c.address for c in self.changes])

    def _attempt(self, known: Mapping[Address, Known]) -> tuple[tuple[Receipt, ...], bool]:
        """Read, judge, intend, write. Raises ConnectorError when nothing of ours was sent."""
        observed = _ask(self.connector.read, self.document)
        verdicts = {
            c: judge(c, self.errand.direction, observed, known.get(c.address, NOTHING))
            for c in self.changes
        }
        more = {c for c in self.changes if c.address in self.errand.unasked}
        grown = {c: self._failed(c, known, UNASKED) for c in more if verdicts[c].outcome is None}
        verdicts |= grown
        due = [c for c in self.changes if verdicts[c].outcome is None]
        over = True
        if due:
            written, over = self._write(observed, due, known)
            verdicts |= written
        return self._receipts(verdicts, observed), over

    def _write(
        self, observed: Observed, due: Sequence[Change], known: Mapping[Address, Known]
    ) -> tuple[dict[Change, Verdict], bool]:
        original = self.journal.intend(self.errand, observed, due)
        if not self.journal.leased(self.document, self.errand.attempt):
            late = ConnectorError(Cause.BUSY, "the lease ran out before the write")
            return {c: self._failed(c, known, late, observed) for c in due}, True
        done = Verdict(Outcome.APPLIED, held=self.errand.direction is Direction.CONTAIN)
        try:
            self._send(observed, due, original)
        except ConnectorError as error:
            if error.landed is None:
                return self._settle_open(due, error)
            if not error.landed:
                return self._unwritten(observed, due, known, error)
            done = replace(done, cause=error.cause, detail=error.detail)
        return dict.fromkeys(due, done), True

    def _unwritten(
        self,
        observed: Observed,
        due: Sequence[Change],
        known: Mapping[Address, Known],
        error: ConnectorError,
    ) -> tuple[dict[Change, Verdict], bool]:
        """Surely not written. Raises the error where it is worth to read and judge afresh."""
        if error.cause is Cause.GONE and self.errand.direction is Direction.TERMINATE:
            return {c: _judge_gone(c, self.errand.direction) for c in due}, True
        failed = {c: self._failed(c, known, error, observed) for c in due}
        rest = [c for c in due if c.address not in error.parts]
        if 0 < len(rest) < len(due):  # what stands in the way is left out
            written, over = self._write(observed, rest, known)
            return failed | written, over
        if isinstance(error, StaleError) or error.cause is Cause.THROTTLED:
            self.journal.settle(self.errand, self._receipts(failed, observed))  # came to nothing
            raise error
        return failed, True

    def _send(self, observed: Observed, due: Sequence[Change], original: str | None) -> None:
        if self.errand.direction is not Direction.TERMINATE:
            _ask(self.connector.write, observed, due, original, self.errand.token)
        elif isinstance(self.connector, Ending):
            _ask(self.connector.end, observed, due, self.errand.token)
        else:
            raise ConnectorError(Cause.REFUSED, "this connector removes nothing for good")

    def _failed(
        self,
        change: Change,
        known: Mapping[Address, Known],
        error: ConnectorError,
        observed: Observed | None = None,
    ) -> Verdict:
        """Nothing was sent: the hold is what it was before.

        But a toggle that we were to contain again, since somebody had set it anew, is not ours.
        """
        lost = change.address in error.parts and error.cause in (Cause.GONE, Cause.RECREATED)
        if lost and self.errand.direction is Direction.RESTORE:  # there is nobody to give it to
            return Verdict(Outcome.CONFLICT, held=False, cause=error.cause, detail=error.detail)
        what = known.get(change.address, NOTHING)
        held = what.ours_to_undo
        if observed and self.errand.direction is Direction.CONTAIN and not change.marked:
            held = held and observed.states.get(change.address) == what.ours
        return Verdict(Outcome.FAILED, held=held, cause=error.cause, detail=error.detail)

    def _settle_open(
        self, due: Sequence[Change], error: ConnectorError
    ) -> tuple[dict[Change, Verdict], bool]:
        """The answer leaves open what happened: read again. The hold stays until we know.

        What is not there yet may still land, so it is over only when all of it is there.
        """
        verdict = Verdict(Outcome.FAILED, held=True, cause=error.cause, detail=error.detail)
        open_ = dict.fromkeys(due, verdict)
        try:
            observed = _ask(self.connector.read, self.document)
        except ConnectorError:
            return open_, False
        terminates = self.errand.direction is Direction.TERMINATE
        for change in () if terminates and observed.ending else due:
            if observed.states.get(change.address) == change.after:
                open_[change] = self._landed(change, error)
        return open_, all(answer is not verdict for answer in open_.values())

    def _landed(self, change: Change, error: ConnectorError) -> Verdict:
        if self.errand.direction is not Direction.CONTAIN:
            return Verdict(Outcome.APPLIED, held=False)
        if change.marked:
            return Verdict(Outcome.APPLIED, held=True)
        return Verdict(Outcome.UNPROVEN, held=True, cause=error.cause, detail=error.detail)

    def _receipts(
        self, verdicts: Mapping[Change, Verdict], observed: Observed | None = None
    ) -> tuple[Receipt, ...]:
        return tuple(
            Receipt(
                change=change,
                direction=self.errand.direction,
                outcome=verdict.outcome or Outcome.FAILED,
                found=observed.states.get(change.address) if observed else None,
                cause=verdict.cause,
                detail=verdict.detail,
                held=verdict.held,
            )
            for change, verdict in verdicts.items()
        )
