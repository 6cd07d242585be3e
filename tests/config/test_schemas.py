"""The JSON Schemas in config/schema, which editors read, say what the program says."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.held import held_to
from support.schemas import MODELS, file_of, text_of
from support.tree import ROOT

from stopline.errors import ConfigError
from stopline.estate import parse_estate
from stopline.playbook import parse_playbook
from stopline.text import Json
from stopline.vendors import parse_vendor

CONFIG = ROOT / "config"
KINDS = {"vendors": "vendor", "playbooks": "playbook", "config": "estate"}
FILES = sorted(p for p in CONFIG.rglob("*.yaml") if "permissions" not in p.parts)
PARSERS = {"vendor": parse_vendor, "playbook": parse_playbook, "estate": parse_estate}

VENDOR = "vendor: x\naws: {paths: [/x/]}\n"
PLAYBOOK = (
    "playbook: x\nphases:\n  - name: p\n    rules:\n"
    "      - {name: r, connector: aws, contains: users, how: deny-all}\n"
)
ESTATE = 'aws: {accounts: {"111122223333": {name: x}}}\n'

BAD = {
    "an unknown key": ("vendor", VENDOR + "nmes: []\n"),
    "a key that is missing": ("vendor", "aws: {paths: [/x/]}\n"),
    "a malformed ARN": ("vendor", VENDOR + "protected: [role/x]\n"),
    "an account that is a number": ("vendor", "vendor: x\naws: {accounts: [111122223333]}\n"),
    "a path without its slash": ("vendor", "vendor: x\naws: {paths: [/x]}\n"),
    "a project with a bad name": ("vendor", VENDOR + "projects: {No Name: {}}\n"),
    "an unknown key of a project": ("vendor", VENDOR + "projects: {p: {awz: {}}}\n"),
    "a list where a text is meant": ("vendor", VENDOR + "note: [a]\n"),
    "no phase": ("playbook", "playbook: x\nphases: []\n"),
    "a share above one": ("playbook", PLAYBOOK + "limits: {share: 1.5}\n"),
    "an approval that there is not": ("playbook", PLAYBOOK + "approvals: {rollback: requester}\n"),
    "an account of eleven digits": ("estate", 'aws: {accounts: {"11112222333": {}}}\n'),
    "no account": ("estate", "aws: {accounts: {}}\n"),
    "a role with a leading slash": ("estate", 'aws: {role: /x, accounts: {"111122223333": {}}}\n'),
    "an unknown kind of protection": ("estate", ESTATE + "protected: {breakglass: []}\n"),
}
WORDS = {
    "a connector that there is not": PLAYBOOK.replace("aws", "awz"),
    "a word for what that there is not": PLAYBOOK.replace("users", "usres"),
    "a word for how that is another's": PLAYBOOK.replace("deny-all", "inactive"),
    "no word for how": PLAYBOOK.replace(", how: deny-all", ""),
}


def faults(kind: str, text: str) -> list[str]:
    """What the committed schema finds in a file's text."""
    schema: Json = json.loads(file_of(kind).read_text("utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(_read(text))]


def _read(text: str) -> Json:
    return yaml.safe_load(text)


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_schema_is_fresh_and_is_one(kind: str) -> None:
    """The committed file is what the models say, and is a valid schema of its dialect."""
    held_to(file_of(kind), text_of(kind))
    Draft202012Validator.check_schema(json.loads(text_of(kind)))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_shipped_file_is_valid_and_names_its_schema(path: Path) -> None:
    """Editors find the schema by the first line, and it leads to the file that is there."""
    text = path.read_text("utf-8")
    kind = KINDS[path.parent.name]
    assert not faults(kind, text)
    first, _, _ = text.partition("\n")
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert named != first, f"{path.name} does not begin with its schema"
    assert (path.parent / named).resolve() == file_of(kind)


@pytest.mark.parametrize("kind", ["vendor", "playbook", "estate"])
def test_a_small_file_is_valid(kind: str) -> None:
    """What the bad files below are made from passes both the schema and the program."""
    text = {"vendor": VENDOR, "playbook": PLAYBOOK, "estate": ESTATE}[kind]
    assert not faults(kind, text)
    PARSERS[kind](text, "x.yaml")


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_file_is_bad_to_both(what: str) -> None:
    """The editor marks what the program would refuse."""
    kind, text = BAD[what]
    assert faults(kind, text)
    with pytest.raises(ConfigError):
        PARSERS[kind](text, "x.yaml")


@pytest.mark.parametrize("what", sorted(WORDS))
def test_a_rule_is_written_in_the_connectors_words(what: str) -> None:
    """The schema of playbooks knows the words of the connectors that are installed."""
    assert faults("playbook", WORDS[what])
