"""A plan as a bash script of plain commands, which a person can read, run, or copy from. Pure.

Whatever comes from a provider or a person stands in a comment as one line, or quoted: no name and
no reason can become a command.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from shlex import quote

from stopline.commands import Commands, Say
from stopline.model import Change, Direction, Document, Plan, State, stage
from stopline.render.plan import SHORT, in_words, scope_text

HEAD = """\
#!/usr/bin/env bash
# stopline: {title}
{head}#
# Read it first. Nothing is compared before it is written, which stopline itself would do. Commands
# run in this order, one realm after the other; a realm whose credentials you do not have at hand
# is passed over, so run it once with the credentials of each. Running it again does no harm. A
# failure does not stop what follows; "NoSuchEntity" on the way back means that it is gone already.
# It needs bash, the provider's own command line, and python3 where documents are edited.
set -u
umask 077
failed=0 passed_over=0
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
trap 'failed=$((failed + 1)); echo "FAILED, see above: $BASH_COMMAND" >&2' ERR
not_done() {{ echo "NOT DONE, no command is known: $1" >&2; failed=$((failed + 1)); }}
"""

TAIL = """\
echo "$failed failed, $passed_over realms passed over." >&2
exit $((failed + passed_over > 0))
"""


@dataclass(frozen=True, slots=True)
class Words:
    """What turns changes into commands: each connector's own, and the texts from before us."""

    say: Mapping[str, Say]
    originals: Mapping[Document, str] = field(default_factory=dict)


def one_line(text: str) -> str:
    """A text that stays inside a comment, whatever is in it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def script(plan: Plan, words: Words, head: Sequence[str] = ()) -> str:
    """Return the whole script: the changes in their order, then what no command can do."""
    said = [(changes, _said(changes, words)) for changes in _documents(plan)]
    needs = dict.fromkeys(need for _, commands in said for need in commands.needs)
    title = f"{plan.direction} {plan.vendor} ({scope_text(plan.scope)}), pause {plan.pause}"
    facts = (f"plan {plan.digest[:SHORT]}, {len(plan.changes)} changes", *head)
    parts = [
        HEAD.format(title=one_line(title), head="".join(f"# {one_line(f)}\n" for f in facts)),
        *needs,
        *_realms(plan, said),
        *_besides(plan),
        TAIL,
    ]
    return "\n".join(parts)


def _documents(plan: Plan) -> list[tuple[Change, ...]]:
    """The changes in their order, those of one document and stage together."""
    by = groupby(plan.changes, key=lambda c: (stage(c, plan.direction), c.address.document))
    return [tuple(group) for _, group in by]


def _said(changes: Sequence[Change], words: Words) -> Commands:
    document = changes[0].address.document
    say = words.say.get(document.connector)
    return say(document, changes, words.originals.get(document)) if say else Commands()


_Said = tuple[Sequence[Change], Commands]


def _realms(plan: Plan, said: Iterable[_Said]) -> Iterator[str]:
    for (connector, realm), group in groupby(
        said, key=lambda s: (s[0][0].address.connector, s[0][0].address.realm)
    ):
        inside = list(group)
        only_if = next((c.only_if for _, c in inside if c.only_if), "true")
        lines = [line for one in inside for line in _commands(one, plan.direction)]
        yield f"# --- {one_line(f'{connector} {realm}')} ---\nif {only_if}; then\n"
        yield "\n".join(lines)
        yield "\nfi\n"


def _commands(said: _Said, direction: Direction) -> Iterator[str]:
    changes, commands = said
    for change in changes:
        who = change.principal or change.address.id
        yield f"# {one_line(f'{who}: {in_words(change, direction)}')}"
    if commands.lines:
        yield from commands.lines
    else:
        for change in changes:
            yield f"#   from {_state(change.before)}"
            yield f"#   to   {_state(change.after)}"
            yield f"not_done {quote(one_line(str(change.address)))}"
    yield ""


def _state(state: State | None) -> str:
    return one_line(state.body) if state is not None else "absent"


def _besides(plan: Plan) -> Iterator[str]:
    """What is in the plan and needs no command, or has none."""
    claims = [f"# no write, another pause holds it too: {c.address}" for c in plan.claims]
    skips = [f"# left as it is: {s.principal} {s.address}: {s.reason}" for s in plan.skips]
    gaps = [f"# not read: {g.connector} {g.realm} {g.what}: {g.cause}" for g in plan.gaps]
    if lines := [one_line(line) for line in (*claims, *skips, *gaps)]:
        yield "\n".join(lines) + "\n"
