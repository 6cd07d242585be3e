"""What a kind of resource is that has a policy of its own, or is shared entry by entry: the nouns
of the tables. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from stopline.connectors.aws.permissions import permission_of
from stopline.connectors.aws.selection import Reach
from stopline.model import Breadth, Document
from stopline.text import Json

STATEMENT = "-policy-statement"
"""What follows a resource's kind in the kind of an address of one statement in its policy."""


@dataclass(frozen=True, slots=True)
class Where:
    """One resource: its account, its region, and its name there."""

    account: str
    region: str
    name: str

    @property
    def id(self) -> str:
        """What an address calls it."""
        return f"{self.region}/{self.name}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the service by its name, and what it takes for one resource and a policy's text."""

    operation: str
    words: Callable[[Where, str], Json]


Asked = Callable[[str, tuple[str, ...]], tuple[Mapping[str, Any], ...]]
"""What a listing is asked with, each time it is asked: for an account, and the vendor's."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource.

    `items` and `name`: where a page of `listing`, asked with `asked`, has them. `locate`: a call
    whose answer the other calls take as well. `text`: where the answer of `get` has it, with a dot
    between names. `absent`: errors of `get` that mean that there is no
    policy. `drop` takes a policy away. `on` is what a statement's `Resource` says; nothing where it
    may not say any. `longest` is in bytes. `outlives`: what containing it leaves, and until when.
    `tag` is the key of the concurrency tag in the answer of `get`, `unless_moved` the words that
    make a write hang on it (it is nothing where there was no policy), `moved` the errors that say
    that it moved. `out` takes one statement out by its Sid, so that nobody else's edit is lost.
    `inner` lists what each item has inside, with policies of their own, and where their names are.
    `there` fails where the resource is not there, for a `get` that says `absent` of that as well.
    `asked` is given the account that is looked at and those of the vendor's. `alone` is the name of
    the only one that each account has in a region, which no listing shows. `bare`: an answer
    without a policy says that there is none, whatever `absent` says. `unguarded` says what no
    policy means, where that lets in more people than a policy that names nobody.
    """

    kind: str
    contains: str
    service: str
    listing: str
    items: str
    name: Callable[[Any], str]
    get: Call
    text: str
    arn: str
    on: tuple[str, ...]
    actions: tuple[str, ...]
    longest: int
    outlives: tuple[str, str]
    put: Call
    drop: Call | None = None
    locate: Call | None = None
    absent: tuple[str, ...] = ()
    asked: Asked = lambda _, _theirs: ({},)
    tag: str = ""
    unless_moved: Callable[[str], Json] | None = None
    moved: tuple[str, ...] = ()
    out: Call | None = None
    inner: tuple[Call, str, str] | None = None
    there: Call | None = None
    alone: str = ""
    bare: bool = False
    unguarded: str = ""
    looked: ClassVar[bool] = True
    """A listing shows all there are, whoever is let in to them."""

    @property
    def speaks(self) -> str:
        """What a statement's action begins with, to be about this service."""
        return permission_of(self.service, "*")

    @property
    def statement(self) -> str:
        """The kind of the address of one statement in its policy."""
        return f"{self.kind}{STATEMENT}"

    def text_in(self, answer: Json) -> str:
        """The policy's text in an answer of `get`; nothing where it has none."""
        found = answer
        for name in self.text.split("."):
            found = found.get(name) or {}
        text = str(found or "")
        return "" if text == "{}" else text  # as Kinesis says that there is none

    def arn_of(self, where: Where) -> str:
        """The resource's ARN."""
        return self.arn.format(region=where.region, account=where.account, name=where.name)

    def on_of(self, where: Where) -> Json:
        """The `Resource` of a statement about it; nothing where it may not say any."""
        arn, region, account = self.arn_of(where), where.region, where.account
        said = [each.format(arn=arn, region=region, account=account) for each in self.on]
        return said if len(said) > 1 else next(iter(said), "")

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"


# --- what is taken out and given back, entry by entry ------------------------------------------


class Entry(NamedTuple):
    """One entry: what names it in an address, with whom something is shared, and how it reads."""

    part: str
    who: str
    state: Json


class Theirs(NamedTuple):
    """How a thing of the lab's is the vendor's to use, and whether that can be relied on."""

    via: str
    vouched: bool = True


@dataclass(frozen=True, slots=True)
class Edit:
    """A call that adds or removes one entry, and what it takes for a resource and the entry.

    `first` is a call that is sent before it with the same words, and has no way back.
    """

    operation: str
    words: Callable[[Where, Json], Json]
    first: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One kind of thing that is shared entry by entry.

    `items` and `name`: where a page of `listing` has them. `asked`: what it is asked with, once for
    each of these for the vendor's accounts. `entries` are in each page of `get`. `give` and `take`
    are sent where the entry is not as it should be. `same`: a call whose answer has, by `uid`, the
    immutable id of what bears a name that can be used again. `outlives`: what taking an entry
    out leaves, and until when.
    `under_way`: entries that the service is still removing, or could not add, and what it says.
    `looked` says that a listing shows all there are, so that they can be counted. `inner`: what
    each item has inside, which is what is shared. `absent`: errors of `get` that mean nobody, or
    that it is not there.

    What is a switch has one entry while it is on, and none while it is off: `off` says how a person
    calls switching it off. `whose` says whether it is the vendor's, which for all else the account
    says that an entry names; `tags` are asked for where that says nothing. `page` makes, of what
    lists it, what `get` would answer. `asked_in`: what the list of what is inside is asked with,
    each time it is asked. `counts` says of one whether it is among those of which the vendor's are
    a share: what is the vendor's as a whole is no part of anything of the lab's.
    """

    kind: str
    contains: str
    what: str
    service: str
    listing: str
    items: str
    name: Callable[[Any], str]
    get: Call
    entries: Callable[[Json], Iterator[Entry]]
    give: Edit
    take: Edit
    arn: str
    outlives: tuple[tuple[str, str], ...]
    asked: Asked = lambda _, _theirs: ({},)
    same: Call | None = None
    uid: Callable[[Json], str] = lambda _: ""
    under_way: Callable[[Json], Iterator[tuple[str, str]]] = lambda _: iter(())
    looked: bool = True
    inner: tuple[Call, str, str] | None = None
    absent: tuple[str, ...] = ()
    off: str = ""
    whose: Callable[[Where, Json, Reach], Theirs | None] | None = None
    tags: tuple[Call, Callable[[Json], Mapping[str, str]]] | None = None
    page: Callable[[Any], Json] | None = None
    asked_in: Callable[[Where, Reach], tuple[Json, ...]] = lambda _, _reach: ({},)
    counts: Callable[[Where, Reach], bool] = lambda _, _reach: True
    breadth: Breadth = Breadth.TARGET
    alone: ClassVar[str] = ""

    def arn_of(self, where: Where) -> str:
        """The ARN of what is shared."""
        return self.arn.format(region=where.region, account=where.account, name=where.name)

    @property
    def speaks(self) -> str:
        """What an action about it begins with."""
        return permission_of(self.service, "*")

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"


def where_of(document: Document) -> Where:
    """The resource of an address's document."""
    region, _, name = document.id.partition("/")
    return Where(document.realm, region, name)


def named(key: str, text: str = "") -> Callable[[Where, str], Json]:
    """Words of a call: the name, and the policy's text where it takes one."""
    return lambda where, raw: {key: where.name, **({text: raw} if text else {})}


def by_arn(arn: str, key: str, text: str = "") -> Callable[[Where, str], Json]:
    """The same, where the resource is named by its ARN."""

    def words(where: Where, raw: str) -> Json:
        made = arn.format(region=where.region, account=where.account, name=where.name)
        return {key: made, **({text: raw} if text else {})}

    return words
