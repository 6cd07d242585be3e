"""A real PostgreSQL, for the laws that are tried on it as well."""

from support.postgres import postgresql

__all__ = ["postgresql"]
