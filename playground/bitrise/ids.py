"""Ids in Bitrise's formats, from a seeded random, so that a run can be repeated."""

from __future__ import annotations

import uuid
from random import Random

TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

ULID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ids:
    def __init__(self, random: Random) -> None:
        self._random = random

    @classmethod
    def seeded(cls, seed: str) -> Ids:
        return cls(Random(seed))

    def slug(self) -> str:
        """Return 16 hex digits or a UUID, because both occur."""
        return self.hex() if self._random.random() < 0.5 else self.uuid()

    def hex(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def commit(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def ulid(self) -> str:
        """Return 26 characters as in webhooks, here without a time in them."""
        return "01" + "".join(self._random.choices(ULID_ALPHABET, k=24))

    def token(self, prefix: str) -> str:
        return prefix + "".join(self._random.choices(TOKEN_ALPHABET, k=40))
