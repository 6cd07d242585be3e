"""Plain commands of a provider's own tools: what a person runs when stopline itself is down. Pure.

A connector says them (`Connector.commands`), `stopline.render.script` makes one script of a plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stopline.model import Change, Document


@dataclass(frozen=True, slots=True)
class Commands:
    """How our changes of one document are made by hand, in bash.

    `lines` are shell lines; none at all means that no command is known. They may use files under
    `"$D"`, a folder of the script's own, and call the functions whose texts are in `needs`.
    `only_if` is a command that succeeds only with credentials of the document's realm.
    """

    lines: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    only_if: str = ""


Say = Callable[[Document, Sequence[Change], str | None], Commands]
"""A connector's `commands`: the document, all our changes of it in one stage, its original."""
