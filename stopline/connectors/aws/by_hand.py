"""What commands are made of; and those for kinds that are a row: policies of resources, shares.

https://docs.aws.amazon.com/cli/latest/reference/
"""

from collections.abc import Iterable, Iterator, Sequence
from shlex import join, quote

from botocore import xform_name

from stopline.connectors.aws.kinds import Call, Edit, Resource, Share, Where, where_of
from stopline.connectors.aws.people import named
from stopline.connectors.aws.resources import BY_STATEMENT, SQS
from stopline.connectors.aws.shares import SHARES
from stopline.model import Change, Document
from stopline.text import Json, canonical

_NEW, _WORDS = '"file://$D/new"', '"file://$D/words"'
_CLI = {"s3express": "s3api"}
"""What the command line calls a service, where it is not what the SDK calls it."""
_WRAP = (
    "import json, sys; words = json.loads(sys.argv[2]); "
    'words["Policy"] = open(sys.argv[1], encoding="utf-8").read(); print(json.dumps(words))'
)


def aws(*words: str) -> str:
    """One command, quoted for the shell."""
    return join(("aws", *words))


def kept(name: str, text: str) -> str:
    """Write a text into a file of the script's folder, exactly."""
    return f'printf %s {quote(text)} > "$D/{name}"'


def statements(changes: Iterable[Change], original: str | None) -> Iterator[str]:
    """Write `ours` (by Sid; null takes one out) and `original` for the function `statements`."""
    ours = {c.address.part: c.after.value if c.after is not None else None for c in changes}
    yield kept("ours", canonical(ours))
    yield kept("original", original or "")


RESOURCE_POLICY = r"""
policy_now() {  # NONE COMMAND...: the policy as it is now to $D/now; the error NONE says: no policy
  local none=$1; shift
  if ! "$@" > "$D/now" 2> "$D/error"; then
    : > "$D/now"
    [ -n "$none" ] && grep -q "$none" "$D/error" || { cat "$D/error" >&2; return 1; }
  fi
  [ "$(cat "$D/now")" != None ] || : > "$D/now"
}
"""


def _said(row: Resource, call: Call, where: Where, text: str = _NEW) -> str:
    """A call as a command: the real one has the names of the SDK's models, through `xform_name`."""
    first, words = _wrapped(call.words(where, text))
    return first + _command(row.service, call.operation, words, where.region)


def _wrapped(words: Json) -> tuple[str, Json]:
    """What makes a file of words that have the text inside, where no `file://` is read."""
    for key, value in words.items():
        if isinstance(value, dict) and value.get("Policy") == _NEW:
            rest = canonical({k: v for k, v in value.items() if k != "Policy"})
            made = f'python3 -c {quote(_WRAP)} "$D/new" {quote(rest)} > "$D/words"'
            return f"{made} && ", {**words, key: _WORDS}
    return "", words


def _command(service: str, operation: str, words: Json, region: str) -> str:
    said = [_CLI.get(service, service), operation.replace("_", "-")]
    for key, value in words.items():
        name = f"--{xform_name(key, '-')}"
        if value is True:  # a flag
            said.append(name)
            continue
        text = value if isinstance(value, str) else canonical(value)
        quoted = text if text in (_NEW, _WORDS) else quote(text)
        said += [f"{name}={quoted}"] if text.startswith("-") else [name, quoted]
    return " ".join(("aws", *said, "--region", region))


_FAILS_IN_SILENCE = {
    "events": " --query FailedEntryCount --output text | grep -qx 0",
}
"""What makes a command fail where the service says 200 and counts what it did not do."""


def entries(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """Take the entries of a share out, or give them back, one by one."""
    row, where = SHARES[document.kind], where_of(document)
    if row.by_hand:
        yield from _rewritten(row, where, changes)
        return
    for change in changes:
        edit, entry = (row.give, change.after) if change.after else (row.take, change.before)
        if entry is not None:
            words = edit.words(where, entry.value)
            if edit.first:
                yield _command(row.service, edit.first, words, where.region) + " > /dev/null"
            said = _command(row.service, edit.operation, words, where.region)
            told = _FAILS_IN_SILENCE.get(row.service, " > /dev/null")
            yield said + _tagged(row, where, edit) + told


def _tagged(row: Share, where: Where, edit: Edit) -> str:
    """The shell's words for the tag that it must name."""
    if not edit.tag:
        return ""
    shown = _command(row.service, row.get.operation, row.get.words(where, ""), where.region)
    return f' --{xform_name(edit.tag, "-")} "$({shown} --query {edit.tag} --output text)"'


def _rewritten(row: Share, where: Where, changes: Sequence[Change]) -> Iterator[str]:
    """Read the whole, change the entry in it, and write it; no secret of it is put into a file."""
    now = _command(row.service, row.get.operation, row.get.words(where, ""), where.region)
    for change in changes:
        edit, entry = (row.give, change.after) if change.after else (row.take, change.before)
        verb, said = "give" if change.after else "take", canonical(entry.value if entry else None)
        made = f'python3 -c {quote(row.by_hand)} {verb} {quote(said)} > "$D/words"'
        words: Json = {
            **edit.words(where, entry.value if entry else None),
            "CliInputJson": _WORDS,
        }
        put = _command(row.service, edit.operation, words, where.region)
        yield f"(set -o pipefail; {now} --output json | {made} && {put} > /dev/null)"


def lines(document: Document, changes: Sequence[Change], original: str | None) -> Iterator[str]:
    """Read the policy as it is, put ours in or take them out, write it; or drop it, when empty."""
    row, where = BY_STATEMENT[document.kind], where_of(document)
    if row.out is not None and not any(change.after for change in changes):
        yield from (_said(row, row.out, where, change.address.part) for change in changes)
        return
    yield from statements(changes, original)
    if row is SQS:
        yield from _queue(where, ("--region", where.region))
        return
    query = f"{row.text} || {row.in_force}" if row.in_force else row.text
    now = f"{_said(row, row.get, where)} --query {quote(query)} --output text"
    put = f"{_said(row, row.put, where)} > /dev/null" if row.put else "false"
    drop = f"{_said(row, row.drop, where)} > /dev/null" if row.drop else "false"
    yield _edited(next(iter(row.absent), ""), now, put, drop)


def _queue(where: Where, region: Sequence[str]) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/sqs/set-queue-attributes.html"""
    found = aws(
        "sqs", "get-queue-url", "--queue-name", where.name, *region,
        "--query", "QueueUrl", "--output", "text",
    )  # fmt: skip
    url = f'--queue-url "$({found})"'
    get = aws("sqs", "get-queue-attributes", *region, "--attribute-names", '["Policy"]')
    now = f"{get} --query Attributes.Policy --output text {url}"
    first, words = _wrapped({"Attributes": {"Policy": _NEW}})
    put = f"{aws('sqs', 'set-queue-attributes', *region)} {url} --attributes {words['Attributes']}"
    yield _edited("", now, f"{first}{put}", f"{first}{put}")


def _edited(none: str, now: str, put: str, drop: str) -> str:
    """One line, and one failure: what could not be read is never replaced."""
    which = f'if [ -s "$D/new" ]; then {put}; elif [ -s "$D/now" ]; then {drop}; fi'
    return f"(policy_now {quote(none)} {now} && statements && {which})"


# --- people in IAM Identity Center -------------------------------------------------------------


def membership(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/identitystore/create-group-membership.html"""
    region, *parts = document.id.split("/")
    said = named(parts, document.kind)
    at = ("--identity-store-id", said["store"], "--region", region)
    whose = ("--group-id", said["group"], "--member-id", f"UserId={said['user']}")
    for change in changes:
        if change.after is not None:
            yield aws("identitystore", "create-group-membership", *at, *whose)
            continue
        text = ("--query", "MembershipId", "--output", "text")
        found = aws("identitystore", "get-group-membership-id", *at, *whose, *text)
        delete = aws("identitystore", "delete-group-membership", *at)
        yield f'{delete} --membership-id "$({found})"'


def assignment(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/sso-admin/create-account-assignment.html"""
    region, *parts = document.id.split("/")
    said = named(parts, document.kind)
    for change in changes:
        verb = "create" if change.after is not None else "delete"
        yield aws(
            "sso-admin", f"{verb}-account-assignment", "--region", region,
            "--instance-arn", said["instance"], "--permission-set-arn", said["permissions"],
            "--target-type", "AWS_ACCOUNT", "--target-id", said["account"],
            "--principal-type", "USER", "--principal-id", said["user"],
        )  # fmt: skip


def application(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/sso-admin/create-application-assignment.html"""
    region, *parts = document.id.split("/")
    said = named(parts, document.kind)
    for change in changes:
        verb = "create" if change.after is not None else "delete"
        yield aws(
            "sso-admin", f"{verb}-application-assignment", "--region", region,
            "--application-arn", said["application"],
            "--principal-type", "USER", "--principal-id", said["user"],
        )  # fmt: skip
