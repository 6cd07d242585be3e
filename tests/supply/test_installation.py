"""What is installed: code at each start, altered files, budget, addresses, bill of materials."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from support import sbom, supply
from support.tree import ROOT

from stopline import installation
from stopline.text import Json

LOCK = (ROOT / "requirements.lock").read_text("utf-8")


# --- what runs at each start ---------------------------------------------------------------------


def test_nothing_unknown_runs_at_each_start_here() -> None:
    """The .pth files of this environment only name folders, but for what is allowed by its text."""
    assert not installation.at_start(installation.folder())


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_line_that_runs_is_found(blank: str, tmp_path: Path) -> None:
    """A planted .pth is named with its line; folders and comments are not."""
    (tmp_path / "fine.pth").write_text("# import nothing\n/somewhere/else\n\n")
    (tmp_path / "litellm_init.pth").write_text(f"/there\nimport{blank}os; os.system('curl')\n")
    (found,) = installation.at_start(tmp_path)
    assert "litellm_init.pth runs at each start" in found
    assert "os.system" in found


def test_an_allowed_line_is_allowed_word_for_word(tmp_path: Path) -> None:
    """The same line with one more statement is another line."""
    line = next(iter(installation.ALLOWED))
    (tmp_path / "distutils-precedence.pth").write_text(line)
    assert not installation.at_start(tmp_path)
    (tmp_path / "distutils-precedence.pth").write_text(f"{line} import evil")
    assert installation.at_start(tmp_path)


@pytest.mark.parametrize("name", installation.CUSTOM)
def test_a_module_that_python_imports_by_itself_is_found(name: str, tmp_path: Path) -> None:
    """Sitecustomize and usercustomize need no .pth file."""
    (tmp_path / name).write_text("")
    assert name in installation.at_start(tmp_path)[0]


# --- altered files -------------------------------------------------------------------------------


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with one installed distribution of one module."""
    body = b"answer = 42\n"
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    info = tmp_path / "little-1.0.dist-info"
    info.mkdir()
    (tmp_path / "little.py").write_bytes(body)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: little\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        f"little.py,sha256={digest},{len(body)}\nlittle-1.0.dist-info/METADATA,,\n"
        "little-1.0.dist-info/RECORD,,\n"
    )
    return tmp_path


def test_a_whole_installation_has_no_fault(packages: Path) -> None:
    """Every file is as its RECORD says; what Python compiled is not asked for."""
    (packages / "__pycache__").mkdir()
    (packages / "__pycache__" / "little.py").write_text("compiled")
    assert not installation.altered(packages)


def test_an_altered_file_is_named(packages: Path) -> None:
    """One byte is enough."""
    (packages / "little.py").write_bytes(b"answer = 43\n")
    assert installation.altered(packages) == ["little: little.py is not what was installed"]


def test_a_missing_file_is_named(packages: Path) -> None:
    """What RECORD names and is gone."""
    (packages / "little.py").unlink()
    assert installation.altered(packages) == ["little: little.py is missing"]


@pytest.mark.parametrize("name", ["more.py", "deep/more.so", "more.pth"])
def test_code_that_came_by_itself_is_named(name: str, packages: Path) -> None:
    """A file that no RECORD names was not installed by an installer."""
    (packages / name).parent.mkdir(exist_ok=True)
    (packages / name).write_text("")
    assert installation.altered(packages) == [f"{name}: belongs to no distribution"]


# --- budget and addresses ------------------------------------------------------------------------


def test_the_locks_keep_to_their_budget() -> None:
    """Each lock has a budget, and names no more distributions than it gives."""
    budget = supply.budget_of(ROOT)
    assert sorted(budget) == ["requirements-dev.lock", "requirements.lock"]
    assert not supply.over_budget(budget, ROOT)


def test_one_dependency_too_many_is_over_budget(tmp_path: Path) -> None:
    """The number, the budget and the way out are said."""
    (tmp_path / "some.lock").write_text("one==1 \\\n    --hash=sha256:00\ntwo==2\n# three==3\n")
    assert not supply.over_budget({"some.lock": 2}, tmp_path)
    (fault,) = supply.over_budget({"some.lock": 1}, tmp_path)
    assert fault.startswith("some.lock names 2 distributions, and its budget is 1")


def files() -> list[Path]:
    """Everything in the checkout that is ours."""
    left = {".git", ".venv", "__pycache__", "dist", ".hypothesis"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(p in left or p.endswith("_cache") for p in path.relative_to(ROOT).parts)
    ]


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the installer's setting, on each machine its own."""
    assert not supply.addresses(files())


@pytest.mark.parametrize(
    "line",
    [
        "--index-" + "url http://there/simple",
        "--extra-index-" + "url=http://there/simple",
        "--find-" + "links /somewhere",
        "index-" + 'url = "http://there/simple"',
        "default-in" + 'dex = "http://there/simple"',
        "https:/" + "/there/project/little",
        "https:/" + "/files.there/00",
        "https:/" + "/there/packages/00",
    ],
)  # fmt: skip
def test_a_registry_would_be_found(line: str, tmp_path: Path) -> None:
    """Options of installers, their settings, and addresses as registries have them."""
    (tmp_path / "some.txt").write_text(f"first\n{line}\n")
    (found,) = supply.addresses([tmp_path / "some.txt"])
    assert ":2: " in found


@pytest.mark.parametrize("name", supply.RECORDERS)
def test_a_file_that_records_addresses_is_found(name: str, tmp_path: Path) -> None:
    """Even empty: the next run of its tool fills it."""
    (tmp_path / name).write_text("")
    assert supply.addresses([tmp_path / name])


# --- the bill of materials -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def bill() -> Json:
    """The bill of this environment."""
    return sbom.sbom(installation.folder(), LOCK)


def test_the_bill_lists_what_is_installed(bill: Json) -> None:
    """Everything that the lock names for this platform is a component that is needed to run."""
    scopes = {c["name"]: c["scope"] for c in bill["components"]}
    assert scopes["temporalio"] == "required"
    assert scopes["hypothesis"] == "excluded"
    assert set(sbom.missing(LOCK, bill)) <= {"colorama", "tzdata"}, "these are for Windows"
    assert bill["metadata"]["component"]["name"] == "stopline"
    assert sbom.missing("absent==1", bill) == ["absent"]


def test_the_bill_says_who_needs_whom(bill: Json) -> None:
    """Each reference is a component of the bill, and ours needs what pyproject.toml says."""
    refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    needs = {d["ref"]: d["dependsOn"] for d in bill["dependencies"]}
    assert set(needs) == refs
    assert {ref for refs_ in needs.values() for ref in refs_} <= refs
    ours = needs[bill["metadata"]["component"]["bom-ref"]]
    assert any(ref.startswith("pkg:pypi/temporalio@") for ref in ours)
    assert not any(ref.startswith("pkg:pypi/moto@") for ref in ours), "an extra"


def test_the_bill_is_cyclonedx_without_an_address(bill: Json) -> None:
    """The fields that the specification asks for; the same packages make the same bill."""
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert bill["serialNumber"].startswith("urn:uuid:")
    assert "://" not in json.dumps(bill)
    assert sbom.sbom(installation.folder(), LOCK) == bill
    other = sbom.sbom(installation.folder(), "")
    assert other["serialNumber"] != bill["serialNumber"]
