"""Names that must agree: import names, entry points, activities, workflows."""

from collections.abc import Mapping
from importlib.metadata import entry_points, packages_distributions
from typing import Any

import pytest
from support.journals import a_book
from support.tree import PACKAGES, ROOT
from temporalio import activity, workflow
from temporalio.worker import Worker

from activities import api
from activities.answering import Answering
from activities.bodies import Activities
from activities.checks import Checks
from activities.telling import Telling
from stopline.configuration import CONNECTORS, installed_words
from stopline.entrypoints import worker
from stopline.entrypoints.cli.doctor import THIN, owners
from stopline.estate import Estate
from workflows import messages

REFERENCE = "memory"
"""The in-memory connector: used by tests, in nobody's estate."""


def test_no_other_distribution_owns_our_import_names() -> None:
    """`workflows` and `activities` are ours alone in this environment."""
    strangers = owners(packages_distributions())
    assert not strangers, (
        f"{', '.join(strangers)} ships an import name of ours ({', '.join(THIN)}): the trees merge "
        "without a word. Install stopline in an environment of its own (docs/adr/0004)."
    )


@pytest.mark.parametrize("name", THIN)
def test_another_owner_would_be_seen(name: str) -> None:
    """A distribution that ships one of the names is named, whichever came first."""
    assert owners({name: ["stopline", "llama-workflows"]}) == ["llama-workflows"]
    assert owners({name: ["llama-workflows"]}) == ["llama-workflows"]
    assert owners({name: ["stopline"], "other": ["else"]}) == []


def test_the_registered_connectors_are_the_packages_that_there_are() -> None:
    """Each package under stopline/connectors has an entry point, and each entry point one."""
    folder = ROOT / "stopline" / "connectors"
    there = {path.parent.name for path in folder.glob("*/__init__.py")}
    there |= {path.stem for path in folder.glob("*.py")} - {"__init__"}
    there.remove(REFERENCE)
    registered = {found.name: found.value for found in entry_points(group=CONNECTORS)}
    assert registered == {name: f"stopline.connectors.{name}:build" for name in there}


def test_each_connector_has_its_section_and_its_words() -> None:
    """The worker builds a connector when the estate has its section; a playbook knows its words."""
    names = {found.name for found in entry_points(group=CONNECTORS)}
    assert names <= set(Estate.model_fields)
    assert names == set(installed_words())
    assert worker.GROUP == CONNECTORS


def named(module: object, suffix: str = "") -> set[str]:
    """The texts of a module's constants that name something of Temporal's."""
    return {
        value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and value.endswith(suffix)
    }


@pytest.fixture
def activities() -> Activities:
    """The bodies over an empty journal and no connector."""
    return Activities(a_book("sqlite://"), lambda _: {})


def test_every_activity_that_is_named_has_a_body_and_the_other_way_round(
    activities: Activities,
) -> None:
    """activities/api.py names exactly what a worker registers."""
    checks = Checks(activities.book, activities.connectors_of)
    telling = Telling(activities.book)
    answering = Answering(activities.book)
    bodies = (*activities.all(), *checks.all(), *telling.all(), *answering.all())
    registered = {defn_of(body).name for body in bodies}
    assert registered == named(api, ".v1")


def test_what_writes_takes_no_exception_into_its_thread(activities: Activities) -> None:
    """The activity that writes to systems of record is never torn between write and receipt."""
    by_name = {defn_of(body).name: defn_of(body) for body in activities.all()}
    assert by_name[api.APPLY].no_thread_cancel_exception


def test_every_activity_has_one_input_and_says_what_it_returns(activities: Activities) -> None:
    """One dataclass in and one value out, so that fields can be added."""
    checks = Checks(activities.book, activities.connectors_of)
    told = (*Telling(activities.book).all(), *Answering(activities.book).all())
    for body in (*activities.all(), *checks.all(), *told):
        assert len(defn_of(body).arg_types or ()) == 1, body
        assert defn_of(body).ret_type is not None, body


def defn_of(body: Any) -> Any:
    """Temporal's own description of an activity."""
    return activity._Definition.must_from_callable(body)


def test_every_workflow_that_is_named_is_registered(
    activities: Activities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker serves the workflows that workflows/messages.py names, and no other."""
    made: list[Mapping[str, Any]] = []
    monkeypatch.setattr(Worker, "__init__", lambda _self, _client, **words: made.append(words))
    worker.build_worker(None, activities, threads=1)  # type: ignore[arg-type]
    registered = {workflow._Definition.must_from_class(w).name for w in made[0]["workflows"]}
    wanted = {messages.PAUSE_VENDOR, messages.PLAN_VENDOR, messages.SHARD, messages.PREFLIGHT}
    wanted.add(messages.TELL)
    assert registered == wanted
    files = {path.stem for path in (ROOT / "workflows").glob("*.py")}
    assert len(registered) == len(files - {"__init__", "calls", "messages", "words"}), (
        "one file each"
    )
    assert made[0]["task_queue"] == f"stopline/{activities.book.id}"


def test_configuration_is_data() -> None:
    """config/ holds no Python, so that nothing can import it."""
    assert not list((ROOT / "config").rglob("*.py"))
    assert all((ROOT / name / "__init__.py").is_file() for name in PACKAGES)
