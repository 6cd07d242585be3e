"""Documents of the journal are encrypted where a key is configured: they can hold secrets.

What is encrypted are the documents that the chain names, and of what is held now its states, its
changes and its raw text. The chain itself is not: it has names, addresses, digests and words, and
whoever verifies it needs no key. A digest is over the text in the clear.

The key is a file with a Fernet key in each line: the first encrypts, each of them decrypts, so that
one can take the place of another while workers run. https://cryptography.io/en/latest/fernet/
"""

import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from stopline.errors import ConfigError
from stopline.journal.database import JournalError

VARIABLE = "STOPLINE_JOURNAL_KEY"
MARK = b"\x01"
"""What encrypted begins with. No JSON, no policy's text and no compressed document does."""
_HOW = (
    "Make one with `openssl rand -base64 32 | tr '+/' '-_'`; see docs/how-to/run-in-production.md."
)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys of a journal, the first of which encrypts. Without one nothing is encrypted."""

    all: tuple[Fernet, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.all)

    def encrypted(self, plain: bytes) -> bytes:
        """What is written down for this."""
        return MARK + self.all[0].encrypt(plain) if self.all else plain

    def plain(self, kept: bytes) -> bytes:
        """What was encrypted, or never was. Raises JournalError when no key of ours opens it."""
        if not kept.startswith(MARK):
            return kept
        if not self.all:
            raise _locked(f"and {VARIABLE} is not set")
        try:
            return MultiFernet(self.all).decrypt(kept[len(MARK) :])
        except InvalidToken:
            raise _locked(f"and no key of {VARIABLE} opens it, or it was altered") from None

    def current(self, kept: bytes) -> bool:
        """Whether this is encrypted, and by the first key."""
        if not kept.startswith(MARK) or not self.all:
            return False
        try:
            self.all[0].decrypt(kept[len(MARK) :])
        except InvalidToken:
            return False
        return True


NO_KEYS = Keys()
_OF: WeakKeyDictionary[Dialect, Keys] = WeakKeyDictionary()
"""The keys of each open database. A column's type is told of nothing but the dialect."""


def hand(dialect: Dialect, keys: Keys) -> None:
    """Let the columns of a database encrypt with these."""
    _OF[dialect] = keys


def keys_of(file: Path | None) -> Keys:
    """Read a file of keys; none where there is no file. Raises ConfigError with file and line."""
    if file is None:
        return NO_KEYS
    try:
        lines = file.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"{VARIABLE}: {file} cannot be read ({said}); nothing was started.", _HOW
        ) from error
    found = [
        _key(file, number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]
    if not found:
        raise ConfigError(f"{VARIABLE}: {file} has no key; nothing was started.", _HOW)
    return Keys(tuple(found))


def _key(file: Path, number: int, text: str) -> Fernet:
    try:
        return Fernet(text)
    except (ValueError, binascii.Error):  # its own words would show the key
        raise ConfigError(
            f"{VARIABLE}: {file}:{number} is no key: 32 bytes in URL-safe base64; nothing was "
            "started.",
            _HOW,
        ) from None


def _locked(why: str) -> JournalError:
    return JournalError(
        f"A document of the journal is encrypted, {why}. It was not read, and nothing was written.",
        f"Let {VARIABLE} name the file with the journal's keys, the earlier ones among them.",
    )


class EncryptedText(TypeDecorator[str]):
    """Text that is encrypted where the database has keys."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt on the way in."""
        if value is None:
            return None
        return _OF.get(dialect, NO_KEYS).encrypted(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt on the way out. Raises JournalError."""
        if value is None:
            return None
        return _OF.get(dialect, NO_KEYS).plain(value.encode()).decode()


class EncryptedBytes(TypeDecorator[bytes]):
    """The same for bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Encrypt on the way in."""
        return None if value is None else _OF.get(dialect, NO_KEYS).encrypted(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Decrypt on the way out. Raises JournalError."""
        return None if value is None else _OF.get(dialect, NO_KEYS).plain(bytes(value))
