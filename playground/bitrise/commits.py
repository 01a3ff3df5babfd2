"""Commits as people make them, for builds that a push has started."""

from __future__ import annotations

from random import Random

PEOPLE = ("ana", "bo", "chidi", "octocat")
TOPICS = ("login", "checkout", "search", "settings", "onboarding", "push-messages", "dark-mode", "crash-on-rotate")
VERBS = ("Fix", "Add", "Rework", "Remove", "Speed up", "Test", "Translate")


class Commits:
    """With a random of its own: what a commit says has no influence on how a build goes."""

    def __init__(self, seed: object) -> None:
        self._random = Random(f"commits {seed}")

    def params(self, commit_hash: str | None = None, message: str | None = None) -> dict[str, str]:
        """``build_params`` of one; what is not given is made up."""
        return {"commit_hash": commit_hash or self.hash(), "commit_message": message or self.message()}

    def hash(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def message(self) -> str:
        return f"{self._random.choice(VERBS)} {self._random.choice(TOPICS).replace('-', ' ')}"


def signed_off(message: str, name: str, email: str) -> str:
    """With the trailer that ``git commit --signoff`` writes: Bitrise tells of an author nowhere else."""
    return f"{message}\n\nSigned-off-by: {name} <{email}>"
