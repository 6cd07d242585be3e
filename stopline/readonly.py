"""Connectors without a way to write: what `stopline assess` is planned through. Pure.

The engine's only way to a system of record is `Connector.write`. Here it refuses, and what it
would have called cannot be reached.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from stopline.commands import Commands
from stopline.errors import RefusedError
from stopline.model import Change, Document, Found, Grant, Residual, Scope, Skip
from stopline.port import Connector, Observed, Terms
from stopline.vendors import Vendor


class ReadOnly:
    """A connector that reads as another one does, and refuses to write."""

    def __init__(self, connector: Connector) -> None:
        """Keep what reads; `write` is not among it."""
        self.name = connector.name
        self.permissions: Mapping[str, frozenset[str]] = {"read": connector.permissions["read"]}
        self.propagation = connector.propagation
        self._discover = connector.discover
        self._contained = connector.contained
        self._read = connector.read
        self._residuals = connector.residuals
        self._commands = connector.commands

    def discover(self, vendor: Vendor, scope: Scope) -> Iterable[Found]:
        """Yield what the vendor holds."""
        return self._discover(vendor, scope)

    def contained(self, grant: Grant, terms: Terms) -> Iterable[Change | Skip]:
        """Say how a grant would be contained."""
        return self._contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one document. Raises ConnectorError."""
        return self._read(document)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> NoReturn:
        """Refuse. Raises RefusedError."""
        del changes, original, token
        raise RefusedError(
            f"This worker is read-only; {observed.document.kind} {observed.document.id} was "
            "not written.",
            "Only a worker without --read-only (STOPLINE_READ_ONLY) contains and restores.",
        )

    def residuals(self, change: Change) -> Iterable[Residual]:
        """Say what would outlive a change."""
        return self._residuals(change)

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """Say changes as commands that a person can run."""
        return self._commands(document, changes, original)


def read_only(connectors: Mapping[str, Connector]) -> Mapping[str, Connector]:
    """The same connectors, without their way to write."""
    return {name: ReadOnly(connector) for name, connector in connectors.items()}
