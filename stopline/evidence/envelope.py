"""DSSE envelopes with Ed25519: a statement's bytes, their type, and signatures over both.

https://github.com/secure-systems-lab/dsse/blob/master/envelope.md ; the key is a file that OpenSSL
or OpenSSH made. Who has the public half can verify with any DSSE tool.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from stopline.errors import UserError
from stopline.text import canonical, sha256_bytes

PAYLOAD_TYPE = "application/vnd.stopline.evidence.v1+json"
_HOW = "Make one with `openssl genpkey -algorithm ed25519 -out FILE` or `ssh-keygen -t ed25519`."


@dataclass(frozen=True, slots=True)
class Signed:
    """An envelope that was read: its payload, and the fingerprints of the keys that signed it."""

    payload: bytes
    keys: tuple[str, ...]


def encoded(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of a public key's 32 bytes, in hexadecimal digits."""
    return sha256_bytes(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def sealed(payload: bytes, key: Ed25519PrivateKey) -> str:
    """An envelope over a payload, as JSON; it carries the public key for who has no other."""
    public = key.public_key()
    signature = {
        "keyid": fingerprint(public),
        "sig": base64.b64encode(key.sign(encoded(payload))).decode(),
        "public": base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode(),
    }
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signature],
        }
    )


def opened(envelope: str, trusted: Ed25519PublicKey | None = None) -> Signed:
    """Read an envelope and verify every signature. Raises ValueError saying what is wrong.

    With `trusted`, one of the signatures must be that key's; without, the keys that the envelope
    carries are used, and it is for the reader to compare their fingerprints.
    """
    try:
        body = json.loads(envelope)
        payload = base64.b64decode(body["payload"], validate=True)
        kind, signatures = body["payloadType"], list(body["signatures"])
        keys = [_verified(payload, kind, one) for one in signatures]
    except (KeyError, TypeError, ValueError, binascii.Error, InvalidSignature) as error:
        what = str(error) or type(error).__name__
        raise ValueError(f"the signature does not hold: {what}") from error
    if kind != PAYLOAD_TYPE:
        raise ValueError(f"the signature is over something else: {kind}")
    if not keys:
        raise ValueError("it is signed by nobody")
    if trusted is not None and fingerprint(trusted) not in keys:
        raise ValueError(f"it is signed by {keys[0][:16]}, not by the key that was given")
    return Signed(payload, tuple(keys))


def _verified(payload: bytes, kind: str, one: dict[str, str]) -> str:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(one["public"], validate=True))
    key.verify(base64.b64decode(one["sig"], validate=True), encoded(payload, kind))
    return fingerprint(key)


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key, PEM or OpenSSH. Raises UserError."""
    loaders = (
        lambda data: load_pem_private_key(data, password=None),
        lambda data: load_ssh_private_key(data, password=None),
    )
    key = _read(path, loaders, "private key")
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} is not an Ed25519 private key. Nothing was signed.", _HOW)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key, PEM or OpenSSH. Raises UserError."""
    key = _read(path, (load_pem_public_key, load_ssh_public_key), "public key")
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{path} is not an Ed25519 public key. Nothing was verified.")
    return key


def _read(path: Path, loaders: Iterable[Callable[[bytes], object]], what: str) -> object:
    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise UserError(f"The {what} {path} cannot be read: {error.strerror}.", _HOW) from error
    for load in loaders:
        try:
            return load(data)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    raise UserError(f"{path} is no {what} without a passphrase, of OpenSSL or OpenSSH.", _HOW)
