"""Google Cloud: principals, accounts and allow policies in an organisation or projects; Workspace.

`discovery` reads, `opinion` says how a grant is contained; only what `documents` lists changes
anything, and only `ending`, with `removing`, deletes for good. What is covered and what is not:
docs/access-paths.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stopline.attesting import Told
from stopline.commands import Commands
from stopline.connectors.gcp import canary, commands, ending, opinion, preflight, removing
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.discovery import discover
from stopline.connectors.gcp.documents import READERS, WRITERS
from stopline.connectors.gcp.permissions import PERMISSIONS
from stopline.connectors.gcp.reading import NAME
from stopline.errors import UserError
from stopline.estate import Estate, Protected
from stopline.model import Change, Document, Effect, Found, Grant, Residual, Scope, Skip
from stopline.port import Held, Observed, Terms, nothing_held
from stopline.preflight import Canary, Check
from stopline.receipts import Hold
from stopline.vendors import Vendor


@dataclass(frozen=True)
class GcpConnector:
    """The port over the Google Cloud part of an estate."""

    clients: Clients
    propagation: float
    spared: tuple[str, ...] = ()
    """Whom the estate's file protects, as allow policies name them."""
    name: str = NAME
    held: Held = nothing_held

    def attended(self, told: Told, held: Held) -> "GcpConnector":
        """The same connector, told what the journal holds: a deny may have been taken away."""
        del told
        return replace(self, held=held)

    @property
    def permissions(self) -> Mapping[str, frozenset[str]]:
        """The IAM permissions that we use: `read` to assess, `write` besides."""
        return PERMISSIONS

    def discover(self, vendor: Vendor, scope: Scope) -> Iterable[Found]:
        """Yield what the vendor holds; what cannot be read is a gap."""
        return discover(self.clients, vendor, scope, self.held)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A pure opinion: how this grant is contained."""
        return opinion.contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one document freshly. Raises ConnectorError."""
        return READERS[document.kind](self.clients, document)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Write all our changes of one document, on its etag. Google takes no idempotency key."""
        del token
        WRITERS[observed.document.kind](self.clients, observed, changes, original)

    def ended(self, hold: Hold) -> Effect | Skip:
        """A pure opinion: what is removed for good where this hold is, or why nothing is."""
        return ending.ended(hold)

    def removable(
        self, vendor: Vendor, wanted: Sequence[Hold], standing: Sequence[Hold]
    ) -> Iterable[Effect | Skip]:
        """Look whether what a deny of ours is about, an account or a pool can go for good."""
        return removing.removable(self.clients, vendor, (wanted, standing), self.spared)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Remove for good what the changes name. Google takes no idempotency key."""
        del token
        ending.end(self.clients, observed, changes, self.propagation)

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What outlives this change, and until when."""
        return opinion.residuals(change)

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """The same changes as plain `gcloud` commands, for when stopline itself is down."""
        del original
        return commands.commands(document, changes)

    @property
    def realms(self) -> tuple[str, ...]:
        """The organisation, or each of the projects."""
        return self.clients.estate.realms

    def preflight(self, protected: Protected) -> Iterable[Check]:
        """Look at every realm before the night."""
        return preflight.preflight(self.clients, protected)

    def make_canary(self, realm: str, id_: str) -> Canary:
        """Make a canary in one realm. Raises ConnectorError, UserError."""
        return canary.make(self.clients, realm, id_, self.propagation)

    def remove_canary(self, made: Canary) -> Iterable[str]:
        """Say what is not as it was made, then remove it."""
        return canary.remove(self.clients, made)


def build(estate: Estate) -> GcpConnector:
    """Make the connector of an estate. Raises UserError when the estate has no such section."""
    if estate.gcp is None:
        raise UserError(
            "The estate's file has no `gcp` section.", "Name the organisation, or projects, there."
        )
    said = estate.protected
    spared = (*said.orchestrator, *said.break_glass, *said.log_delivery, *said.journal)
    return GcpConnector(Clients(estate.gcp), estate.gcp.propagation, spared)
