"""The printed commands, run by bash against an emulated AWS: the same as stopline, both ways."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pytest
from support.aws_cli import AwsCli, aws_on_path
from support.journals import a_book
from support.render import CONTAIN

from stopline import planner
from stopline.configuration import installed_words
from stopline.connectors import aws
from stopline.connectors.aws.classes import WRITERS
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.commands import COMMANDS
from stopline.drill import configure, doors, manifest
from stopline.drill.access import REGION, Access
from stopline.drill.emulator import Emulator
from stopline.drill.estate import OWNER, seed
from stopline.drill.fingerprint import Fingerprint, differences, fingerprint
from stopline.engine import Errand, apply
from stopline.estate import Estate
from stopline.journal.book import Book
from stopline.model import Address, Direction, Document, Plan, Scope, State, stage
from stopline.playbook import parse_playbook
from stopline.port import Mark, Terms
from stopline.receipts import Outcome
from stopline.render.script import Words, one_line, script
from stopline.vendors import Vendor

ROOT = Path(__file__).parents[2]
PAUSE = "1fc78323"
PLAYBOOK = parse_playbook(
    (ROOT / "config/playbooks/default.yaml").read_text(), "default", installed_words()
)


@dataclass
class Emulated:
    """An emulated estate in which the vendor lives, and what reads and writes it."""

    access: Access
    cli: AwsCli
    bin: Path
    connector: aws.AwsConnector
    book: Book

    def look(self) -> Fingerprint:
        """Everything as it is."""
        return fingerprint(self.access)

    def plan(self) -> Plan:
        """What a pause of the vendor would take away now."""
        vendor = Vendor.model_validate(configure.MERCOR)
        found = self.connector.discover(vendor, Scope())
        snapshot = planner.snapshot_of("mercor", found, "")
        return planner.plan_containment(
            snapshot,
            Terms(
                vendor,
                PLAYBOOK,
                Mark(self.book.id, PAUSE),
                estate=Estate.model_validate(configure.ESTATE),
                cut_at="2026-01-01T00:00:00Z",
            ),
            Scope(),
            planner.Standing(holds=self.book.writes.holds()),
            planner.Opinions({"aws": self.connector.contained}, {"aws": lambda _: ()}),
        )

    def carry_out(self, plan: Plan) -> None:
        """Let the engine do it, stage after stage."""
        for number, (_, group) in enumerate(
            groupby(plan.work, key=lambda c: (c.address.realm, stage(c, plan.direction)))
        ):
            errand = Errand(PAUSE, plan.direction, f"attempt-{number}", f"token-{number}")
            for receipts in apply(
                self.connector, self.book.writes, errand, tuple(group), stopped=bool, sleep=print
            ):
                assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}

    def by_hand(
        self,
        plan: Plan,
        originals: Mapping[Document, str] | None = None,
        accounts: Sequence[str] = manifest.LAB,
    ) -> None:
        """Run a plan's script once with the credentials of each account."""
        text = script(plan, Words({"aws": self.connector.commands}, originals or {}))
        for account in accounts:
            role = f"arn:aws:iam::{account}:role/{configure.WORKER_ROLE}"
            taken = self.access.assume(OWNER, role)
            done = subprocess.run(
                ["bash", "-s"],
                input=text,
                env={
                    "PATH": f"{self.bin}:{os.environ['PATH']}",
                    "AWS_ACCESS_KEY_ID": taken.key,
                    "AWS_SECRET_ACCESS_KEY": taken.secret,
                    "AWS_SESSION_TOKEN": taken.token,
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert "FAILED" not in done.stderr, done.stderr
            assert done.returncode == 1, "the other two accounts are passed over"


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """The drill's estate, an `aws` on PATH, and an empty journal."""
    folder = tmp_path_factory.mktemp("estate")
    with Emulator(folder) as emulator, pytest.MonkeyPatch.context() as patch:
        seeded = seed(emulator.url)
        patch.setenv("AWS_ENDPOINT_URL", emulator.url)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCESS_KEY_ID", seeded.worker[0])
        patch.setenv("AWS_SECRET_ACCESS_KEY", seeded.worker[1])
        section = Estate.model_validate(configure.ESTATE).aws
        assert section is not None
        access = Access(emulator.url, manifest.LAB)
        with aws_on_path(access, folder / "bin") as cli:
            connector = aws.AwsConnector(Clients(section), 0)
            book = a_book(f"sqlite:///{folder}/journal.db")
            yield Emulated(access, cli, folder / "bin", connector, book)


def without_chance(found: Fingerprint) -> Fingerprint:
    """Without what AWS chooses anew each time: a policy's id and its dates."""
    chosen = r'"(PolicyId|CreateDate|UpdateDate)":"[^"]*"'
    return {name: re.sub(chosen, "", text) for name, text in found.items()}


def same_policies(found: Fingerprint) -> Fingerprint:
    """Bucket and trust policies as what they say, for where no verbatim text was recorded."""
    return {name: _said(name, text) for name, text in found.items()}


def _said(name: str, text: str) -> str:
    kind = name.split(" ")[1]  # a managed policy's name may end so too: that is no such text
    if kind in ("bucket", *doors.KINDS) and name.endswith(" policy") and text != "none":
        return json.dumps(listed(json.loads(text)), sort_keys=True)
    if kind == "role":
        role = json.loads(text)
        trust = listed(json.loads(role["AssumeRolePolicyDocument"]))
        return json.dumps({**role, "AssumeRolePolicyDocument": trust}, sort_keys=True)
    return text


def listed(body: dict[str, object]) -> dict[str, object]:
    """A policy whose single statement stands in a list."""
    found = body["Statement"]
    return {**body, "Statement": found if isinstance(found, list) else [found]}


def inverse(plan: Plan) -> Plan:
    """The way back of a plan of which nothing but the plan is left."""
    return planner.inverse(plan)


@pytest.mark.night
def test_a_policy_that_cannot_be_read_is_never_replaced(estate: Emulated) -> None:
    """With the wrong credentials nothing is written, and the script says which account it was."""
    change = next(c for c in estate.plan().changes if c.address.kind == "bucket-policy-statement")
    elsewhere = next(a for a in manifest.LAB if a != change.address.realm)
    forged = replace(change, address=replace(change.address, realm=elsewhere))
    plan = replace(estate.plan(), changes=(forged,))
    before = estate.look()
    with pytest.raises(AssertionError, match="FAILED, see above: edit_bucket_policy"):
        estate.by_hand(plan)
    assert differences(before, estate.look()) == []


@pytest.mark.night
@pytest.mark.timeout(240)
def test_by_hand_is_what_stopline_does_and_its_way_back_is_exact(estate: Emulated) -> None:
    """Contain by stopline, give back by hand: identical. Contain by hand: the same as stopline."""
    before, plan = estate.look(), estate.plan()
    kinds = {c.address.kind for c in plan.changes}
    assert {"user-attachment", "role-attachment", "access-key", "bucket-policy-statement"} < kinds

    estate.carry_out(plan)
    contained = estate.look()
    assert differences(before, contained)
    holds, originals = estate.book.writes.holds(PAUSE), estate.book.writes.originals()
    back = planner.plan_restore("mercor", PAUSE, holds, Scope())
    estate.by_hand(back, originals)
    assert differences(before, estate.look()) == []

    estate.by_hand(plan)
    estate.by_hand(plan, accounts=(manifest.RESEARCH,))
    assert differences(without_chance(contained), without_chance(estate.look())) == []
    estate.by_hand(inverse(plan))
    assert differences(same_policies(before), same_policies(estate.look())) == []


def test_every_kind_that_is_written_has_its_commands() -> None:
    """A kind in documents.WRITERS without a row in commands.COMMANDS is named here."""
    assert set(COMMANDS) == set(WRITERS)


def test_a_kind_without_commands_is_told_and_counts_as_not_done() -> None:
    """What no command is known for stands there with both states, and the script fails."""
    text = script(CONTAIN, Words({"aws": lambda *_: aws.Commands()}))
    assert "#   to   " in text
    done = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("NOT DONE, no command is known:") == len(CONTAIN.changes)


HOSTILE = "x'; touch owned; '$(touch owned)`touch owned`\ntouch owned\r\u2028touch owned #"


def test_no_name_becomes_a_command(tmp_path: Path) -> None:
    """Whatever a vendor calls its things, and whatever a person writes, nothing of it is run."""
    where = Address("aws", "111122223333", "user-attachment", f"{HOSTILE}#{HOSTILE}")
    key = Address("aws", "111122223333", "access-key", f"{HOSTILE}/{HOSTILE}")
    bucket = Address("aws", "111122223333", "bucket-policy-statement", f"{HOSTILE}#{HOSTILE}")
    other = Address("aws", HOSTILE, "unheard-of", HOSTILE)
    after = State.of({"Status": HOSTILE, "Sid": HOSTILE})
    changes = tuple(
        replace(c, address=a, after=after, principal=HOSTILE, summary=HOSTILE)
        for c, a in zip(CONTAIN.changes, (where, key, bucket, other), strict=True)
    )
    plan = replace(CONTAIN, vendor=HOSTILE, changes=changes, pause=HOSTILE)
    text = script(
        plan, Words({"aws": aws.commands.commands}, {bucket.document: HOSTILE}), (HOSTILE,)
    )
    fake = tmp_path / "aws"
    fake.write_text("#!/bin/sh\necho 111122223333\n")
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(
        ["bash", "-s"],
        input=text,
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aws"]
    assert "\n" not in one_line(HOSTILE)


def test_the_way_back_runs_from_narrow_to_broad() -> None:
    """The inverse of a plan ends with the policy that everything else was attached to."""
    back = inverse(CONTAIN)
    assert back.direction is Direction.RESTORE
    assert [c.breadth for c in back.changes if c.address.realm == "111122223333"] == sorted(
        c.breadth for c in back.changes if c.address.realm == "111122223333"
    )
    assert {(c.address, c.before, c.after) for c in back.changes} == {
        (c.address, c.after, c.before) for c in CONTAIN.changes
    }
