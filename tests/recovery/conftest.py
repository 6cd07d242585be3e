"""Fixtures of the tests about the night when stopline itself is down."""

from support.temporal import house, installation, temporal_server

__all__ = ["house", "installation", "temporal_server"]
