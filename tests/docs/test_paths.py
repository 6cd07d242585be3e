"""The table of AWS's kinds in docs/access-paths.md is what the tables and the playbooks say."""

import os
import re

import pytest
from support import aws_resources, aws_shares
from support.paths import OWN, PAGE, STUBBED, fresh, rows
from support.tree import ROOT

from stopline.connectors.aws.resources import TABLE
from stopline.connectors.aws.shares import SHARES
from stopline.connectors.aws.words import CONTAINS

KINDS_OF_THEIR_OWN = {
    row.kind for row in (*TABLE.values(), *SHARES.values()) if row.contains in STUBBED | OWN
}


def test_the_table_of_kinds_is_fresh() -> None:
    """`make permissions` writes it anew."""
    text = PAGE.read_text("utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(fresh(text), "utf-8")
        return
    assert text == fresh(text)


def test_every_kind_is_shown_by_a_test_that_is_there() -> None:
    """A file, or a folder of files."""
    shown = {row[0].strip("`"): re.findall(r"tests/[\w/.]+", row[-1]) for row in rows()}
    assert {*shown} == {*CONTAINS}
    assert not [kind for kind, (path,) in shown.items() if not ROOT.joinpath(path).exists()]


def test_every_other_kind_of_the_tables_stands_on_a_ground_with_others() -> None:
    """So that none is said to be contained there that is not."""
    there = {*aws_resources.KINDS, *aws_shares.KINDS}
    table = (*TABLE.values(), *SHARES.values())
    lost = [row.kind for row in table if row.kind not in there]
    assert not [kind for kind in lost if kind not in KINDS_OF_THEIR_OWN]


@pytest.mark.parametrize("contains", sorted(STUBBED | OWN))
def test_a_kind_with_tests_of_its_own_is_named_in_them(contains: str) -> None:
    """By its word, or by the kind of its address, there or in what they stand on."""
    table = {row.contains: row.kind for row in (*TABLE.values(), *SHARES.values())}
    text = ROOT.joinpath("tests", "connectors", (STUBBED | OWN)[contains]).read_text("utf-8")
    stands_on = re.findall(r"from support\.(\w+) import", text)
    text += "".join(ROOT.joinpath("tests", "support", f"{n}.py").read_text() for n in stands_on)
    assert contains in text or table[contains] in text
