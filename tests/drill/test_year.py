"""The drill's year in short: whatever of it is not as it was asserted is a fault by its name."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.signers import needs_openssh
from support.tree import ROOT

from stopline.configuration import ROLES
from stopline.drill.children import Said
from stopline.drill.fingerprint import OURS
from stopline.drill.manifest import DATA, Person
from stopline.drill.meddling import SHARED, USER, Edit, Lab, with_edits
from stopline.drill.oracle import Answer, Check
from stopline.drill.probes import Probe
from stopline.drill.report import Compared, Report, Sight, Step, counted, moved
from stopline.drill.run import BOB, CAROL, Drill
from stopline.drill.signatures import Signers
from stopline.drill.year import HELD_TWICE, flipped, unlike_opened, unproven, without
from stopline.evidence.bundle import CHAIN
from stopline.roles import parse_roles
from stopline.signing import names_of
from stopline.text import Json, canonical

KEY, ENTRY = "aws:1:access-key:ann/AKIA", "gcp:2:allow-policy-entry:projects/a#roles/viewer"
POLICY = '{"Statement": [1]}'


# --- the audit -----------------------------------------------------------------------------------


def an_audit(*drift: str, **more: Json) -> Json:
    """What `stopline audit` tells, as far as it is judged."""
    return {"drift": [{"address": one} for one in drift], "contains": True, **more}


def test_an_audit_that_finds_what_was_opened_and_no_more_has_no_fault() -> None:
    """In any order."""
    assert unlike_opened({KEY, ENTRY}, an_audit(ENTRY, KEY, fresh=[], gaps=[])) == []


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (an_audit(KEY), f"the audit did not find {ENTRY}"),
        (an_audit(KEY, ENTRY, "aws:x"), "the audit found aws:x, which nobody opened"),
        (an_audit(KEY, ENTRY, fresh=["aws:y"]), "the audit found aws:y, which is not new"),
        (an_audit(KEY, ENTRY, gaps=["gcp z"]), "the audit found gcp z, which is not new"),
        (an_audit(KEY, ENTRY, contains=False), "the audit had nothing contained again"),
    ],
)
def test_an_audit_that_tells_less_or_more_is_a_fault(told: Json, fault: str) -> None:
    """Each by what it did not find, or found and should not have."""
    assert unlike_opened({KEY, ENTRY}, told) == [fault]


def test_a_command_that_said_nothing_found_nothing() -> None:
    """No document at all is a fault of each address."""
    assert len(unlike_opened({KEY, ENTRY}, {})) == 3


# --- the edits -----------------------------------------------------------------------------------


def plus(policy: Json) -> Json:
    """What a colleague edits."""
    return {**policy, "Statement": [*policy["Statement"], 2]}


EDIT = Edit("aws", "bucket policy", plus)


def kept(now: str) -> bool:
    """Whether an object is as the colleague left it."""
    was = {"bucket policy": POLICY, "user": "u"}
    found = {"bucket policy": now, "user": "u"}
    wanted = with_edits(was, found, [EDIT])
    assert wanted["user"] == "u", "what nobody edited is compared byte for byte"
    return wanted == found


def test_an_edit_that_stands_is_told_apart_from_one_that_is_lost_or_another() -> None:
    """In whatever text; one that is gone, doubled or beside something else is a difference."""
    assert kept('{ "Statement":[1,2] }')
    assert not kept(POLICY)
    assert not kept('{"Statement": [1, 2, 2]}')
    assert not kept('{"Statement": [1, 2], "Id": "x"}')
    assert not kept("none")


def test_what_has_no_order_is_compared_without_one() -> None:
    """Where the edit says so."""
    was = {"projects/a": '{"members": ["b", "a"]}'}
    edit = Edit(
        "gcp",
        "projects/a",
        lambda policy: {"members": [*policy["members"], "c"]},
        lambda policy: {"members": sorted(policy["members"])},
    )
    for members, same in ((["a", "c", "b"], True), (["a", "b"], False)):
        now = {"projects/a": canonical({"members": members})}
        assert (with_edits(was, now, [edit]) == now) is same


def test_objects_are_counted_as_they_were_edited_or_different() -> None:
    """What was kept is not counted as identical; what came, went or differs is neither."""
    was = {"a": "1", "b": "1", "c": "1", "d": "1"}
    now = {"a": "1", "b": "2", "c": "3", "e": "1"}
    wanted = {**was, "b": "2"}
    assert moved(was, now, wanted) == ["b"]
    assert counted(was, now, wanted) == Compared(identical=1, edited=1, different=3)
    assert counted(was, now, wanted).objects == 5
    assert Compared(1, 2, 3).plus(Compared(10, 20, 30)) == Compared(11, 22, 33)


# --- the evidence --------------------------------------------------------------------------------


def verified(**chain: Json) -> Json:
    """What `evidence verify` tells of a bundle that is proven."""
    told = {"name": "chain", "ok": True, "warn": False, "found": "9 events, 7 of this pause"}
    return {"ok": True, "proven": True, "checks": [{**told, **chain}]}


def test_evidence_that_is_proven_and_altered_evidence_that_is_not_have_no_fault() -> None:
    """The events are those of the journal."""
    assert unproven(verified(), {"ok": False}, 7) == []


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        (verified() | {"proven": False}, {"ok": False}, "the evidence is not proven"),
        (verified(), {"ok": True}, "a flipped bit in the evidence was not found"),
        (verified(), {}, "a flipped bit in the evidence was not found"),
        (verified(ok=False), {"ok": False}, "evidence verify: chain: 9 events, 7 of this pause"),
        (
            verified(found="6 of this pause"),
            {"ok": False},
            "the evidence does not hold the 7 events of the pause",
        ),
    ],
)
def test_evidence_that_is_not_proven_and_a_bit_that_is_not_found_are_faults(
    good: Json, bad: Json, fault: str
) -> None:
    """So is a bundle that holds another number of events."""
    assert unproven(good, bad, 7) == [fault]


def test_one_bit_is_flipped_in_the_chain_and_nowhere_else() -> None:
    """The file is whole, so that nothing but the verification itself can find it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(CHAIN, b"abcdef")
        archive.writestr("report.html", b"for people")
    with zipfile.ZipFile(io.BytesIO(flipped(made.getvalue()))) as archive:
        assert archive.testzip() is None
        assert archive.read("report.html") == b"for people"
        differ = zip(archive.read(CHAIN), b"abcdef", strict=True)
    assert sorted((one ^ other).bit_count() for one, other in differ) == [0] * 5 + [1]


# --- who approves --------------------------------------------------------------------------------


@needs_openssh
def test_those_who_approve_have_keys_that_the_roles_know(tmp_path: Path) -> None:
    """A signature is verified where there is one, and nobody must sign: the pay day does not."""
    signers = Signers(tmp_path, tmp_path)
    signers.make(BOB, CAROL)
    roles = parse_roles((tmp_path / ROLES).read_text("utf-8"), ROLES)
    assert (roles.signatures, roles.allowed_signers) == ("optional", signers.allowed.name)
    assert names_of(signers.allowed.read_text("utf-8")) == {BOB, CAROL}
    assert signers.words(BOB) == ("--sign", str(tmp_path / "bob.key"))


def test_without_openssh_they_approve_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill goes on, and its report says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    signers = Signers(tmp_path, tmp_path)
    signers.make(BOB, CAROL)
    assert signers.words(BOB) == ()
    assert list(tmp_path.iterdir()) == []


# --- the report ----------------------------------------------------------------------------------


def test_who_was_given_back_is_left_out_of_what_must_be_refused() -> None:
    """By the whole name: another user whose name begins alike stays in."""
    checks = [Check(f"key AKIA…1 of {name}", "", Answer.ALLOWED) for name in ("ann", "joann")]
    probes = [Probe(f"{name} with AKIA…1", allowed=True) for name in ("ann", "anna")]
    left = without(Sight(tuple(checks), (), tuple(probes), ()), ["ann"])
    assert [c.who for c in left.vendor] == ["key AKIA…1 of joann"]
    assert [p.who for p in left.acted] == ["anna with AKIA…1"]


def test_the_report_tells_each_step_and_whether_it_holds() -> None:
    """For people and for programs; the faults themselves are among all others."""
    steps = [
        Step("edit", "they edited", "2 kept", "they stay"),
        Step("overlap", "she paused", asserted="nobody is given back", faults=["ann works"]),
    ]
    report = Report(year=steps, compared=Compared(225, 2, 0), faults=["the year: ann works"])
    told = report.document()["year"]
    assert told["compared"] == {"objects": 227, "identical": 225, "edited": 2, "different": 0}
    assert [(one["step"], one["ok"]) for one in told["steps"]] == [
        ("edit", True),
        ("overlap", False),
    ]
    assert set(told["steps"][0]) == {"step", "did", "found", "asserted", "ok"}
    page = report.page()
    assert "- edit: they edited\n      found: 2 kept\n      holds: they stay" in page
    assert "found: nothing\n      DOES NOT HOLD: nobody is given back" in page


# --- a year on which everything goes wrong -------------------------------------------------------


class Spoilt(Drill):
    """A drill beside whose commands somebody spoils what it asserts, through the emulators."""

    spoilt = 0

    def say(self, words: Sequence[str], *codes: int, live: bool = True) -> Said:
        """Say it; spoil something right before or right after."""
        self._before(words)
        said = super().say(words, *codes, live=live)
        if words[0] == "approve":
            self._after_approval(words[3])
        if words[0] == "audit":
            self._lab.reopen()
        return said

    @property
    def _lab(self) -> Lab:
        return Lab(self.access, self.emulator, self.google, self.manifest)

    def _before(self, words: Sequence[str]) -> None:
        if words[0] == "audit":
            self._on(self._lab.person("full-user"))
        if words[:2] == ("evidence", "verify") and words[2].endswith("altered.zip"):
            altered = Path(words[2])
            altered.write_bytes(altered.with_name("mercor.zip").read_bytes())

    def _after_approval(self, who: str) -> None:
        self.given = getattr(self, "given", Counter[str]())
        self.given[who] += 1
        if self.given == Counter({BOB: 1}):
            self._open(self._lab.person("loader-1"))
        if self.given == Counter({BOB: 2, CAROL: 2}):
            self._open(self._lab.person(HELD_TWICE))
        if self.given == Counter({BOB: 3, CAROL: 2}):
            s3 = self.access.client(DATA, "s3")
            policy = json.loads(s3.get_bucket_policy(Bucket=SHARED)["Policy"])
            policy["Statement"].pop()
            s3.put_bucket_policy(Bucket=SHARED, Policy=json.dumps(policy))

    def _on(self, person: Person) -> None:
        iam = self.access.client(person.account, "iam")
        for key, _, active in person.keys:
            if active:
                words = {"UserName": person.name, "AccessKeyId": key}
                iam.update_access_key(**words, Status="Active")

    def _open(self, person: Person) -> None:
        self._on(person)
        iam, words = self.access.client(person.account, "iam"), {"UserName": person.name}
        for policy in iam.list_attached_user_policies(**words)["AttachedPolicies"]:
            if OURS in policy["PolicyName"]:
                iam.detach_user_policy(**words, PolicyArn=policy["PolicyArn"])


@pytest.mark.night
@pytest.mark.timeout(600)
def test_whatever_is_spoilt_of_a_year_is_noticed(tmp_path: Path) -> None:
    """A planted failure of each step fails the drill, by its name."""
    text = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    drill = Spoilt(tmp_path, text, 1)
    try:
        drill.start()
        report = drill.run()
    finally:
        drill.stop()
    assert report.verdict == "fail"
    assert [step.ok for step in report.year] == [False] * 5
    faults = "\n".join(report.faults)
    for wanted in (
        f"the year: the edit of {DATA} bucket {SHARED} policy is not as its colleague left it",
        f"the year: {HELD_TWICE} works, though the other case is open",
        "the year: loader-1 works after one yes of two",
        "the year: the audit found aws:111122223333:access-key:full-user/",
        f"the year: {USER} works after the audit",
        "the year: user:max@mercor.example works after the audit",
        "the year: a flipped bit in the evidence was not found",
        f"after rollback, {DATA} bucket {SHARED} policy: was ",
        "`stopline evidence verify` ended with 0, not 8",
    ):
        assert wanted in faults
    assert report.compared.edited == 1
    assert report.figures["aws"].restored_identical is False
