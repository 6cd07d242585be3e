"""YAML as text with lines: what is refused, in which words, and that nothing else comes out."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from stopline import yamltext
from stopline.errors import ConfigError
from stopline.estate import Estate, parse_estate
from stopline.playbook import Playbook, parse_playbook
from stopline.vendors import Vendor, parse_vendor

FILE = "config/vendors/mercor.yaml"


def faults_of(text: str, model: type[BaseModel] = Vendor, file: str = FILE) -> list[str]:
    """The fault lines of a text, without the file's name."""
    with pytest.raises(ConfigError) as raised:
        yamltext.read(text, file, model)
    return [line.removeprefix(f"{file}:").strip() for line in raised.value.what.splitlines()]


TAG = "tag:yaml.org,2002:python/name:os.system"
BAD = {
    "an unknown key": ("vendor: mercor\naws:\n  acounts: []\n",
        "3: unknown key 'acounts'; did you mean 'accounts'?"),
    "an unknown key that is like none": ("vendor: mercor\nzzz: 1\n",
        ("2: unknown key 'zzz'; valid here: aws, gcp, names, note, owner, payouts, projects, "
        "protected, vendor")),
    "an unknown key in a project": (
        "vendor: mercor\nprojects:\n  chordus:\n    aws:\n      path: [/a/]\n",
        "5: unknown key 'path'; did you mean 'paths'?"),
    "a key given twice": ("vendor: mercor\nowner: a\nowner: b\n",
        "3: the key 'owner' stands here a second time; first in line 2"),
    "a value listed twice": ("vendor: mercor\nnames: [a, b, a]\n",
        "2: 'a' is listed twice; first in line 2"),
    "an account id without quotes": ("vendor: mercor\naws:\n  accounts:\n    - 444455556666\n",
        "4: YAML reads 444455556666 as a number: put it in quotes"),
    "an account id that begins with 0": ("vendor: mercor\naws:\n  accounts: [012345678901]\n",
        "3: YAML reads 012345678901 as a number: put it in quotes"),
    "an octal account id": ("vendor: mercor\naws:\n  accounts: [012345670123]\n",
        "3: YAML reads 012345670123 as a number: put it in quotes"),
    "a word that YAML reads as false": ("vendor: mercor\nowner: no\n",
        "2: YAML reads no as true or false: put it in quotes"),
    "an empty value": ("vendor: mercor\nowner:\n",
        "2: 'owner' is empty: give it a text or leave it out"),
    "a list for a text": ("vendor: mercor\nowner: [a]\n",
        "2: 'owner' must be text, not a list"),
    "a mapping for a text": ("vendor: mercor\nowner: {a: b}\n",
        "2: 'owner' must be text, not a mapping"),
    "a text for a list": ("vendor: mercor\nnames: Mercor\n",
        "2: 'names' must be a list (lines that begin with '- ')"),
    "a text for a mapping": ("vendor: mercor\nprojects: chordus\n",
        "2: 'projects' must be a mapping (key: value)"),
    "a text for a section": ("vendor: mercor\nprojects:\n  chordus: yes please\n",
        "3: 'chordus' must be a mapping; the keys there are: note, aws, gcp, payouts"),
    "a malformed ARN": ("vendor: mercor\nprotected:\n  - arn:aws:iam:user/x\n",
        "3: 'arn:aws:iam:user/x' is not an ARN (arn:aws:service:region:account:resource)"),
    "a short account id": ('vendor: mercor\naws: {accounts: ["4444"]}\n',
        "2: '4444' is not an AWS account id (twelve digits, in quotes)"),
    "a path without its slash": ("vendor: mercor\naws: {paths: [/vendors/mercor]}\n",
        "2: '/vendors/mercor' is not an IAM path (begins and ends with '/', not '/')"),
    "a canonical id that is not one": ("vendor: mercor\naws: {canonical_ids: [abc]}\n",
        "2: 'abc' is not an S3 canonical id (64 hexadecimal digits)"),
    "an external id with a space": ("vendor: mercor\naws: {external_ids: [a b]}\n",
        "2: 'a b' is not an external id (2 to 1224 letters, digits and +=,.@:/-)"),
    "an empty tag": ("vendor: mercor\naws:\n  tags:\n    vendor: ''\n",
        "4: '' is not one line of text without spaces around it"),
    "a project with a capital": ("vendor: mercor\nprojects:\n  Chordus: {}\n",
        "3: 'Chordus' is not a name of a-z, 0-9 and '-'"),
    "a vendor without its name": ("owner: a\n", "1: 'vendor' is missing"),
    "two documents": ("vendor: mercor\n---\nvendor: mercer\n",
        "3: a second document ('---') begins before this line; a file holds one"),
    "an empty file": ("", "1: the file is empty"),
    "only a comment": ("# later\n", "1: the file is empty"),
    "a list": ("- vendor\n", "1: the file must be a mapping (key: value)"),
    "a tab": ("vendor: mercor\naws:\n\tpaths: []\n",
        "3: not readable as YAML: a tab stands where YAML wants spaces"),
    "a bracket that is left open": ("vendor: mercor\nnames: [a\nowner: b\n",
        "3: not readable as YAML: expected ',' or ']', but got ':'"),
    "an alias of nothing": ("vendor: *who\n",
        "1: not readable as YAML: found undefined alias 'who'"),
    "a null character": ("vendor: mercor\nowner: a\x00b\n",
        "2: the character U+0000 cannot stand in a YAML file"),
    "a terminal's control sequence": ('vendor: mercor\nnote: "\\e[2Jgone"\n',
        "2: the text holds a character that cannot be printed"),
    "half of a character": ('vendor: mercor\nnote: "\\ud800"\n',
        "2: the text holds a character that cannot be printed"),
    "no character at all": ('vendor: "\\UFFFFFFFF"\n', "1: not readable as YAML"),
    "a number as key": ("vendor: mercor\naws:\n  tags:\n    2024: a\n",
        "4: YAML reads 2024 as a number: put it in quotes"),
    "a list as key": ("vendor: mercor\n? [a]\n: b\n",
        "2: a key must be text, not a list or a mapping"),
    "a merge": ("vendor: mercor\naws: &a {paths: [/x/]}\nprojects:\n  c:\n    aws:\n      <<: *a\n",
        "6: '<<' (a merge) is not read; write the keys out"),
    "a tag": ("vendor: !!python/name:os.system x\n",
        f"1: the tag {TAG!r} is not read; write plain text, lists and mappings"),
    "an alias to itself": ("vendor: mercor\nprojects: &p\n  c: *p\n",
        "2: an alias stands inside of what it names"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD.keys())
def test_each_fault_is_one_line_that_says_where_and_what(text: str, fault: str) -> None:
    """Every kind of bad text gives its one message and no traceback."""
    assert faults_of(text) == [fault]


def test_all_faults_of_a_file_come_at_once_and_in_its_order() -> None:
    """Whoever corrects a file corrects it once."""
    text = "vendor: Mercor\nonwer: x\naws:\n  accounts: [444455556666]\n  paths: [/a]\nowner: off\n"
    assert [fault.partition(":")[0] for fault in faults_of(text)] == ["1", "2", "4", "5", "6"]


def test_the_message_names_the_file_and_the_next_step() -> None:
    """The whole error, as a person reads it."""
    with pytest.raises(ConfigError) as raised:
        yamltext.read("vendor: mercor\nacounts: []\n", FILE, Vendor)
    assert raised.value.what.startswith(f"{FILE}:2: unknown key 'acounts'")
    assert raised.value.next_step == yamltext.NEXT_STEP
    assert raised.value.exit_code == 2


def test_anchors_are_read_and_dates_stay_text() -> None:
    """An anchor is a way to write a thing once; a date in a note is a note."""
    text = "vendor: mercor\nowner: &who 2026-01-31\nnote: *who\n"
    read = yamltext.read(text, FILE, Vendor)
    assert (read.value.owner, read.value.note) == ("2026-01-31", "2026-01-31")


def test_a_few_lines_cannot_multiply_into_gigabytes() -> None:
    """Aliases of aliases of aliases end in a fault, quickly."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (fault,) = faults_of("\n".join(lines))
    assert "holds more than 100000 values once its aliases are followed" in fault


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 5000, "a: {" * 3000, "? " * 4000])
def test_deep_nesting_ends_in_a_fault(text: str) -> None:
    """No depth of brackets brings the program down."""
    assert len(faults_of(text)) == 1


def test_a_text_that_is_too_long_is_not_read() -> None:
    """A log file that was dropped into the folder is named and left."""
    assert faults_of("a" * (yamltext.LONGEST + 1)) == [
        "is longer than 200000 characters; that is no file of ours"
    ]


PIECES = st.sampled_from([
    "vendor: ", "mercor", "aws:", "accounts:", "playbook: ", "phases:", "rules:", "- ", "\n", "  ",
    "[", "]", "{", "}", ",", ":", "?", "&a ", "*a", "!!int ", "!", "|", ">", "'", '"', "\\U", "%",
    "---", "...", "<<: ", "0123", "444455556666", "null", "~", "yes", "1:30", ".nan", "0b_", "\t",
    "name: ", "connector: ", "limits:", "share: ", "\ufeff", "\u2028", "\x85", "protected:", "#",
])  # fmt: skip
TEXTS = st.text(max_size=200) | st.lists(PIECES, max_size=40).map("".join)


@pytest.mark.parametrize("parse", [parse_vendor, parse_playbook, parse_estate])
@given(text=TEXTS)
@example(text="%YAML 1." + "9" * 5000 + "\n---\na: b")
@example(text='a: "\\UFFFFFFFF"')
@example(text="a: 0b_")
@example(text="a: !!int ''")
@example(text="? {a: b}\n: c")
@example(text="\ud800: b")
def test_any_text_gives_a_model_or_a_config_error(parse: object, text: str) -> None:
    """Whatever a file holds, there is never a traceback, and every line names the file."""
    try:
        found = parse(text, "x/mercor.yaml")  # type: ignore[operator]
    except ConfigError as error:
        lines = error.what.splitlines()
        assert lines
        assert all(line.startswith("x/mercor.yaml:") for line in lines)
        error.what.encode()
    else:
        assert isinstance(found, Vendor | Playbook | Estate)
