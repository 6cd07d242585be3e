"""A whole night over the emulated AWS in this process, with every call written down."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session, get_session
from support.journals import a_book

from activities.ends import verified
from stopline import planner
from stopline.configuration import installed_words
from stopline.connectors.aws import AwsConnector, policies
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.permissions import permission_of
from stopline.drill import configure, doors, estate
from stopline.drill.access import REGION, Access
from stopline.drill.emulator import Emulator
from stopline.drill.estate import trust
from stopline.drill.manifest import LAB, RESEARCH, Manifest
from stopline.engine import Errand, apply
from stopline.estate import AwsEstate, Estate
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Found, Plan, Scope
from stopline.playbook import Playbook, parse_playbook
from stopline.port import Mark, Terms
from stopline.receipts import Receipt
from stopline.terminating import looked, plan_termination
from stopline.text import Json
from stopline.vendors import Vendor

PLAYBOOK = Path(__file__).parents[2] / "config" / "playbooks" / "default.yaml"
READER, WRITER = "stopline/reader", "stopline/writer"
US = f"arn:aws:iam::{RESEARCH}:user/stopline/stopline"
PAUSE = "0000abcd"


@dataclass
class Recorder:
    """The IAM actions that the calls needed, by the role that made them."""

    made: dict[str, set[str]] = field(default_factory=dict)

    def clients(self, **settings: Json) -> Clients:
        """Clients of the drill's estate for the worker; STS is listened to as well."""
        given = {**configure.ESTATE["aws"], "propagation": 0.0, **settings}
        return Clients(
            AwsEstate.model_validate(given),
            session=self._session,
            on_call=lambda service, operation: self.note("", service, operation),
        )

    def note(self, role: str, service: str, operation: str) -> None:
        """Write one call down."""
        self.made.setdefault(role, set()).add(permission_of(service, operation))

    @property
    def actions(self) -> set[str]:
        """All of them."""
        return set().union(*self.made.values())

    def _session(self) -> Session:
        session = get_session()
        session.register("before-call.sts", lambda model, **_: self.note("", "sts", model.name))
        return session


ESTATE = Estate.model_validate(configure.ESTATE)
CUT = "2026-01-01T00:00:00Z"


@dataclass
class Night:
    """One journal over one emulated estate."""

    emulator: Emulator
    access: Access
    connector: AwsConnector
    recorder: Recorder
    book: Book
    vendor: Vendor
    playbook: Playbook

    def owner(self, account: str, service: str) -> Any:
        """A client of one account as its owner sees it."""
        return self.access.client(account, service)

    def discover(self) -> list[Found]:
        """Read what mercor holds."""
        return list(self.connector.discover(self.vendor, Scope()))

    def plan(self) -> Plan:
        """Plan mercor's containment."""
        return planner.plan_containment(
            planner.snapshot_of("mercor", self.discover(), ""),
            Terms(self.vendor, self.playbook, Mark(self.book.id, PAUSE), estate=ESTATE, cut_at=CUT),
            Scope(),
            planner.Standing(self.book.writes.holds()),
            planner.Opinions({"aws": self.connector.contained}, {"aws": self.connector.residuals}),
        )

    def carry_out(self, plan: Plan) -> list[Receipt]:
        """Every change of a plan, in order."""
        errand = Errand(PAUSE, plan.direction, f"attempt-{plan.direction}", "token")
        receipts = apply(self.connector, self.book.writes, errand, plan.work)
        return [receipt for document in receipts for receipt in document]

    def verify(self) -> Json:
        """Read back what is held."""
        return verified(self.book, {"aws": self.connector}, self.vendor, PAUSE).outcomes

    def give_back(self) -> Plan:
        """Plan what the pause gives back."""
        return planner.plan_restore("mercor", PAUSE, self.book.writes.holds(), Scope())

    def end(self) -> Plan:
        """Plan what the pause removes for good, in a pause that is being terminated."""
        pause = Pause(
            PAUSE, "mercor", Scope(), "w", "alice", "over", "", PauseStatus.CONTAINED, "", "", ""
        )
        self.book.pauses.open(pause, {})
        self.book.pauses.mark(PAUSE, PauseStatus.TERMINATING)
        holds = self.book.writes.holds()
        found = self.connector.removable(self.vendor, holds, holds)
        opinions = {"aws": looked(self.connector.ended, found)}
        return plan_termination("mercor", PAUSE, holds, Scope(), opinions)

    def over(self) -> None:
        """The termination is done with."""
        self.book.pauses.mark(PAUSE, PauseStatus.RESTORING)


@contextmanager
def a_night(folder: Path, **settings: Json) -> Iterator[Night]:
    """Start the emulated AWS, seed it, make the two roles of config/permissions, and stop it."""
    with Emulator(folder) as emulator, pytest.MonkeyPatch.context() as patch:
        manifest = estate.seed(emulator.url)
        for name, value in cloud(emulator, manifest).items():
            patch.setenv(name, value)
        access = Access(emulator.url, LAB)
        for account in LAB:
            give_roles(access, account)
            for service in ("s3", *(kind.service for kind in doors.KINDS.values())):
                access.client(account, service)  # nobody new is let in once policies are enforced
        recorder = Recorder()
        connector = AwsConnector(recorder.clients(**settings), 0.0)
        yield Night(
            emulator,
            access,
            connector,
            recorder,
            a_book("sqlite://"),
            Vendor.model_validate(configure.MERCOR),
            parse_playbook(PLAYBOOK.read_text("utf-8"), "default.yaml", installed_words()),
        )


def cloud(emulator: Emulator, manifest: Manifest) -> dict[str, str]:
    """The environment of a worker of this estate."""
    return {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": manifest.worker[0],
        "AWS_SECRET_ACCESS_KEY": manifest.worker[1],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(emulator.folder / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(emulator.folder / "no-aws-config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


READS = tuple(name for name in policies.policies() if name.startswith("read"))
"""The policies of who reads: one would not take them all."""
WRITES = tuple(name for name in policies.policies() if name.startswith("write"))
"""The policies without which nothing is contained."""


def give_roles(access: Access, account: str) -> None:
    """A role that reads and one that writes, each with what config/permissions/aws says."""
    iam = access.client(account, "iam")
    give_role(iam, READER, *READS)
    give_role(iam, WRITER, *WRITES, "canary", "terminate")


def give_role(iam: Any, name: str, *kinds: str, without: str = "", trusting: str = US) -> None:
    """One role with some of the policies, but for one action; the worker may assume it."""
    path, _, role = name.rpartition("/")
    trusted = json.dumps(trust({"AWS": trusting}))
    iam.create_role(RoleName=role, Path=f"/{path}/", AssumeRolePolicyDocument=trusted)
    made = policies.policies()
    files = [f for kind in kinds for f in made if re.fullmatch(rf"{kind}(-\d+)?", f)]
    for file in files:
        policy = as_emulated(made[file])
        for statement in policy["Statement"]:
            statement["Action"] = [a for a in statement["Action"] if a != without]
        policy["Statement"] = [s for s in policy["Statement"] if s["Action"]]
        iam.put_role_policy(RoleName=role, PolicyName=file, PolicyDocument=json.dumps(policy))


ENFORCED = (
    "kms-keys", "sns-topics", "sqs-queues", "secrets", "ecr-repositories", "dynamodb-tables",
    "event-buses",
)  # fmt: skip
"""Kinds that can be read while the emulator holds us to policies: it takes the signature of a
request whose path says what it is about for a forged one."""
TOLD = (
    "arn:aws:iam::*:role/",
    "arn:aws:s3:::",
    "arn:aws:s3:*:*:accesspoint/",
    "arn:aws:s3::*:accesspoint/",
)
"""What the emulator compares a policy's resources with; of all else it evaluates `*`."""
REFUSED = ("arn:aws:s3:*:*:access-grants/", "arn:aws:s3-object-lambda:*:*:accesspoint/")
"""What it takes for no ARN, or for another service's."""
UNTOLD = (
    "iam", "kms", "sns", "sqs", "secretsmanager", "ecr", "dynamodb", "events", "lambda",
    "elasticfilesystem", "es", "sso", "identitystore",
    "kinesis", "backup", "ec2", "rds", "ram", "glue", "rolesanywhere",
    "cognito-idp", "cognito-identity", "cloudfront", "apigateway", "eks", "transfer",
    "ssm", "redshift", "signer", "serverlessrepo", "lakeformation",
    "acm-pca", "cloudtrail", "codeartifact", "redshift-serverless", "s3express",
    "logs", "s3tables", "s3vectors", "ses", "vpc-lattice",
)  # fmt: skip


def as_emulated(policy: Json) -> Json:
    """The policy for the emulator: widened to `*` only where it would never see the resource.

    A statement of a service that nobody vouched for here, or whose resources are another
    service's, is a fault: it would be tested on `*` and be wrong at AWS.
    """

    def resources(statement: Json) -> Json:
        said, services = statement["Resource"], {a.partition(":")[0] for a in statement["Action"]}
        of = {r.split(":")[2] for r in said if r != "*"}
        if all(r.startswith(REFUSED) for r in said):
            return "*"
        assert of <= services | ({"iam"} if services == {"sts"} else set()), statement
        known = [r for r in said if r.startswith(TOLD)]
        if statement["Effect"] == "Deny" or known == said:
            return known
        assert said == ["*"] or services <= set(UNTOLD), statement
        return "*"

    return {**policy, "Statement": [{**s, "Resource": resources(s)} for s in policy["Statement"]]}
