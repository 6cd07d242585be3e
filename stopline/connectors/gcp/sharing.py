"""What a vendor holds in the shared drives that the estate names: as a member, and of files."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stopline.connectors.gcp import drives, grouping, members
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import NAME, THREADS, Account, Realm, point_of
from stopline.errors import ConnectorError
from stopline.model import Address, Counted, Found, Gap, Grant
from stopline.text import Json
from stopline.vendors import GcpSelectors

_FILES = "nextPageToken,incompleteSearch,files(id,name,hasAugmentedPermissions)"


@dataclass(frozen=True)
class Drives:
    """Where is looked, for whom; `accounts` are all of the realm's by the member of a policy."""

    clients: Clients
    selectors: GcpSelectors
    read: Realm
    accounts: Mapping[str, Account]

    def discover(self) -> Iterator[Found]:
        """Yield each permission of the vendor's. What is not read is a gap.

        Drives are an organisation's: where the estate names none, none is looked into.
        """
        named = self.clients.estate.shared_drives
        if not named or not point_of(self.read.id).startswith("organizations/"):
            return
        for drive in named:
            yield from self._drive(drive)
        yield Counted(NAME, self.read.id, "shared-drive", len(named))

    def _drive(self, drive: str) -> Iterator[Found]:
        places = [(drive, "")]
        try:
            places += self._files(drive)
        except ConnectorError as error:
            yield self._gap(f"files of the shared drive {drive}", error.detail)
        held: list[tuple[str, str, Json]] = []
        with ThreadPoolExecutor(THREADS) as pool:
            for (file, name), found in zip(places, pool.map(self._of, places), strict=True):
                if isinstance(found, Gap):
                    yield found
                else:
                    held += [(file, name, one) for one in found]
        inside = self._groups(one for _, _, one in held)
        for file, name, one in held:
            yield from self._grants(drive, file, name, one, inside)

    def _files(self, drive: str) -> list[tuple[str, str]]:
        """The files that have permissions of their own. Raises ConnectorError.

        https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
        """
        words: dict[str, Json] = {"driveId": drive, "corpora": "drive", "fields": _FILES}
        words |= {"includeItemsFromAllDrives": True, "supportsAllDrives": True, "pageSize": 1000}
        found, seen, most = [], 0, self.clients.estate.files_per_drive
        for page in self.clients.paged("drive/v3/files.list", "files", **words):
            own = (one for one in page[: max(0, most - seen)] if one.get("hasAugmentedPermissions"))
            found += [(one["id"], one["name"]) for one in own]
            seen += len(page)
            if seen > most:
                why = f"it has more than {most} files; the rest was not looked at"
                self.read.gaps.append(self._gap(f"files of the shared drive {drive}", why))
                break
        return found

    def _of(self, place: tuple[str, str]) -> list[Json] | Gap:
        file, name = place
        try:
            return list(drives.direct(self.clients, file))
        except ConnectorError as error:
            what = f"the file {name} ({file})" if name else f"the shared drive {file}"
            return self._gap(f"permissions of {what}", error.detail)

    def _gap(self, what: str, why: str) -> Gap:
        return Gap(NAME, self.read.id, what, why)

    def _groups(self, held: Iterator[Json]) -> Mapping[str, grouping.Inside]:
        """Groups of the lab's in which somebody of the vendor's is."""
        whom = {members.plain(drives.member_of(one)) for one in held}
        groups = {who for who in whom if who.startswith("group:")}
        groups -= self.read.looked_into
        ours = [group for group in groups if not members.via(self.selectors, group)]
        more = grouping.vendors_in(self.clients, self.selectors, self.read, ours) if ours else {}
        return {**self.read.inside, **more}

    def _grants(
        self,
        drive: str,
        file: str,
        name: str,
        one: Json,
        inside: Mapping[str, grouping.Inside],
    ) -> Iterator[Grant]:
        who = members.plain(drives.member_of(one))
        where = drives.of_file(drive, file, str(one["id"]))
        target = f"shared drive {drive}" + (f", {name} ({file})" if name else "")
        entitlement, state = f"{one['role']} in a shared drive", drives.state_of(one)
        if via := members.via(self.selectors, who) if who else "":
            account = self.accounts.get(who)
            address = Address(NAME, self.read.id, drives.KIND, where)
            uid = account.uid if account else ""
            yield Grant(address, state, who, entitlement, target, via, uid)
        for member, way in sorted(inside.get(who, {}).items()):
            address = Address(NAME, self.read.id, "drive-permission-of-group", f"{where}/{member}")
            told = f"in {', which is in '.join(reversed(way.groups))}"
            yield Grant(address, state, member, entitlement, target, told)
