"""The drill's Google Cloud: what is in it, whose it is, and a process that serves it.

Told as data to the emulated Google, and judged through Google's own client as each of those who
are in it: nothing here is made by the code that the drill tests.
"""

import signal
import sys
import threading

from stopline.drill.google.building import build
from stopline.drill.google.server import Google
from stopline.text import Json

ORG, PROJECT = "123456789012", "lab-data"
CUSTOMER, OWN_CUSTOMER = "C01mercor", "C00lab"
UNIT = "/Vendors/Mercor"
"""The unit of the lab's own directory in which the vendor's people have accounts."""
WORKER = "serviceAccount:stopline@lab-security.iam.gserviceaccount.com"
OPERATOR = "operator"
"""Whose token may read everything: the drill's own eyes."""
BUCKET, OBJECT = "labels", "batch-1.json"
ANN, MAX = "user:ann@mercor.example", "user:max@mercor.example"
PULL = "serviceAccount:pull@mercor-prod.iam.gserviceaccount.com"
ETL = "serviceAccount:mercor-etl@lab-data.iam.gserviceaccount.com"
LEGACY, OLD = "deliveries", "old.csv"
"""A bucket without uniform access, and an object in it of which only lists say who reads it."""
ANSWERS = "answers"
"""A dataset, whose list lets some in of whom no policy says anything."""
KEY, HMAC = "key:0a1b2c3d4e5f", "hmac:GOOG1EDRILL"
OFF_BEFORE = "f" * 12
"""A key that was off before any pause."""
SHARED = "serviceAccount:shared-etl@lab-data.iam.gserviceaccount.com"
TRAIN = "serviceAccount:train@lab-data.iam.gserviceaccount.com"
BO, DANA = "user:bo@mercer.example", "user:dana@lab.example"
VIC, OUT = "user:vic@lab.example", "user:olga@lab.example"
"""People of the vendor's in the lab's own directory; one was suspended before any pause."""
LAB = tuple(f"user:{name}@lab.example" for name in ("eve", "finn", "gus", "hal", "ida", "jo"))

KIM, CREW = "user:kim@mercor.example", "group:crew@lab.example"
"""Somebody of the vendor's who has what a group of the lab's gives, and nothing by name."""

READ, WRITE = "storage.objects.get", "storage.objects.create"
LOOK, MINT = "compute.instances.list", "iam.serviceAccounts.getAccessToken"
VENDOR = (
    (ANN, READ),
    (ANN, MINT),
    (MAX, LOOK),
    (VIC, LOOK),
    (VIC, READ),
    (KIM, LOOK),
    (PULL, READ),
    (ETL, READ),
    (ETL, WRITE),
    (KEY, READ),
    (HMAC, READ),
)
"""The vendor's people and accounts, and what each can do before the pause."""
BYSTANDERS = (
    (BO, READ),
    (BO, WRITE),
    (DANA, READ),
    (DANA, MINT),
    (DANA, LOOK),
    (TRAIN, READ),
    (WORKER, "resourcemanager.projects.setIamPolicy"),
    *((who, LOOK) for who in LAB),
)
LISTED = ((ANN, True), (DANA, False))
"""Who reads the object of the lists, and whether it is the vendor."""
ASKING = ((MAX, True), (ANN, True), (BO, False), (DANA, False))
"""Who looks into the dataset, and whether it is the vendor."""
ACTING = (
    (ANN, True),
    (PULL, True),
    (ETL, True),
    (VIC, True),
    (KEY, True),
    (HMAC, True),
    (BO, False),
    (DANA, False),
    (TRAIN, False),
)
"""Who reads an object, and whether it is the vendor."""
VIEWER = "roles/viewer"
LABELS = {
    "title": "labels only",
    "expression": 'resource.name.startsWith("projects/_/buckets/labels")',
}
UNTIL = {"title": "until", "expression": 'request.time < timestamp("2090-01-01T00:00:00Z")'}
_WORKERS_ROLES = (
    "roles/bigquery.admin",
    "roles/browser",
    "roles/cloudasset.viewer",
    "roles/iam.denyAdmin",
    "roles/iam.securityAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/storage.admin",
)


def _binding(role: str, *members: str, **more: Json) -> Json:
    return {"role": role, "members": list(members), **more}


def _account(member: str, *bindings: Json, keys: tuple[Json, ...] = ()) -> Json:
    name, _, rest = member.partition(":")[2].partition("@")
    told = {"project": rest.partition(".")[0], "name": name}
    return {**told, "bindings": list(bindings), "keys": list(keys)}


def told(size: int) -> Json:
    """The organisation: one project with each way in, and `size` where the vendor only looks."""
    return {
        "organization": {
            "id": ORG,
            "domain": "lab.example",
            "customer": OWN_CUSTOMER,
            "admins": [WORKER],
            "bindings": [_binding(role, WORKER) for role in _WORKERS_ROLES],
        },
        "customers": {CUSTOMER: ["mercor.example"], "C02mercer": ["mercer.example"]},
        "folders": [{"id": "77", "name": "research"}],
        "projects": [
            {"id": "lab-security", "number": "100000000001"},
            {"id": "mercor-prod", "number": "444455556666", "outside": True},
            _project(PROJECT, 100_000_000_002, *_POLICY),
            *(
                _project(f"lab-project-{n}", 200_000_000_000 + n, _binding(VIEWER, ANN, *LAB))
                for n in range(size)
            ),
        ],
        "accounts": [
            _account(WORKER),
            _account(PULL),
            _account(ETL, keys=({"id": KEY[4:]}, {"id": OFF_BEFORE, "disabled": True})),
            _account(SHARED, _binding("roles/iam.serviceAccountTokenCreator", ANN, DANA)),
            _account(TRAIN),
        ],
        "users": _USERS,
        "groups": [_CREW],
        "hmac_keys": [
            {"id": HMAC[5:], "project": PROJECT, "account": ETL.partition(":")[2]},
        ],
        "buckets": [
            _LABELS,
            _LEGACY,
        ],
        "datasets": [{"id": ANSWERS, "project": PROJECT, "access": list(_ACCESS)}],
    }


def _entity(member: str) -> str:
    kind, _, rest = member.partition(":")
    return f"{'user' if kind == 'serviceAccount' else kind}-{rest}"


_USERS: Json = [
    *({"email": who.partition(":")[2]} for who in (DANA, *LAB)),
    {"email": VIC.partition(":")[2], "unit": f"{UNIT}/night"},
    {"email": OUT.partition(":")[2], "unit": UNIT, "suspended": True},
]
_CREW: Json = {
    "email": CREW.partition(":")[2],
    "members": [
        {"email": DANA.partition(":")[2], "role": "OWNER"},
        {"email": KIM.partition(":")[2], "role": "MANAGER", "delivery": "DIGEST"},
    ],
}
_LABELS: Json = {
    "name": BUCKET,
    "project": PROJECT,
    "bindings": [_binding("roles/storage.objectViewer", TRAIN, ANN, VIC)],
    "objects": [{"name": OBJECT, "content": "{}"}],
    "data": {
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
        "softDeletePolicy": {"retentionDurationSeconds": "604800"},
    },
}
_LEGACY: Json = {
    "name": LEGACY,
    "project": PROJECT,
    "uniform": False,
    "versioning": True,
    "acl": {
        _entity(PULL): "WRITER",
        _entity(TRAIN): "READER",
        "project-owners-100000000002": "OWNER",
    },
    "default_acl": {_entity(ANN): "OWNER", _entity(DANA): "READER"},
    "objects": [
        {"name": OLD, "content": "1", "acl": {_entity(MAX): "OWNER", _entity(BO): "READER"}},
        {"name": OLD, "content": "2", "acl": {_entity(ANN): "READER", _entity(DANA): "READER"}},
    ],
}


_ACCESS: tuple[Json, ...] = (
    {"role": "OWNER", "specialGroup": "projectOwners"},
    {"role": "OWNER", "userByEmail": DANA.partition(":")[2]},
    {"role": "READER", "userByEmail": BO.partition(":")[2]},
    {"role": "WRITER", "userByEmail": MAX.partition(":")[2]},
    {"view": {"projectId": PROJECT, "datasetId": "shared", "tableId": "by_week"}},
    {"role": "READER", "domain": "mercor.example", "condition": UNTIL},
    {"role": "READER", "userByEmail": TRAIN.partition(":")[2]},
)


def _project(id_: str, number: int, *bindings: Json) -> Json:
    return {
        "id": id_,
        "number": str(number),
        "parent": "folders/77",
        "bindings": list(bindings),
    }


_POLICY = (
    _binding("roles/storage.objectUser", ETL, BO, ANN),
    _binding("roles/storage.objectViewer", PULL, DANA, condition=LABELS),
    _binding("roles/bigquery.dataViewer", PULL, TRAIN),
    _binding(VIEWER, "domain:mercor.example", VIC, *LAB),
    _binding("roles/compute.viewer", CREW),
)


def serve(port: int, size: int) -> None:
    """Serve it until the process is told to end."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    google = Google(build(told(size)), port=port)
    google.start()
    over.wait()
    google.stop()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
