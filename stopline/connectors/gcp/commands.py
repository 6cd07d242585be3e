"""Our changes as commands that a person can run. Pure.

https://docs.cloud.google.com/sdk/gcloud/reference/iam
"""

import json
import re
from collections.abc import Iterator, Sequence
from shlex import join, quote
from urllib.parse import unquote

from stopline.commands import Commands
from stopline.connectors.gcp import buckets, denying, drives, lists, membership
from stopline.connectors.gcp.members import spelt
from stopline.connectors.gcp.reading import point_of
from stopline.model import Change, Document
from stopline.text import Json, canonical

_DENIES_ONLY = """\
denies_only() { python3 -c '
import json, sys
with open(sys.argv[1]) as file:
    rules = json.load(file).get("rules", [])
now = {who for rule in rules for who in rule["denyRule"].get("deniedPrincipals", [])}
sys.exit(not now <= set(sys.argv[2:]))
' "$@"; }
"""
"""Whether a deny policy denies nobody but who is named: else deleting it would let others in."""


def commands(document: Document, changes: Sequence[Change]) -> Commands:
    """`gcloud` for all our changes of one document."""
    say = {
        "deny-policy-entry": _deny,
        "allow-policy-entry": _allow,
        lists.KIND: _list,
        buckets.KIND: _bucket,
        drives.KIND: _drive,
        "hmac-key": _hmac_key,
        "identity-pool": _pool,
        "workspace-user": _user,
        "workspace-membership": _membership,
    }.get(document.kind, _switch)
    lines = tuple(say(document, changes))
    return Commands(lines, (_DENIES_ONLY,) if say is _deny else ())


def _switch(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    project, email, *key = document.id.split("/")
    for change in changes:
        if change.after is not None:
            verb = "disable" if change.after.value["disabled"] else "enable"
            words = ["keys", verb, key[0], f"--iam-account={email}"] if key else [verb, email]
            yield join(["gcloud", "iam", "service-accounts", *words, f"--project={project}"])


def _user(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """No command of `gcloud` suspends a user: https://support.google.com/a/answer/33312 ."""
    for change in changes:
        if change.after is not None:
            off = bool(change.after.value["suspended"])
            verb = "suspend, then sign out" if off else "let in again"
            told = f"{verb}, in the Admin console under Users: {document.id} (id {change.uid})"
            yield f"not_done {quote(told)}"


def _membership(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """https://docs.cloud.google.com/sdk/gcloud/reference/identity/groups/memberships/add"""
    group, member = membership.names(document)
    who = (f"--group-email={group}", f"--member-email={member}")
    command = ("gcloud", "identity", "groups", "memberships")
    for change in changes:
        if change.after is None:
            yield join((*command, "delete", *who))
            continue
        said = change.after.value
        role = said["role"]
        roles = "MEMBER" if role == "MEMBER" else f"MEMBER,{role}"
        yield join((*command, "add", *who, f"--roles={roles}"))
        if said["delivery_settings"] != "ALL_MAIL":
            told = f"{member} in {group}: how it gets mail was {said['delivery_settings']}"
            yield f"not_done {quote(told)}"


def _hmac_key(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """https://docs.cloud.google.com/sdk/gcloud/reference/storage/hmac/update"""
    project, _, key = document.id.partition("/")
    for change in changes:
        if change.after is not None:
            verb = "--activate" if change.after.value["state"] == "ACTIVE" else "--deactivate"
            yield join(("gcloud", "storage", "hmac", "update", key, verb, f"--project={project}"))


def _pool(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """https://docs.cloud.google.com/sdk/gcloud/reference/iam/workload-identity-pools/update

    https://docs.cloud.google.com/sdk/gcloud/reference/iam/workforce-pools/update
    """
    first, number, *_, name = document.id.split("/")
    workforce = first == "locations"  # of an organisation's people, in no project
    what = "workforce-pools" if workforce else "workload-identity-pools"
    place = () if workforce else (f"--project={number}",)
    for change in changes:
        if change.after is not None:
            verb = "--disabled" if change.after.value["disabled"] else "--no-disabled"
            yield join(("gcloud", "iam", what, "update", name, "--location=global", *place, verb))


def _deny(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """The policy is made whole, or deleted whole: one that denies others too is left as it is.

    `create` refuses where there is one. https://docs.cloud.google.com/iam/docs/deny-access
    """
    point = f"cloudresourcemanager.googleapis.com/{point_of(document.realm)}"
    where = (f"--attachment-point={point}", "--kind=denypolicies")
    policy = ("gcloud", "iam", "policies")
    after = {c.address.part: c.after for c in changes if c.after is not None}
    if not after:
        who = [spelt(c.address.part) or c.address.part for c in changes]
        told = f"{document.id}: it denies others too; take these out of it by hand: {' '.join(who)}"
        yield f'{join((*policy, "get", document.id, *where))} --format=json > "$D/deny.json"'
        yield f'if denies_only "$D/deny.json" {join(who)}; then'
        yield f"  {join((*policy, 'delete', document.id, *where))}"
        yield f"else not_done {quote(told)}; fi"
        return
    body = canonical({"displayName": document.id, "rules": denying.rules(after)})
    yield f'printf %s {quote(body)} > "$D/deny.json"'
    yield f'{join((*policy, "create", document.id, *where))} --policy-file="$D/deny.json"'


def _allow(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        said = change.after or change.before
        if said is None:
            continue
        verb = "remove" if change.after is None else "add"
        value = said.value
        if _DATASET.fullmatch(document.id):
            yield _dataset(document.id, verb, value)
            continue
        words = [f"--member={value['member']}", f"--role={value['role']}"]
        target = _target(document.id, verb)
        bare = document.id.startswith("pubsub.")  # its commands take no condition
        if not target or (bare and value.get("condition")):
            told = f"{verb} {value['role']} on {document.id}: {value['member']}"
            yield f"not_done {quote(told)}"
            continue
        line = join((*target, *words))
        if not value.get("condition"):
            yield line if bare else f"{line} --condition=None"
            continue
        yield f'printf %s {quote(json.dumps(value["condition"]))} > "$D/condition.json"'
        yield f'{line} --condition-from-file="$D/condition.json"'


_DATASET = re.compile(r"bigquery\.googleapis\.com/projects/([^/]+)/datasets/([^/]+)")
_IN_SQL = ("user", "group", "domain", "serviceAccount")


def _dataset(resource: str, verb: str, value: Json) -> str:
    """In SQL, which takes no conditions and not everybody whom a list may name.

    https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language
    """
    project, _, name = resource.removeprefix("bigquery.googleapis.com/projects/").split("/")
    member, role = value["member"], value["role"]
    if value.get("condition") or member.partition(":")[0] not in _IN_SQL or '"' in member:
        return f"not_done {quote(f'{verb} {role} on {resource}: {member}')}"
    words = ("REVOKE", "FROM") if verb == "remove" else ("GRANT", "TO")
    said = f'{words[0]} `{role}` ON SCHEMA `{project}`.`{name}` {words[1]} "{member}"'
    return join(("bq", "query", f"--project_id={project}", "--use_legacy_sql=false", said))


def _list(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """https://docs.cloud.google.com/sdk/gcloud/reference/storage/objects/update"""
    collection, words, field = lists.place(document.id)
    name = f"gs://{words['bucket']}"
    if collection == "objects":
        name += f"/{words['object']}#{words['generation']}"
    grant = "acl-grant" if field == lists.OF_BUCKET else "default-object-acl-grant"
    for change in changes:
        entity = change.address.part
        said = f"--remove-{grant}={entity}"
        if change.after is not None:
            said = f"--add-{grant}=entity={entity},role={change.after.value['role']}"
        yield join(("gcloud", "storage", collection, "update", name, said))


def _drive(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """`gcloud` knows nothing of Drive: a person does it in the drive, under Share."""
    drive, file, _ = document.id.split("/")
    where = f"the shared drive {drive}" + (f", the file {file}" if file != drive else "")
    for change in changes:
        said = change.after or change.before
        if said is not None:
            verb = "take out of" if change.after is None else "let into"
            told = f"{verb} {where}: {change.principal}, {said.value['role']}"
            yield f"not_done {quote(told)}"


def _bucket(document: Document, changes: Sequence[Change]) -> Iterator[str]:
    """Rules go as a whole, so they are put back only where nobody has made others meanwhile.

    https://docs.cloud.google.com/sdk/gcloud/reference/storage/buckets/update
    """
    name = f"gs://{document.id}"
    update = join(("gcloud", "storage", "buckets", "update", name))
    said = {change.address.part: change.after for change in changes}
    rules = [said.pop(part) for part in sorted(said) if part.startswith(buckets.RULE)]
    for part, after in sorted(said.items()):
        yield f"{update} --{_flag(part, after.value if after is not None else {})}"
    if back := [rule.value for rule in rules if rule is not None]:
        asked = ("describe", name, "--format=value(lifecycle_config)")
        now = join(("gcloud", "storage", "buckets", *asked))
        told = f"{document.id}: it has lifecycle rules of somebody else's; add ours by hand"
        yield f'printf %s {quote(canonical({"rule": back}))} > "$D/lifecycle.json"'
        yield f'if test -z "$({now})"; then {update} --lifecycle-file="$D/lifecycle.json"'
        yield f"else not_done {quote(told)}; fi"
    elif rules:
        yield f"{update} --clear-lifecycle"


def _flag(part: str, said: Json) -> str:
    if part == buckets.SOFT_DELETE:
        seconds = said.get("retentionDurationSeconds")
        return f"soft-delete-duration={seconds}s" if seconds else "clear-soft-delete"
    on = said.get(buckets.PUBLIC) == "enforced" or bool(said.get("enabled"))
    what = {buckets.PUBLIC: "public-access-prevention", buckets.VERSIONS: "versioning"}[part]
    return what if on else f"no-{what}"


def _target(resource: str, verb: str) -> tuple[str, ...]:
    """https://docs.cloud.google.com/sdk/gcloud/reference/projects/add-iam-policy-binding"""
    edit = f"{verb}-iam-policy-binding"
    kind, _, name = resource.partition("/")
    if "/serviceAccounts/" in resource:
        project, _, email = name.partition("/serviceAccounts/")
        return ("gcloud", "iam", "service-accounts", edit, email, f"--project={project}")
    if kind == "buckets":
        bucket, inside, folder = name.partition("/managedFolders/")
        what = "managed-folders" if inside else "buckets"
        path = f"/{unquote(folder)}" if inside else ""
        return ("gcloud", "storage", what, edit, f"gs://{bucket}{path}")
    if kind.endswith(".googleapis.com"):
        return _below(name, edit)
    if kind == "folders":
        return ("gcloud", "resource-manager", "folders", edit, name)
    return ("gcloud", kind, edit, name)


_BELOW = {
    "topics": ("pubsub", "topics", "--project"),
    "subscriptions": ("pubsub", "subscriptions", "--project"),
    "secrets": ("secrets", "--project"),
    "keyRings": ("kms", "keyrings", "--project", "--location"),
    "cryptoKeys": ("kms", "keys", "--project", "--location", "--keyring"),
    "repositories": ("artifacts", "repositories", "--project", "--location"),
    "services": ("run", "services", "--project", "--region"),
}
"""By collection: the command's group, and its options for what the resource lies in."""


def _below(path: str, edit: str) -> tuple[str, ...]:
    """The command for what lies below a project; nothing where none is known.

    https://docs.cloud.google.com/sdk/gcloud/reference/kms/keys/add-iam-policy-binding
    """
    steps = path.split("/")
    words = _BELOW.get(steps[-2], ())
    group = [word for word in words if not word.startswith("--")]
    options = [word for word in words if word.startswith("--")]
    inside = [f"{o}={v}" for o, v in zip(options, steps[1:-2:2], strict=bool(words))]
    return ("gcloud", *group, edit, steps[-1], *inside) if words else ()
