"""What a notice can be acknowledged with: whoever has it, was sent that notice.

A token names the notice and until when it is good, and is signed with a key that the worker and
whoever serves the links have. It stands in what is sent, never in the journal, in a history or in
a log: from one process to another goes a proof that one has it, which is good for one word alone.
Another key makes every token that was sent before worthless.
https://docs.python.org/3/library/hmac.html
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from stopline.errors import ConfigError
from stopline.text import canonical

DIGITS = 32
"""Of a notice's key and of the signature: 128 bits each."""
SHORTEST_SECRET = 16
"""Characters: who has a token could find a shorter key by trying."""
TEST_KEY = "0" * DIGITS
"""Of a token that is sent in a test: it is good, and there is nothing to acknowledge."""
PATH = "ack"
"""Behind the base URL: `BASE/ack/TOKEN`."""

_TOKEN = re.compile(rf"([0-9a-f]{{{DIGITS}}})\.([0-9a-f]{{8}})\.([0-9a-f]{{{DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Token:
    """One that was read: of which notice, until when, and what it is signed with. Proves nothing.

    `key` is the beginning of the notice's key, `until` in seconds since the epoch.
    """

    key: str
    until: int
    signature: str


def signing_key(secret_of: Callable[[str], str], name: str) -> str:
    """The key behind a variable's name. Raises ConfigError where there is none that can sign."""
    secret = secret_of(name)
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            f"What {name} holds is too short to sign acknowledgements; no token was made.",
            f"Give it {SHORTEST_SECRET} characters or more, by chance.",
        )
    return secret


def token_of(secret: str, journal: str, key: str, until: float) -> str:
    """The token of one notice of one journal, good until then."""
    return _text(key[:DIGITS], int(until), _signature(secret, journal, key[:DIGITS], int(until)))


def link_of(base: str, token: str) -> str:
    """Where a token can be said by opening it."""
    return f"{base.rstrip('/')}/{PATH}/{token}"


def read(text: str) -> Token | None:
    """What a token, or a proof, says of itself; None where it is neither. It may be forged."""
    found = _TOKEN.fullmatch(text.strip())
    return Token(found[1], int(found[2], 16), found[3]) if found else None


def is_genuine(token: Token, secret: str, journal: str) -> bool:
    """Whether it was made with this secret, for this journal; it may be too late."""
    wanted = _signature(secret, journal, token.key, token.until)
    return hmac.compare_digest(token.signature, wanted)


def proof_of(token: Token, by: str, reason: str) -> str:
    """What proves that whoever says this has the token, and does not give it away."""
    return _text(token.key, token.until, _said(token.signature, by, reason))


def is_proven(proof: Token, secret: str, journal: str, by: str, reason: str) -> bool:
    """Whether whoever says this has the token of that notice; it may be too late."""
    signature = _signature(secret, journal, proof.key, proof.until)
    return hmac.compare_digest(proof.signature, _said(signature, by, reason))


def _text(key: str, until: int, signature: str) -> str:
    return f"{key}.{until:08x}.{signature}"


def _signature(secret: str, journal: str, key: str, until: int) -> str:
    return _mac(secret, f"stopline acknowledgement, version 2\n{journal}\n{key}\n{until}\n")


def _said(signature: str, by: str, reason: str) -> str:
    return _mac(signature, f"stopline word by token, version 1\n{canonical([by, reason])}\n")


def _mac(secret: str, said: str) -> str:
    return hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()[:DIGITS]
