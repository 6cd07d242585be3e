"""The drill's eyes in Google Cloud: who can do what, who can act, and all that is there.

Through Google's own client, as each of those who are in the organisation.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httplib2
from googleapiclient.errors import HttpError

from stopline.drill import organisation as o
from stopline.drill.google.client import service
from stopline.drill.oracle import Answer, Check
from stopline.drill.probes import Probe
from stopline.drill.report import Sight
from stopline.entrypoints.embedded import free_port
from stopline.entrypoints.spawned import Spawned
from stopline.errors import SetupError
from stopline.text import Json, canonical

START_SECONDS = 30
TOKEN = "DRILL_GOOGLE_TOKEN"  # noqa: S105 - the name of a variable
"""The variable in the worker's environment that holds its token."""
_VERSION = {"options": {"requestedPolicyVersion": 3}}
_AT_3 = {"accessPolicyVersion": 3}
OURS = "stopline-j"


@dataclass
class Organisation(Spawned):
    """The emulated Google Cloud as a child process on a free loopback port, and who looks at it."""

    folder: Path
    size: int = 1
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What `gcp.api_root` of the estate's file must be."""
        return f"http://127.0.0.1:{self.port}"

    # --- starting and stopping -------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it answers. Raises SetupError with where its log is."""
        if find_spec("celpy") is None:
            raise SetupError(
                "The emulated Google Cloud is not installed; nothing was started.",
                "Install it with `pip install 'stopline[drill]'`.",
            )
        log = self.folder / "google.log"
        self.spawn([sys.executable, "-m", o.__name__, str(self.port), str(self.size)], log)
        if not self.comes_up(self._answers, START_SECONDS):
            raise SetupError(f"The emulated Google Cloud did not start; see {log}.")

    def _answers(self) -> bool:
        try:
            with self.client("cloudresourcemanager", "v3", o.OPERATOR) as crm:
                crm.organizations().get(name=f"organizations/{o.ORG}").execute()
        except (OSError, httplib2.HttpLib2Error):
            return False
        return True

    @contextmanager
    def client(self, api: str, version: str, who: str) -> Iterator[Any]:
        """A client of one API as somebody; closed afterwards."""
        made: Any = service(self.url, api, version, who)
        try:
            yield made
        finally:
            made.close()

    # --- looking ---------------------------------------------------------------------------------

    def look(self) -> Sight:
        """Ask as everybody what they may do, and act as those who act."""
        acted = [(self._act(who, o.BUCKET, o.OBJECT), theirs) for who, theirs in o.ACTING]
        acted += [(self._act(who, o.LEGACY, o.OLD), theirs) for who, theirs in o.LISTED]
        acted += [(self._ask(who, o.ANSWERS), theirs) for who, theirs in o.ASKING]
        return Sight(
            tuple(self.may(*asked) for asked in o.VENDOR),
            tuple(self.may(*asked) for asked in o.BYSTANDERS),
            tuple(probe for probe, theirs in acted if theirs),
            tuple(probe for probe, theirs in acted if not theirs),
        )

    def may(self, who: str, permission: str) -> Check:
        """Ask as somebody for a permission.

        https://docs.cloud.google.com/iam/docs/testing-permissions
        """
        asked = {"permissions": [permission]}
        try:
            answer = self._tested(who, permission, asked)
        except HttpError as error:
            return Check(f"{who} {permission}", permission, Answer.REFUSED, str(error.resp.status))
        held = permission in answer.get("permissions", ())
        return Check(f"{who} {permission}", permission, Answer.ALLOWED if held else Answer.REFUSED)

    def _tested(self, who: str, permission: str, asked: Json) -> Json:
        if permission.startswith("storage."):
            with self.client("storage", "v1", who) as storage:
                return storage.buckets().testIamPermissions(bucket=o.BUCKET, **asked).execute()
        if permission == o.MINT:
            name = f"projects/{o.PROJECT}/serviceAccounts/{o.SHARED.partition(':')[2]}"
            with self.client("iam", "v1", who) as iam:
                accounts = iam.projects().serviceAccounts()
                return accounts.testIamPermissions(resource=name, body=asked).execute()
        with self.client("cloudresourcemanager", "v3", who) as crm:
            projects = crm.projects()
            name = f"projects/{o.PROJECT}"
            return projects.testIamPermissions(resource=name, body=asked).execute()

    def _act(self, who: str, bucket: str, name: str) -> Probe:
        """Read an object."""
        what = f"{who} reading {name}"
        with self.client("storage", "v1", who) as storage:
            try:
                storage.objects().get(bucket=bucket, object=name).execute()
            except HttpError as error:
                return Probe(what, allowed=False, detail=str(error.resp.status))
        return Probe(what, allowed=True)

    def _ask(self, who: str, name: str) -> Probe:
        """Look into a dataset."""
        what = f"{who} looking into {name}"
        with self.client("bigquery", "v2", who) as bigquery:
            try:
                bigquery.datasets().get(projectId=o.PROJECT, datasetId=name, **_AT_3).execute()
            except HttpError as error:
                return Probe(what, allowed=False, detail=str(error.resp.status))
        return Probe(what, allowed=True)

    # --- comparing -------------------------------------------------------------------------------

    def fingerprint(self) -> dict[str, str]:
        """Every policy, account, key, list, dataset, deny policy and user, without etags."""
        found: dict[str, str] = {}
        with (
            self.client("cloudresourcemanager", "v3", o.OPERATOR) as crm,
            self.client("iam", "v1", o.OPERATOR) as iam,
            self.client("storage", "v1", o.OPERATOR) as storage,
            self.client("bigquery", "v2", o.OPERATOR) as bigquery,
        ):
            projects = crm.projects().search(pageSize=1000).execute()["projects"]
            for name in (p["projectId"] for p in projects):
                _project(iam, storage, name, found)
                _datasets(bigquery, name, found)
                asked = crm.projects().getIamPolicy(resource=f"projects/{name}", body=_VERSION)
                found[f"projects/{name}"] = _text(asked.execute())
            for node, kind in (
                (f"organizations/{o.ORG}", "organizations"),
                ("folders/77", "folders"),
            ):
                asked = getattr(crm, kind)().getIamPolicy(resource=node, body=_VERSION)
                found[node] = _text(asked.execute())
        self._denies(found)
        with self.client("admin", "directory_v1", o.OPERATOR) as directory:
            listed = directory.users().list(customer=o.OWN_CUSTOMER, maxResults=500).execute()
            members = directory.members()
            for one in members.list(groupKey=o.CREW.partition(":")[2]).execute()["members"]:
                asked = {"groupKey": o.CREW.partition(":")[2], "memberKey": one["email"]}
                found[f"member {one['email']}"] = _text(members.get(**asked).execute())
        found |= {f"user {one['primaryEmail']}": _text(one) for one in listed["users"]}
        return found

    def unlike_ended(self) -> Iterator[str]:
        """What a termination should have removed and has not, and what it should not have."""
        now = self.fingerprint()
        own, *others = (
            f"projects/{o.PROJECT}/serviceAccounts/{who.partition(':')[2]}"
            for who in (o.ETL, o.SHARED, o.TRAIN)
        )
        there = [own, f"HMAC key {o.HMAC[5:]}", *leftovers(now)]
        for name in (one for one in there if one in now):
            yield f"after termination, {name} is still there"
        for name in (one for one in others if one not in now):
            yield f"after termination, {name} is gone, and was not ours to remove"
        policies = {k: v for k, v in now.items() if k.startswith(("org", "folders/", "projects/"))}
        for who in (o.ANN, o.MAX, o.KIM, o.PULL):
            for name in (name for name, text in policies.items() if f'"{who}"' in text):
                yield f"after termination, {who} is still in the policy of {name}"

    def _denies(self, found: dict[str, str]) -> None:
        parent = (
            f"policies/cloudresourcemanager.googleapis.com%2Forganizations%2F{o.ORG}/denypolicies"
        )
        with self.client("iam", "v2", o.OPERATOR) as iam:
            listed = iam.policies().listPolicies(parent=parent).execute()
        for one in listed.get("policies", ()):
            found[f"deny policy {one['name'].rpartition('/')[2]}"] = _text(one)


def _project(iam: Any, storage: Any, name: str, found: dict[str, str]) -> None:
    accounts = iam.projects().serviceAccounts()
    listed = accounts.list(name=f"projects/{name}", pageSize=100).execute()
    for account in listed.get("accounts", ()):
        where = account["name"]
        found[where] = _text(account)
        keys = accounts.keys().list(name=where).execute()
        found[f"{where} keys"] = _text(keys)
        policy = accounts.getIamPolicy(resource=where, options_requestedPolicyVersion=3)
        found[f"{where} policy"] = _text(policy.execute())
    keys = storage.projects().hmacKeys().list(projectId=name).execute()
    for key in keys.get("items", ()):
        found[f"HMAC key {key['accessId']}"] = _text(key)
    listed = storage.buckets().list(project=name, projection="full").execute()
    for bucket in listed.get("items", ()):
        where = f"bucket {bucket['name']}"
        found[where] = _text(bucket)
        words = {"bucket": bucket["name"], "versions": True, "projection": "full"}
        for one in storage.objects().list(**words).execute().get("items", ()):
            found[f"{where} {one['name']} {one['generation']}"] = _text(one)
        policy = storage.buckets().getIamPolicy(
            bucket=bucket["name"], optionsRequestedPolicyVersion=3
        )
        found[f"{where} policy"] = _text(policy.execute())


def _datasets(bigquery: Any, name: str, found: dict[str, str]) -> None:
    listed = bigquery.datasets().list(projectId=name).execute()
    for one in listed.get("datasets", ()):
        words = {**one["datasetReference"], **_AT_3}
        found[f"dataset {one['id']}"] = _text(bigquery.datasets().get(**words).execute())


_MOVES = frozenset({"etag", "updated", "metageneration", "updateTime", "lastModifiedTime"})


def _text(said: Json) -> str:
    """Everything but what each write moves, also one that gives back what was there.

    Google keeps no order in an access list.
    """
    kept = {key: value for key, value in said.items() if key not in _MOVES}
    lists = [k for k in ("acl", "defaultObjectAcl", "access") if k in kept]
    return canonical({**kept, **{k: sorted(kept[k], key=canonical) for k in lists}})


def leftovers(found: Mapping[str, str]) -> list[str]:
    """What bears a name of ours."""
    return [name for name in sorted(found) if OURS in name]
