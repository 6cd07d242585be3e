"""AWS: users, keys, roles, policies of resources and what is shared, in an estate of accounts.

`discovery` reads, `opinion` (with `sharing` and `storing`) says how a grant is contained; only what
`classes` lists changes what is not ours (`canary` makes and removes its own), and only `ending`,
with `removing`, deletes it. What is covered and
what is not: docs/access-paths.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stopline.commands import Commands
from stopline.connectors.aws import (
    canary,
    commands,
    ending,
    opinion,
    organization_checks,
    preflight,
    proving,
    removing,
)
from stopline.connectors.aws.classes import READERS, WRITERS
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.discovery import discover
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.permissions import PERMISSIONS
from stopline.errors import UserError
from stopline.estate import Estate, Protected
from stopline.model import Change, Document, Effect, Found, Grant, Residual, Scope, Skip
from stopline.port import Observed, Terms, Unproved
from stopline.preflight import Canary, Check
from stopline.receipts import Hold
from stopline.vendors import Vendor


@dataclass(frozen=True)
class AwsConnector:
    """The port over an estate of AWS accounts."""

    clients: Clients
    propagation: float
    spared: tuple[str, ...] = ()
    """ARNs and globs that no deny of ours may name, because the estate's file protects them."""
    name: str = NAME

    @property
    def permissions(self) -> Mapping[str, frozenset[str]]:
        """The IAM actions that we use: `read` to assess, `write` and `terminate` besides."""
        return PERMISSIONS

    @property
    def calls(self) -> int:
        """How many calls were sent so far."""
        return self.clients.calls

    def discover(self, vendor: Vendor, scope: Scope) -> Iterable[Found]:
        """Yield what the vendor holds; what cannot be read is a gap."""
        return discover(self.clients, vendor, scope, self.spared)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A pure opinion: how this grant is contained."""
        return opinion.contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one document freshly. Raises ConnectorError."""
        return READERS[document.kind](self.clients, document)

    def unproved(
        self, vendor: Vendor, held: Sequence[Change], observed: Mapping[Document, Observed]
    ) -> Iterable[Unproved]:
        """Evaluate from what is there now who gets past what we left."""
        return proving.unproved(self.clients, vendor.aws_of().accounts, held, observed)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Write all our changes of one document. AWS takes no idempotency key here."""
        del token
        with self.clients.one_write():
            WRITERS[observed.document.kind](self.clients, observed, changes, original)

    def ended(self, hold: Hold) -> Effect | Skip:
        """A pure opinion: which credential is deleted for good where a hold is."""
        return ending.ended(hold)

    def removable(
        self, vendor: Vendor, wanted: Sequence[Hold], standing: Sequence[Hold]
    ) -> Iterable[Effect | Skip]:
        """Look whose the users and roles are that a termination is asked about."""
        return removing.removable(self.clients, vendor, (wanted, standing), self.spared)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Delete one credential or principal for good. AWS takes no idempotency key here."""
        del token
        with self.clients.one_write():
            ending.end(self.clients, observed, changes)

    @property
    def realms(self) -> Iterable[str]:
        """The accounts of the estate."""
        return sorted(self.clients.estate.accounts)

    def preflight(self, protected: Protected) -> Iterable[Check]:
        """Look at every account, at what is protected, and at the organization. Writes nothing."""
        yield from preflight.preflight(self.clients, protected)
        yield from organization_checks.checks(self.clients)

    def make_canary(self, realm: str, id_: str) -> Canary:
        """Make a user and a bucket of our own in one account."""
        return canary.make(self.clients, realm, id_, self.propagation)

    def remove_canary(self, made: Canary) -> Iterable[str]:
        """Say what is not as it was made, and remove it."""
        return canary.remove(self.clients, made)

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What outlives this change, and until when."""
        return opinion.residuals(change)

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """The same changes as plain `aws` commands, for when stopline itself is down."""
        return commands.commands(document, changes, original)


def build(estate: Estate) -> AwsConnector:
    """Make the connector of an estate. Raises UserError when the estate has no AWS section."""
    if estate.aws is None:
        raise UserError("The estate's file has no `aws` section.", "Add the accounts there.")
    protected = estate.protected
    spared = (
        *protected.orchestrator,
        *protected.break_glass,
        *protected.log_delivery,
        *protected.journal,
    )
    return AwsConnector(Clients(estate.aws), estate.aws.propagation, spared)
