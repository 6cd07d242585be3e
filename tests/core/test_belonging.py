"""Which principals are one project's: none of a target, and none of whom nobody can tell."""

from collections.abc import Iterator, Mapping

import pytest
from support.journals import a_book, open_pause

from activities.belonging import elsewhere, part_of
from stopline.belonging import NOBODY
from stopline.connectors.memory import MemoryConnector, Principal, World
from stopline.journal.book import Book
from stopline.model import Found, Gap, Scope
from stopline.port import Connector
from stopline.vendors import AwsSelectors, Project, Vendor

LYRA = Scope("lyra")
PATHS = AwsSelectors(paths=("/vendors/mercor/",))
VENDOR = Vendor(vendor="mercor", aws=PATHS, projects={"lyra": Project(), "nova": Project()})


class Blind(MemoryConnector):
    """Whoever asks it for all other projects at once is not answered."""

    def discover(self, vendor: Vendor, scope: Scope) -> Iterator[Found]:
        """A project is read, and what has none is a gap."""
        if scope.project:
            yield from super().discover(vendor, scope)
        else:
            yield Gap("memory", "r1", "everything", "throttled")


@pytest.fixture
def book() -> Iterator[Book]:
    """A journal in memory."""
    made = a_book("sqlite://")
    yield made
    made.close()


def world() -> World:
    """One of lyra's, one of both projects, one of neither, and a target that all reach."""
    people = {
        "ann": Principal("1", "mercor", projects=("lyra",)),
        "bo": Principal("2", "mercor", projects=("lyra", "nova")),
        "cy": Principal("3", "mercor"),
    }
    return World(people, targets={"data": ""})


def connectors(made: MemoryConnector) -> Mapping[str, Connector]:
    """By its name."""
    return {"memory": made}


def test_only_who_is_one_projects_alone_is_its_part(book: Book) -> None:
    """Whom another project uses too is shared, and whom only the vendor's path names is neither."""
    pause = open_pause(book).id
    part = part_of(book, pause, "r", VENDOR, connectors(MemoryConnector(world())), LYRA)
    assert (part.scope.principals, part.shared) == (("ann",), ("bo", "data"))


def test_whom_nobody_could_tell_from_another_projects_is_left_out(book: Book) -> None:
    """A reading of the others that failed gives nothing back, and is a gap of the plan."""
    pause = open_pause(book).id
    part = part_of(book, pause, "r", VENDOR, connectors(Blind(world())), LYRA)
    assert part.scope.principals == (NOBODY,)
    assert [gap.cause for gap in part.gaps] == ["throttled"]


def test_it_is_looked_for_once_for_a_request(book: Book) -> None:
    """The journal has who was found; another request looks again."""
    pause, here = open_pause(book).id, world()
    made = connectors(MemoryConnector(here))
    first = part_of(book, pause, "r", VENDOR, made, LYRA)
    here.principals["cy"].projects = ("lyra",)
    assert part_of(book, pause, "r", VENDOR, made, LYRA) == first
    assert "cy" in part_of(book, pause, "again", VENDOR, made, LYRA).scope.principals


def test_whom_only_the_vendors_own_selectors_name_is_no_other_projects() -> None:
    """Nor is anybody where the scope names no project."""
    made = connectors(MemoryConnector(world()))
    used, gaps = elsewhere(VENDOR, made, LYRA)
    assert ({"bo"} <= used, used & {"ann", "cy"}, gaps) == (True, frozenset(), ())
    assert elsewhere(VENDOR, made, Scope()) == (frozenset(), ())
