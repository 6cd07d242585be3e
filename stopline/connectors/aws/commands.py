"""The AWS changes as plain `aws` commands, one kind of document after the other. Pure.

They compare nothing before they write, which the script says. What strangers share with us (a
bucket's policy) is edited in the text that stands there then; a recorded text is put back only
where it says the same as what is left.
https://docs.aws.amazon.com/cli/latest/reference/
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from shlex import join, quote

from stopline.commands import Commands
from stopline.connectors.aws import by_hand, marks
from stopline.connectors.aws.by_hand import aws, kept, statements
from stopline.connectors.aws.classes import ATTACHMENTS, POLICIES
from stopline.connectors.aws.organizing import DESCRIPTION, control_of
from stopline.connectors.aws.people import APPLICATION, ASSIGNED, MEMBER
from stopline.connectors.aws.resources import BY_STATEMENT
from stopline.connectors.aws.shares import SHARES
from stopline.model import Change, Document
from stopline.text import canonical

ACCOUNT = r"""
account() {  # whether the credentials are those of this account
  local have
  have=$(aws sts get-caller-identity --query Account --output text) || have=unknown
  [ "$have" != "$1" ] || return 0
  echo "PASSED OVER: account $1. The credentials are of $have; run this again with its own." >&2
  passed_over=$((passed_over + 1))
  return 1
}
"""

ORGANIZATION = r"""
organization() {  # whether the credentials are those of an account of this organization
  local have
  have=$(aws organizations describe-organization --query Organization.Id --output text) ||
    have=unknown
  [ "$have" != "$1" ] || return 0
  echo "PASSED OVER: $1. The credentials are of $have; run this again with its own." >&2
  passed_over=$((passed_over + 1))
  return 1
}
control() {  # NAME TYPE: the id of a policy of the organization; nothing where there is none
  aws organizations list-policies --filter "$2" --query "Policies[?Name=='$1'].Id" --output text
}
"""

STATEMENTS = r"""
statements() {  # $D/now with the statements of $D/ours put in, or taken out where null: $D/new
  python3 -c '
import json, sys
def text(name):
    with open(sys.argv[1] + "/" + name, encoding="utf-8") as file:
        return file.read()
def listed(body):
    found = body.get("Statement")
    return [] if found is None else found if isinstance(found, list) else [found]
def same(body):
    return json.dumps({**body, "Statement": listed(body)}, sort_keys=True)
now, ours, original = text("now"), json.loads(text("ours")), text("original")
body = json.loads(now) if now.strip() else {"Version": "2012-10-17"}
kept = [s for s in listed(body) if s.get("Sid") not in ours]
body["Statement"] = kept + [s for s in ours.values() if s]
if original and same(body) == same(json.loads(original)):
    new = original
else:
    plain = json.dumps(body, separators=(",", ":"), sort_keys=not now.strip())
    new = plain if body["Statement"] else ""
with open(sys.argv[1] + "/new", "w", encoding="utf-8") as file:
    file.write(new)
' "$D"
}
"""

BUCKET_POLICY = r"""
edit_bucket_policy() (  # BUCKET ACCOUNT: $D/ours goes into, or out of, the policy as it is now
  if ! aws s3api get-bucket-policy --bucket "$1" --expected-bucket-owner "$2" \
      --query Policy --output text > "$D/now" 2> "$D/error"; then
    : > "$D/now"
    grep -q NoSuchBucketPolicy "$D/error" || { cat "$D/error" >&2; exit 1; }
  fi
  statements || exit 1
  if [ -s "$D/new" ]; then
    aws s3api put-bucket-policy --bucket "$1" --expected-bucket-owner "$2" \
      --policy "file://$D/new"
  elif [ -s "$D/now" ]; then
    aws s3api delete-bucket-policy --bucket "$1" --expected-bucket-owner "$2"
  fi
)
"""

TRUST_POLICY = r"""
edit_trust_policy() (  # ROLE: $D/ours goes into, or out of, the trust policy as it is now
  aws iam get-role --role-name "$1" --query Role.AssumeRolePolicyDocument --output json \
    > "$D/now" || exit 1
  statements || exit 1
  aws iam update-assume-role-policy --role-name "$1" --policy-document "file://$D/new"
)
"""

LIFECYCLE = r"""
edit_lifecycle() (  # BUCKET ACCOUNT: the rules of $D/ours take the place of those with their names
  aws s3api get-bucket-lifecycle-configuration --bucket "$1" --expected-bucket-owner "$2" \
    --output json > "$D/now" || exit 1
  python3 -c '
import hashlib, json, sys
def read(name):
    with open(sys.argv[1] + "/" + name, encoding="utf-8") as file:
        return json.load(file)
def part(rule):
    said = {k: v for k, v in rule.items() if k != "Status"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return rule.get("ID") or "~" + hashlib.sha256(text.encode()).hexdigest()[:12]
now, ours = read("now"), read("ours")
with open(sys.argv[1] + "/new", "w", encoding="utf-8") as file:
    json.dump({"Rules": [ours.get(part(rule)) or rule for rule in now["Rules"]]}, file)
print(now.get("TransitionDefaultMinimumObjectSize", ""))
' "$D" > "$D/size" || exit 1
  set -- --bucket "$1" --expected-bucket-owner "$2" --lifecycle-configuration "file://$D/new"
  [ -z "$(cat "$D/size")" ] ||
    set -- "$@" --transition-default-minimum-object-size "$(cat "$D/size")"
  aws s3api put-bucket-lifecycle-configuration "$@"
)
"""

Lines = Callable[[Document, Sequence[Change], str | None], Iterator[str]]


def commands(document: Document, changes: Sequence[Change], original: str | None) -> Commands:
    """Say the changes of one document as `aws` commands; no lines where none are known."""
    lines = COMMANDS.get(document.kind)
    if lines is None:
        return Commands()
    said = tuple(lines(document, changes, original))
    if document.kind in (*POLICIES, *ATTACHMENTS):
        return Commands(said, (ORGANIZATION,), f"organization {quote(document.realm)}")
    needs = (ACCOUNT, *NEEDS.get(document.kind, ()))
    return Commands(said, needs, f"account {quote(document.realm)}")


# --- attachments and the policy that is attached -------------------------------------------------


def _attachments(document: Document, changes: Sequence[Change], owner: str) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/attach-user-policy.html"""
    for change in changes:
        verb = "attach" if change.after is not None else "detach"
        words = (f"--{owner}-name", document.id, "--policy-arn", change.address.part)
        yield aws("iam", f"{verb}-{owner}-policy", *words)


def _deny_policy(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/create-policy.html"""
    arn = f"arn:aws:iam::{document.realm}:policy{marks.PATH}{document.id}"
    for change in changes:
        if change.after is None:
            yield from _deleted(arn)
            continue
        text = canonical(change.after.value["document"])
        there = aws("iam", "get-policy", "--policy-arn", arn)
        if change.before is None:
            words = ("--policy-name", document.id, "--path", marks.PATH, "--policy-document", text)
            yield f"{there} > /dev/null 2>&1 || {aws('iam', 'create-policy', *words)}"
        else:  # altered by somebody: AWS keeps five versions, so an old one may have to go first
            version = ("--policy-arn", arn, "--policy-document", text, "--set-as-default")
            yield aws("iam", "create-policy-version", *version)


def _deleted(arn: str) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/delete-policy.html"""
    where = ("--policy-arn", arn)
    other = ("--query", "Versions[?IsDefaultVersion==`false`].VersionId", "--output", "text")
    listed = aws("iam", "list-policy-versions", *where, *other)
    one = aws("iam", "delete-policy-version", *where, "--version-id")
    yield f'for version in $({listed}); do {one} "$version"; done'
    yield aws("iam", "delete-policy", *where)


# --- keys and certificates -----------------------------------------------------------------------


def _toggle(
    document: Document, changes: Sequence[Change], command: str, option: str
) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/update-access-key.html"""
    user, _, wanted = document.id.partition("/")
    for change in changes:
        if change.after is not None:
            status = str(change.after.value["Status"])
            yield aws("iam", command, "--user-name", user, option, wanted, "--status", status)


# --- statements in texts that others edit too ----------------------------------------------------


def _bucket_policy(
    document: Document, changes: Sequence[Change], original: str | None
) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/s3api/put-bucket-policy.html"""
    yield from statements(changes, original)
    yield join(("edit_bucket_policy", document.id, document.realm))


def _trust_policy(
    document: Document, changes: Sequence[Change], original: str | None
) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/update-assume-role-policy.html"""
    yield from statements(changes, original)
    yield join(("edit_trust_policy", document.id))


def _lifecycle(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/s3api/put-bucket-lifecycle-configuration.html"""
    yield kept("ours", canonical({c.address.part: c.after.value for c in changes if c.after}))
    yield join(("edit_lifecycle", document.id, document.realm))


# --- one thing in one place of a principal -------------------------------------------------------


def _inline(document: Document, changes: Sequence[Change], owner: str) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/put-role-policy.html"""
    name, _, policy = document.id.partition("/")
    where = (f"--{owner}-name", name, "--policy-name", policy)
    for change in changes:
        if change.after is None:
            yield aws("iam", f"delete-{owner}-policy", *where)
        else:
            text = canonical(change.after.value["document"])
            yield aws("iam", f"put-{owner}-policy", *where, "--policy-document", text)


def _boundary(document: Document, changes: Sequence[Change], owner: str) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/iam/put-role-permissions-boundary.html"""
    where = (f"--{owner}-name", document.id)
    for change in changes:
        if change.after is None:
            yield aws("iam", f"delete-{owner}-permissions-boundary", *where)
        else:
            arn = str(change.after.value["PermissionsBoundary"])
            words = (*where, "--permissions-boundary", arn)
            yield aws("iam", f"put-{owner}-permissions-boundary", *words)


# --- policies of an organization -----------------------------------------------------------------


def _id_of(name: str, document: Document) -> str:
    """The shell's words for a policy's id."""
    return f'"$({join(("control", name, control_of(document.kind).type))})"'


def _control(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/organizations/create-policy.html"""
    name, type_ = document.id, control_of(document.kind).type
    id_ = _id_of(name, document)
    for change in changes:
        if change.after is None:
            targets = ("--query", "Targets[].TargetId", "--output", "text")
            listed = (
                f"{aws('organizations', 'list-targets-for-policy', *targets)} --policy-id {id_}"
            )
            detach = f'aws organizations detach-policy --policy-id {id_} --target-id "$target"'
            delete = f"aws organizations delete-policy --policy-id {id_}"
            ended = f"{{ for target in $({listed}); do {detach}; done; {delete}; }}"
            yield f'found={id_} && {{ [ -z "$found" ] || {ended}; }}'
            continue
        text = canonical(change.after.value["document"])
        words = ("--name", name, "--type", type_, "--description", DESCRIPTION, "--content", text)
        create = aws("organizations", "create-policy", *words)
        update = f"{aws('organizations', 'update-policy', '--content', text)} --policy-id {id_}"
        yield f"if [ -z {id_} ]; then {create}; else {update}; fi"


def _placed(document: Document, changes: Sequence[Change], _: str | None) -> Iterator[str]:
    """https://docs.aws.amazon.com/cli/latest/reference/organizations/attach-policy.html"""
    for change in changes:
        verb = "attach" if change.after is not None else "detach"
        said = aws("organizations", f"{verb}-policy", "--target-id", document.id)
        yield f"{said} --policy-id {_id_of(change.address.part, document)}"


COMMANDS: Mapping[str, Lines] = {
    **dict.fromkeys(POLICIES, _control),
    **dict.fromkeys(ATTACHMENTS, _placed),
    **dict.fromkeys(BY_STATEMENT, by_hand.lines),
    MEMBER: by_hand.membership,
    ASSIGNED: by_hand.assignment,
    APPLICATION: by_hand.application,
    **dict.fromkeys(SHARES, lambda d, ch, _: by_hand.entries(d, ch)),
    "deny-policy": _deny_policy,
    "user-attachment": lambda d, ch, _: _attachments(d, ch, "user"),
    "role-attachment": lambda d, ch, _: _attachments(d, ch, "role"),
    "access-key": lambda d, ch, _: _toggle(d, ch, "update-access-key", "--access-key-id"),
    "ssh-key": lambda d, ch, _: _toggle(d, ch, "update-ssh-public-key", "--ssh-public-key-id"),
    "signing-certificate": lambda d, ch, _: _toggle(
        d, ch, "update-signing-certificate", "--certificate-id"
    ),
    "bucket-policy-statement": _bucket_policy,
    "trust-policy-statement": _trust_policy,
    "bucket-lifecycle": _lifecycle,
    "user-inline-policy": lambda d, ch, _: _inline(d, ch, "user"),
    "role-inline-policy": lambda d, ch, _: _inline(d, ch, "role"),
    "user-boundary": lambda d, ch, _: _boundary(d, ch, "user"),
    "role-boundary": lambda d, ch, _: _boundary(d, ch, "role"),
}
"""By kind of document: every kind that `classes.WRITERS` writes has a row here."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "bucket-policy-statement": (STATEMENTS, BUCKET_POLICY),
    "trust-policy-statement": (STATEMENTS, TRUST_POLICY),
    "bucket-lifecycle": (LIFECYCLE,),
    **dict.fromkeys(BY_STATEMENT, (STATEMENTS, by_hand.RESOURCE_POLICY)),
}
"""The shell functions that the lines of a kind call."""
