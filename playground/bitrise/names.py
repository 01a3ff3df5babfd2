"""Ids as Bitrise makes them, from a seeded random, so that a run can be repeated."""

from __future__ import annotations

import uuid
from random import Random

TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Names:
    def __init__(self, random: Random) -> None:
        self._random = random

    def slug(self) -> str:
        """16 hex digits or a UUID: both occur."""
        return self.hex() if self._random.random() < 0.5 else self.uuid()

    def hex(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def commit(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def token(self, prefix: str) -> str:
        return prefix + "".join(self._random.choices(TOKEN_ALPHABET, k=40))
