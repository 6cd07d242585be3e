"""The JSON documents are what docs/json.md says they are."""

import json
import re
from pathlib import Path

import pytest
from support.render import (
    ASSESSED,
    CHECKS,
    CONTAIN,
    COUNTED,
    FINDINGS,
    MERCOR,
    PARTIAL,
    RESTORE,
    WAITING,
)

from stopline.render import documents as d
from stopline.render.assessment import assessment_document
from stopline.text import Json

DOCS = Path(__file__).parents[2] / "docs" / "json.md"
SECTIONS = re.split(r"^## ", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1:]

WRITTEN: dict[str, Json] = {
    "Vendor": d.vendor_document(MERCOR, (PARTIAL,)),
    "VendorList": d.vendors_document((MERCOR,), ("mercor",)),
    "ConfigurationCheck": d.check_document(("config/estate.yaml:1: empty",)),
    "Plan": d.plan_document(CONTAIN, FINDINGS, COUNTED, ref="ab"),
    "Pause": d.pause_document(PARTIAL),
    "PauseList": d.pauses_document((PARTIAL, WAITING)),
    "Assessment": assessment_document(ASSESSED),
    "Diagnosis": d.diagnosis_document(CHECKS),
}


def test_the_docs_describe_each_kind_and_no_other() -> None:
    """A section for each kind in the code, under the kind's own name."""
    assert sorted(section.split("\n", 1)[0] for section in SECTIONS) == sorted(d.Kind)


@pytest.mark.parametrize("kind", sorted(WRITTEN))
def test_every_field_of_a_document_is_described(kind: str) -> None:
    """No field is written that the kind's section does not name."""
    section = next(s for s in SECTIONS if s.startswith(f"{kind}\n"))
    named = set(re.findall(r"`([a-z_]+)`", section))
    document = WRITTEN[kind]
    assert document["apiVersion"] == "stopline/v1"
    assert document["kind"] == kind
    fields = set(document) - {"apiVersion", "kind"}
    assert fields <= named


@pytest.mark.parametrize("kind", sorted(WRITTEN))
def test_a_document_is_plain_json(kind: str) -> None:
    """Everything in it survives a round trip through the standard library."""
    assert json.loads(json.dumps(WRITTEN[kind])) == WRITTEN[kind]


def test_a_plan_tells_which_way_each_change_goes() -> None:
    """Containment adds and changes; its inverse removes and changes back."""
    contain, restore = WRITTEN["Plan"], d.plan_document(RESTORE)
    assert [c["action"] for c in contain["changes"]] == ["add", "add", "change", "add"]
    assert sorted(c["action"] for c in restore["changes"]) == ["change"] + ["remove"] * 3


def test_columns_stand_with_their_names() -> None:
    """A conflict shows what was there, what we left, and what is there now."""
    conflict = next(left for left in WRITTEN["Pause"]["left"] if left["kind"] == "conflict")
    assert conflict["columns"] == {
        "before": '{"Status":"Active"}',
        "ours": '{"Status":"Inactive"}',
        "now": '{"Status":"Expired"}',
    }


def test_an_assessment_says_of_each_holder_what_is_cut_and_what_is_left() -> None:
    """A principal has its credentials and the changes that cut it; one that is shared has none."""
    reached = {r["principal"]: r for r in WRITTEN["Assessment"]["reaches"]}
    user = next(r for name, r in reached.items() if name.endswith("annotator-0001"))
    assert {grant["entitlement"] for grant in user["grants"]} == {"access-key", "user"}
    assert len(user["cut"]) == 2
    shared = next(r for name, r in reached.items() if name.endswith("shared-ci"))
    assert (shared["cut"], shared["vouched"]) == ([], False)
    assert [left["leaves_access"] for left in shared["left"]] == [True]
    section = next(s for s in SECTIONS if s.startswith("Assessment\n"))
    assert set(user) <= set(re.findall(r"`([a-z_]+)`", section))
