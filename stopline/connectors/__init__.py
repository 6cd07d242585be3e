"""One package per system of record. Connectors do not know each other.

A connector is found by its entry point in the group `stopline.connectors`: a function that takes
the estate and returns a `stopline.engine.Connector`.
"""
