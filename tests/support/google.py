"""A small organisation in Google Cloud, emulated: mercor's ways in, beside somebody else's."""

from urllib.parse import unquote

from support import google_drives
from support.google_drives import SHARED_DRIVE

from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import Clients
from stopline.drill.google.directory import a_member, a_user
from stopline.drill.google.lists import whole
from stopline.drill.google.objects import add_object
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource, number_of
from stopline.estate import Estate, GcpEstate, Protected
from stopline.playbook import Phase, Playbook, Rule
from stopline.text import Json
from stopline.vendors import GcpSelectors, Vendor

ORG, CUSTOMER = "123456789012", "C0lab0000"
CRM, IAM, GCS = (f"//{s}.googleapis.com" for s in ("cloudresourcemanager", "iam", "storage"))
TOKEN = "STOPLINE_TEST_GOOGLE_TOKEN"
WORKER = "serviceAccount:stopline@lab-security.iam.gserviceaccount.com"
ANN, BO = "user:ann@mercor.example", "user:bo@mercer.example"
RATERS = "group:raters@mercor.example"
PULL = "serviceAccount:pull@mercor-prod.iam.gserviceaccount.com"
ETL = "serviceAccount:mercor-etl@lab-data.iam.gserviceaccount.com"
SHARED = "serviceAccount:shared-etl@lab-data.iam.gserviceaccount.com"
DANA, NEW = "user:dana@lab.example", "user:new@lab.example"
DATA_TEAM = "group:data@lab.example"
UNIT = "/Vendors/Mercor"
VIC, VAL = "user:vic@lab.example", "user:val@lab.example"
"""Contractors of the vendor's in the lab's own directory, in its unit and in one below."""
CREW, LEE = "group:crew@lab.example", "user:lee@mercor.example"
"""A group of the lab's that may more than a deny names, and somebody of the vendor's in it."""
ROOT = "user:root@lab.example"
"""A colleague who is in no unit."""
PEOPLE = "admin.googleapis.com/User"
CONDITION: Json = {
    "title": "labels only",
    "expression": 'resource.name.startsWith("projects/_/buckets/labels")',
}
BEYOND = "roles/bigquery.dataViewer"
"""A role that allows more than our deny names."""
RULES = (
    ("principals", "deny"),
    ("service-accounts", "inactive"),
    ("service-account-keys", "inactive"),
    ("hmac-keys", "inactive"),
    ("identity-pools", "inactive"),
    ("workspace-users", "suspend"),
    ("entries", "remove-where-not-denied"),
    ("group-memberships", "remove-where-not-denied"),
    ("access-lists", "remove"),
    ("drive-permissions", "remove"),
    ("buckets", "vendor"),
)
RULES_OF_LABELS: list[Json] = [
    {"action": {"type": "Delete"}, "condition": {"age": 30}},
    {"action": {"type": "Delete"}, "condition": {"numNewerVersions": 3}},
]
"""What Google deletes by itself in the bucket `labels`, which is to be preserved."""
NUMBER = "100000000077"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/mercor-ci"
SUBJECT = f"principal://iam.googleapis.com/{POOL}/subject/repo"
HMAC = "GOOG1EXAMPLE"
VENDOR = Vendor(
    vendor="mercor",
    gcp=GcpSelectors(
        principals=(ETL,),
        domains=("mercor.example",),
        customers=("C01abc35d",),
        projects=("mercor-prod",),
        project_numbers=("444455556666",),
        pools=(POOL,),
        org_units=(UNIT,),
        preserve=("lab*",),
        acknowledged=("domain-wide-delegation", "resumable-uploads", "analytics-hub"),
    ),
)
PLAYBOOK = Playbook(
    playbook="default",
    phases=(
        Phase(
            name="google",
            rules=tuple(
                Rule(name=contains, connector="gcp", contains=contains, how=how)
                for contains, how in RULES
            ),
        ),
    ),
)


SUSPENDS = Playbook(
    playbook="users",
    phases=(
        Phase(
            name="users",
            rules=(
                Rule(name="suspend", connector="gcp", contains="workspace-users", how="suspend"),
            ),
        ),
    ),
)
"""A playbook that suspends and does nothing else."""


def estate_of(google: Google, per_minute: int = 100_000) -> Estate:
    """The estate's file of this organisation, with a break-glass group."""
    return Estate(
        gcp=GcpEstate(
            organization=ORG,
            customer=CUSTOMER,
            access_token_from=TOKEN,
            api_root=google.url,
            calls_per_second=10_000.0,
            deny_reads_per_minute=per_minute,
            propagation=0.0,
            shared_drives=(SHARED_DRIVE,),
        ),
        protected=Protected(orchestrator=(WORKER,), break_glass=("group:glass@lab.example",)),
    )


def connector_of(google: Google) -> GcpConnector:
    """The connector over it. Waits are over at once."""
    gcp = estate_of(google).gcp
    assert gcp is not None
    return GcpConnector(Clients(gcp, sleep=lambda _: None, bucket_writes=10_000.0), 0.0)


def binding(role: str, *members: str, condition: Json = None) -> Json:
    """An element of a policy."""
    return {"role": role, "members": list(members)} | (
        {"condition": condition} if condition else {}
    )


def node(google: Google, kind: str, id_: str, parent: str, *bindings: Json) -> str:
    """An organisation, folder or project with its policy; returns its full name."""
    plural = {"Organization": "organizations", "Folder": "folders", "Project": "projects"}[kind]
    name = f"{CRM}/{plural}/{id_}"
    data: dict[str, Json] = {"name": f"{plural}/{id_}", "state": "ACTIVE", "displayName": id_}
    if kind == "Organization":
        data["displayName"] = "lab.example"
    number = ""
    if kind == "Project":
        own = str(900_000_000_000 + len(google.state.resources))
        number = NUMBER if id_ == "lab-data" else own
        data |= {"projectId": id_, "name": f"projects/{number}"}
    if parent:
        data |= {"parent": parent.removeprefix(f"{CRM}/")}
    google.state.add(
        Resource(
            name,
            f"cloudresourcemanager.googleapis.com/{kind}",
            parent,
            data,
            _policy(bindings),
            number=number,
        )
    )
    return name


def _policy(bindings: tuple[Json, ...]) -> dict[str, Json]:
    return {"bindings": list(bindings)} if bindings else {}


def account(
    google: Google,
    member: str,
    *bindings: Json,
    uid: str = "",
    keys: tuple[tuple[str, bool], ...] = (),
    disabled: bool = False,
) -> str:
    """A service account in its own project, with its policy and its keys; returns its full name."""
    email = member.partition(":")[2]
    project = email.partition("@")[2].partition(".")[0]
    short = f"projects/{project}/serviceAccounts/{email}"
    data: dict[str, Json] = {
        "name": short,
        "projectId": project,
        "email": email,
        "uniqueId": uid or str(100_000_000_000_000_000_000 + len(google.state.resources)),
    }
    if disabled:
        data |= {"disabled": True}
    hidden = f"{CRM}/projects/{project}" not in google.state.resources
    name = f"{IAM}/{short}"
    google.state.add(
        Resource(
            name,
            "iam.googleapis.com/ServiceAccount",
            f"{CRM}/projects/{project}",
            data,
            _policy(bindings),
            hidden=hidden,
        )
    )
    for key, off in keys:
        said: dict[str, Json] = {"name": f"{short}/keys/{key}", "keyType": "USER_MANAGED"}
        said |= {"disabled": True} if off else {}
        google.state.add(
            Resource(f"{name}/keys/{key}", "iam.googleapis.com/ServiceAccountKey", name, said)
        )
    return name


def pool(google: Google) -> None:
    """A workload identity pool of ours through which only the vendor comes."""
    name = f"{IAM}/{POOL.replace(NUMBER, 'lab-data')}"
    data: dict[str, Json] = {"name": POOL, "state": "ACTIVE"}
    kind = "iam.googleapis.com/WorkloadIdentityPool"
    google.state.add(Resource(name, kind, f"{CRM}/projects/lab-data", data))


def hmac(google: Google, key: str, state: str) -> None:
    """An HMAC key of the vendor's account."""
    data: dict[str, Json] = {"accessId": key, "state": state, "projectId": "lab-data"}
    data |= {"serviceAccountEmail": ETL.partition(":")[2]}
    name, kind = f"{GCS}/projects/lab-data/hmacKeys/{key}", "storage.googleapis.com/HmacKey"
    google.state.add(Resource(name, kind, f"{CRM}/projects/lab-data", data))


def bucket(google: Google, name: str, project: str, *bindings: Json) -> str:
    """A bucket with its policy; returns its full name."""
    data: dict[str, Json] = {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
        "metageneration": "1",
    }
    full = f"{GCS}/{name}"
    parent = f"{CRM}/projects/{project}"
    google.state.add(
        Resource(full, "storage.googleapis.com/Bucket", parent, data, _policy(bindings))
    )
    return full


TOPIC = "pubsub.googleapis.com/projects/lab-data/topics/labels"
"""A topic in whose policy the vendor may do more than our deny names, beside the lab."""
FOLDER = "buckets/labels/managedFolders/in/a%20b/"
"""A folder of a bucket, with a policy of its own; its name is quoted in ours."""


def below(google: Google) -> None:
    """Policies below the projects, and in a bucket."""
    kind = "pubsub.googleapis.com/Topic"
    held = _policy((binding("roles/pubsub.admin", PULL, DATA_TEAM),))
    google.state.add(Resource(f"//{TOPIC}", kind, f"{CRM}/projects/lab-data", {}, held))
    name = unquote(FOLDER.partition("/managedFolders/")[2])
    data: dict[str, Json] = {"name": name, "bucket": "labels", "metageneration": "1"}
    held = _policy((binding("roles/storage.legacyBucketOwner", BO, PULL, condition=CONDITION),))
    full = f"{GCS}/labels/managedFolders/{name}"
    kind = "storage.googleapis.com/ManagedFolder"
    google.state.add(Resource(full, kind, f"{GCS}/labels", data, held))


DATASET = "bigquery.googleapis.com/projects/lab-data/datasets/answers"
"""A dataset with the vendor in its access, in several ways, beside the lab and a view."""
VIEW: Json = {"view": {"projectId": "lab-data", "datasetId": "shared", "tableId": "by_week"}}


def dataset(google: Google, id_: str, *access: Json, made: str = "1735689600000") -> str:
    """A dataset of the lab's with a table in it; returns the dataset's full name."""
    name = f"//bigquery.googleapis.com/projects/lab-data/datasets/{id_}"
    place = {"projectId": "lab-data", "datasetId": id_}
    data: dict[str, Json] = {"kind": "bigquery#dataset", "id": f"lab-data:{id_}"}
    data |= {"datasetReference": place, "creationTime": made, "access": [dict(a) for a in access]}
    kind = "bigquery.googleapis.com"
    google.state.add(Resource(name, f"{kind}/Dataset", f"{CRM}/projects/lab-data", data))
    google.state.add(Resource(f"{name}/tables/t", f"{kind}/Table", name, {}))
    return name


def answers(google: Google) -> None:
    """The dataset `answers`: people, a group, a domain, robots, a condition, a view."""
    told: tuple[tuple[str, str, str], ...] = (
        ("OWNER", "specialGroup", "projectOwners"),
        ("READER", "specialGroup", "projectReaders"),
        ("OWNER", "userByEmail", DANA),
        ("WRITER", "userByEmail", PULL),
        ("READER", "userByEmail", BO),
        ("READER", "groupByEmail", RATERS),
        ("READER", "domain", "domain:mercor.example"),
        ("READER", "iamMember", SUBJECT),
        ("roles/bigquery.metadataViewer", "userByEmail", KIM),
    )
    access: list[Json] = [
        {"role": role, field: who if field == "iamMember" else who.rpartition(":")[2]}
        for role, field, who in told
    ]
    access.append({"role": "READER", "userByEmail": KIM.partition(":")[2], "condition": UNTIL})
    dataset(google, "answers", *access[:4], VIEW, *access[4:])


UNTIL: Json = {"title": "until", "expression": 'request.time < timestamp("2090-01-01T00:00:00Z")'}
KIM = "user:kim@mercor.example"
"""Somebody of the vendor's who is in access lists and in no policy."""
LISTED = "drop"
"""A bucket whose access lists count; the vendor is in three of them, beside the lab."""


def expiring(google: Google) -> None:
    """The bucket `labels` deletes by itself, and keeps what was deleted for a week."""
    said = google.state.get(f"{GCS}/labels").data
    said["lifecycle"] = {"rule": [dict(rule) for rule in RULES_OF_LABELS]}
    said["softDeletePolicy"] = {"retentionDurationSeconds": "604800"}


def listed_bucket(google: Google) -> None:
    """A bucket without uniform access, with an object of two generations; the older has entries."""
    full = bucket(google, LISTED, "lab-data", binding("roles/storage.legacyBucketReader", BO))
    resource = google.state.get(full)
    resource.data["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] = False
    resource.data["versioning"] = {"enabled": True}
    ours = {f"project-owners-{NUMBER}": "OWNER", entity(DANA): "READER"}
    theirs = {entity(PULL): "WRITER", "project-viewers-444455556666": "READER"}
    for field, told in (
        ("acl", ours | theirs),
        ("defaultObjectAcl", ours | {entity(ANN): "OWNER"}),
    ):
        said = [{"entity": e, "role": r} for e, r in told.items()]
        resource.data[field] = whole(google.state, resource, said, objects=field != "acl")
    for name, who in (("in/old #1.csv", KIM), ("in/old #1.csv", BO), ("in/old #1.csv.bak", BO)):
        told = ours | {entity(who): "OWNER"}
        said = [{"entity": e, "role": r} for e, r in told.items()]
        add_object(google.state, resource, name, (b"1", "text/csv"), (said, entity(DANA)))


def entity(member: str) -> str:
    """How an access list names a member of a policy."""
    kind, _, rest = member.partition(":")
    return f"{'user' if kind == 'serviceAccount' else kind}-{rest}"


def person(google: Google, member: str) -> None:
    """Somebody, or a group, of the lab's own directory."""
    kind, _, email = member.partition(":")
    where = PEOPLE if kind == "user" else "cloudidentity.googleapis.com/Group"
    number = number_of(email)[:15]
    data = a_user(email, number) if kind == "user" else {"email": email, "id": number}
    google.state.add(Resource(f"//{where}/{email}", where, "", data))


def directories(google: Google) -> None:
    """The lab's, with its people and groups, and the vendor's; our account looks into groups."""
    google.state.admins.add(WORKER)
    for member in (DATA_TEAM, "group:glass@lab.example", DANA, NEW):
        person(google, member)
    google.state.customers |= {CUSTOMER: ("lab.example",), "C01abc35d": ("mercor.example",)}
    for member, unit in ((VIC, UNIT), (VAL, f"{UNIT}/night"), (ROOT, "/"), (DANA, "/")):
        person(google, member)
        google.state.get(f"//{PEOPLE}/{member.partition(':')[2]}").data["orgUnitPath"] = unit


def crew(google: Google) -> None:
    """Colleagues own a group that a project lets in; the vendor's person manages it."""
    person(google, CREW)
    project = google.state.get(f"{CRM}/projects/lab-data")
    held = binding("roles/secretmanager.admin", CREW)
    project.policy = {"bindings": [*project.policy["bindings"], held]}
    joined(google, CREW, DANA, role="OWNER")
    joined(google, CREW, LEE, role="MANAGER")


def joined(google: Google, group: str, *who: str, role: str = "MEMBER") -> None:
    """Somebody is in a group of the lab's."""
    kind = "cloudidentity.googleapis.com"
    name = f"//{kind}/Group/{group.partition(':')[2]}"
    for email in (member.partition(":")[2] for member in who):
        data = a_member(google.state, email, role=role, delivery_settings="DIGEST")
        google.state.add(Resource(f"{name}/members/{email}", f"{kind}/Membership", name, data))


WORKERS_ROLES = (
    "iam.denyAdmin",
    "iam.securityAdmin",
    "iam.serviceAccountAdmin",
    "iam.serviceAccountKeyAdmin",
    "storage.admin",
    "iam.workloadIdentityPoolAdmin",
    "iam.workforcePoolAdmin",
    "cloudasset.viewer",
    "bigquery.admin",
)


def seed(google: Google) -> Google:
    """One of each way in: person, group, domain, project, condition, owner, and through others."""
    org = node(
        google,
        "Organization",
        ORG,
        "",
        *(binding(f"roles/{role}", WORKER) for role in WORKERS_ROLES),
        binding("roles/browser", DATA_TEAM, RATERS, WORKER),
    )
    folder = node(google, "Folder", "77", org, binding("roles/viewer", BO, ANN))
    node(google, "Project", "lab-security", org)
    node(
        google,
        "Project",
        "lab-data",
        folder,
        binding("roles/storage.objectUser", BO, ETL, ANN),
        binding(BEYOND, PULL, DATA_TEAM, condition=CONDITION),
        binding(BEYOND, PULL, DATA_TEAM),
        binding("roles/storage.objectViewer", PULL, SUBJECT),
        binding("roles/owner", ANN, DANA),
        binding("roles/viewer", "domain:mercor.example", "domain:lab.example"),
    )
    account(google, WORKER)
    account(google, PULL)
    account(google, ETL, keys=(("k1" * 20, False), ("k2" * 20, True)))
    hmac(google, HMAC, "ACTIVE")
    hmac(google, f"{HMAC}OFF", "INACTIVE")
    pool(google)
    token_creator = binding("roles/iam.serviceAccountTokenCreator", ANN, DATA_TEAM)
    account(google, SHARED, token_creator)
    bucket(google, "labels", "lab-data", binding("roles/storage.objectAdmin", RATERS, BO))
    expiring(google)
    below(google)
    listed_bucket(google)
    answers(google)
    google_drives.shared_drive(google, DANA, BO, (KIM, PULL, ANN))
    directories(google)
    return google
