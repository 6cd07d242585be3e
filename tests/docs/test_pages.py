"""What the documents say about code and files is so: links, settings, verbs, commands, keys."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from support.commands import commands
from support.tree import ROOT, fences, links, markdown, name_of, rows

from stopline.audiences import parse_notices
from stopline.configuration import installed_words, not_looked_at
from stopline.connectors.aws.permissions import PERMISSIONS
from stopline.entrypoints.cli import main
from stopline.entrypoints.cli.planning import CHANGES
from stopline.entrypoints.temporal import AuthError
from stopline.errors import ConfigError, RefusedError, SetupError, UserError
from stopline.estate import AwsEstate, Estate, GcpEstate, PayoutsEstate, Protected, parse_estate
from stopline.model import Direction, Severity
from stopline.playbook import Approvals, Audits, Limits, Phase, Playbook, Rule, parse_playbook
from stopline.receipts import Cause
from stopline.render import standing
from stopline.roles import Roles, parse_roles
from stopline.settings import PREFIX, Settings
from stopline.vendors import AwsSelectors, GcpSelectors, Project, Vendor, parse_vendor

README = (ROOT / "README.md").read_text("utf-8")
GROUPS = {name.split()[0] for name in commands() if " " in name}
"""Commands that have commands of their own."""
HOW_TO = ROOT / "docs" / "how-to"
CONFIGURE = (HOW_TO / "configure.md").read_text("utf-8")


def page(*names: str) -> str:
    """One document's text."""
    return ROOT.joinpath("docs", *names).read_text("utf-8")


# --- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", markdown(), ids=name_of)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    """A link that is not an address leads to a file of the project, and to a heading of it."""
    lost = []
    for link in links(path.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost, lost


def anchors(path: Path) -> set[str]:
    """The anchors that a reader's renderer gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_every_page_can_be_reached_from_the_readme() -> None:
    """Following links from the README comes to every document; decisions may stand alone."""
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        todo += [
            (path.parent / link.partition("#")[0]).resolve()
            for link in links(path.read_text("utf-8"))
            if not re.match(r"[a-z]+:|#", link)
        ]
    unreached = [name_of(p) for p in set(markdown()) - seen if p.parent.name != "adr"]
    assert not unreached, unreached


def test_decisions_are_numbered_without_a_hole() -> None:
    """docs/adr holds 0001, 0002 and so on, each with context, decision and consequences."""
    files = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [f.name[:4] for f in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text("utf-8")
        assert text.startswith(f"# {file.name[:4]}: "), file.name
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], file.name


# --- settings and verbs --------------------------------------------------------------------------


def test_the_readme_names_every_setting_and_no_other() -> None:
    """Each STOPLINE_ variable is a row of the README, and each row a variable."""
    ours = {PREFIX + name.upper() for name in Settings.model_fields} - {f"{PREFIX}NO_COLOR"}
    told = {row[0].strip("`") for row in rows(README) if row[0].startswith(f"`{PREFIX}")}
    assert told == ours
    everywhere = {v for p in markdown() for v in re.findall(r"STOPLINE_[A-Z_]+", p.read_text())}
    assert everywhere <= ours


def test_the_readme_says_the_defaults_of_settings() -> None:
    """Where a setting's default is a plain value, the README has it."""
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(README) if len(row) == 3}
    for name, field in Settings.model_fields.items():
        if field.default_factory is None and name != "no_color" and not field.is_required():
            plain = "none" if field.default is None else f"{field.default}"
            assert told[PREFIX + name.upper()] == plain, name


def test_the_readme_names_every_verb_and_no_other() -> None:
    """Each target of the Makefile that `make help` lists is a row of the README."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    verbs = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    told = {
        row[0].strip("`").removeprefix("make ")
        for row in rows(README)
        if row[0].startswith("`make ")
    }
    assert told == verbs


# --- commands ------------------------------------------------------------------------------------


def test_every_command_is_in_the_documents() -> None:
    """Each command of the program stands in the README or in docs/cli.md."""
    told = README + page("cli.md")
    lost = [name for name in commands() if not re.search(rf"`(stopline )?{name}\b", told)]
    assert not lost, lost


@pytest.mark.parametrize("path", markdown(), ids=name_of)
def test_documents_name_only_commands_and_options_that_exist(path: Path) -> None:
    """Each `stopline …` in a document is a command with options that it takes."""
    known = commands()
    wrong = []
    text = path.read_text("utf-8")
    shell = "\n".join(body for _, body in fences(text, "sh"))
    inline = re.findall(r"`stopline +([^`#]*)`", text)
    for line in (*inline, *re.findall(r"^stopline +([^#\n]*)", shell, re.MULTILINE)):
        words = line.split()
        if not words or words[0].startswith("-") or words[0].isupper():
            continue
        name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
        if name not in known:
            wrong.append(line)
            continue
        takes = {option for p in known[name].params for option in p.opts} | {"--help"}
        wrong += [f"{line}: {w}" for w in words if w.startswith("--") and w not in takes]
    assert not wrong, wrong


def test_the_exit_codes_of_the_documents_are_those_of_the_code() -> None:
    """README and docs/cli.md have the same codes, and each is one that the program can end with."""
    code = {
        standing.DONE,
        standing.FAILED,
        UserError.exit_code,
        ConfigError.exit_code,
        RefusedError.exit_code,
        SetupError.exit_code,
        CHANGES,
        AuthError.exit_code,
        standing.WAITING,
        standing.PARTIAL,
        standing.CONFLICT,
        standing.UNVERIFIED,
        main.INTERRUPTED,
    }
    for text in (README, page("cli.md")):
        assert {int(row[0]) for row in rows(text) if row[0].isdigit()} == code


def test_the_exit_codes_mean_what_the_documents_say() -> None:
    """The numbers that scripts rely on stay what they are."""
    names = ("DONE", "FAILED", "WAITING", "PARTIAL", "CONFLICT", "UNVERIFIED")
    assert [getattr(standing, name) for name in names] == [0, 1, 5, 6, 7, 8]
    assert (UserError.exit_code, CHANGES, AuthError.exit_code) == (2, 3, 4)
    assert main.INTERRUPTED == 130


# --- causes, permissions, paths ------------------------------------------------------------------


def test_every_cause_says_what_to_do() -> None:
    """Each cause of a failed change is a row, with who is at fault and what to do."""
    told = {r[0].strip("`"): r for r in rows(page("how-to", "when-it-is-partial.md"))}
    lost = [cause for cause in Cause if cause is not Cause.NONE and cause not in told]
    assert not lost, lost
    assert all(len(told[c]) == 3 and all(told[c]) for c in Cause if c is not Cause.NONE)


def test_every_kind_of_remainder_is_explained() -> None:
    """Whatever `stopline status` calls a remainder is a row of when-it-is-partial."""
    reading = (ROOT / "stopline" / "entrypoints" / "cli" / "reading.py").read_text("utf-8")
    kinds = set(re.findall(r'Left\(\s*"([a-z ]+)"', reading)) | {"failed", "conflict"}
    told = {row[0] for row in rows(page("how-to", "when-it-is-partial.md"))}
    assert kinds <= told, kinds - told


def test_the_permissions_in_the_documents_are_those_that_are_used() -> None:
    """run-in-production lists what the AWS connector says that it uses, and nothing else."""
    text = page("how-to", "run-in-production.md")
    listed = text.partition("<!-- permissions of aws -->")[2].partition("<!-- end")[0]
    told = {(row[0].strip("`"), row[1]) for row in rows(listed)[2:]}
    assert told == {(action, kind) for kind in PERMISSIONS for action in PERMISSIONS[kind]}


def test_assess_names_what_the_documents_say_is_not_looked_at() -> None:
    """The rows of access-paths that nothing reads are those that the connectors name."""
    listed = rows(page("access-paths.md").partition("## Everything else")[0])
    told = [row[0] for row in listed if len(row) == 3 and row[1] == "not looked at"]
    assert [what.partition(": ")[2] for what in not_looked_at()] == told


# --- configuration -------------------------------------------------------------------------------

PARSERS: Mapping[str, Callable[[str, str], object]] = {
    "vendors": parse_vendor,
    "playbooks": lambda text, file: parse_playbook(text, file, installed_words()),
    "config": parse_estate,
    "roles.yaml": parse_roles,
    "notices.yaml": parse_notices,
}
EXAMPLES = [
    (name_of(path), file, body)
    for path in markdown()
    for file, body in fences(path.read_text("utf-8"), "yaml")
]


@pytest.mark.parametrize(("where", "file", "body"), EXAMPLES, ids=[e[1] for e in EXAMPLES])
def test_every_yaml_example_is_read_without_a_fault(where: str, file: str, body: str) -> None:
    """An example says which file it is, and is one: it goes through the program's own reader."""
    assert file.startswith("config/"), f"{where}: say behind ```yaml which file this is"
    PARSERS[kind_of(file)](body, file)


def kind_of(file: str) -> str:
    """Which reader a file of configuration goes through."""
    name = Path(file).name
    return name if name in ("roles.yaml", "notices.yaml") else Path(file).parent.name


def test_there_is_an_example_of_each_file() -> None:
    """The documents show an estate, a vendor, a playbook and roles."""
    assert {kind_of(file) for _, file, _ in EXAMPLES} == set(PARSERS)


@pytest.mark.parametrize(
    ("model", "above"),
    [
        (AwsEstate, "aws."),
        (GcpEstate, "gcp."),
        (GcpSelectors, "gcp."),
        (PayoutsEstate, "payouts."),
        (Protected, "protected."),
        (Vendor, ""),
        (AwsSelectors, ""),
        (Playbook, ""),
        (Limits, "limits."),
        (Approvals, "approvals."),
        (Audits, "audits."),
    ],
)
def test_every_key_of_the_configuration_is_described(model: type[BaseModel], above: str) -> None:
    """Each key that a file may hold is a row of docs/how-to/configure.md."""
    told = {row[0].strip("`") for row in rows(CONFIGURE)}
    keys = {
        above + name
        for name, field in model.model_fields.items()
        if field.annotation not in (Limits, Approvals, Audits)
    }
    assert keys <= told, keys - told


def test_every_key_of_the_roles_is_described() -> None:
    """Each key of roles.yaml is in the example that explains it."""
    text = page("how-to", "sign-approvals.md")
    assert all(f"\n{name}:" in text for name in Roles.model_fields)


@pytest.mark.parametrize("model", [Project, Phase, Rule, Estate])
def test_the_keys_of_small_sections_are_named(model: type[BaseModel]) -> None:
    """Keys of a project, a phase, a rule and the estate are named where they are described."""
    lost = [name for name in model.model_fields if f"`{name}" not in CONFIGURE]
    assert not lost, lost


def test_the_connectors_words_are_listed() -> None:
    """What a playbook may say about AWS is in docs/how-to/configure.md, and nothing else."""
    listed = CONFIGURE.partition("The words of the AWS connector:")[2]
    told = {
        row[0].strip("`"): {w.strip(" `") for w in row[1].split(",")} for row in rows(listed)[2:]
    }
    assert told == {contains: set(how) for contains, how in installed_words()["aws"].items()}


def test_googles_words_are_listed() -> None:
    """And what it may say about Google Cloud."""
    for contains, how in installed_words()["gcp"].items():
        assert f"`{contains}`" in CONFIGURE
        assert all(f"`{way}`" in CONFIGURE for way in how)


def test_the_examples_that_are_shipped_are_those_that_the_readme_speaks_of() -> None:
    """The README's first minute names a vendor that config/ holds, and its guards' words exist."""
    shipped: Any = yaml.safe_load((ROOT / "config" / "vendors" / "mercor.yaml").read_text())
    assert shipped["vendor"] == "mercor"
    assert {s.value for s in Severity} == {"refuse", "limit", "note"}
    assert {d.value for d in Direction} == {"contain", "restore", "terminate"}
