"""The bodies of what is looked at before the night. Nothing here decides; what is found is kept."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import structlog
from temporalio import activity

from activities import api
from activities.telling import NOBODY, Teller
from activities.working import at_work
from stopline import settings, yamltext
from stopline.approving import Approvers
from stopline.audiences import inside_rooms
from stopline.configuration import ESTATE, Frozen
from stopline.errors import ConfigError, RefusedError, StoplineError, UserError, WrongJournalError
from stopline.estate import Estate
from stopline.journal.book import Book
from stopline.notices.channels import DeliveryError, others_in
from stopline.port import Connector
from stopline.preflight import CANARY_APPROVER, Canaried, Canary, Check, Preflighted, told
from stopline.text import canonical, dump, load

log = structlog.get_logger()
Built = tuple[Estate, Mapping[str, Connector]]


@dataclass(frozen=True)
class Checks:
    """The bodies, over one journal. `connectors_of` builds the connectors of an estate."""

    book: Book
    connectors_of: Callable[[Estate], Mapping[str, Connector]]
    approvers: Approvers = field(default_factory=Approvers)
    teller: Teller = NOBODY
    secret_of: Callable[[str], str] = field(default=settings.secret, repr=False)
    _built: Callable[[str], Built] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Connectors are kept: a canary asks for the same ones twice."""
        object.__setattr__(self, "_built", lru_cache(maxsize=4)(self._build))

    def all(self) -> list[Callable[..., Any]]:
        """Everything that a worker which may write registers besides."""
        return [self.preflight, self.make_canary, self.remove_canary]

    @activity.defn(name=api.PREFLIGHT)
    def preflight(self, order: api.CheckOrder) -> api.CheckRef:
        """Have every connector of the estate say whether it will be able to."""
        with at_work():
            estate, connectors = self._estate(order)
            looked = [c for name in sorted(connectors) for c in _looked(connectors[name], estate)]
            text = Frozen.load(self.book.store.body(order.frozen)).estate_text
            checks = [self._signed(order), *(_placed(check, text) for check in looked)]
            checks += self._rooms()
            if not connectors:
                step = "Give the estate's file a section for each system that is to be covered."
                checks += [Check("estate", ok=False, found="it names no system", next_step=step)]
            return self._kept("preflight", canonical(list(map(told, checks))))

    @activity.defn(name=api.MAKE_CANARY)
    def make_canary(self, order: api.CheckOrder) -> api.CheckRef:
        """Make something of our own in one realm, to be contained and restored.

        Raises RefusedError where the program's own word would not give it back.
        """
        with at_work():
            _, connectors = self._estate(order)
            self._would_be_given_back(order)
            connector = _of_realm(connectors, order.realm)
            log.info("a canary is made", realm=order.realm, canary=order.id)
            return self._kept("canary", dump(connector.make_canary(order.realm, order.id)))

    @activity.defn(name=api.REMOVE_CANARY)
    def remove_canary(self, order: api.CheckOrder) -> api.CheckRef:
        """Compare a canary with what it was, and remove it."""
        with at_work():
            _, connectors = self._estate(order)
            canary = load(Canary, self.book.store.body(order.canary))
            connector = _of_realm(connectors, canary.realm)
            differences = list(connector.remove_canary(canary))
            log.info("a canary is removed", realm=canary.realm, canary=canary.id)
            return self._kept("canary-end", canonical(differences))

    def _would_be_given_back(self, order: api.CheckOrder) -> None:
        roles = self.approvers.roles
        people = Frozen.load(self.book.store.body(order.frozen)).parse()[1].approvals.people
        signed = roles.signatures == "required"
        if signed or people > 1 or not roles.may_approve(CANARY_APPROVER):
            why = "must be signed" if signed else "are other people's"
            raise RefusedError(
                f"Approvals {why} here, and a canary is given back by the program's own word: it "
                "would stay contained. None was made.",
                "Try --preflight, or a canary where the worker has no roles.yaml.",
            )

    def _signed(self, order: api.CheckOrder) -> Check:
        """Whether an approval proves a person, and whether enough people could give one."""
        people = Frozen.load(self.book.store.body(order.frozen)).parse()[1].approvals.people
        try:
            wrong = self.approvers.provable(people)
            required = self.approvers.roles.signatures == "required"
        except StoplineError as error:
            return Check("approvals", ok=False, found=error.what, next_step=error.next_step)
        step = "See docs/how-to/sign-approvals.md."
        if wrong:
            return Check("approvals", ok=False, found=wrong, next_step=step)
        if not required:
            found = "are not signed: whoever reaches Temporal can approve in anybody's name"
            return Check("approvals", ok=True, found=found, next_step=step, warn=True)
        return Check("approvals", ok=True, found="are signed, and enough people have a key")

    def _rooms(self) -> Iterator[Check]:
        """Whether other organisations read what those inside are told over Slack."""
        try:
            notices = self.teller.notices()
        except ConfigError as error:
            yield Check("notices", ok=False, found=error.what, next_step=error.next_step)
            return
        for name, channel in inside_rooms(notices) if notices else ():
            try:
                others = others_in(channel, self.secret_of(channel.secret))
            except (ConfigError, DeliveryError) as error:
                why = error.what if isinstance(error, ConfigError) else error.why
                step = "See docs/how-to/notices.md, and try: stopline notices test."
                yield Check(f"notices {name}", ok=False, found=why, next_step=step)
            else:
                yield _room(name, others)

    def _estate(self, order: api.CheckOrder) -> Built:
        if order.journal != self.book.id:
            raise WrongJournalError(
                f"This was asked for by the journal {order.journal}, and this worker has the "
                f"journal {self.book.id}; nothing was looked at.",
                "Start the worker with STOPLINE_JOURNAL_URL of that journal.",
            )
        return self._built(order.frozen)

    def _build(self, ref: str) -> Built:
        _, _, estate = Frozen.load(self.book.store.body(ref)).parse()
        return estate, self.connectors_of(estate)

    def _kept(self, kind: str, text: str) -> api.CheckRef:
        return api.CheckRef(self.book.pauses.keep(kind, text))


def _looked(connector: Connector, estate: Estate) -> Iterator[Check]:
    """A connector's checks; one that fails is a failed check, and the others go on."""
    if not isinstance(connector, Preflighted):
        found = "it has no preflight; nobody knows from this whether it will work"
        yield Check(connector.name, ok=True, found=found, warn=True)
        return
    try:
        yield from connector.preflight(estate.protected)
    except StoplineError as error:
        yield Check(connector.name, ok=False, found=error.what, next_step=error.next_step)
    except Exception as error:  # noqa: BLE001 - a fault of one connector hides no other's checks
        found = f"its preflight broke off: {type(error).__name__}: {error}"
        yield Check(connector.name, ok=False, found=found, next_step="Report it as a fault.")


def _placed(check: Check, text: str) -> Check:
    """A check that says in which line of the estate's file its cause stands."""
    if not check.key:
        return check
    line = yamltext.line_of(text, ESTATE, check.key)
    return replace(check, found=f"{ESTATE}:{line}: {check.found}", key=())


def _of_realm(connectors: Mapping[str, Connector], realm: str) -> Canaried:
    """The connector whose realm this is. Raises UserError naming the realms that there are."""
    able = [connectors[name] for name in sorted(connectors)]
    found = {r: c for c in able if isinstance(c, Canaried) for r in c.realms}
    if realm not in found:
        raise UserError(
            f"{realm!r} is no realm of the estate in which a canary can be made; none was.",
            f"Those are: {', '.join(sorted(found)) or 'none'}.",
        )
    return found[realm]


def _room(name: str, others: str | None) -> Check:
    """What was found of one channel; where we may not look, a person has to."""
    if others is None:
        found = "it cannot be read whether other organisations are in it; it is told all the same"
        step = "Give the bot channels:read (groups:read, where it is private), or look yourself."
        return Check(f"notices {name}", ok=True, found=found, next_step=step, warn=True)
    if others:
        step = "Name a channel of your own in notices.yaml: nothing is sent there."
        return Check(f"notices {name}", ok=False, found=others, next_step=step)
    return Check(f"notices {name}", ok=True, found="no other organisation is in it")
