"""Google Cloud keeps the contract that every connector is held to."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from connectors.contract import ConnectorContract
from connectors.ending import EndingContract
from support.google import (
    DATASET,
    NEW,
    NUMBER,
    ORG,
    PEOPLE,
    PLAYBOOK,
    VENDOR,
    connector_of,
    crew,
    estate_of,
)
from support.google_drives import SHARED_DRIVE

from stopline.connectors.gcp.lists import place
from stopline.connectors.gcp.permissions import permissions_of
from stopline.drill.google.drive import name_of
from stopline.drill.google.server import Google
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

GROUPS = "cloudidentity.googleapis.com/Group"
NEW_ENTITY = f"user-{NEW.partition(':')[2]}"


class OrganisationGround:
    """The emulated organisation, and what strangers do to it straight in its state."""

    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    realm = ORG

    def __init__(self, google: Google) -> None:
        """Listen to which methods are called."""
        self.google = google
        self.connector = connector_of(google)
        self.estate = estate_of(google)
        self._used: set[str] = set()
        self.connector.clients.on_call = lambda method: self._used.update(permissions_of(method))

    def picture(self) -> Json:
        """Every resource and policy; Google moves etags with each write, and keeps no order."""
        return self.google.state.fingerprint()

    def raw(self, document: Document) -> str | None:
        """A policy comes with an etag that each write moves: its text is never twice the same."""
        return None

    def used(self) -> frozenset[str]:
        """The permissions that our calls needed."""
        used, self._used = frozenset(self._used), set()
        return used

    def remove(self, document: Document) -> bool:
        """Delete an account, a key or a bucket; the organisation's own policies cannot go."""
        name = "" if document.kind == "deny-policy-entry" else self._name(document)
        if not name or name.startswith("//cloudresourcemanager") or name == name_of(SHARED_DRIVE):
            return False  # a drive that is not there any more looks like one that we may not see
        for resource in self.google.state.below(name):  # a key goes with its account
            self.google.state.remove(resource)
        return True

    def _name(self, document: Document) -> str:
        if document.kind == "allow-policy-entry":
            kind, _, rest = document.id.partition("/")
            if "/serviceAccounts/" in document.id:
                return f"//iam.googleapis.com/{document.id}"
            if kind.endswith(".googleapis.com"):
                return f"//{document.id}"
            there = {"buckets": ("storage", unquote(rest))}.get(
                kind, ("cloudresourcemanager", document.id)
            )
            return f"//{there[0]}.googleapis.com/{there[1]}"
        if document.kind in ("access-list-entry", "bucket-setting", "hmac-key"):
            return self._in_storage(document)
        plain = {
            "workspace-membership": f"//{GROUPS}/{document.id.partition('/')[0]}",
            "drive-permission": name_of(document.id.partition("/")[2].partition("/")[0]),
            "workspace-user": f"//{PEOPLE}/{document.id}",
            "identity-pool": f"//iam.googleapis.com/{document.id.replace(NUMBER, 'lab-data')}",
        }
        if document.kind in plain:
            return plain[document.kind]
        project, email, *key = document.id.split("/")
        tail = f"/keys/{key[0]}" if key else ""
        return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}{tail}"

    def _in_storage(self, document: Document) -> str:
        """A key; an object's generation, live or not; the bucket itself for a list of its own."""
        if document.kind == "hmac-key":
            project, _, access = document.id.partition("/")
            return f"//storage.googleapis.com/projects/{project}/hmacKeys/{access}"
        if document.kind == "bucket-setting":
            return f"//storage.googleapis.com/{document.id}"
        collection, words, _ = place(document.id)
        bucket = f"//storage.googleapis.com/{words['bucket']}"
        if collection == "buckets":
            return bucket
        live = f"{bucket}/objects/{words['object']}"
        found = self.google.state.resources.get(live)
        same = found is not None and found.data["generation"] == words["generation"]
        return live if same else f"{live}#{words['generation']}"

    def edit(self, document: Document) -> bool:
        """Another admin lets somebody into the same policy, or the same list."""
        if document.kind in ("access-list-entry", "bucket-setting") or self._dataset(document):
            return self._edit_list(document)
        if document.kind != "allow-policy-entry":
            return False
        if not self.edited(document):
            resource = self.google.state.get(self._name(document))
            bindings = resource.policy.get("bindings", [])
            added = {"role": "roles/browser", "members": [NEW]}
            resource.policy = {**resource.policy, "bindings": [*bindings, added]}
            resource.policy_revision = self.google.state.next_revision()
        return True

    def edited(self, document: Document) -> bool:
        """Whether that somebody is still let in."""
        if document.kind in ("access-list-entry", "bucket-setting") or self._dataset(document):
            added = self._added(document)
            return any(added.items() <= one.items() for one in self._list(document))
        policy = self.google.state.get(self._name(document)).policy
        return any(NEW in b["members"] for b in policy.get("bindings", []))

    def _dataset(self, document: Document) -> bool:
        return document.id == DATASET

    def _list(self, document: Document) -> list[Json]:
        data = self.google.state.get(self._name(document)).data
        if self._dataset(document):
            entries: list[Json] = data["access"]
            return entries
        if document.kind == "bucket-setting":
            data = data.setdefault("lifecycle", {})
        field = "rule" if document.kind == "bucket-setting" else place(document.id)[2]
        found: list[Json] = data.setdefault(field, [])
        return found

    def _added(self, document: Document) -> Json:
        if document.kind == "bucket-setting":
            return {"action": {"type": "Delete"}, "condition": {"age": 4000}}
        if self._dataset(document):
            return {"userByEmail": NEW.partition(":")[2], "role": "READER"}
        return {"entity": NEW_ENTITY, "role": "READER"}

    def _edit_list(self, document: Document) -> bool:
        if not self.edited(document):
            self._list(document).append(self._added(document))
            self.google.state.touch(self.google.state.get(self._name(document)))
        return True

    def close(self) -> None:
        """Our service account loses everything."""
        self.google.state.admins.clear()
        for resource in self.google.state.resources.values():
            resource.policy = {}
            resource.data.pop("permissions", None)


@pytest.fixture
def ground(google: Google) -> Iterator[OrganisationGround]:
    """The organisation, and the connector over it; its connections are closed."""
    crew(google)
    made = OrganisationGround(google)
    yield made
    made.connector.clients.close()


class TestGoogleCloud(ConnectorContract, EndingContract):
    """An organisation with a folder, projects, service accounts and a bucket."""
