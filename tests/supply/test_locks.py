"""How the locks are resolved, tried against a registry of our own on loopback."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import locks
from support.registry import NAME, Registry, serving, source, wheel
from support.tree import ROOT

UV = str(Path(sys.executable).with_name("uv"))
PROJECT = f"""
[project]
name = "user"
version = "1"
requires-python = ">=3.11"
dependencies = ["{NAME}"]
[project.optional-dependencies]
embedded = []
postgresql = []
drill = []
stripe = []
[dependency-groups]
dev = []
"""
SETTINGS = "".join(
    re.findall(
        r"^\[tool\.uv(?:\.pip)?\]\n(?:(?!\[).*\n)*",
        (ROOT / "pyproject.toml").read_text("utf-8"),
        re.MULTILINE,
    )
)
"""Our own [tool.uv], word for word."""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry; uv knows no other, and keeps nothing."""
    with serving() as served:
        for name in ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served.url}/simple/")
        monkeypatch.setenv("UV_NO_CACHE", "1")
        monkeypatch.setenv("UV_PYTHON", sys.executable)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield served


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with our settings for uv."""
    (tmp_path / "pyproject.toml").write_text(PROJECT + SETTINGS)
    return tmp_path


def lock(project: Path) -> subprocess.CompletedProcess[str]:
    """Make both locks as `make lock` does; the first that fails is returned."""
    for name, options in locks.LOCKS.items():
        done = subprocess.run(
            [UV, *locks.COMPILE, *options, "-o", name],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            break
    return done


def locked(project: Path) -> str:
    """The version that the lock names."""
    found = re.search(rf"^{NAME}==(\S+)", (project / "requirements.lock").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_our_settings_are_what_the_project_uses() -> None:
    """The part of pyproject.toml that these tests try has the cooldown and the rest."""
    for setting in ('exclude-newer = "7 days"', 'only-binary = [":all:"]', "generate-hashes"):
        assert setting in SETTINGS


def test_a_release_younger_than_the_cooldown_is_not_taken(
    registry: Registry, project: Path
) -> None:
    """Of a release of thirty days and one of two days ago the older is locked."""
    registry.add(wheel("1.0"), 30).add(wheel("2.0"), 2)
    assert lock(project).returncode == 0
    assert locked(project) == "1.0"
    assert not locks.faults(UV, project)


def test_a_lock_that_was_fresh_yesterday_is_fresh_today(registry: Registry, project: Path) -> None:
    """A newer release that comes of age does not make the lock stale; `make lock` may keep it."""
    registry.add(wheel("1.0"), 30).add(wheel("2.0"), 2)
    lock(project)
    registry.add(wheel("2.0"), 9)
    assert not locks.faults(UV, project)


def test_a_lock_with_a_release_too_young_is_refused(registry: Registry, project: Path) -> None:
    """Somebody resolved without the cooldown: the check sees it."""
    registry.add(wheel("1.0"), 30).add(wheel("2.0"), 9)
    lock(project)
    assert locked(project) == "2.0"
    registry.add(wheel("2.0"), 2)
    assert any("run `make lock`" in fault for fault in locks.faults(UV, project))


def test_a_cutoff_long_ago_makes_resolution_fail(registry: Registry, project: Path) -> None:
    """Nothing that we need was there in 2020: uv says so, and the check takes that for sight."""
    registry.add(wheel("1.0"), 30)
    assert not locks.blind(UV, project)
    registry.add(wheel("1.0"), 365 * 40)
    (fault,) = locks.blind(UV, project)
    assert "keeps nothing out" in fault


def test_a_registry_that_does_not_tell_upload_times_gives_nothing(
    registry: Registry, project: Path
) -> None:
    """What cannot be dated is taken for too young: it fails closed, and says why."""
    registry.add(wheel("1.0"), None)
    done = lock(project)
    assert done.returncode != 0
    assert "exclude-newer" in done.stderr


def test_a_source_distribution_is_not_locked(registry: Registry, project: Path) -> None:
    """A release without a wheel is passed over; one that has nothing else is refused."""
    registry.add(wheel("1.0"), 30).add(source("1.5"), 20)
    assert lock(project).returncode == 0
    assert locked(project) == "1.0"
    registry.files.pop(wheel("1.0")[0])
    (project / "requirements.lock").unlink()
    assert lock(project).returncode != 0


def test_a_lock_that_would_build_is_refused(registry: Registry, project: Path) -> None:
    """The line that forbids building is part of the lock, and is missed when it is not there."""
    registry.add(wheel("1.0"), 30)
    lock(project)
    file = project / "requirements.lock"
    file.write_text(file.read_text().replace(locks.WHEELS_ONLY, ""))
    assert any("source distributions" in fault for fault in locks.faults(UV, project))


def test_a_lock_that_names_an_address_is_refused(registry: Registry, project: Path) -> None:
    """A lock says names, versions and hashes; where they come from is the installer's business."""
    registry.add(wheel("1.0"), 30)
    lock(project)
    file = project / "requirements.lock"
    file.write_text(f"# from {registry.url}\n{file.read_text()}")
    assert any("names an address" in fault for fault in locks.faults(UV, project))


@pytest.mark.night
@pytest.mark.parametrize("name", sorted(locks.LOCKS))
def test_pip_builds_nothing_from_our_locks(name: str, tmp_path: Path) -> None:
    """It keeps to the line at the head of a lock, and refuses what has no wheel, unbuilt."""
    folder = tmp_path / "files"
    folder.mkdir()
    file, body = source("1.5")
    (folder / file).write_bytes(body)
    head = (ROOT / name).read_text("utf-8").partition("\n")[0]
    (tmp_path / "lock").write_text(f"{head}\n{NAME}==1.5\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--isolated", "--no-index", "--no-deps",
         "--find-links", folder, "--target", tmp_path / "out", "-r", tmp_path / "lock"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "No matching distribution" in done.stderr
    assert "this ran" not in done.stdout + done.stderr
