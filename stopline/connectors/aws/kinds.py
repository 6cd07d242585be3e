"""What a kind of resource is that has a policy of its own, is shared entry by entry, or is only
named: the nouns of the tables. Pure.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from stopline.connectors.aws.permissions import permission_of
from stopline.connectors.aws.policy import account_of, statements
from stopline.connectors.aws.selection import Reach
from stopline.model import Breadth, Document
from stopline.text import Json
from stopline.vendors import AwsSelectors

FOREVER = "for ever: they are the vendor's"
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

    @property
    def last(self) -> str:
        """What its ARN has of a name that says two things, with a colon between them."""
        return self.name.rpartition(":")[2]

    def said_in(self, pattern: str) -> str:
        """A pattern with what it asks for of this resource; `first` and `rest` of such a name."""
        first, _, rest = self.name.partition(":")
        said = {"name": self.name, "first": first, "rest": rest}
        said |= {"last": self.last, "outer": self.outer}
        return pattern.format(region=self.region, account=self.account, **said)

    @property
    def outer(self) -> str:
        """What such a name says of what it is in."""
        return self.name.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the service by its name, and what it takes for one resource and a policy's text."""

    operation: str
    words: Callable[[Where, str], Json]


Asked = Callable[[str, Reach], tuple[Mapping[str, Any], ...]]
"""What a listing is asked with, each time it is asked: for an account, and the vendor."""


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
    `inner` lists what each item has inside, with policies of their own, and where their names are,
    or how an item says its own; `apart` where the row is about these alone.
    `there` fails where the resource is not there, for a `get` that says `absent` of that as well.
    `asked` is given the account that is looked at, and the vendor. `alone` is the name of
    the only one that each account has in a region, which no listing shows. `bare`: an answer
    without a policy says that there is none, whatever `absent` says. `in_force`: where the answer
    of `get` has the policy that holds, for a service that takes its time after a write: `text` is
    what was written last. `only_in`: the one region that answers for all. `unguarded` says what no
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
    on: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    longest: int = 0
    outlives: tuple[str, str] = ("", "")
    put: Call | None = None
    drop: Call | None = None
    locate: Call | None = None
    absent: tuple[str, ...] = ()
    asked: Asked = lambda _, _reach: ({},)
    tag: str = ""
    unless_moved: Callable[[str], Json] | None = None
    moved: tuple[str, ...] = ()
    out: Call | None = None
    inner: tuple[Call, str, str | Callable[[Json], str]] | None = None
    apart: bool = False
    there: Call | None = None
    alone: str = ""
    bare: bool = False
    in_force: str = ""
    only_in: str = ""
    unguarded: str = ""
    listed_by: str = ""
    ours: Callable[[Any, str], bool] = lambda _item, _account: True
    most: int = 0
    says: str = ""
    beneath: "Beneath | None" = None
    several: bool = False
    by_hand: str = ""
    looked: ClassVar[bool] = True
    """A listing shows all there are, whoever is let in to them."""

    @property
    def speaks(self) -> str:
        """What a statement's action begins with, to be about this service."""
        return self.says or permission_of(self.service, "*")

    @property
    def statement(self) -> str:
        """The kind of the address of one statement in its policy."""
        return f"{self.kind}{STATEMENT}"

    def text_in(self, answer: Json) -> str:
        """The policy's text in an answer of `get`; nothing where it has none."""
        if self.several:
            return _together(answer.get(self.text) or {})
        return said_in(answer, self.text) or self.in_force_in(answer)

    def in_force_in(self, answer: Json) -> str:
        """The text that holds now; nothing where the service tells no such difference."""
        return said_in(answer, self.in_force) if self.in_force else ""

    def arn_of(self, where: Where) -> str:
        """The resource's ARN."""
        return where.said_in(self.arn)

    def on_of(self, where: Where) -> Json:
        """The `Resource` of a statement about it; nothing where it may not say any."""
        arn, region, account = self.arn_of(where), where.region, where.account
        said = [each.format(arn=arn, region=region, account=account) for each in self.on]
        return said if len(said) > 1 else next(iter(said), "")

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"

    @property
    def asks(self) -> tuple[str, ...]:
        """The services that are asked."""
        return (self.service, self.listed_by or self.service)

    def listed(self, region: str) -> str:
        """The service that lists them there."""
        return f"{self.asks[1]}/{region}"


@dataclass(frozen=True, slots=True)
class Beneath:
    """What a resource has inside whose policies can let somebody in as well.

    `items` are in each page of `listing`; `name` says how a person calls one. `get` is the call for
    its policy, `words` what that takes, `text` where the answer has it, `absent` the errors that
    say that there is none. Of more than `most` in one resource none is read, which is a gap.
    """

    what: str
    listing: Call
    items: str
    name: Callable[[Json], str]
    get: str
    words: Callable[[Where, Json], Json]
    text: str
    absent: tuple[str, ...]
    most: int


def said_in(answer: Json, where: str) -> str:
    """A text in an answer, with a dot between names; nothing where there is none."""
    found = answer
    for name in where.split("."):
        found = found.get(name) or {}
    text = str(found or "")
    return "" if text == "{}" else text  # as Kinesis says that there is none


def _together(texts: Mapping[str, str]) -> str:
    """What several policies say as if it were one; nothing where there is none."""
    said = [each for text in texts.values() for each in statements(json.loads(text))]
    return json.dumps({"Statement": said}) if said else ""


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


def by_tag(tags: Mapping[str, str], selectors: AwsSelectors) -> Theirs | None:
    """How tags select a thing, if they do."""
    said = ((k, v) for k, v in selectors.tagged if tags.get(k) == v)
    return next((Theirs(f"tag {key}={value}", vouched=False) for key, value in said), None)


@dataclass(frozen=True, slots=True)
class Edit:
    """A call that adds or removes one entry, and what it takes for a resource and the entry.

    `first` is a call that is sent before it with the same words, and has no way back. `onto`, for a
    service that writes the whole alone: what becomes of the words of `Share.whole`. `tag`: of what
    `get` answers right before it, the word that it must name.
    """

    operation: str
    words: Callable[[Where, Json], Json] = lambda _, _entry: {}
    first: str = ""
    onto: Callable[[Json, Json], Json] = lambda words, _: words
    tag: str = ""


def by_account(entry: Entry, reach: Reach) -> bool:
    """Whether an entry names an account of the vendor's, or somebody in one."""
    return account_of(entry.who) in reach.vendors.accounts


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
    that it is not there, and of `same` that nothing tells it from another.

    What is a switch has one entry while it is on, and none while it is off: `off` says how a person
    calls switching it off. `whose` says whether it is the vendor's, which for all else the account
    says that an entry names; `tags` are asked for where that says nothing. `page` makes, of what
    lists it, what `get` would answer. `asked_in`: what the list of what is inside is asked with,
    each time it is asked. `counts` says of one whether it is among those of which the vendor's are
    a share: what is the vendor's as a whole is no part of anything of the lab's. `picked` says
    whether one is read at all, by what lists it.

    `names` says whether an entry is the vendor's, and `noun` what it names. `only_in`: the one
    region that answers for all. `whole`, for a service whose one write replaces the whole: the
    words that write it as `get` shows it, of which those that are `loose` read back otherwise;
    `moved` are the errors that say that its concurrency tag moved, `by_hand` is the same as a
    program, of `give` or `take`, an entry and what `get` answers. `felt`: what others notice.
    `needs_one`: it must have an entry. `exclusive`: with accounts or with everybody, never both.
    `about` says what of it an entry is about. `shown_to`: a call whose answer says whether what
    we read as is among those whom the service shows everybody's entries, and what a person must do
    where it is not. An entry whose state says `by_hand` is found and
    named, and a person does what that says; one that names nobody cannot be read, and is a gap.
    `sends`: the lab's own service sends to whom an entry names. `barred` is asked where one is the
    vendor's, and its answer may say why nobody can edit it. `alone`: see `Resource`. Of more than
    `most` in a region none is read, which is a gap.
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
    asked: Asked = lambda _, _reach: ({},)
    same: Call | None = None
    uid: Callable[[Json], str] = lambda _: ""
    under_way: Callable[[Json], Iterator[tuple[str, str]]] = lambda _: iter(())
    looked: bool = True
    inner: tuple[Call, str, str | Callable[[Json], str]] | None = None
    absent: tuple[str, ...] = ()
    off: str = ""
    whose: Callable[[Where, Json, Reach], Theirs | None] | None = None
    tags: tuple[Call, Callable[[Json], Mapping[str, str]]] | None = None
    page: Callable[[Any], Json] | None = None
    asked_in: Callable[[Where, Reach], tuple[Json, ...]] = lambda _, _reach: ({},)
    counts: Callable[[Where, Reach], bool] = lambda _, _reach: True
    picked: Callable[[Where, Json, Reach], bool] = lambda _, _item, _reach: True
    breadth: Breadth = Breadth.TARGET
    names: Callable[[Entry, Reach], bool] = by_account
    noun: str = "account"
    only_in: str = ""
    whole: Callable[[Where, Json], Json] | None = None
    loose: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    by_hand: str = ""
    felt: str = ""
    needs_one: bool = False
    exclusive: bool = False
    about: Callable[[Json], str] = lambda _: ""
    shown_to: tuple[Call, Callable[[Json, str], bool], str] | None = None
    sends: bool = False
    barred: tuple[Call, Callable[[Json], str]] | None = None
    alone: str = ""
    most: int = 0

    def arn_of(self, where: Where) -> str:
        """The ARN of what is shared."""
        return where.said_in(self.arn)

    @property
    def speaks(self) -> str:
        """What an action about it begins with."""
        return permission_of(self.service, "*")

    @property
    def asks(self) -> tuple[str, ...]:
        """The services that are asked."""
        return (self.service,)

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"


# --- what is found and named, and left to a person ----------------------------------------------


class Way(NamedTuple):
    """One way in of the vendor's: its id in an address, whose it is, and what is `said` of it."""

    id: str
    who: str
    said: Json
    target: str
    via: str
    vouched: bool = True


def of_accounts(_: str, reach: Reach) -> tuple[Mapping[str, Any], ...]:
    """Ask where the vendor's file names an account: nothing else is found there."""
    return ({},) if reach.vendors.accounts else ()


@dataclass(frozen=True, slots=True)
class Left:
    """One kind of way in that nothing here ends: it is found, named and left to a person.

    `items`, `name`, `asked`, `inner` and `only_in` are those of a `Share`. `get`: what is asked of
    each, where the list does not say enough. `ways` are the vendor's in one. `reason` is what is
    left open and what a person must do, with what a way has `said` in its braces. `actions`:
    what nobody needs who leaves the kind out, where the service is asked for more than this.
    """

    kind: str
    contains: str
    service: str
    listing: str
    items: str
    name: Callable[[Any], str]
    ways: Callable[[Where, Any, Reach], Iterator[Way]]
    reason: str
    asked: Asked = of_accounts
    get: Call | None = None
    inner: tuple[Call, str, str] | None = None
    only_in: str = ""
    actions: tuple[str, ...] = ()
    alone: ClassVar[str] = ""
    looked: ClassVar[bool] = False
    most: ClassVar[int] = 0

    @property
    def asks(self) -> tuple[str, ...]:
        """The services that are asked."""
        return (self.service,)

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"


def listed_in(page: Json, where: str) -> Sequence[Json]:
    """The items of a page, which may lie below another name of it."""
    found = page
    for name in where.split("."):
        found = found.get(name) or {}
    return found or ()


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
        return {key: where.said_in(arn), **({text: raw} if text else {})}

    return words
