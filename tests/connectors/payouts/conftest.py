"""A PostgreSQL for the ledgers, where it is installed."""

from support.postgres import postgresql, postgresql_url

__all__ = ["postgresql", "postgresql_url"]
