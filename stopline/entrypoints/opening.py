"""Opening the journal that the settings name; the command line and the worker do it alike."""

from stopline.journal.book import Book, open_book
from stopline.journal.encrypting import keys_of
from stopline.settings import Settings


def open_settings_book(settings: Settings, journal: str = "") -> Book:
    """Open it; `journal` is the id of a lost one that an empty journal takes over.

    Raises JournalError and ConfigError as `open_book` and `keys_of` do.
    """
    return open_book(
        settings.journal_url,
        lease_seconds=settings.lease_seconds,
        request_seconds=settings.request_seconds,
        journal=journal,
        keys=keys_of(settings.journal_key),
    )
