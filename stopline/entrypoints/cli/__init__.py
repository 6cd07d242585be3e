"""The command line: `stopline`. Thin: it asks, shows and says; what is decided is decided inside.

Data goes to stdout, everything else to stderr. docs/cli.md lists commands and exit codes,
docs/json.md the documents.
"""
