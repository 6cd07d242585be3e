"""Putting an estate that was told into the state, with the policies last."""

from stopline.drill.google import policies
from stopline.drill.google.accounts import HELD
from stopline.drill.google.datasets import kept
from stopline.drill.google.denying import full_name_of
from stopline.drill.google.directory import a_member, a_user
from stopline.drill.google.estate import (
    Account,
    Binding,
    Bucket,
    Estate,
    Group,
    Membership,
    Pool,
    Project,
)
from stopline.drill.google.lists import entry
from stopline.drill.google.objects import add_object
from stopline.drill.google.oracle import BUCKET, DATASET, DENY, MANAGED, ROLE, role_of
from stopline.drill.google.principals import (
    ACCOUNT,
    CLOUD,
    GROUP,
    HMAC,
    KEY,
    MEMBER,
    POOL,
    PROVIDER,
    SUBJECT,
    USER,
    WORKFORCE,
)
from stopline.drill.google.projects import FOLDER, ORGANIZATION, PROJECT
from stopline.drill.google.state import Resource, State, number_of
from stopline.text import Json

IAM, STORAGE = "//iam.googleapis.com/", "//storage.googleapis.com/"
_EPOCH = "2025-01-01T00:00:00+00:00"


class Builder:
    """Fills a state. Policies are put in last, when all that they name exists."""

    def __init__(self, state: State, estate: Estate) -> None:
        self._state = state
        self._estate = estate
        self._organization = f"{CLOUD}organizations/{estate.organization.id}"
        self._policies: list[tuple[str, tuple[Binding, ...]]] = []

    def build(self) -> None:
        """Put everything in. Raises ValueError for a role that is not known here."""
        own = self._estate.organization
        self._state.customers = {own.customer: (own.domain,), **self._estate.customers}
        self._state.admins = set(own.admins)
        self._state.delegated = dict(own.delegated)
        self._tree()
        for role in self._estate.roles:
            data = {"name": role.name, "includedPermissions": list(role.permissions), "stage": "GA"}
            self._add(IAM + role.name, ROLE, self._parent(role.name.partition("/roles/")[0]), data)
        for account in self._estate.accounts:
            self._account(account)
        self._directory()
        for pool in self._estate.pools:
            self._pool(pool)
        for bucket in self._estate.buckets:
            self._bucket(bucket)
        self._rest()
        self._grant()

    def _add(
        self, name: str, kind: str, parent: str, data: Json, bindings: tuple[Binding, ...] = ()
    ) -> Resource:
        if bindings:
            self._policies.append((name, bindings))
        return self._state.add(Resource(name, kind, parent, dict(data)))

    def _parent(self, short: str) -> str:
        return CLOUD + short if short else self._organization

    def _tree(self) -> None:
        own = self._estate.organization
        top = {
            "name": f"organizations/{own.id}",
            "displayName": own.domain,
            "directoryCustomerId": own.customer,
            "state": "ACTIVE",
            "createTime": _EPOCH,
        }
        self._add(self._organization, ORGANIZATION, "", top, own.bindings)
        for folder in self._estate.folders:
            parent = folder.parent or f"organizations/{own.id}"
            data = {"name": f"folders/{folder.id}", "parent": parent, "displayName": folder.name}
            data |= {"state": "ACTIVE", "createTime": _EPOCH}
            self._add(f"{CLOUD}folders/{folder.id}", FOLDER, CLOUD + parent, data, folder.bindings)
        for project in self._estate.projects:
            self._project(project)

    def _project(self, project: Project) -> None:
        parent = project.parent or f"organizations/{self._estate.organization.id}"
        data = {
            "name": f"projects/{project.number}",
            "projectId": project.id,
            "displayName": project.id,
            "parent": parent,
            "state": "ACTIVE",
            "createTime": _EPOCH,
        }
        name = f"{CLOUD}projects/{project.id}"
        top = "" if project.outside else CLOUD + parent
        if project.bindings:
            self._policies.append((name, project.bindings))
        made = Resource(name, PROJECT, top, data, number=project.number, hidden=project.outside)
        self._state.add(made)

    def _account(self, told: Account) -> None:
        email = told.email or f"{told.name}@{told.project}.iam.gserviceaccount.com"
        host = self._state.resources[f"{CLOUD}projects/{told.project}"]
        short = f"projects/{told.project}/serviceAccounts/{email}"
        data = {"name": short, "projectId": told.project, "email": email, "displayName": told.name}
        data |= {"uniqueId": number_of(email), "oauth2ClientId": number_of(email)}
        off = {"disabled": True} if told.disabled or told.held else {}
        off |= {HELD: True} if told.held else {}
        made = self._add(IAM + short, ACCOUNT, host.name, {**data, **off}, told.bindings)
        made.hidden = host.hidden
        for key in told.keys:
            kind = "SYSTEM_MANAGED" if key.system else "USER_MANAGED"
            held: dict[str, Json] = {"name": f"{short}/keys/{key.id}", "keyType": kind}
            held |= {"keyOrigin": "GOOGLE_PROVIDED", "keyAlgorithm": "KEY_ALG_RSA_2048"}
            held |= {"validAfterTime": _EPOCH, "validBeforeTime": "9999-12-31T23:59:59Z"}
            if key.disabled:
                reason = key.reason or "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
                held |= {"disabled": True, "disableReason": reason}
            self._add(f"{IAM}{short}/keys/{key.id}", KEY, made.name, held)

    def _directory(self) -> None:
        for user in self._estate.users:
            data = a_user(user.email, number_of(user.email), creationTime=_EPOCH)
            data |= {"suspended": user.suspended, "archived": user.archived}
            data |= {"orgUnitPath": user.unit, "isAdmin": user.admin}
            data |= {"isDelegatedAdmin": user.delegated}
            if user.aliases:
                data["aliases"] = list(user.aliases)
            if user.suspended:
                data |= {"suspensionReason": user.reason or "ADMIN", "suspensionTime": _EPOCH}
            self._add(f"//admin.googleapis.com/users/{user.email}", USER, self._organization, data)
        for group in self._estate.groups:
            self._group(group)
        for group in self._estate.groups:
            self._members(group)

    def _group(self, group: Group) -> None:
        data: dict[str, Json] = {"kind": "admin#directory#group", "id": number_of(group.email)[:15]}
        data |= {"email": group.email, "name": group.email.partition("@")[0], "adminCreated": True}
        name = f"//cloudidentity.googleapis.com/groups/{group.email}"
        self._add(name, GROUP, self._organization, data).hidden = group.outside

    def _members(self, group: Group) -> None:
        name = f"//cloudidentity.googleapis.com/groups/{group.email}"
        for member in group.members:
            told = Membership(email=member) if isinstance(member, str) else member
            more = {"role": told.role, "delivery_settings": told.delivery}
            inside = a_member(self._state, told.email, **more)
            if told.expires:
                inside["expireTime"] = told.expires
            self._add(f"{name}/members/{told.email}", MEMBER, name, inside).hidden = group.outside

    def _pool(self, pool: Pool) -> None:
        host = self._state.resources[self._parent(pool.project and f"projects/{pool.project}")]
        if pool.project:
            tail = f"locations/global/workloadIdentityPools/{pool.id}"
            kind, name = POOL, f"{IAM}projects/{pool.project}/{tail}"
            data: dict[str, Json] = {"name": f"projects/{host.number}/{tail}", "state": "ACTIVE"}
        else:
            tail = f"locations/global/workforcePools/{pool.id}"
            kind, name = WORKFORCE, IAM + tail
            data = {"name": tail, "state": "ACTIVE", "parent": host.short}
        data["displayName"] = pool.id
        if pool.disabled:
            data["disabled"] = True
        self._add(name, kind, host.name, data)
        for provider in pool.providers:
            inside = {"name": f"{data['name']}/providers/{provider}", "state": "ACTIVE"}
            self._add(f"{name}/providers/{provider}", PROVIDER, name, inside)
        for subject in pool.subjects:
            mapped = {"attributes": dict(subject.attributes), "groups": list(subject.groups)}
            self._add(f"{name}/subjects/{subject.id}", SUBJECT, name, mapped)

    def _bucket(self, told: Bucket) -> None:
        host = self._state.resources[f"{CLOUD}projects/{told.project}"]
        prevent = "enforced" if told.prevent_public else "inherited"
        data: dict[str, Json] = {
            "kind": "storage#bucket",
            "id": told.name,
            "name": told.name,
            "projectNumber": host.number,
            "location": told.location,
            "storageClass": "STANDARD",
            "metageneration": "1",
            "timeCreated": _EPOCH,
            "updated": _EPOCH,
            "iamConfiguration": {
                "publicAccessPrevention": prevent,
                "uniformBucketLevelAccess": {"enabled": told.uniform},
            },
            **told.data,
        }
        if told.versioning:
            data["versioning"] = {"enabled": True}
        bucket = self._add(STORAGE + told.name, BUCKET, host.name, data, told.bindings)
        bucket.hidden = host.hidden
        bucket.data["acl"] = [entry(bucket, e, r) for e, r in told.acl.items()]
        bucket.data["defaultObjectAcl"] = [entry(bucket, e, r) for e, r in told.default_acl.items()]
        for thing in told.objects:
            acl = [entry(bucket, e, r) for e, r in thing.acl.items()]
            content = (thing.content.encode(), "text/plain")
            add_object(self._state, bucket, thing.name, content, (acl, thing.owner))
        for folder in told.folders:
            inside = {"kind": "storage#managedFolder", "name": folder.name, "bucket": told.name}
            inside |= {"id": f"{told.name}/{folder.name}", "metageneration": "1"}
            name = f"{bucket.name}/managedFolders/{folder.name}"
            self._add(name, MANAGED, bucket.name, inside, folder.bindings)

    def _rest(self) -> None:
        for key in self._estate.hmac_keys:
            name = f"projects/{key.project}/hmacKeys/{key.id}"
            data: dict[str, Json] = {"kind": "storage#hmacKeyMetadata", "accessId": key.id}
            data |= {"id": f"{key.project}/{key.id}", "projectId": key.project, "state": key.state}
            data |= {"serviceAccountEmail": key.account, "timeCreated": _EPOCH, "updated": _EPOCH}
            self._add(STORAGE + name, HMAC, f"{CLOUD}projects/{key.project}", data)
        for dataset in self._estate.datasets:
            place = {"projectId": dataset.project, "datasetId": dataset.id}
            data = {"kind": "bigquery#dataset", "id": f"{dataset.project}:{dataset.id}"}
            data |= {"datasetReference": place, "access": [kept(dict(a)) for a in dataset.access]}
            data |= {"creationTime": "1735689600000", "location": "EU"}
            name = f"//bigquery.googleapis.com/projects/{dataset.project}/datasets/{dataset.id}"
            self._add(name, DATASET, f"{CLOUD}projects/{dataset.project}", data)
        for thing in self._estate.things:
            parent = thing.parent or f"{CLOUD}projects/{thing.project}"
            self._add(thing.name, thing.kind, parent, thing.data, thing.bindings)
        for deny in self._estate.denies:
            at = self._state.resources[CLOUD + deny.at]
            name = full_name_of(at, deny.id)
            data = {"name": name.removeprefix(IAM), "kind": "DenyPolicy"}
            data |= {"uid": number_of(name), "rules": [dict(r) for r in deny.rules]}
            self._add(name, DENY, at.name, data)

    def _grant(self) -> None:
        for name, bindings in self._policies:
            told = [b.model_dump(exclude_none=True) for b in bindings]
            for binding in told:
                binding["members"] = list(binding["members"])
                if role_of(self._state, binding["role"]) is None:
                    raise ValueError(f"{name}: the role {binding['role']} is not known here.")
            resource = self._state.resources[name]
            policies.check_members(self._state, told)
            resource.policy = {"bindings": told}


def build(told: str | Json) -> State:
    """The state of an estate that was told as YAML or a dict."""
    state = State()
    Builder(state, Estate.of(told)).build()
    return state
