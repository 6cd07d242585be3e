"""The playbook's file: what it means, beyond its shape."""

import pytest

from stopline.errors import ConfigError
from stopline.playbook import Placed, parse_playbook

WORDS = {
    "aws": {
        "users": frozenset({"deny-all"}),
        "access-keys": frozenset({"inactive"}),
        "buckets": frozenset({"vendor"}),
        "everywhere": Placed({"scp"}),
    }
}
FILE = "playbooks/default.yaml"


def playbook(*rules: str, more: str = "") -> str:
    """A playbook of one phase; its rules begin in line 5."""
    lines = "".join(f"  - {{{rule}}}\n" for rule in rules)
    return f"playbook: default\nphases:\n- name: one\n  rules:\n{lines}{more}"


def faults_of(text: str, file: str = FILE) -> list[str]:
    """The faults of a text, without the file's name."""
    with pytest.raises(ConfigError) as raised:
        parse_playbook(text, file, WORDS)
    return [line.removeprefix(f"{file}:") for line in raised.value.what.splitlines()]


USERS = "name: deny-users, connector: aws, contains: users, how: deny-all"
KEYS = "name: keys, connector: aws, contains: access-keys, how: inactive"


def test_a_rule_is_found_by_what_it_contains_with_its_phase() -> None:
    """Phases are numbered in the order of the file."""
    text = playbook(USERS, more=f"- name: two\n  rules:\n  - {{{KEYS}}}\n")
    found = parse_playbook(text, FILE, WORDS).rule("aws", "access-keys")
    assert found is not None
    assert (found[0], found[1].name) == (1, "keys")


def test_the_file_must_bear_the_playbooks_name() -> None:
    """As with vendors: what a person types is what the file is called."""
    assert faults_of(playbook(USERS), "playbooks/gentle.yaml") == [
        "1: the playbook is 'default', so the file must be default.yaml"
    ]


MISSPELT = {
    "connector": ("name: a, connector: asw, contains: users, how: deny-all",
        "5: unknown connector 'asw'; did you mean 'aws'?"),
    "contains": ("name: a, connector: aws, contains: user, how: deny-all",
        "5: unknown word for 'contains' 'user'; did you mean 'users'?"),
    "how": ("name: a, connector: aws, contains: users, how: denyall",
        "5: unknown word for 'how' 'denyall'; did you mean 'deny-all'?"),
    "no how": ("name: a, connector: aws, contains: users",
        "5: 'how' is missing; valid here: deny-all"),
    "at": ("name: a, connector: aws, contains: users, how: deny-all, at: [ou-ab12-11111111]",
        "5: 'at' means nothing for aws users; take it out"),
    "when": ("name: a, connector: aws, contains: users, how: deny-all, when: removed",
        "5: 'when' means nothing for aws users; take it out"),
    "at and when": (
        "name: a, connector: aws, contains: everywhere, how: scp, at: [r-ab12], when: removed",
        "5: what is kept in reserve is attached at the root; take 'at' or 'when' out"),
    "key": ("name: a, conector: aws, contains: users, how: deny-all",
        "5: 'connector' is missing"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "fault"), MISSPELT.values(), ids=MISSPELT.keys())
def test_a_rule_is_written_in_its_connectors_words(rule: str, fault: str) -> None:
    """A misspelt rule would contain nothing, so it is a fault with the nearest word."""
    assert faults_of(playbook(rule))[0] == fault


def test_words_are_not_checked_where_no_table_is_given() -> None:
    """A frozen playbook is read without the connectors that it was written for."""
    rule = "name: a, connector: memory, contains: anything, how: somehow"
    assert parse_playbook(playbook(rule), FILE).phases[0].rules[0].how == "somehow"


def test_names_and_what_is_contained_are_there_once() -> None:
    """Two rules for one thing would hide which of them is meant."""
    text = playbook(USERS, USERS, KEYS, more=f"- name: one\n  rules: [{{{KEYS}}}]\n")
    assert faults_of(text) == [
        "6: the rule 'deny-users' contains aws users already",
        "6: there is a rule 'deny-users' already",
        "8: there is a phase 'one' already",
        "9: the rule 'keys' contains aws access-keys already",
        "9: there is a rule 'keys' already",
    ]


LIMITS = {
    "share: 2": "7: 'share' must be at most 1",
    "share: 0": "7: 'share' must be more than 0",
    "share: .nan": "7: 'share' must be a number",
    "share: half": "7: 'share' must be a number",
    "changes: 0": "7: 'changes' must be at least 1",
    "changes: many": "7: 'changes' must be a whole number",
    "changes: '5'": "7: 'changes' must be a whole number",
    "changes: yes": "7: 'changes' must be a whole number",
    "changes: 1.5": "7: 'changes' must be a whole number",
    "chnages: 5": "7: unknown key 'chnages'; did you mean 'changes'?",
}


@pytest.mark.parametrize(("line", "fault"), LIMITS.items())
def test_a_limit_is_a_sensible_number(line: str, fault: str) -> None:
    """A limit that cannot be is never taken for another one."""
    assert faults_of(playbook(USERS, more=f"limits:\n  {line}\n")) == [fault]


def test_rollback_always_wants_a_second_person() -> None:
    """No playbook can say otherwise."""
    assert faults_of(playbook(USERS, more="approvals:\n  rollback: requester\n")) == [
        "7: 'rollback' must be 'second-person'"
    ]


def test_a_phase_without_rules_is_a_fault() -> None:
    """Somebody commented the last rule out."""
    text = "playbook: default\nphases:\n- name: one\n  rules: []\n"
    assert faults_of(text) == ["4: 'rules' must have at least 1 entry"]
