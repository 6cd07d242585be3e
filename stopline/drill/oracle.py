"""The drill's own judge: who can do what, by the documents as they are read back.

It evaluates as AWS documents it, since the emulator is wrong about much of it: an Inactive key
works there, conditions are ignored, a deny in a bucket policy blocks everybody. It shares nothing
with the connector. What it cannot decide it says so, and that never counts as refused.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from stopline.drill import doors
from stopline.drill.access import Access
from stopline.drill.manifest import Door, Manifest, Person, Store, Way

Context = Mapping[str, str]


class Answer(StrEnum):
    """What AWS would say."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class _UnknownError(Exception):
    """A construct that is not understood here."""


@dataclass(frozen=True, slots=True)
class Check:
    """One credential, one act, and what AWS would say to it."""

    who: str
    what: str
    answer: Answer
    why: str = ""


# --- evaluation --------------------------------------------------------------------------------


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _like(patterns: Any, text: str) -> bool:
    return any(fnmatchcase(text, str(p)) for p in _list(patterns))


def _condition(operator: str, key: str, values: Any, context: Context) -> bool:
    name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    found = context.get(key.lower())
    if name == "Null":
        return (found is None) == (str(_list(values)[0]).lower() == "true")
    negative = "Not" in name
    if found is None:
        return if_exists or negative
    wanted = [str(v) for v in _list(values)]
    if name in ("StringEquals", "StringNotEquals"):
        return (found in wanted) != negative
    if name in (
        "StringLike",
        "StringNotLike",
        "ArnLike",
        "ArnEquals",
        "ArnNotLike",
        "ArnNotEquals",
    ):
        return any(fnmatchcase(found, w) for w in wanted) != negative
    if name == "Bool":
        return found.lower() == wanted[0].lower()
    if name == "DateLessThan":
        return datetime.fromisoformat(found) < datetime.fromisoformat(wanted[0])
    raise _UnknownError(operator)


def _conditions(statement: Any, context: Context) -> bool:
    return all(
        _condition(operator, key, values, context)
        for operator, pairs in (statement.get("Condition") or {}).items()
        for key, values in pairs.items()
    )


def _names(named: str, context: Context) -> bool:
    arn, account = context.get("aws:principalarn"), context.get("aws:principalaccount")
    if named == "*" or named in (arn, account):
        return True
    return named == f"arn:aws:iam::{account}:root"


def _principal(statement: Any, context: Context) -> bool | None:
    """Whether a statement speaks of the caller; None when it has no principal at all."""
    if "NotPrincipal" in statement:
        raise _UnknownError("NotPrincipal")
    if "Principal" not in statement:
        return None
    principal = statement["Principal"]
    if principal == "*":
        return True
    service = context.get("service", "")
    if service:
        return _like(principal.get("Service"), service)
    federated = context.get("federated", "")
    if federated and _like(principal.get("Federated"), federated):
        return True
    return not federated and any(_names(str(t), context) for t in _list(principal.get("AWS")))


def _applies(statement: Any, action: str, resource: str, context: Context) -> bool:
    if _principal(statement, context) is False:
        return False
    acts = _list(statement.get("Action"))
    if "NotAction" in statement:
        if _like([a.lower() for a in _list(statement["NotAction"])], action.lower()):
            return False
    elif not _like([a.lower() for a in acts], action.lower()):
        return False
    if "NotResource" in statement and _like(statement["NotResource"], resource):
        return False
    if "Resource" in statement and not _like(statement["Resource"], resource):
        return False
    return _conditions(statement, context)


def effects(documents: Iterable[Any], action: str, resource: str, context: Context) -> set[str]:
    """Which effects (`Allow`, `Deny`) the documents have on one act."""
    return {
        statement["Effect"]
        for document in documents
        for statement in _list((document or {}).get("Statement"))
        if _applies(statement, action, resource, context)
    }


# --- the documents as read back ----------------------------------------------------------------


@dataclass
class Oracle:
    """Everything read once, and what it means for whoever the manifest names."""

    documents: dict[str, list[Any]] = field(default_factory=dict)
    trusts: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    grantees: dict[str, set[str]] = field(default_factory=dict)
    boundaries: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, list[Any]] = field(default_factory=dict)
    doors: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @classmethod
    def read(cls, access: Access) -> "Oracle":
        """Read every lab account as its owner sees it."""
        oracle = cls()
        with ThreadPoolExecutor() as pool:  # the emulator is another process, and as busy
            tuple(pool.map(lambda account: oracle._read(access, account), access.accounts))
        return oracle

    def _read(self, access: Access, account: str) -> None:
        self._principals(access.client(account, "iam"))
        self._buckets(access.client(account, "s3"))
        for name, raw in doors.policies(access, account).items():
            self.doors[account, *name] = json.loads(raw or "{}")

    def _principals(self, iam: Any) -> None:
        details = iam.get_account_authorization_details()
        for kind in ("User", "Role"):
            for item in details[f"{kind}DetailList"]:
                words = {f"{kind}Name": item[f"{kind}Name"]}
                self.documents[item["Arn"]] = self._held(iam, kind.lower(), words)
                if boundary := _boundary(iam, kind.lower(), words):
                    self.boundaries[item["Arn"]] = boundary
                if kind == "Role":
                    self.trusts[item["Arn"]] = _decoded(item["AssumeRolePolicyDocument"])
                else:
                    for key in iam.list_access_keys(**words)["AccessKeyMetadata"]:
                        self.keys[key["AccessKeyId"]] = key["Status"]

    def _held(self, iam: Any, kind: str, words: Mapping[str, str]) -> list[Any]:
        inline = getattr(iam, f"list_{kind}_policies")(**words)["PolicyNames"]
        found = [
            _decoded(getattr(iam, f"get_{kind}_policy")(**words, PolicyName=n)["PolicyDocument"])
            for n in inline
        ]
        attached = getattr(iam, f"list_attached_{kind}_policies")(**words)["AttachedPolicies"]
        return found + [_managed(iam, each["PolicyArn"]) for each in attached]

    def _buckets(self, s3: Any) -> None:
        for bucket in s3.list_buckets()["Buckets"]:
            name = bucket["Name"]
            acl = s3.get_bucket_acl(Bucket=name)
            self.grantees[name] = {g["Grantee"].get("ID", "") for g in acl["Grants"]}
            try:
                self.policies[name] = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
            except s3.exceptions.ClientError:
                self.policies[name] = {}
            try:
                found = s3.get_bucket_lifecycle_configuration(Bucket=name)
                self.rules[name] = found["Rules"]
            except s3.exceptions.ClientError:
                self.rules[name] = []

    # --- questions -----------------------------------------------------------------------------

    def users(self, people: Iterable[Person]) -> list[Check]:
        """Each key that was Active: can it still work?"""
        return [
            self._key(person, key) for person in people for key, _, active in person.keys if active
        ]

    def _key(self, person: Person, key: str) -> Check:
        who, what = f"key {key[:4]}…{key[-4:]} of {person.name}", "sqs:ListQueues"
        if self.keys.get(key) != "Active":
            return Check(who, what, Answer.REFUSED, "the key is not Active")
        context = _context(person.arn)
        return _check(who, what, lambda: self._identity(person.arn, what, "*", context))

    def roles(self, ways: Iterable[Way]) -> list[Check]:
        """Each role and who can take it: can it be taken, and does its session still work?"""
        return [self._role(way) for way in ways]

    def _role(self, way: Way) -> Check:
        context = _caller(way)
        action = "sts:AssumeRoleWithSAML" if "federated" in context else "sts:AssumeRole"

        who, what = f"{way.by} as role {way.role}", "sqs:ListQueues"
        if way.arn not in self.trusts:  # all that there are were read
            return Check(who, what, Answer.REFUSED, "the role is not there")

        def answer() -> Answer:
            trusted = effects([self.trusts[way.arn]], action, way.arn, context)
            if "Deny" in trusted or "Allow" not in trusted:
                return Answer.REFUSED
            return self._identity(way.arn, what, "*", _session(way.arn, _NEW))

        return _check(who, what, answer)

    def old_sessions(self, ways: Iterable[Way]) -> list[Check]:
        """Each role's session that was issued before the night: does it still work?"""
        what = "sqs:ListQueues"
        return [
            _check(
                f"an old session of role {way.role}",
                what,
                lambda arn=way.arn: self._identity(arn, what, "*", _session(arn, _OLD)),
            )
            for way in ways
        ]

    def writes(self, stores: Iterable[Store]) -> list[Check]:
        """Each bucket and who writes to it."""
        return [self._bucket(store, "s3:PutObject", "logs/sample") for store in stores]

    def expiries(self, stores: Iterable[Store]) -> list[Check]:
        """Each bucket's lifecycle: does any rule run?"""
        return [
            Check(
                f"the lifecycle of {store.bucket}",
                "expiry",
                Answer.ALLOWED
                if any(r["Status"] == "Enabled" for r in self.rules[store.bucket])
                else Answer.REFUSED,
            )
            for store in stores
        ]

    def buckets(self, stores: Iterable[Store]) -> list[Check]:
        """Each bucket and who can read it."""
        return [self._bucket(store, "s3:GetObject", "sample") for store in stores if store.by]

    def _bucket(self, store: Store, what: str, key: str) -> Check:
        resource = f"arn:aws:s3:::{store.bucket}/{key}"

        def answer() -> Answer:
            said = {"Allow"} if store.by in self.grantees[store.bucket] else set()
            context = _session(store.by, _NEW) if ":role/" in store.by else _context(store.by)
            said |= effects([self.policies[store.bucket]], what, resource, context)
            if store.by in self.documents:  # an identity of the same account: either side allows
                said |= effects(self.documents[store.by], what, resource, context)
            refused = "Deny" in said or "Allow" not in said
            return Answer.REFUSED if refused else Answer.ALLOWED

        return _check(f"{store.by[:60]} on {store.bucket}", what, answer)

    def through(self, ways: Iterable[Door]) -> list[Check]:
        """Each resource with a policy of its own: does it let them in?"""

        def answer(door: Door) -> Answer:
            policy = self.doors[door.account, door.kind, door.name]
            on = next((s["Resource"] for s in _list(policy["Statement"]) if "Resource" in s), "*")
            said = effects([policy], door.act, on, _context(door.by))
            refused = "Deny" in said or "Allow" not in said
            return Answer.REFUSED if refused else Answer.ALLOWED

        return [
            _check(f"{d.by} through the {d.kind} {d.name}", d.act, lambda d=d: answer(d))
            for d in ways
        ]

    def _identity(self, arn: str, action: str, resource: str, context: Context) -> Answer:
        said = effects(self.documents[arn], action, resource, context)
        if arn in self.boundaries:  # both must allow, and either may deny
            bound = effects([self.boundaries[arn]], action, resource, context)
            said = (said & bound) | ({"Deny"} & (said | bound))
        return Answer.REFUSED if "Deny" in said or "Allow" not in said else Answer.ALLOWED

    def vendor(self, manifest: Manifest) -> list[Check]:
        """Everything that the vendor holds and that is to be cut off.

        Whoever takes a role from a session of a shared one, begun after the pause, is not it.
        """
        shared = {way.arn for way in manifest.shared_roles}
        direct = [way for way in manifest.shared_roles if way.by not in shared]
        return [
            *self.users(manifest.vendor_users),
            *self.roles((*manifest.vendor_roles, *direct)),
            *self.old_sessions(manifest.shared_roles),
            *self.buckets(manifest.vendor_buckets),
            *self.through(manifest.vendor_doors),
        ]

    def frozen(self, manifest: Manifest) -> list[Check]:
        """What must stand still: writes to what is preserved, and its lifecycle."""
        return [*self.writes(manifest.preserved), *self.expiries(manifest.preserved)]

    def bystanders(self, manifest: Manifest) -> list[Check]:
        """Everything that others hold and that must go on working."""
        return [
            *self.users(manifest.bystander_users),
            *self.roles(manifest.bystander_roles),
            *self.buckets(manifest.bystander_buckets),
            *self.writes(manifest.still_writing),
            *self.through(manifest.bystander_doors),
        ]


def _check(who: str, what: str, answer: Any) -> Check:
    try:
        return Check(who, what, answer())
    except _UnknownError as unknown:
        return Check(who, what, Answer.UNDECIDED, f"{unknown} is not understood here")
    except KeyError as missing:
        return Check(who, what, Answer.UNDECIDED, f"{missing} was not read")


_OLD, _NEW = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
"""When a session was issued: long before the night, or after it."""


def _session(arn: str, issued: str) -> dict[str, str]:
    return {**_context(arn), "aws:tokenissuetime": issued}


def _context(arn: str) -> dict[str, str]:
    """The request context of a principal; a canonical id stands for the vendor's first account."""
    if arn.endswith(".amazonaws.com"):
        return {"service": arn, "aws:principalisawsservice": "true"}
    if not arn.startswith("arn:"):
        arn = "arn:aws:iam::444455556666:user/acl"
    return {
        "aws:principalarn": arn,
        "aws:principalaccount": arn.split(":")[4],
        "aws:principalisawsservice": "false",
    }


def _caller(way: Way) -> dict[str, str]:
    context = _context(way.by)
    if ":saml-provider/" in way.by:
        context["federated"] = way.by
    if way.external_id:
        context["sts:externalid"] = way.external_id
    return context


def _managed(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    return _decoded(document["Document"])


def _boundary(iam: Any, kind: str, words: Mapping[str, str]) -> Any:
    found = getattr(iam, f"get_{kind}")(**words)[kind.capitalize()]
    arn = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return _managed(iam, arn) if arn else None


def _decoded(document: Any) -> Any:
    return json.loads(unquote(document)) if isinstance(document, str) else document
