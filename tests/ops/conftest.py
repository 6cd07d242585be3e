"""What the scripts under ops/ are run against: a real Temporal server, a real PostgreSQL."""

from support.postgres import postgresql
from support.temporal import temporal_server

__all__ = ["postgresql", "temporal_server"]
