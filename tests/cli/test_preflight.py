"""`stopline assess` and `stopline doctor --preflight` over the emulated AWS and a real Temporal.

The roles in the estate's accounts have what config/permissions/aws says, and nothing else, and
the emulator holds them to it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import yaml
from support.journals import a_book
from support.recorded import (
    ENFORCED,
    PLAYBOOK,
    READER,
    READS,
    WRITER,
    WRITES,
    Night,
    a_night,
    give_role,
)
from support.temporal import House

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.permissions import CANARY, WRITE, permission_of
from stopline.connectors.aws.policies import where_said
from stopline.connectors.memory import MemoryConnector, World
from stopline.drill import configure
from stopline.drill.manifest import DATA, PLATFORM, RESEARCH
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.embedded import Server
from stopline.estate import Estate
from stopline.journal.pauses import PauseStatus
from stopline.port import Connector
from stopline.preflight import CANARY_VENDOR
from stopline.settings import Settings
from stopline.text import Json

CRIPPLED = "stopline/crippled"
"""A writing role that lacks one right."""

CLOSED, SHORTSIGHTED = "stopline/closed", "stopline/shortsighted"
"""Reading roles: one that trusts somebody else, and one that lacks a right."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """One seeded estate for all tests of this file."""
    with a_night(tmp_path_factory.mktemp("aws")) as night:
        research, data = night.owner(RESEARCH, "iam"), night.owner(DATA, "iam")
        platform = night.owner(PLATFORM, "iam")
        kinds = (*WRITES, "canary")
        give_role(data, CRIPPLED, *kinds, without="iam:AttachUserPolicy")
        give_role(platform, CRIPPLED, *kinds, without="iam:DetachUserPolicy")
        give_role(data, SHORTSIGHTED, *READS, without="iam:ListAccessKeys")
        give_role(research, CLOSED, *READS, trusting=f"arn:aws:iam::{RESEARCH}:user/staff/nobody")
        night.emulator.enforce(on=True)
        yield night


@dataclass
class Flight:
    """The program over the emulated estate, and the actions that its worker's calls needed."""

    house: House
    night: Night
    made: set[str] = field(default_factory=set)

    def connectors_of(self, estate: Estate) -> Mapping[str, Connector]:
        """The AWS connector, listened to."""
        assert estate.aws
        clients = Clients(
            estate.aws,
            on_call=lambda service, operation: self.made.add(permission_of(service, operation)),
        )
        return {"aws": AwsConnector(clients, estate.aws.propagation)}

    def run(self, *arguments: str) -> int:
        """Run the program in this process."""
        return main(arguments, Program())

    def estate(self, *, aws: Json = None, protected: Json = None) -> None:
        """Write the configuration, with changes laid over the estate's sections."""
        roles: dict[str, Json] = {"role": WRITER, "read_role": READER, "propagation": 0.0}
        roles["resources"] = list(ENFORCED)
        sections = {
            "aws": configure.ESTATE["aws"] | roles | (aws or {}),
            "protected": configure.ESTATE["protected"] | (protected or {}),
        }
        folder = self.house.settings.config_dir
        configure.write(folder, PLAYBOOK.read_text("utf-8"))
        (folder / "estate.yaml").write_text(yaml.safe_dump(sections))

    def canaries(self, account: str) -> list[str]:
        """What stands of any canary in an account."""
        users = self.night.owner(account, "iam").list_users()["Users"]
        buckets = self.night.owner(account, "s3").list_buckets()["Buckets"]
        names = [u["UserName"] for u in users] + [b["Name"] for b in buckets]
        return [name for name in names if name.startswith("stopline-canary")]


@pytest.fixture
def flight(
    installation: Settings,
    temporal_server: Server,
    night: Night,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flight]:
    """A worker of the estate, and the program beside it."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    world = World()
    house = House(installation, a_book(installation.journal_url), world, MemoryConnector(world))
    flight = Flight(house, night)
    flight.estate()
    house.connectors_of = flight.connectors_of
    house.start_worker()
    yield flight
    house.stop_worker()
    house.book.store.engine.dispose()


# --- assess --------------------------------------------------------------------------------------


def test_assess_says_what_is_reached_and_calls_nothing_that_writes(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every path by which the vendor comes in, what a pause would cut, and what nobody read."""
    assert flight.run("assess", "mercor", "--output", "json") == 3
    said = json.loads(capsys.readouterr().out)
    reached = {entry["principal"]: entry for entry in said["reaches"]}
    chained = reached[f"arn:aws:iam::{DATA}:role/chained-1"]
    assert chained["via"] == ["trust: chain: role/vendors/mercor/intake-1"]
    assert len(chained["cut"]) == 1
    own = reached["arn:aws:s3:::no-policy-1"]
    assert own["via"] == ["identity policy of user annotator-1; identity policy of user reviewer-1"]
    shared = reached[f"arn:aws:iam::{DATA}:role/labelling-desk"]
    assert any("trust" in what for what in shared["cut"])
    assert shared["left"] == []
    assert not any("mercer" in name or "liaison" in name for name in reached)
    assert {entry["apart"] for entry in said["read_as"]} == {True}
    assert any("KMS" in what for what in said["not_looked_at"])
    left_out = said["not_looked_at"][-1]
    assert left_out.endswith(", which `aws.resources` of the estate's file leaves out")
    assert "lambda-functions" in left_out
    assert "kms-keys" not in left_out
    assert said["plan"]["gaps"] == []
    assert (
        len(said["plan"]["changes"])
        == flight.house.book.pauses.plan(said["plan"]["ref"]).plan.work.__len__()
    )
    assert flight.made & (WRITE | CANARY) == set()


def test_assess_reads_like_a_page_and_says_when_what_reads_may_write(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a reading role of its own the writing one reads: said, since nobody else would."""
    flight.estate(aws={"role": "stopline/stopline-worker", "read_role": ""})
    assert flight.run("assess", "mercor", "--project", "chordus") == 3
    out = capsys.readouterr().out
    assert "Assessment: what mercor reaches" in out
    assert "read with credentials that may write as well: aws 111122223333" in out
    assert "by path /vendors/mercor/chordus/" in out
    assert "cut: attach deny-all to the user loader-1" in out
    assert "annotator-1" not in out
    assert "docs/access-paths.md" in out


def test_a_plan_says_how_much_nobody_looks_at_and_names_it_on_demand(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and with -v, as `assess` says it; of systems that the estate has."""
    assert flight.run("plan", "mercor", "--project", "chordus") == 3
    assert "kinds of access: -v shows them, and so does `stopline assess`" in " ".join(
        capsys.readouterr().out.split()
    )
    assert flight.run("-v", "plan", "mercor", "--project", "chordus") == 3
    assert "? aws: VPN, Direct Connect" in capsys.readouterr().out
    assert flight.run("plan", "mercor", "--project", "chordus", "--output", "json") == 3
    named = json.loads(capsys.readouterr().out)["not_looked_at"]
    assert {what.partition(":")[0] for what in named} == {"aws"}


# --- preflight -----------------------------------------------------------------------------------


def checks_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Json]:
    """The checks by name, as the program wrote them."""
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def test_a_preflight_of_a_whole_estate_ends_well_and_writes_nothing(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every account is looked at with both roles; what wants a person's eye is no failure."""
    assert flight.run("doctor", "--preflight", "--output", "json") == 0
    checks = checks_of(capsys)
    for account in (RESEARCH, DATA, PLATFORM):
        assert "assumed-role/reader" in checks[f"aws {account} reads as"]["found"]
        assert "assumed-role/writer" in checks[f"aws {account} writes as"]["found"]
        # The emulator breaks where it is asked for the grants of a key that is not there.
        assert checks[f"aws {account} rights to read"]["found"] == (
            "42 of 43 rights are there, as tried; not tried: kms:ListGrants"
        )
        assert checks[f"aws {account} clock"]["ok"]
    assert checks["temporal version"]["found"]
    assert "one polls the queue" in checks["worker that reads"]["found"]
    assert checks["temporal retention"]["warn"]  # the development server keeps a day
    assert checks["journal writable"]["ok"]
    assert "mode 0700" in checks["data directory"]["found"]
    assert flight.made & (WRITE | CANARY) == set()


def test_a_preflight_names_what_is_wrong_and_what_to_do(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """A role that trusts another, one that lacks a right, a guard of nobody, an open folder."""
    flight.estate(
        aws={
            "accounts": {
                RESEARCH: {"read_role": CLOSED},
                DATA: {"read_role": SHORTSIGHTED},
            }
        },
        protected={"break_glass": ["arn:aws:iam::*:role/break-glas/*"]},
    )
    flight.house.settings.data_dir.chmod(0o755)
    assert flight.run("doctor", "--canary", RESEARCH, "--output", "json") == 1
    checks = checks_of(capsys)
    who = checks[f"aws {RESEARCH} reads as"]
    assert not who["ok"]
    assert f"role/{CLOSED}" in who["found"]
    assert "sts:AssumeRole" in who["next_step"]
    assert f"aws {RESEARCH} rights to read" not in checks
    assert "denied: iam:ListAccessKeys" in checks[f"aws {DATA} rights to read"]["found"]
    said = where_said("read", ["iam:ListAccessKeys"])
    assert said in checks[f"aws {DATA} rights to read"]["next_step"]
    assert "nobody is arn:aws:iam::*:role/break-glas/*" in checks["protected break glass"]["found"]
    assert checks["data directory"]["next_step"].startswith("chmod 700")
    assert "not made, since this failed" in checks[f"canary {RESEARCH}"]["found"]
    assert flight.canaries(RESEARCH) == []


# --- canaries ------------------------------------------------------------------------------------


def test_a_canary_is_contained_restored_and_removed(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ordinary path for real, with the rights of config/permissions and no other."""
    flight.estate(aws={"accounts": {RESEARCH: {}}})
    assert flight.run("doctor", "--canary", RESEARCH, "--output", "json") == 0
    check = checks_of(capsys)[f"canary {RESEARCH}"]
    assert "4 changes were made and given back" in check["found"]
    assert check["found"].endswith("it was removed")
    assert flight.canaries(RESEARCH) == []
    (pause,) = flight.house.book.pauses.list(CANARY_VENDOR)
    assert pause.status is PauseStatus.CLOSED
    assert {"iam:AttachUserPolicy", "iam:UpdateAccessKey", "s3:PutBucketPolicy"} <= flight.made
    assert "iam:AttachRolePolicy" not in flight.made


@pytest.mark.night
@pytest.mark.parametrize(
    "roles", ["approvers: ['*']\n", "approvers: [bob]\nsignatures: optional\n"]
)
def test_where_the_programs_word_is_none_no_canary_is_made(
    flight: Flight, capsys: pytest.CaptureFixture[str], roles: str
) -> None:
    """It would be contained and never given back: refused before anything is made."""
    (flight.house.settings.config_dir / "roles.yaml").write_text(roles)
    (flight.house.settings.config_dir / "allowed_signers").write_text("* ssh-ed25519 AAAA\n")
    flight.estate(aws={"accounts": {RESEARCH: {}}})
    assert flight.run("doctor", "--canary", RESEARCH, "--output", "json") == 1
    check = checks_of(capsys)[f"canary {RESEARCH}"]
    assert "None was made." in check["found"]
    assert flight.canaries(RESEARCH) == []
    assert flight.house.book.pauses.list(CANARY_VENDOR) == ()


@pytest.mark.night
def test_a_canary_that_cannot_be_contained_is_given_back_and_removed(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """The writing role lacks a right: the check says so, and nothing is left behind."""
    flight.estate(aws={"accounts": {DATA: {"role": CRIPPLED}}})
    assert flight.run("doctor", "--canary", DATA, "--output", "json") == 1
    check = checks_of(capsys)[f"canary {DATA}"]
    assert "The canary was partial" in check["found"]
    assert "it was removed" in check["found"]
    assert flight.canaries(DATA) == []


@pytest.mark.night
def test_a_canary_that_is_stuck_says_what_is_left_and_how_to_remove_it(
    flight: Flight, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the pause holds it nothing is removed: the commands for both are shown."""
    flight.estate(aws={"accounts": {PLATFORM: {"role": CRIPPLED}}})
    assert flight.run("doctor", "--canary", PLATFORM, "--output", "json") == 1
    check = checks_of(capsys)[f"canary {PLATFORM}"]
    (pause,) = flight.house.book.pauses.list(CANARY_VENDOR)
    assert pause.status is not PauseStatus.CLOSED
    assert f"stopline rollback {pause.id} --reason" in check["next_step"]
    assert f"aws iam delete-user --user-name stopline-canary-{pause.id}" in check["next_step"]
    assert len(flight.canaries(PLATFORM)) == 2


@pytest.mark.usefixtures("installation")
def test_a_canary_in_a_strange_account_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """An account that the estate's file does not name is a usage error, before anything."""
    assert main(("doctor", "--canary", "999900001111"), Program()) == 2
    said = capsys.readouterr().err
    assert "--canary: '999900001111' is no account of the estate. Nothing was made." in said
