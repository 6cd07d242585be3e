"""stopline stops a vendor, and gives everything back exactly.

The package follows one idea: decide in one place, as data; act elsewhere, without deciding.
`model`, `planner` and `guards` decide and touch nothing; `engine.apply` is the only write path.
"""

__version__ = "0.1.0"
