"""docker-compose.yml and the Dockerfile, checked as far as they can be without an engine."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from importlib.metadata import requires
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from support.tree import ROOT

from stopline.settings import PREFIX, Settings

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
OURS = {"worker", "stopline"}
SERVING = {"postgresql", "temporal"}
"""Services that others wait for."""


def words(service: str) -> Iterator[str]:
    """Every text in a service."""
    yield from re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(SERVICES[service]))


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_published_on_loopback_alone(service: str) -> None:
    """Whoever reaches Temporal's port can pause and approve."""
    for port in SERVICES[service].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_the_database_is_not_published_at_all() -> None:
    """Nobody but the services needs it."""
    assert "ports" not in SERVICES["postgresql"]


@pytest.mark.parametrize("service", SERVICES)
def test_images_have_a_version(service: str) -> None:
    """No image moves under us: two numbers at least, never `latest`, and nothing deprecated."""
    image = SERVICES[service]["image"]
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+[a-z0-9.-]*", image), image
    assert "auto-setup" not in image


def test_temporals_server_and_its_tools_are_one_version() -> None:
    """The schema that is set up is the one that the server was built for."""
    versions = {
        SERVICES[name]["image"].partition(":")[2]
        for name in ("temporal", "temporal-schema", "temporal-namespace")
    }
    assert len(versions) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_waited_for_is_there_and_can_be_waited_for(service: str) -> None:
    """`healthy` needs a health check; `completed` needs a service that ends."""
    for name, wanted in SERVICES[service].get("depends_on", {}).items():
        other = SERVICES[name]
        if wanted["condition"] == "service_healthy":
            assert other["healthcheck"]["test"][0] == "CMD"
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert other["restart"].startswith("on-failure")


def test_who_is_waited_for_has_a_health_check() -> None:
    """The database and the server say when they are ready."""
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == SERVING


def test_the_schema_is_set_up_before_the_server_and_the_namespace_after_it() -> None:
    """Database, schema, server, namespace, worker: nothing sets itself up on the way."""
    chain = ["postgresql", "temporal-schema", "temporal", "temporal-namespace", "worker"]
    for before, after in pairwise(chain):
        assert before in SERVICES[after]["depends_on"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_stands_in_the_file(service: str) -> None:
    """Passwords come from files: no variable holds one, no URL has one."""
    for name, value in SERVICES[service].get("environment", {}).items():
        if re.search("PASSWORD|PWD|SECRET|KEY", name):
            assert value.startswith("/run/secrets/"), name
    for word in words(service):
        assert not re.search(r"://[^/@\s]*:[^/@\s]*@", word), word


def test_every_secret_is_a_file_that_is_never_committed() -> None:
    """Each service is given the few that it needs, from a folder that git and docker leave out."""
    known = COMPOSE["secrets"]
    assert all(re.fullmatch(r"\./secrets/\w+", s["file"]) for s in known.values())
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == set(known)
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "secrets" not in (ROOT / ".dockerignore").read_text("utf-8")
    cloud = {n for n, s in SERVICES.items() if "aws_credentials" in s.get("secrets", [])}
    assert cloud == {"worker"}, "the workers alone hold credentials"


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(service: str) -> None:
    """Volumes have names that are declared; files and folders of ours exist, read-only."""
    for mount in SERVICES[service].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"], "a volume without a name is lost with its service"


@pytest.mark.parametrize("service", sorted(OURS))
def test_our_settings_are_ones_that_there_are(service: str) -> None:
    """Each STOPLINE_ variable is a setting, and what is said is accepted."""
    environment = SERVICES[service]["environment"]
    ours = {n for n in environment if n.startswith(PREFIX)}
    assert ours <= {PREFIX + name.upper() for name in Settings.model_fields}
    assert (
        environment["TEMPORAL_NAMESPACE"]
        == (SERVICES["temporal-namespace"]["environment"]["TEMPORAL_NAMESPACE"])
    )


@pytest.mark.skipif(
    subprocess.run(
        [shutil.which("docker") or "false", "compose", "version"], capture_output=True, check=False
    ).returncode
    != 0,
    reason="docker compose is not installed: the file is parsed as YAML alone",
)
def test_docker_compose_reads_it(tmp_path: Path) -> None:
    """Where docker's client is there, it finds nothing wrong with the file."""
    done = subprocess.run(
        ["docker", "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# --- the image -----------------------------------------------------------------------------------


def test_the_image_is_built_from_versions_and_hashes() -> None:
    """Base images have a version; every install is from a lock with hashes, or of our own wheel."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)
    assert len(bases) == 2, "what builds is not what runs"
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert installs
    for install in installs:
        assert "--require-hashes" in install or "--no-deps dist/*.whl" in install, install


def test_the_image_runs_as_nobody_special() -> None:
    """The last stage ends as a user that is not root, without pip."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["10001"]
    assert "pip uninstall" in last
    assert "pip install" not in last


def test_the_build_backend_is_taken_whole_from_the_lock() -> None:
    """The names that the Dockerfile cuts out of the lock are hatchling and all that it asks for."""
    pattern = re.search(r"ours = /\^\((.*)\)==/", DOCKERFILE)
    assert pattern
    todo, needed = ["hatchling"], set()
    while todo:
        name = todo.pop()
        needed.add(name)
        asked = [Requirement(text) for text in requires(name) or ()]
        todo += [r.name for r in asked if not r.marker or r.marker.evaluate({"extra": ""})]
    assert set(pattern[1].split("|")) == needed


def test_what_the_image_copies_is_there_and_goes_to_the_builder() -> None:
    """Each source of a COPY exists, and .dockerignore lets it through."""
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copies = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.*)$", DOCKERFILE, re.MULTILINE)
    sources = {source for copy in copies for source in copy.split()[:-1]}
    assert sources == let_through
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize("script", sorted((ROOT / "ops").rglob("*.sh")), ids=lambda p: p.name)
def test_scripts_are_shell_that_parses(script: Path) -> None:
    """POSIX sh accepts each, stops at the first fault and at an unset variable, and may run it."""
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = script.read_text("utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    assert script.stat().st_mode & stat.S_IXUSR
