"""Fixtures of the command line's tests."""

from support.temporal import house, installation, temporal_server

__all__ = ["house", "installation", "temporal_server"]
