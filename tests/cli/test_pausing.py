"""Pausing from the command line, over a real Temporal server and the world in memory."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from support.asking import CONFIRM, Asking
from support.temporal import PLAYBOOK, write_configuration

from stopline.connectors.memory import MemoryConnector, Principal
from stopline.journal.pauses import PauseStatus
from stopline.model import Document
from stopline.port import Observed
from stopline.settings import settings

SHARED = Principal("U9", "mercor", shared_with=("mercer",))


PROGRAM = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from stopline.connectors.memory import CONTAINS, NAME
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
code = main(sys.argv[1:], Program({NAME: CONTAINS}))
sys.stderr.flush()
os._exit(code)
"""
"""What `stopline` runs, over the words of the connector in memory."""


def holding(reached: threading.Event, gate: threading.Event) -> Callable[[str, object], None]:
    """A hook that holds every write back until the gate opens, and says when one has come."""

    def hold(moment: str, _document: object) -> None:
        if moment == "sending":
            reached.set()
            gate.wait(45)

    return hold


def contained(asking: Asking) -> bool:
    """Whether all that the small world's vendor has is contained."""
    one, two = asking.house.world.principals["annotator"], asking.house.world.principals["reviewer"]
    return bool(one.attached and two.attached) and {
        *one.switches.values(),
        *two.switches.values(),
    } == {"off"}


class TestConfirming:
    """Nothing is written without the vendor's name."""

    def test_the_name_typed_exactly_starts_it(self, asking: Asking) -> None:
        """The plan is shown, its sum said again beside the question, the pause contained: 0."""
        answer = asking.ask("pause", "mercor", "--reason", "breach", typed="mercor\n")
        assert answer.code == 0
        assert "Plan: contain mercor" in answer.out
        assert "To pause mercor, type the vendor's name" in answer.err
        assert "changes" in answer.err.partition("Plan ")[2].partition("To pause")[0]
        assert "status contained" in answer.said
        assert contained(asking)
        assert asking.house.world.principals["builder"].attached == set()

    @pytest.mark.parametrize("typed", ["mercer\n", "Mercor\n", "mercor inc\n", "yes\n"])
    def test_anything_else_starts_nothing(self, asking: Asking, typed: str) -> None:
        """Another name, another case, an alias or a yes: a usage error, and no pause."""
        before = asking.house.world.picture()
        answer = asking.ask("pause", "mercor", "--reason", "breach", typed=typed)
        assert answer.code == 2
        assert "is not the vendor's name, which is 'mercor'. Nothing was done." in answer.said
        assert asking.house.book.pauses.list() == ()
        assert asking.house.world.picture() == before

    def test_nobody_at_the_terminal_fails_at_once(self, asking: Asking) -> None:
        """Without a terminal and without --confirm it says what to add; it never hangs."""
        answer = asking.ask("pause", "mercor", "--reason", "breach")
        assert answer.code == 2
        assert "add --confirm mercor" in answer.said
        assert asking.ask("pause", "mercor", "--reason", "b", "--confirm", "mercer").code == 2
        assert asking.ask("pause", "mercor", "--reason", "breach", typed="").code == 2
        assert asking.house.book.pauses.list() == ()

    def test_ctrl_c_at_the_question_starts_nothing(self, asking: Asking) -> None:
        """Leaving there is an interruption, and says that nothing was started."""
        answer = asking.ask("pause", "mercor", "--reason", "breach", typed="\x03")
        assert (answer.code, "Nothing was started" in answer.err) == (130, True)
        assert asking.house.book.pauses.list() == ()


class TestLeaving:
    """Whoever leaves does not take the work with them."""

    def test_ctrl_c_leaves_and_the_work_goes_on(self, asking: Asking) -> None:
        """130, the words to follow and to end it; then the same pause is contained."""
        reached, gate = threading.Event(), threading.Event()
        asking.house.connector.hook = holding(reached, gate)
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "pause", "mercor", "--reason", "breach", *CONFIRM],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stderr is not None
            assert reached.wait(40)
            while "containing" not in child.stderr.readline():
                pass
            child.send_signal(signal.SIGINT)
            said = child.stderr.read()
            assert child.wait(30) == 130
        pause = asking.house.book.pauses.list("mercor")[0]
        gate.set()
        assert f"`stopline watch {pause.id}`" in said
        assert f"`stopline stop {pause.id}`" in said
        followed = asking.ask("watch", pause.id)
        assert (followed.code, "status contained" in followed.said) == (0, True)
        assert contained(asking)

    def test_detach_starts_it_and_leaves(self, asking: Asking) -> None:
        """0 at once, with the pause as a document where one is asked for."""
        gate = threading.Event()
        asking.house.connector.hook = holding(threading.Event(), gate)
        answer = asking.pause("--detach", "--output", "json")
        assert (answer.code, answer.document["status"]) == (0, "containing")
        gate.set()
        assert asking.ask("watch", answer.document["pause"]).code == 0


class TestJoining:
    """One vendor and scope is one pause."""

    def test_a_second_equal_trigger_joins_and_says_so(self, asking: Asking) -> None:
        """While it runs it is followed; at rest, with nothing new, it holds all already."""
        reached, gate = threading.Event(), threading.Event()
        asking.house.connector.hook = holding(reached, gate)
        started = asking.pause("--detach")
        assert started.code == 0
        assert reached.wait(30)
        threading.Timer(0.5, gate.set).start()
        joined = asking.pause(by="kim@lab.example")
        (pause,) = asking.house.book.pauses.list("mercor")
        assert joined.code == 0
        assert f"pause {pause.id}: joins the open pause of mercor (all)" in joined.said
        assert "asked for by ada@lab.example" in joined.said
        again = asking.pause("--project", "chordus", by="kim@lab.example")
        assert again.code == 0
        assert "It holds all of this already" in again.said
        assert [p.id for p in asking.house.book.pauses.list("mercor")] == [pause.id]

    def test_what_is_new_is_added_to_the_open_pause(self, asking: Asking) -> None:
        """A key minted while it rests is shown, asked about, and contained under the same pause."""
        asking.pause()
        asking.house.world.principals["annotator"].switches["minted"] = "on"
        answer = asking.pause(by="kim@lab.example")
        assert answer.code == 0
        assert "annotator/minted" in answer.out
        assert asking.house.world.principals["annotator"].switches["minted"] == "off"
        assert len(asking.house.book.pauses.list("mercor")) == 1
        said = asking.ask("status", "mercor", "--output", "json").document["said"]
        assert ("contain again", "kim@lab.example") in {(s["kind"], s["by"]) for s in said}

    def test_a_wider_or_other_scope_opens_its_own_pause(self, asking: Asking) -> None:
        """One principal, then another, then the whole vendor: three pauses, each with holds."""
        for words in (("--principal", "annotator"), ("--principal", "reviewer"), ()):
            assert asking.pause(*words).code == 0
        pauses = asking.house.book.pauses.list("mercor")
        assert [p.scope.principals for p in pauses] == [("annotator",), ("reviewer",), ()]
        holders = {hold.pause for hold in asking.house.book.writes.holds()}
        assert holders == {p.id for p in pauses}
        ambiguous = asking.ask("watch", "mercor")
        assert ambiguous.code == 2
        assert all(p.id in ambiguous.err for p in pauses)


class TestStopping:
    """The cord can be pulled on the machine that pulls the cord, too."""

    def test_stop_ends_between_writes_and_a_pause_goes_on(
        self, asking: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`stop` leaves with 0 and what is contained; `pause` again finishes the same one."""
        monkeypatch.setenv("STOPLINE_BATCH", "1")
        monkeypatch.setenv("STOPLINE_WINDOW", "1")
        settings.cache_clear()
        reached, gate = threading.Event(), threading.Event()
        asking.house.connector.hook = holding(reached, gate)
        asking.pause("--detach")
        assert reached.wait(30)
        threading.Timer(1, gate.set).start()
        stopped = asking.ask("stop", "mercor", "--reason", "production", "--output", "json")
        assert stopped.code == 0
        assert stopped.document["status"] == "stopped"
        assert 0 < stopped.document["held"] < 9
        assert asking.ask("watch", "mercor").code == 1
        again = asking.pause("--output", "json")
        assert (again.code, again.document["status"]) == (0, "contained")
        assert again.document["pause"] == stopped.document["pause"]
        assert contained(asking)

    def test_stop_of_a_pause_at_rest_changes_nothing(self, asking: Asking) -> None:
        """It says that nothing is being written."""
        asking.pause()
        answer = asking.ask("stop", "mercor")
        assert answer.code == 0
        assert "Nothing is being written" in answer.err
        assert asking.house.book.pauses.list("mercor")[0].status is PauseStatus.CONTAINED


class TestCodes:
    """Every exit code that docs/cli.md lists is really produced, with one document in JSON."""

    def test_a_plan_says_whether_there_is_something_to_do(self, asking: Asking) -> None:
        """3 before, with what was looked at; 0 after; and no write."""
        before = asking.house.world.picture()
        plan = asking.ask("plan", "mercor", "--output", "json")
        assert plan.code == 3
        assert plan.document["blast_radius"]["looked_at"] == [
            {"connector": "memory", "realm": "r1", "kind": "principal", "number": 3}
        ]
        assert len(plan.document["changes"]) == plan.document["blast_radius"]["changes"] == 9
        assert "looked at 3 principals in 1 realm" in asking.ask("plan", "mercor").out
        assert asking.house.world.picture() == before
        asking.pause()
        after = asking.ask("plan", "mercor")
        assert (after.code, "would join the open pause" in after.err) == (0, True)

    def test_what_is_left_open_is_partial_until_a_person_accepts_it(self, asking: Asking) -> None:
        """6 with the list and the command; that command, with a reason, makes it 0."""
        asking.house.world.principals["shared"] = SHARED
        answer = asking.pause("--output", "json")
        assert answer.code == 6
        (left,) = answer.document["left"]
        assert (left["kind"], left["principal"]) == ("left open", "shared")
        assert left["command"].startswith("stopline approve mercor --gaps --reason ")
        accepted = asking.approve("--gaps", "--reason", "known", "--output", "json")
        assert (accepted.code, accepted.document["status"]) == (0, "contained")
        assert accepted.document["acknowledged"]

    def test_a_second_person_for_a_containment_is_waited_for(self, asking: Asking) -> None:
        """5 where the playbook wants it; the requester's own yes is refused, another's contains."""
        text = (asking.house.settings.config_dir / "playbooks" / "default.yaml").read_text()
        words = text + "approvals: {contain: second-person}\n"
        write_configuration(asking.house.settings.config_dir, playbook=words)
        waits = asking.pause("--output", "json")
        assert waits.code == 5
        assert waits.document["waiting"]["direction"] == "contain"
        assert not contained(asking)
        own = asking.approve(by="ada@lab.example")
        assert own.code == 1
        assert "must be another person's" in own.err
        other = asking.approve()
        assert other.code == 0
        assert "phase 1, fast-cut" in other.out
        assert contained(asking)
        asking.house.world.principals["late"] = Principal("U8", "mercor")
        more = asking.pause()
        assert (more.code, "--apart" in more.err) == (1, True)
        assert asking.pause("--apart").code == 5

    def test_a_guard_that_refuses_is_one_and_cannot_be_overridden(self, asking: Asking) -> None:
        """1 with the guard's name and its way out; an override of it is a usage error."""
        write_configuration(
            asking.house.settings.config_dir,
            estate='protected:\n  break_glass: ["arn:aws:sns:*:*:responders"]\n',
        )
        name = "arn:aws:sns:eu-west-1:111122223333:responders"
        asking.house.world.principals[name] = Principal("U7", "mercor")
        before = asking.house.world.picture()
        refused = asking.pause()
        assert refused.code == 1
        assert "Refused by break-glass. Nothing was done." in refused.err
        assert asking.pause("--override", "break-glass=really").code == 1
        assert asking.house.world.picture() == before

    def test_a_limit_is_answered_with_a_reason_that_is_kept(self, asking: Asking) -> None:
        """1 without one; 0 with it; another guard's name is a usage error that suggests."""
        text = (asking.house.settings.config_dir / "playbooks" / "default.yaml").read_text()
        few = text.replace("changes: 40", "changes: 3")
        write_configuration(asking.house.settings.config_dir, playbook=few)
        refused = asking.pause()
        assert refused.code == 1
        assert "--override too-many-changes='...'" in refused.err
        slip = asking.pause("--override", "too-many-change=read it")
        assert slip.code == 2
        assert "did you mean 'too-many-changes'?" in slip.err
        assert asking.pause("--override", "too-many-changes=read it").code == 0
        (opened,) = asking.house.book.store.events(kind="opened")
        assert opened.data["words"]["overrides"] == {"too-many-changes": "read it"}

    def test_a_later_reading_that_does_not_show_it_is_eight(self, asking: Asking) -> None:
        """What somebody removes while we verify is unverified, with the command to run."""
        house = asking.house

        class Slipping(MemoryConnector):
            """Somebody takes our deny off once the sweep is done, before we read it back."""

            def read(self, document: Document) -> Observed:
                if len(house.book.store.events(kind="planned")) > 1:
                    self.world.principals["annotator"].attached.clear()
                return super().read(document)

        house.connector = Slipping(house.world)
        answer = asking.pause("--output", "json")
        assert answer.code == 8
        assert {left["kind"] for left in answer.document["left"]} == {"unverified"}
        assert answer.document["unverified"] == 1
        assert "stopline pause mercor --address" in answer.document["left"][0]["command"]

    def test_every_document_stands_alone_on_stdout(self, asking: Asking) -> None:
        """With --output json each command writes one document that docs/json.md describes."""
        kinds = {
            ("pause", "mercor", "--reason", "b", *CONFIRM): "Pause",
            ("status",): "PauseList",
            ("status", "mercor"): "Pause",
            ("watch", "mercor"): "Pause",
            ("stop", "mercor"): "Pause",
            ("plan", "mercor"): "Plan",
            ("vendor", "show", "mercor"): "Vendor",
            ("vendor", "list"): "VendorList",
            ("vendor", "check"): "ConfigurationCheck",
            ("doctor",): "Diagnosis",
            ("rollback", "mercor", "--reason", "o", *CONFIRM): "Pause",
            ("approve", "mercor", "--as", "riley", *CONFIRM): "Pause",
        }
        for words, kind in kinds.items():
            answer = asking.ask(*words, "--output", "json")
            assert (words, answer.document["kind"]) == (words, kind)
            assert answer.code in {0, 5}


class TestOtherProjects:
    """A pause of one project, and whom another one uses too."""

    def people(self, asking: Asking) -> dict[str, Principal]:
        """The annotator works for both projects, the reviewer for one."""
        people = asking.house.world.principals
        people["annotator"].projects = ("chordus", "lyra")
        people["reviewer"].projects = ("chordus",)
        return people

    def test_it_asks_before_it_cuts_off_whom_another_project_uses(self, asking: Asking) -> None:
        """Named with that project; a reason goes on."""
        people = self.people(asking)
        refused = asking.pause("--project", "chordus")
        assert (refused.code, people["reviewer"].attached) == (1, set())
        assert "annotator is used by another project of the vendor too" in refused.said
        asking.pause("--project", "chordus", "--override", "other-projects=both are theirs")
        assert people["annotator"].attached
        assert people["reviewer"].attached

    def test_a_playbook_cuts_whom_another_project_uses_without_asking(self, asking: Asking) -> None:
        """Nothing is read for the question, and nothing waits for its answer."""
        people = self.people(asking)
        folder = asking.house.settings.config_dir / "playbooks"
        said = PLAYBOOK.replace("{changes: 40}", "{changes: 40, other_projects: cut}")
        (folder / "default.yaml").write_text(said)
        assert asking.pause("--project", "chordus").code == 0
        assert people["annotator"].attached

    def test_it_asks_no_sweep_and_contains_what_is_new(self, asking: Asking) -> None:
        """What began to be shared after the pause was opened stops no audit."""
        people = self.people(asking)
        people["annotator"].projects = ("chordus",)
        assert asking.pause("--project", "chordus").code == 0
        people["annotator"].projects = ("chordus", "lyra")
        people["annotator"].switches["new"] = "on"
        asking.ask("audit", "mercor", "--as", "kim@lab.example")
        assert people["annotator"].switches["new"] == "off"

    def test_what_only_a_tag_says_stops_no_pause(self, asking: Asking) -> None:
        """The vendor can write tags: they make nobody another project's."""
        people = self.people(asking)
        people["annotator"].vouched = False
        assert "other-projects" not in asking.ask("plan", "mercor", "--project", "chordus").said
