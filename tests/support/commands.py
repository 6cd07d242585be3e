"""The commands of the program, as typer has them."""

from collections.abc import Iterator
from typing import Any

import typer

from stopline.entrypoints.cli.main import app


def commands() -> dict[str, Any]:
    """Every command by its words (`vendor list`), groups left out."""
    return {" ".join(words): found for words, found in _below(typer.main.get_command(app), ())}


def _below(group: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        words = (*above, name)
        if hasattr(command, "commands"):
            yield from _below(command, words)
        else:
            yield words, command


def helps() -> Iterator[tuple[str, str]]:
    """What `--help` says of each command and option."""
    for name, command in commands().items():
        yield name, command.help or ""
        for parameter in command.params:
            yield f"{name} {parameter.name}", getattr(parameter, "help", None) or ""
