"""What people of the lab do while a vendor is paused: some open it again, others edit beside it.

Through the providers' own clients, and never through what is drilled.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stopline.drill import organisation as o
from stopline.drill.access import Access, Credentials
from stopline.drill.emulator import Emulator
from stopline.drill.fingerprint import OURS, Fingerprint
from stopline.drill.googling import Organisation
from stopline.drill.manifest import DATA, RESEARCH, Manifest, Person
from stopline.drill.oracle import Answer
from stopline.drill.probes import Actor, act
from stopline.text import Json, canonical

USER, DOMAIN = "annotator-1", "mercor.example"
"""Whom colleagues give everything back in AWS, and all of whom in Google Cloud."""
REOPENED = (USER, o.MAX)
"""Who can work then."""
SHARED = "training-data-1"
"""The bucket whose policy a colleague edits."""
_STATEMENT: Json = {
    "Sid": "Curation",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{RESEARCH}:role/lab/research-1-1"},
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{SHARED}/*",
}
_BINDING: Json = {"role": "roles/browser", "members": [o.LAB[0]]}
_POLICY_3 = {"options": {"requestedPolicyVersion": 3}}


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of an object by its name in the fingerprint; `made` edits what it was before.

    `plain` leaves out what the provider gives no meaning to, such as an order.
    """

    connector: str
    name: str
    made: Callable[[Json], Json]
    plain: Callable[[Json], Json] = lambda policy: policy


@dataclass(frozen=True, slots=True)
class Lab:
    """Those who work there, and the drill's narrow eyes on some of whom it is about."""

    access: Access
    emulator: Emulator
    google: Organisation
    manifest: Manifest

    def person(self, name: str) -> Person:
        """One of the vendor's users."""
        return next(one for one in self.manifest.vendor_users if one.name == name)

    def works(self, person: Person) -> bool:
        """Whether some key of a person's is Active, and lets them act."""
        iam = self.access.client(person.account, "iam")
        keys = iam.list_access_keys(UserName=person.name)["AccessKeyMetadata"]
        active = {key["AccessKeyId"] for key in keys if key["Status"] == "Active"}
        actors = [
            Actor(person.name, Credentials(key, secret))
            for key, secret, _ in person.keys
            if key in active
        ]
        return any(probe.allowed for probe in act(self.emulator, self.access, actors))

    def reopened(self) -> tuple[str, ...]:
        """Who of those whom `reopen` lets in can work."""
        user = self.person(USER)
        looks = self.google.may(o.MAX, o.LOOK).answer is Answer.ALLOWED
        return (*((user.name,) if self.works(user) else ()), *((o.MAX,) if looks else ()))

    # --- what they do ----------------------------------------------------------------------------

    def reopen(self) -> frozenset[str]:
        """Give one user of the vendor's back what it needs to work, and its domain a project.

        The addresses of what was opened.
        """
        return frozenset({*self._reopened_user(), *self._reopened_project()})

    def _reopened_user(self) -> Iterator[str]:
        """Switch a key on, and take our deny off its user."""
        person = self.person(USER)
        iam, words = self.access.client(person.account, "iam"), {"UserName": person.name}
        key = next(id_ for id_, _, active in person.keys if active)
        iam.update_access_key(**words, AccessKeyId=key, Status="Active")
        yield f"aws:{person.account}:access-key:{person.name}/{key}"
        for policy in iam.list_attached_user_policies(**words)["AttachedPolicies"]:
            if OURS in policy["PolicyName"]:
                iam.detach_user_policy(**words, PolicyArn=policy["PolicyArn"])
                yield f"aws:{person.account}:user-attachment:{person.name}#{policy['PolicyArn']}"

    def _reopened_project(self) -> Iterator[str]:
        """Give everybody of the vendor's domain a role on a project again."""
        who, where = f"domain:{DOMAIN}", f"projects/{o.PROJECT}"
        with self._policy(where) as policy:
            bindings = policy["bindings"]
            one = next(b for b in bindings if b["role"] == o.VIEWER and "condition" not in b)
            one["members"].append(who)
        yield f"gcp:{o.ORG}:allow-policy-entry:{where}#{o.VIEWER}/{who}"

    @contextmanager
    def _policy(self, where: str) -> Iterator[Json]:
        """The allow policy of a project, to be edited; it is written back under its etag."""
        with self.google.client("cloudresourcemanager", "v3", o.OPERATOR) as crm:
            policy = crm.projects().getIamPolicy(resource=where, body=_POLICY_3).execute()
            yield policy
            crm.projects().setIamPolicy(resource=where, body={"policy": policy}).execute()

    def edit(self) -> tuple[Edit, ...]:
        """Let a team read a bucket in which the vendor is denied, and a person see a project.

        Both in documents of which something is ours while the vendor is paused.
        """
        s3 = self.access.client(DATA, "s3")
        policy = json.loads(s3.get_bucket_policy(Bucket=SHARED)["Policy"])
        s3.put_bucket_policy(Bucket=SHARED, Policy=json.dumps(_with_statement(policy)))
        where = f"projects/{o.PROJECT}"
        with self._policy(where) as policy:
            policy["bindings"].append(_BINDING)
        return (
            Edit("aws", f"{DATA} bucket {SHARED} policy", _with_statement),
            Edit("gcp", where, _with_binding, _unordered),
        )


def _with_statement(policy: Json) -> Json:
    return {**policy, "Statement": [*policy["Statement"], _STATEMENT]}


def _with_binding(policy: Json) -> Json:
    return {**policy, "bindings": [*policy["bindings"], _BINDING]}


def _unordered(policy: Json) -> Json:
    """Google gives no meaning to the order in which a policy names roles and members.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/Policy
    """
    bindings = [{**one, "members": sorted(one["members"])} for one in policy["bindings"]]
    return {**policy, "bindings": sorted(bindings, key=canonical)}


def with_edits(was: Fingerprint, now: Fingerprint, edits: Iterable[Edit]) -> Fingerprint:
    """What should be there: all as it was, with exactly these edits made to it.

    What holds an edit is compared as data, since who edits it writes its text.
    """
    wanted: dict[str, str] = {**was}
    for edit in edits:
        made, found = edit.made(json.loads(was[edit.name])), now.get(edit.name, "none")
        wanted[edit.name] = found if _says(found, made, edit) else canonical(made)
    return wanted


def _says(text: str, data: Json, edit: Edit) -> bool:
    try:
        return bool(edit.plain(json.loads(text)) == edit.plain(data))
    except (ValueError, KeyError):
        return False
