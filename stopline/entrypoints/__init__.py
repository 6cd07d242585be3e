"""Composition roots: where settings, journal, connectors and Temporal are put together."""
