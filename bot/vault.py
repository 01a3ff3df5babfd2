"""Encrypt stored secrets with AES-GCM, bound to their row, with keys that can be rotated."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import SealBroken, StartupFailed
from bot.logs import STARS

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


class Token:
    """A secret in memory. Only ``reveal()`` returns it, so it isn't logged or pickled by accident."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        return self._secret

    def __repr__(self) -> str:
        return f"Token({STARS})"

    def __str__(self) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Token):
            return NotImplemented
        return hmac.compare_digest(self._secret.encode(), other._secret.encode())

    def __hash__(self) -> int:
        return hash((Token, self._secret))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Token does not leave the process")


class Vault:
    """Encrypts with the first of ``keys`` (32 bytes each, newest first) and decrypts with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a vault needs a key")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._newest = _key_id(keys[0])
        self._keys = tuple(keys)

    def seal(self, secret: str, *, context: str) -> str:
        """Return ``v1.<key id>.<base64url of nonce and ciphertext>``, which opens with the same ``context`` only."""
        nonce = os.urandom(NONCE_BYTES)
        bound_to = f"{VERSION}.{self._newest}.{context}".encode()
        sealed = self._ciphers[self._newest].encrypt(nonce, secret.encode(), bound_to)
        return f"{VERSION}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def open(self, sealed: str, *, context: str) -> Token:
        """Decrypt. Raises `SealBroken` if the key is missing, or the text was altered or belongs to another row."""
        key_id, data = _parse(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(
                f"BUILDBELL_ENCRYPTION_KEYS lacks the key {key_id} of a stored secret. "
                "Add it back after the newest key. If it is lost, connect again."
            )
        try:
            secret = cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], f"{VERSION}.{key_id}.{context}".encode())
        except InvalidTag as error:
            raise SealBroken(
                "A stored secret can't be decrypted: it was altered, or copied from another workspace. Connect again."
            ) from error
        return Token(secret.decode())

    def sign(self, text: str, *, purpose: str) -> str:
        """Return a signature of ``text`` by a key derived from the newest one for this purpose alone."""
        return _signature(self._keys[0], text, purpose)

    def is_signed(self, text: str, signature: str, *, purpose: str) -> bool:
        """Whether any of the keys made the signature."""
        encoded = signature.encode("utf-8", "replace")
        return any(hmac.compare_digest(_signature(key, text, purpose).encode(), encoded) for key in self._keys)

    def needs_rotation(self, sealed: str) -> bool:
        """Whether another key than the newest was used."""
        return _parse(sealed)[0] != self._newest


def _key_id(key: bytes) -> str:
    """Return eight hex digits that distinguish keys without revealing them."""
    return hashlib.sha256(b"buildbell key id:" + key).hexdigest()[:8]


def _signature(key: bytes, text: str, purpose: str) -> str:
    derived = hmac.digest(key, f"buildbell {purpose}".encode(), "sha256")
    return hmac.new(derived, text.encode("utf-8", "replace"), "sha256").hexdigest()


def _parse(sealed: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    key_id, _, text = rest.partition(".")
    try:
        data = _decode(text)
    except (ValueError, binascii.Error):
        data = b""
    if version != VERSION or len(data) <= NONCE_BYTES:
        raise SealBroken("A stored secret has an unknown format. Connect again.")
    return key_id, data


def _decode(text: str) -> bytes:
    """Decode base64 in either alphabet, with or without padding."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def new_key() -> str:
    """Generate a key in the format of the setting."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Parse ``BUILDBELL_ENCRYPTION_KEYS``, newest key first. Raises `StartupFailed` without showing a key."""
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if not pieces:
        raise StartupFailed("BUILDBELL_ENCRYPTION_KEYS is empty. Run `buildbell keys new` and set what it prints.")
    keys = tuple(_parse_key(piece, number) for number, piece in enumerate(pieces, start=1))
    if len(set(keys)) < len(keys):
        raise StartupFailed("BUILDBELL_ENCRYPTION_KEYS contains the same key twice. Remove one of them.")
    return keys


def _parse_key(piece: str, number: int) -> bytes:
    try:
        key = _decode(piece)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise StartupFailed(
            f"Key {number} in BUILDBELL_ENCRYPTION_KEYS isn't {KEY_BYTES} bytes in base64. "
            "Run `buildbell keys new` to create one."
        ) from None
    return key
