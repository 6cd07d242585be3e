"""The scripts under ops/, run for real where that is possible, and each of them twice."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from support.postgres import Databases
from support.temporal import write_configuration
from support.tree import ROOT

from stopline.drill.postgres import programs
from stopline.entrypoints.embedded import Server, executable
from stopline.journal.encrypting import keys_of

pytestmark = pytest.mark.night

OPS = ROOT / "ops"


def run(script: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one script to its end."""
    return subprocess.run(
        ["sh", OPS / script, *words],
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


# --- secrets -------------------------------------------------------------------------------------


def test_secrets_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    """Long, different, in a folder that nobody else enters; a second run changes none."""
    folder = tmp_path / "secrets"
    assert run("secrets.sh", str(folder)).returncode == 0
    made = {path.name: path.read_text() for path in folder.iterdir()}
    passwords = [text for name, text in made.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords) == 3
    assert all(len(text) == 48 and text.isalnum() for text in passwords)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert keys_of(folder / "journal_key")
    (folder / "aws_credentials").write_text("[default]\n")
    again = run("secrets.sh", str(folder))
    assert (again.returncode, again.stdout) == (0, "")
    left = {path.name: path.read_text() for path in folder.iterdir()}
    assert left == {**made, "aws_credentials": "[default]\n"}


# --- PostgreSQL ----------------------------------------------------------------------------------


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Freshly made secrets."""
    folder = tmp_path / "secrets"
    assert run("secrets.sh", str(folder)).returncode == 0
    return folder


def make_roles(postgresql: Databases, secrets: Path) -> subprocess.CompletedProcess[str]:
    """Make roles and databases on the server of the tests, as its image would."""
    server = psycopg.conninfo.conninfo_to_dict(postgresql.server.url())
    binaries = programs()
    return run(
        "postgresql/roles.sh",
        PATH=f"{binaries}:{os.environ['PATH']}",
        SECRETS=str(secrets),
        POSTGRES_USER=str(server["user"]),
        PGHOST=str(server["host"]),
        PGPORT=str(server["port"]),
        PGPASSWORD=str(server["password"]),
    )


def test_roles_and_databases_are_made_again_and_again(postgresql: Databases, secrets: Path) -> None:
    """Each owner enters its own databases with its own password, makes tables, and no other's."""
    for _ in range(2):
        done = make_roles(postgresql, secrets)
        assert done.returncode == 0, done.stderr
    temporal = (secrets / "temporal_password").read_text()
    journal = (secrets / "journal_password").read_text()
    where = f"127.0.0.1:{postgresql.server.port}"
    for role, secret, database in (
        ("temporal", temporal, "temporal"),
        ("temporal", temporal, "temporal_visibility"),
        ("stopline", journal, "stopline"),
    ):
        with psycopg.connect(f"postgresql://{role}:{secret}@{where}/{database}") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS tried (here int)")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(f"postgresql://temporal:{temporal}@{where}/stopline")
    (secrets / "journal_password").write_text("another one")
    assert make_roles(postgresql, secrets).returncode == 0
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"postgresql://stopline:{journal}@{where}/stopline")


def test_the_program_reads_the_journals_password_from_its_file(
    postgresql: Databases, secrets: Path, tmp_path: Path
) -> None:
    """The URL has no password, and the journal opens."""
    assert make_roles(postgresql, secrets).returncode == 0
    words = {
        "PROGRAM": str(Path(sys.executable).with_name("stopline")),
        "STOPLINE_JOURNAL_URL": f"postgresql://stopline@127.0.0.1:{postgresql.server.port}/stopline",
        "STOPLINE_DATA_DIR": str(tmp_path / "data"),
        "STOPLINE_CONFIG_DIR": str(write_configuration(tmp_path / "config")),
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
    }
    secret = str(secrets / "journal_password")
    for file, well in ((secret, True), (str(tmp_path / "nowhere"), False)):
        said = run("stopline.sh", "doctor", "--output", "json", JOURNAL_PASSWORD_FILE=file, **words)
        (check,) = (c for c in json.loads(said.stdout)["checks"] if c["name"] == "journal")
        assert check["ok"] is well, check


# --- Temporal ------------------------------------------------------------------------------------


def test_the_namespace_is_made_once_and_its_retention_kept_right(temporal_server: Server) -> None:
    """Made, left as it is, and brought to another retention: three runs, no fault."""
    words = {
        "PATH": f"{Path(executable()).parent}:{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": "stopline-tried",
    }
    for hours in (48, 48, 2160):
        done = run("temporal/namespace.sh", RETENTION=f"{hours}h", **words)
        assert done.returncode == 0, done.stderr + done.stdout
        told = subprocess.run(
            [executable(), "operator", "namespace", "describe", "--output", "json"],
            env=words,
            capture_output=True,
            text=True,
            check=True,
        )
        config = json.loads(told.stdout)["config"]
        assert config["workflowExecutionRetentionTtl"] == f"{hours * 3600}s"


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """After its patience the script fails, so that whoever waits for it does not start."""
    done = run(
        "temporal/namespace.sh",
        PATH=f"{Path(executable()).parent}:{os.environ['PATH']}",
        TEMPORAL_ADDRESS="127.0.0.1:1",
        TEMPORAL_NAMESPACE="stopline",
        RETENTION="48h",
        ATTEMPTS="1",
    )
    assert done.returncode == 1
    assert "does not answer at 127.0.0.1:1" in done.stderr


RECORDER = """#!/bin/sh
printf '%s\\n' "$*" >>"$TOLD"
printf 'password %s\\n' "$SQL_PASSWORD" >>"$TOLD"
"""


def test_the_schema_of_both_databases_is_set_up_and_brought_up_to_date(tmp_path: Path) -> None:
    """What Temporal's own tool is asked, in order; the password is in no argument."""
    tool, told, secret = tmp_path / "temporal-sql-tool", tmp_path / "told", tmp_path / "secret"
    tool.write_text(RECORDER)
    tool.chmod(0o755)
    secret.write_text("hunter2")
    done = run(
        "temporal/schema.sh",
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        TOLD=str(told),
        TEMPORAL_PASSWORD_FILE=str(secret),
        POSTGRES_SEEDS="postgresql",
        POSTGRES_USER="temporal",
    )
    assert done.returncode == 0, done.stderr
    lines = told.read_text().splitlines()
    asked = [line for line in lines if not line.startswith("password")]
    assert lines.count("password hunter2") == len(asked) == 4
    assert not any("hunter2" in line for line in asked)
    where = "--plugin postgres12 --ep postgresql --port 5432 --user temporal"
    schemas = "/etc/temporal/schema/postgresql/v12"
    assert asked == [
        f"{where} --db {database} {command}"
        for database, schema in (("temporal", "temporal"), ("temporal_visibility", "visibility"))
        for command in (
            "setup-schema --version 0.0",
            f"update-schema --schema-dir {schemas}/{schema}/versioned",
        )
    ]
