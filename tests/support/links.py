"""The server of the links to acknowledge, on a free port of loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stopline.entrypoints.listening import Hear, Links, Listener
from stopline.journal.book import Book

KEY = "a key that signs"


@contextmanager
def served(book: Book, hear: Hear, seconds: float = 30, key: str = KEY) -> Iterator[str]:
    """The base address of a server at work."""
    listener = Listener(("127.0.0.1", 0), Links(book, key, hear), seconds)
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        thread.join(10)
        listener.server_close()
