"""Which access lists of Cloud Storage let a vendor in, down to each generation of each object."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stopline.connectors.gcp import lists, members
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import NAME, THREADS, Account, Realm
from stopline.errors import ConnectorError
from stopline.model import Address, Document, Found, Gap, Grant, State
from stopline.text import Json
from stopline.vendors import GcpSelectors

_PAGE = 1000
_FIELDS = "nextPageToken,items(name,generation,acl(entity,role,email),owner(entity))"


@dataclass(frozen=True)
class Lists:
    """Where is looked, for whom; `accounts` are all of the realm's by the member of a policy."""

    clients: Clients
    selectors: GcpSelectors
    read: Realm
    accounts: Mapping[str, Account]

    def discover(self) -> Iterator[Found]:
        """Yield each entry that is the vendor's, and what it owns. What is not read is a gap."""
        with ThreadPoolExecutor(THREADS) as pool:
            for found in pool.map(lambda name: list(self._bucket(name)), self.read.fine):
                yield from found

    def _bucket(self, name: str) -> Iterator[Found]:
        nameless = 0
        owned: Counter[str] = Counter()
        try:
            for where, target, entries, owner in self._lists(name):
                nameless += sum(not lists.member_of(entry) for entry in entries)
                theirs = [e for e in entries if lists.via(self.selectors, e)]
                if owner and lists.via(self.selectors, {"entity": owner}):
                    owned[owner] += 1
                rest = [entry for entry in theirs if entry["entity"] != owner]
                yield from self._entries(where, target, rest)
        except ConnectorError as error:
            yield Gap(NAME, self.read.id, f"access lists of bucket {name}", error.detail)
        if nameless:
            why = f"{nameless} entries say an id and no address, so nobody can tell whose they are"
            yield Gap(NAME, self.read.id, f"access lists of bucket {name}", why)
        for owner, number in sorted(owned.items()):
            yield self._owned(name, owner, number)

    def _lists(self, name: str) -> Iterator[tuple[str, str, list[Json], str]]:
        """Each list: how we name it, how a person does, its entries, and the object's owner.

        Raises ConnectorError where they cannot all be read.
        https://docs.cloud.google.com/storage/docs/json_api/v1/objects/list
        """
        said = self.clients.ask("storage/v1/buckets.get", bucket=name, projection="full")
        for field in (lists.OF_BUCKET, lists.FOR_OBJECTS):
            what = "" if field == lists.OF_BUCKET else ", for new objects"
            where = lists.of_bucket(name, field)
            yield where, f"buckets/{name}{what}", lists.shown_in(said, field) or [], ""
        words = {"versions": True, "projection": "full", "maxResults": _PAGE, "fields": _FIELDS}
        seen, most = 0, self.clients.estate.generations_per_bucket
        for page in self.clients.paged("storage/v1/objects.list", "items", bucket=name, **words):
            for one in page[: max(0, most - seen)]:
                where = lists.of_object(name, one["name"], one["generation"])
                target = f"buckets/{name}/{one['name']} ({one['generation']})"
                yield where, target, one.get("acl", []), one.get("owner", {}).get("entity", "")
            seen += len(page)
            if seen > most:
                why = f"it has more than {most} generations of objects; the rest was not looked at"
                self.read.gaps.append(Gap(NAME, self.read.id, f"access lists of {name}", why))
                return

    def _entries(self, where: str, target: str, entries: list[Json]) -> Iterator[Grant]:
        document = Document(NAME, self.read.id, lists.KIND, where)
        for entry, (address, state) in zip(entries, lists.states(document, entries), strict=True):
            who = members.plain(lists.member_of(entry))
            account = self.accounts.get(who)
            yield Grant(
                address,
                state,
                who,
                f"{entry['role']} in an access list",
                target,
                lists.via(self.selectors, entry),
                account.uid if account else "",
            )

    def _owned(self, bucket: str, owner: str, number: int) -> Grant:
        entry = {"entity": owner}
        who = members.plain(lists.member_of(entry))
        account = self.accounts.get(who)
        state: Json = {"objects": number}
        state |= {"account": f"{account.project}/{account.email}"} if account else {}
        return Grant(
            Address(NAME, self.read.id, "owned-objects", f"buckets/{bucket}#{owner}"),
            State.of(state),
            who,
            "owner of objects",
            f"buckets/{bucket}",
            lists.via(self.selectors, entry),
        )
