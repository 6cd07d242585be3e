"""The folder of configuration: read once as text, understood file by file.

    folder/estate.yaml
    folder/roles.yaml          if approvals are signed
    folder/notices.yaml        if stakeholders are told
    folder/vendors/NAME.yaml
    folder/playbooks/NAME.yaml

A broken file must not stand between a person at night and another vendor, so a file's faults are
raised when that file is asked for, and all of them by `check`. What a pause is planned from is
frozen as text (`Frozen`), so that editing the files later changes no open pause.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import ValidationError

from stopline import text, yamltext
from stopline.audiences import Notices, parse_notices
from stopline.countermeasures import Techniques
from stopline.errors import ConfigError, UserError
from stopline.estate import Estate, Ledger, left_out, parse_estate
from stopline.model import Scope
from stopline.playbook import Playbook, Words, parse_playbook
from stopline.roles import ANYBODY, Roles, parse_roles
from stopline.vendors import Vendor, parse_vendor
from stopline.yamltext import Fault, config_error

CONNECTORS = "stopline.connectors"
ESTATE = "estate.yaml"
ROLES = "roles.yaml"
NOTICES = "notices.yaml"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The three texts that a pause was planned from, word for word."""

    vendor_text: str
    playbook_text: str
    estate_text: str

    def ledger(self, name: str) -> Ledger:
        """One ledger of the estate; where there is none of that name, one that says nothing."""
        payouts = self.parse()[2].payouts
        return (payouts.ledgers if payouts else {}).get(name, Ledger())

    def parse(self) -> tuple[Vendor, Playbook, Estate]:
        """Read the texts again. Raises ConfigError.

        Only their shape is looked at: what they mean was checked before they were frozen, and a
        rule that a later release adds must not lock an open pause.
        """
        return (
            yamltext.read(self.vendor_text, "the pause's frozen vendor", Vendor).value,
            yamltext.read(self.playbook_text, "the pause's frozen playbook", Playbook).value,
            yamltext.read(self.estate_text, "the pause's frozen estate", Estate).value,
        )

    def dump(self) -> str:
        """One text of all three, for the journal; `load` reads it back."""
        return text.dump(self)

    @classmethod
    def load(cls, body: str) -> "Frozen":
        """Read what `dump` wrote. Raises ConfigError on anything else."""
        try:
            return text.load(cls, body)
        except ValidationError:
            raise ConfigError(
                "The frozen configuration in the journal cannot be read; nothing was done.",
                "It may be of a newer release: run that release, or restore the journal.",
            ) from None

    @property
    def digest(self) -> str:
        """SHA-256 of `dump`, which is also its name in the journal."""
        return text.sha256(self.dump())


def installed_words() -> Words:
    """What the installed connectors understand: `CONTAINS` of each one's module `words`."""
    found = {}
    for entry in entry_points(group=CONNECTORS):
        with suppress(ModuleNotFoundError):  # a rule that wants it is then a fault with its name
            found[entry.name] = import_module(f"{entry.module}.words").CONTAINS
    return found


def not_looked_at() -> tuple[str, ...]:
    """What the installed connectors say that they do not read: `NOT_LOOKED_AT` of `words`."""
    found: list[str] = []
    for entry in sorted(entry_points(group=CONNECTORS)):
        with suppress(ModuleNotFoundError):
            words = import_module(f"{entry.module}.words")
            found += [f"{entry.name}: {what}" for what in getattr(words, "NOT_LOOKED_AT", ())]
    return tuple(found)


def blind_spots(estate: Estate, scope: Scope) -> tuple[str, ...]:
    """What is not read of the systems that the estate has and the scope admits, by connector."""
    there = {name for name in Estate.model_fields if getattr(estate, name)}
    wanted = (there & {*scope.connectors}) if scope.connectors else there
    said = (*not_looked_at(), *left_out(estate))
    return tuple(what for what in said if what.partition(":")[0] in wanted)


def installed_techniques() -> Techniques:
    """D3FEND techniques by connector and kind of address: `TECHNIQUES` of each one's `words`."""
    found = {}
    for entry in entry_points(group=CONNECTORS):
        with suppress(ModuleNotFoundError):
            words = import_module(f"{entry.module}.words")
            found[entry.name] = getattr(words, "TECHNIQUES", {})
    return found


def installed_people() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Of which connectors the principals are people: `PEOPLE` of each one's `words`.

    What they are called, and the names of the fields of documents in which they stand.
    """
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in entry_points(group=CONNECTORS):
        with suppress(ModuleNotFoundError):
            words = import_module(f"{entry.module}.words")
            found |= {entry.name: words.PEOPLE} if hasattr(words, "PEOPLE") else {}
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it was read: its label in messages, and its text or why there is none."""

    label: str
    body: str | ConfigError

    @property
    def text(self) -> str:
        if isinstance(self.body, ConfigError):
            raise self.body
        return self.body


class Configuration:
    """All that a folder said when it was read."""

    def __init__(
        self,
        folder: str,
        vendors: Mapping[str, _File],
        playbooks: Mapping[str, _File],
        estate: _File,
        *,
        roles: _File | None = None,
        notices: _File | None = None,
        strays: tuple[ConfigError, ...] = (),
        words: Words | None = None,
    ) -> None:
        """Made by `load`. `strays` are files that look like ours and are not read."""
        self._roles = roles
        self._notices = notices
        self.folder = folder
        self._vendors = vendors
        self._playbooks = playbooks
        self._estate = estate
        self._strays = strays
        self._given_words = words

    # --- what is asked for -----------------------------------------------------------------------

    def vendor(self, name: str) -> Vendor:
        """The vendor of that name or alias (upper or lower case).

        Raises UserError with the nearest names when there is none, ConfigError when its file is
        broken or when two vendors answer to that name.
        """
        wanted = name.strip().casefold()
        if wanted in self._vendors:
            return self._parsed(wanted)
        found = [vendor for vendor in self.vendors() if wanted in _names(vendor)]
        if len(found) > 1:
            raise config_error(
                self._vendors[found[0].vendor].label,
                [Fault(0, self._shared(name, found[0].vendor, found[1].vendor))],
            )
        if not found:
            raise self._no_vendor(name, wanted)
        return found[0]

    def vendors(self) -> tuple[Vendor, ...]:
        """Every vendor whose file is whole, by name; `check` tells about the others."""
        return self._read_vendors[0]

    def playbook(self, name: str = "default") -> Playbook:
        """The playbook of that name. Raises UserError when there is none, ConfigError if broken."""
        file = self._playbook_file(name)
        return parse_playbook(file.text, file.label, self._words)

    def estate(self) -> Estate:
        """What the lab runs. Raises ConfigError."""
        return parse_estate(self._estate.text, self._estate.label)

    def roles(self) -> Roles:
        """Who may approve; anybody where there is no file. Raises ConfigError."""
        return parse_roles(self._roles.text, self._roles.label) if self._roles else ANYBODY

    def notices(self) -> Notices | None:
        """Who is told and how; None where there is no file: nobody is. Raises ConfigError."""
        if self._notices is None:
            return None
        # A vendor whose file is broken is still one: it has its file's name.
        names: dict[str, tuple[str, ...]] = {stem: (stem,) for stem in self._vendors}
        names |= {vendor.vendor: (vendor.vendor, *vendor.names) for vendor in self.vendors()}
        return parse_notices(self._notices.text, self._notices.label, names)

    def texts(self, vendor: str, playbook: str = "default") -> tuple[str, str, str]:
        """The texts of vendor, playbook and estate, word for word. Raises as those do."""
        name = self.vendor(vendor).vendor
        return self._vendors[name].text, self._playbook_file(playbook).text, self._estate.text

    def freeze(self, vendor: str, playbook: str = "default") -> Frozen:
        """The three texts for the journal, checked first. Raises as `vendor` and others do."""
        self.playbook(playbook)
        self.estate()
        return Frozen(*self.texts(vendor, playbook))

    def freeze_for(self, vendor_text: str, playbook: str = "default") -> Frozen:
        """The same for a vendor that no file has. Raises as `playbook` and `estate` do."""
        self.playbook(playbook)
        self.estate()
        return Frozen(vendor_text, self._playbook_file(playbook).text, self._estate.text)

    def check(self) -> list[ConfigError]:
        """Every fault of every file, one error for each file; empty when all is well."""
        found = [*self._strays, *self._read_vendors[1]]
        for name in self._playbooks:
            found.extend(_error_of(partial(self.playbook, name)))
        found.extend(_error_of(self.estate))
        found.extend(_error_of(self.roles))
        found.extend(_error_of(self.notices))
        found.extend(self._shared_names())
        return sorted(found, key=str)

    # --- how it is found -------------------------------------------------------------------------

    @cached_property
    def _words(self) -> Words:
        return installed_words() if self._given_words is None else self._given_words

    @cached_property
    def _read_vendors(self) -> tuple[tuple[Vendor, ...], tuple[ConfigError, ...]]:
        whole, broken = [], []
        for name in self._vendors:
            try:
                whole.append(self._parsed(name))
            except ConfigError as error:
                broken.append(error)
        return tuple(whole), tuple(broken)

    def _parsed(self, name: str) -> Vendor:
        file = self._vendors[name]
        return parse_vendor(file.text, file.label)

    def _playbook_file(self, name: str) -> _File:
        if name not in self._playbooks:
            near = get_close_matches(name, self._playbooks, n=1)
            known = ", ".join(self._playbooks) or f"none in {self.folder}/playbooks"
            raise UserError(
                f"There is no playbook {name!r}; nothing was planned.",
                f"Did you mean {near[0]!r}?" if near else f"The playbooks are: {known}.",
            )
        return self._playbooks[name]

    def _no_vendor(self, name: str, wanted: str) -> UserError:
        owners = {n: v.vendor for v in self.vendors() for n in _names(v)}
        owners |= {n.casefold(): n for n in self._vendors}
        near = [owners[n] for n in get_close_matches(wanted, owners, n=6)]
        names = " or ".join(repr(n) for n in list(dict.fromkeys(near))[:3])
        hint = (
            f"Did you mean {names}?" if names else "`stopline vendor list` shows those there are."
        )
        if not self._vendors:
            hint = f"There are no vendors in {self.folder}/vendors; write {name}.yaml there."
        if broken := [str(e.what).partition(":")[0] for e in self._read_vendors[1]]:
            hint += f" Not searched, since they are broken: {', '.join(broken)}."
        if self._strays:
            hint += f" Not read: {', '.join(e.what.partition(':')[0] for e in self._strays)}."
        return UserError(f"There is no vendor {name!r}; nothing was planned.", hint)

    def _shared_names(self) -> Iterator[ConfigError]:
        owners: dict[str, str] = {}
        for vendor in self.vendors():
            faults = [
                Fault(0, self._shared(name, vendor.vendor, owners[name]))
                for name in sorted(_names(vendor) & set(owners))
            ]
            if faults:
                yield config_error(self._vendors[vendor.vendor].label, faults)
            owners |= dict.fromkeys(_names(vendor), vendor.vendor)

    def _shared(self, name: str, one: str, other: str) -> str:
        there = self._vendors[other].label
        return f"the name {name!r} means {one!r} here and {other!r} in {there}; it must mean one"


def _names(vendor: Vendor) -> set[str]:
    return {name.casefold() for name in (vendor.vendor, *vendor.names)}


def _error_of(read: Callable[[], object]) -> Iterator[ConfigError]:
    try:
        read()
    except ConfigError as error:
        yield error


# --- reading -------------------------------------------------------------------------------------


def load(folder: Path, words: Words | None = None) -> Configuration:
    """Read a folder. Raises ConfigError only when the folder itself cannot be read.

    `words` is what a playbook may be written in; without it, what the installed connectors know.
    """
    try:
        there = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder.as_posix()}: {_reason(error)}; no configuration was read.",
            "Set STOPLINE_CONFIG_DIR to the folder that holds estate.yaml and vendors/.",
        ) from None
    names = {path.name for path in there}
    vendors, stray_vendors = _folder(folder / "vendors", wanted="vendors" in names)
    playbooks, stray_playbooks = _folder(folder / "playbooks", wanted="playbooks" in names)
    return Configuration(
        folder.as_posix(),
        vendors,
        playbooks,
        _file(folder / ESTATE),
        roles=_file(folder / ROLES) if ROLES in names else None,
        notices=_file(folder / NOTICES) if NOTICES in names else None,
        strays=(*stray_vendors, *stray_playbooks),
        words=words,
    )


def _folder(folder: Path, *, wanted: bool) -> tuple[dict[str, _File], list[ConfigError]]:
    """The YAML files of one folder by name, and what looks like one but is not read."""
    files: dict[str, _File] = {}
    strays = []
    try:
        there = sorted(folder.iterdir()) if wanted else []
    except OSError as error:
        return {}, [config_error(folder.as_posix(), [Fault(0, _reason(error))])]
    for path in there:
        if path.name.startswith("."):
            continue
        if path.suffix == ".yaml":
            files[path.stem] = _file(path)
        elif path.suffix.lower() in {".yml", ".yaml"}:
            fault = Fault(0, f"is not read; name it {path.stem}.yaml")
            strays.append(config_error(path.as_posix(), [fault]))
    return files, strays


def _file(path: Path) -> _File:
    label = path.as_posix()
    try:
        raw = path.read_bytes()
    except OSError as error:
        return _File(label, config_error(label, [Fault(0, _reason(error))]))
    try:
        return _File(label, raw.decode())
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fault = Fault(
            line, f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        )
        return _File(label, config_error(label, [fault]))


def _reason(error: OSError) -> str:
    """Why a file could not be read, in the words of the operating system."""
    return (error.strerror or type(error).__name__).lower()
