"""A pause in small over the AWS connector and an emulated AWS: no Temporal, a clock of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from support.journals import a_book

from stopline import guards, planner
from stopline.climbing import Breach, breaches, removed
from stopline.connectors.aws import AwsConnector, marks
from stopline.connectors.aws.clients import Clients
from stopline.drill.access import Access
from stopline.drill.oracle import effects
from stopline.engine import Errand, apply
from stopline.estate import AwsAccount, AwsEstate, Estate, Protected
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.removals import removals
from stopline.model import Change, Finding, Plan, Scope, Snapshot, stage
from stopline.playbook import Limits, Phase, Playbook, Rule
from stopline.port import Connector, Mark, Terms
from stopline.receipts import Hold, Receipt
from stopline.text import Json
from stopline.vendors import AwsSelectors, Vendor

VENDOR_ACCOUNT, OTHER_ACCOUNT = "444455556666", "777788889999"
EXTERNAL_ID = "mercor-9c1f"
ROOT = f"arn:aws:iam::{VENDOR_ACCOUNT}:root"
OTHER = f"arn:aws:iam::{OTHER_ACCOUNT}:root"
PATH = "/vendors/mercor/"
FIRST, SECOND = "0000000a", "0000000b"
PROPAGATION = 15.0
VENDOR = Vendor(
    vendor="mercor",
    aws=AwsSelectors(
        accounts=(VENDOR_ACCOUNT,),
        external_ids=(EXTERNAL_ID,),
        paths=(PATH,),
        identity_providers=("arn:aws:iam::*:saml-provider/mercor-idp",),
        preserve=("kept-*",),
    ),
)
HOWS = {
    "users": "deny-all",
    "roles": "deny-all",
    "shared-roles": "trust-deny",
    "access-keys": "inactive",
    "buckets": "vendor",
}


def playbook(**hows: str) -> Playbook:
    """One phase with a rule for each kind; an empty `how` leaves the rule out."""
    words = {**HOWS, **{key.replace("_", "-"): how for key, how in hows.items()}}
    rules = tuple(
        Rule(name=contains, connector="aws", contains=contains, how=how)
        for contains, how in words.items()
        if how
    )
    return Playbook(playbook="default", phases=(Phase(name="all", rules=rules),))


def trust(*statements: Json) -> Json:
    """A trust policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def lets_in(principal: Json, condition: Json = None, action: str = "sts:AssumeRole") -> Json:
    """A statement that lets a principal in."""
    said = {"Effect": "Allow", "Principal": principal, "Action": action}
    return {**said, "Condition": condition} if condition else said


@dataclass
class AwsNight:
    """One account of an emulated AWS, one journal, any number of pauses."""

    url: str
    account: str
    vendor: Vendor = VENDOR
    rules: Playbook = field(default_factory=playbook)
    now: float = 1_800_000_000.0
    attempts: int = 0
    made: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Open a journal, and take the account as its owner."""
        self.book: Book = a_book("sqlite://", clock=lambda: self.now)
        access = Access(self.url, (self.account,))
        self.iam: Any = access.client(self.account, "iam")
        self.s3: Any = access.client(self.account, "s3")
        self.estate = Estate(
            aws=AwsEstate(
                resources=(),  # these nights are about principals and buckets
                accounts={self.account: AwsAccount(), "999999999999": AwsAccount()},
                role="stopline/stopline-worker",
                calls_per_second=1000.0,
                propagation=PROPAGATION,
            ),
            protected=Protected(
                orchestrator=("arn:aws:iam::*:role/stopline/*",),
                break_glass=("arn:aws:iam::*:role/break-glass/*",),
                log_delivery=("arn:aws:iam::*:role/log-delivery/*", "arn:aws:s3:::audit-logs"),
            ),
            responders=(f"arn:aws:iam::{self.account}:role/responder",),
        )
        protected = self.estate.protected
        self.protected = (*protected.orchestrator, *protected.break_glass)
        self.clients = Clients(self.estate.aws)  # type: ignore[arg-type]
        self.connector: Connector = AwsConnector(self.clients, PROPAGATION, self.protected)

    # --- the estate ------------------------------------------------------------------------------

    def role(self, name: str, document: Json | str, path: str = "/") -> str:
        """Make a role with a trust policy, kept verbatim when it is a text."""
        text = document if isinstance(document, str) else json.dumps(document)
        made = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=text)
        return str(made["Role"]["Arn"])

    def trust_of(self, name: str) -> str:
        """A role's trust policy, as its verbatim text."""
        return unquote(self.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])

    def inline_of(self, kind: str, name: str) -> dict[str, Json]:
        """Every inline policy of a principal."""
        words = {f"{kind.capitalize()}Name": name}
        names = getattr(self.iam, f"list_{kind}_policies")(**words)["PolicyNames"]
        read = getattr(self.iam, f"get_{kind}_policy")
        texts = {n: unquote(read(**words, PolicyName=n)["PolicyDocument"]) for n in names}
        return {n: json.loads(text) for n, text in texts.items()}

    def attached_of(self, kind: str, name: str) -> list[str]:
        """The names of every policy that is attached to a principal."""
        words = {f"{kind.capitalize()}Name": name}
        page = getattr(self.iam, f"list_attached_{kind}_policies")(**words)
        return [p["PolicyName"] for p in page["AttachedPolicies"]]

    # --- planning --------------------------------------------------------------------------------

    def snapshot(self, scope: Scope | None = None) -> Snapshot:
        """Read the account."""
        scope = scope or Scope(realms=(self.account,))
        return planner.snapshot_of("mercor", self.connector.discover(self.vendor, scope), "")

    def terms(self, pause: str) -> Terms:
        """What the opinion may hang on, as an activity makes it."""
        pauses = self.book.pauses
        return Terms(
            self.vendor,
            self.rules,
            Mark(self.book.id, pause),
            pauses.refusals(pause),
            self.estate,
            pauses.cut_at(pause),
            pauses.settled(pause, {"aws": PROPAGATION}),
            removed(self.held(pause), removals(self.book.store, pause), self.rules.audits),
        )

    def held(self, pause: str = FIRST) -> tuple[Hold, ...]:
        """What one pause holds."""
        return self.book.writes.holds(pause)

    def breaches(self, pause: str = FIRST) -> tuple[Breach, ...]:
        """What somebody removes at will."""
        return breaches(self.held(pause), removals(self.book.store, pause), self.rules.audits)

    def plan(self, pause: str = FIRST, *, sweep: Plan | None = None) -> Plan:
        """Plan a containment; as a sweep, within what an approved plan names."""
        approved = frozenset(c.address for c in sweep.work) if sweep else None
        return planner.plan_containment(
            self.snapshot(),
            self.terms(pause),
            Scope(),
            planner.Standing(self.book.writes.holds(), approved, self.protected),
            planner.Opinions({"aws": self.connector.contained}, {"aws": self.connector.residuals}),
        )

    def findings(self, plan: Plan, share: float = 1.0) -> tuple[Finding, ...]:
        """What the guards say."""
        bounds = guards.Bounds(self.estate, Limits(share=share))
        return guards.guard(plan, self.snapshot(), bounds)

    # --- carrying out ----------------------------------------------------------------------------

    def batches(self, plan: Plan) -> Iterator[tuple[Change, ...]]:
        """Cut a plan: one batch for each stage."""
        for _, group in groupby(plan.work, key=lambda c: stage(c, plan.direction)):
            yield tuple(group)

    def carry_out(self, plan: Plan) -> list[Receipt]:
        """Every stage of a plan, in order."""
        receipts: list[Receipt] = []
        for batch in self.batches(plan):
            self.attempts += 1
            errand = Errand(plan.pause, plan.direction, f"attempt-{self.attempts}", "token")
            for document in apply(self.connector, self.book.writes, errand, batch):
                receipts += document
            self.now += 1
        return receipts

    def open(self, pause: str) -> None:
        """Open a pause in the journal; once is enough."""
        status = PauseStatus.CONTAINING
        self.book.pauses.open(
            Pause(pause, "mercor", Scope(), "w", "alice", "breach", "", status, "", "", ""), {}
        )

    def contain(self, pause: str = FIRST, passes: int = 8) -> Plan:
        """Contain, sweep until a pass plans nothing; returns the last plan."""
        self.open(pause)
        approved = plan = self.plan(pause)
        for _ in range(passes):
            if not plan.work:
                return plan
            self.carry_out(plan)
            self.now += 60
            plan = self.plan(pause, sweep=approved)
        raise AssertionError(f"it does not end: {[str(c.address) for c in plan.work]}")

    def restore(self, pause: str = FIRST) -> list[Receipt]:
        """Give a pause back."""
        holds = self.book.writes.holds()
        plan = planner.plan_restore("mercor", pause, holds, Scope())
        receipts = self.carry_out(plan)
        self.now += 60
        return receipts


def of_kind(plan: Plan, kind: str) -> list[Change]:
    """A plan's changes of one class of document."""
    return [c for c in plan.changes if c.address.kind == kind]


def denies(plan: Plan) -> dict[str, Json]:
    """The statements that a plan puts into trust policies, by the part that each is about."""
    found = of_kind(plan, "trust-policy-statement")
    parts = {part for part in marks.PARTS for c in found if c.address.id.endswith(part)}
    return {p: c.after.value for p in parts for c in found if c.after and c.address.id.endswith(p)}


def admits(text: str, arn: str, action: str = "sts:AssumeRole", **context: str) -> bool:
    """Whether a trust policy lets somebody in, by the drill's own judge."""
    who = {"aws:principalarn": arn, "aws:principalaccount": arn.split(":")[4], **context}
    said = effects([json.loads(text)], action, "role", who)
    return said == {"Allow"}
