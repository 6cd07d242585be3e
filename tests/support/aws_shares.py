"""What an emulated account shares with others, as its owner makes and reads it."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.aws import DATA, MERCER, MERCOR, PLAYBOOK, Cloud, owners_client

from stopline.connectors.aws.kinds import Share, where_of
from stopline.connectors.aws.policy import account_of
from stopline.connectors.aws.shares import EVERYBODY, SHARES
from stopline.drill import configure
from stopline.model import Document
from stopline.playbook import Playbook, Rule
from stopline.text import Json

REGION = "us-east-1"
Run = Callable[[str, Json], tuple[list[str], str, str]]
"""See `run_line` of the tests."""
RULES = (
    ("sns-topics", "vendor"),
    *((row.contains, "remove") for row in SHARES.values() if not row.off),
)
SERVED = tuple(contains for contains, _ in RULES if contains not in configure.UNSERVED)
"""Of these, what the emulator can list."""
SWITCHES = tuple((row.contains, "inactive") for row in SHARES.values() if row.off)


def playbook(also: tuple[tuple[str, str], ...] = ()) -> Playbook:
    """A playbook with a rule for all that is shared, and for topics."""
    rules = [
        Rule.model_validate({"name": n, "connector": "aws", "contains": n, "how": how})
        for n, how in (*RULES, *also)
    ]
    phase = PLAYBOOK.phases[0].model_copy(update={"rules": tuple(rules)})
    return PLAYBOOK.model_copy(update={"phases": (phase,)})


@dataclass(frozen=True)
class Sharer:
    """The owner's own view of what one account of the emulator shares."""

    cloud: Cloud
    account: str = DATA
    region: str = REGION

    def client(self, service: str) -> Any:
        """The owner's client of one service."""
        return owners_client(self.cloud.url, self.account, service, self.region)

    def make(self, kind: str, name: str, *who: str) -> str:
        """Make one, and share it; returns its document's id."""
        made = _MAKE[kind](self, name)
        id_ = f"{self.region}/{made}"
        for one in who or (MERCOR, MERCER):
            self.share(Document("aws", self.account, kind, id_), one)
        return id_

    def share(self, document: Document, who: str, *, also: bool = True) -> None:
        """Share it with somebody, or not any more."""
        row, where = SHARES[document.kind], where_of(document)
        edit = row.give if also else row.take
        words = edit.words(where, _entry(row, who))
        getattr(self.client(row.service), edit.operation)(**words)

    def shared(self, document: Document) -> list[str]:
        """With whom it is shared."""
        row, where = SHARES[document.kind], where_of(document)
        client = self.client(row.service)
        try:
            answer = getattr(client, row.get.operation)(**row.get.words(where, ""))
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in row.absent:
                return []
            raise
        who = (entry.who for entry in row.entries(answer))
        return sorted("all" if one in EVERYBODY else account_of(one) for one in who)

    def remove(self, document: Document) -> bool:
        """Delete it; the emulator breaks where it is then asked for an image's attribute."""
        if document.kind not in _REMOVE:
            return False
        _REMOVE[document.kind](self, document)
        return True


def _no_document(sharer: Sharer, document: Document) -> None:
    for who in sharer.shared(document):  # nor does Systems Manager delete what is shared
        sharer.share(document, who, also=False)
    sharer.client("ssm").delete_document(Name=where_of(document).name)


def _no_rule(sharer: Sharer, document: Document) -> None:
    bus, _, rule = where_of(document).name.partition(":")
    events, words = sharer.client("events"), {"EventBusName": bus}
    found = events.list_targets_by_rule(Rule=rule, **words)["Targets"]
    events.remove_targets(Rule=rule, Ids=[one["Id"] for one in found], **words)
    events.delete_rule(Name=rule, **words)


def _no_layer(sharer: Sharer, document: Document) -> None:
    layer, _, version = where_of(document).name.partition(":")
    words = {"LayerName": layer, "VersionNumber": int(version)}
    sharer.client("lambda").delete_layer_version(**words)


def _gone(service: str, operation: str, key: str) -> Callable[[Sharer, Document], None]:
    def remove(sharer: Sharer, document: Document) -> None:
        name = where_of(document).name
        words = {key: [name] if key.endswith("s") else name}
        getattr(sharer.client(service), operation)(**words)

    return remove


_REMOVE: Mapping[str, Callable[[Sharer, Document], None]] = {
    "snapshot-share": _gone("ec2", "delete_snapshot", "SnapshotId"),
    "db-snapshot-share": _gone("rds", "delete_db_snapshot", "DBSnapshotIdentifier"),
    "db-cluster-snapshot-share": _gone(
        "rds", "delete_db_cluster_snapshot", "DBClusterSnapshotIdentifier"
    ),
    "endpoint-service-principal": _gone(
        "ec2", "delete_vpc_endpoint_service_configurations", "ServiceIds"
    ),
    "layer-version-statement": _no_layer,
    "document-share": _no_document,
    "event-target": _no_rule,
}


def lake_permission(who: str, database: str = "labels", *also: str) -> dict[str, Any]:
    """A permission on a database, as Lake Formation lists it."""
    return {
        "Principal": {"DataLakePrincipalIdentifier": who},
        "Resource": {"Database": {"CatalogId": DATA, "Name": database}},
        "Permissions": sorted(("DESCRIBE", *also)),
        "PermissionsWithGrantOption": sorted(also),
    }


def _entry(row: Share, who: str) -> Mapping[str, Any]:
    """An entry as each service writes it."""
    if row.service == "rds":
        return {"restore": who}
    arn = "*" if who == "all" else f"arn:aws:iam::{who}:root"
    if row.service == "ec2" and row.kind != "endpoint-service-principal":
        return {"Group": who} if who == "all" else {"UserId": who}
    layer = {"StatementId": who, "Action": "lambda:GetLayerVersion", "Principal": arn}
    target = {"Id": who, "Arn": f"arn:aws:events:us-east-1:{who}:event-bus/intake"}
    entries: Mapping[str, Mapping[str, Any]] = {
        "layer-version-statement": layer,
        "event-target": target,
        "endpoint-service-principal": {"principal": arn},
        "document-share": {"account": who, "version": "$LATEST"},
        "lake-permission": lake_permission(who),
    }
    return entries[row.kind]


def _image(sharer: Sharer, name: str) -> str:
    return str(sharer.client("ec2").register_image(Name=name)["ImageId"])


def _snapshot(sharer: Sharer, name: str) -> str:
    ec2 = sharer.client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{sharer.region}a", Size=1)["VolumeId"]
    return str(ec2.create_snapshot(VolumeId=volume, Description=name)["SnapshotId"])


def _db_snapshot(sharer: Sharer, name: str) -> str:
    rds = sharer.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=f"{name}-db",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=5,
    )
    rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=f"{name}-db")
    return name


def _db_cluster_snapshot(sharer: Sharer, name: str) -> str:
    rds = sharer.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=f"{name}-cluster",
        Engine="aurora-postgresql",
        MasterUsername="root1",
        MasterUserPassword="drilldrill",
    )
    rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=name, DBClusterIdentifier=f"{name}-cluster"
    )
    return name


def _zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("labels.txt", "labels")
    return made.getvalue()


def _layer(sharer: Sharer, name: str) -> str:
    made = sharer.client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": _zipped()}
    )
    return f"{name}:{made['Version']}"


def _service(sharer: Sharer, _name: str) -> str:
    ec2 = sharer.client("ec2")
    balancers = sharer.client("elbv2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = balancers.create_load_balancer(Name="labels", Subnets=[subnet], Type="network")
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    found = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[arn])
    return str(found["ServiceConfiguration"]["ServiceId"])


def _document(sharer: Sharer, name: str) -> str:
    content = '{"schemaVersion": "2.2", "description": "labels", "mainSteps": []}'
    sharer.client("ssm").create_document(Name=name, Content=content, DocumentType="Command")
    return name


def _rule(sharer: Sharer, name: str) -> str:
    sharer.client("events").put_rule(Name=name, EventPattern='{"source": ["labels"]}')
    return f"default:{name}"


_MAKE: Mapping[str, Callable[[Sharer, str], str]] = {
    "image-share": _image,
    "snapshot-share": _snapshot,
    "db-snapshot-share": _db_snapshot,
    "db-cluster-snapshot-share": _db_cluster_snapshot,
    "layer-version-statement": _layer,
    "endpoint-service-principal": _service,
    "document-share": _document,
    "lake-permission": lambda _sharer, _name: "catalog",
    "event-target": _rule,
}
KINDS = tuple(_MAKE)
ONE_BY_ONE = tuple(kind for kind in KINDS if not SHARES[kind].alone)
"""Of these, each thing has a document of its own."""
