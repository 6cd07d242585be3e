"""What a notice can be acknowledged with: whoever has it, was sent that notice.

A token names the notice and is signed with a key that the worker alone has; it stands in what is
sent, never in the journal, so that who reads the journal cannot make one.
https://docs.python.org/3/library/hmac.html
"""

import hmac

DIGITS = 32
"""Of a notice's key and of the signature: 128 bits each."""


def token_of(secret: str, journal: str, key: str) -> str:
    """The token of one notice of one journal."""
    return f"{key[:DIGITS]}.{_signature(secret, journal, key[:DIGITS])}"


def notice_of(token: str) -> str:
    """The beginning of the key of the notice that a token is about; it may be forged still."""
    return token.strip().partition(".")[0]


def is_genuine(token: str, secret: str, journal: str) -> bool:
    """Whether the token was made with this secret, for this journal."""
    key, _, signature = token.strip().partition(".")
    wanted = _signature(secret, journal, key)
    return len(key) == DIGITS and hmac.compare_digest(signature.encode(), wanted.encode())


def _signature(secret: str, journal: str, key: str) -> str:
    said = f"stopline acknowledgement, version 1\n{journal}\n{key}\n"
    return hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()[:DIGITS]
