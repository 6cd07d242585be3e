"""What commands are made of; and those for the policies of resources, one kind of which is a row.

https://docs.aws.amazon.com/cli/latest/reference/
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from shlex import join, quote

from stopline.connectors.aws.further import EFS, EVENTS, LAMBDA, OPENSEARCH
from stopline.connectors.aws.kinds import Where, where_of
from stopline.connectors.aws.resources import (
    DYNAMODB,
    ECR,
    KMS,
    SECRETS,
    SNS,
    SQS,
)
from stopline.model import Change, Document
from stopline.text import canonical


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


def _kms(where: Where) -> "_Said":
    who = ("--key-id", where.name, "--policy-name", "default")
    return _Said(("get-key-policy", *who), "Policy", ("put-key-policy", *who), "--policy")


def _sns(where: Where) -> "_Said":
    who = ("--topic-arn", SNS.arn_of(where))
    put = ("set-topic-attributes", *who, "--attribute-name", "Policy")
    return _Said(("get-topic-attributes", *who), "Attributes.Policy", put, "--attribute-value")


def _secret(where: Where) -> "_Said":
    who = ("--secret-id", SECRETS.arn_of(where))
    return _Said(
        ("get-resource-policy", *who),
        "ResourcePolicy",
        ("put-resource-policy", *who),
        "--resource-policy",
        ("delete-resource-policy", *who),
    )


def _ecr(where: Where) -> "_Said":
    who = ("--repository-name", where.name)
    return _Said(
        ("get-repository-policy", *who),
        "policyText",
        ("set-repository-policy", *who),
        "--policy-text",
        ("delete-repository-policy", *who),
    )


def _dynamodb(where: Where) -> "_Said":
    who = ("--resource-arn", DYNAMODB.arn_of(where))
    return _Said(
        ("get-resource-policy", *who),
        "Policy",
        ("put-resource-policy", *who),
        "--policy",
        ("delete-resource-policy", *who),
    )


def _bus(where: Where) -> "_Said":
    who = ("--event-bus-name", where.name)
    return _Said(
        ("describe-event-bus", "--name", where.name),
        "Policy",
        ("put-permission", *who),
        "--policy",
        ("remove-permission", *who, "--remove-all-permissions"),
    )


def _function(where: Where) -> "_Said":
    who = ("--resource-arn", LAMBDA.arn_of(where))
    return _Said(
        ("get-resource-policy", *who),
        "Policy",
        ("put-resource-policy", *who),
        "--policy",
        ("delete-resource-policy", *who),
    )


def _file_system(where: Where) -> "_Said":
    who = ("--file-system-id", where.name)
    return _Said(
        ("describe-file-system-policy", *who),
        "Policy",
        ("put-file-system-policy", *who),
        "--policy",
        ("delete-file-system-policy", *who),
    )


def _domain(where: Where) -> "_Said":
    update = ("update-domain-config", "--domain-name", where.name)
    return _Said(
        ("describe-domain-config", "--domain-name", where.name),
        "DomainConfig.AccessPolicies.Options",
        update,
        "--access-policies",
        (*update, "--access-policies", ""),
    )


class _Said:
    """The words of the commands that read, put and drop a policy, after the service's name."""

    def __init__(
        self,
        get: Sequence[str],
        query: str,
        put: Sequence[str],
        option: str,
        drop: Sequence[str] = (),
    ) -> None:
        """`query` is where the text is in the answer, `option` what takes the new one."""
        self.get, self.query, self.put, self.option, self.drop = get, query, put, option, drop


_SAID: Mapping[str, Callable[[Where], _Said]] = {
    KMS.statement: _kms,
    SNS.statement: _sns,
    SECRETS.statement: _secret,
    ECR.statement: _ecr,
    DYNAMODB.statement: _dynamodb,
    EVENTS.statement: _bus,
    LAMBDA.statement: _function,
    EFS.statement: _file_system,
    OPENSEARCH.statement: _domain,
}
_ROWS = {
    row.statement: row
    for row in (KMS, SNS, SECRETS, ECR, DYNAMODB, SQS, EVENTS, LAMBDA, EFS, OPENSEARCH)
}
KINDS = tuple(_ROWS)
"""Every kind of statement in a resource's policy that has commands here."""


def lines(document: Document, changes: Sequence[Change], original: str | None) -> Iterator[str]:
    """Read the policy as it is, put ours in or take them out, write it; or drop it, when empty."""
    row, where = _ROWS[document.kind], where_of(document)
    region = ("--region", where.region)
    if row is EVENTS and not any(change.after for change in changes):
        for change in changes:
            sid = ("--statement-id", change.address.part)
            yield aws("events", "remove-permission", "--event-bus-name", where.name, *sid, *region)
        return
    yield from statements(changes, original)
    if row is SQS:
        yield from _queue(where, region)
        return
    said = _SAID[document.kind](where)
    shown = ("--query", said.query, "--output", "text")
    now = aws(row.service, *said.get, *region, *shown)
    put = f'{aws(row.service, *said.put, *region)} {said.option} "file://$D/new" > /dev/null'
    drop = f"{aws(row.service, *said.drop, *region)} > /dev/null" if said.drop else "false"
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
    wrap = (
        "import json, sys; "
        'print(json.dumps({"Policy": open(sys.argv[1], encoding="utf-8").read()}))'
    )
    wrapped = f'python3 -c {quote(wrap)} "$D/new" > "$D/attributes"'
    put = f'{aws("sqs", "set-queue-attributes", *region)} {url} --attributes "file://$D/attributes"'
    yield _edited("", now, f"{wrapped} && {put}", f"{wrapped} && {put}")


def _edited(none: str, now: str, put: str, drop: str) -> str:
    """One line, and one failure: what could not be read is never replaced."""
    which = f'if [ -s "$D/new" ]; then {put}; elif [ -s "$D/now" ]; then {drop}; fi'
    return f"(policy_now {quote(none)} {now} && statements && {which})"
