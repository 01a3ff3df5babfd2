"""Sample commits for builds that a push starts."""

from __future__ import annotations

from random import Random

PEOPLE = ("ana", "bo", "chidi", "octocat")
TOPICS = ("login", "checkout", "search", "settings", "onboarding", "push-messages", "dark-mode", "crash-on-rotate")
VERBS = ("Fix", "Add", "Rework", "Remove", "Speed up", "Test", "Translate")


class Commits:
    """Generates commits with its own random, so that they don't influence the builds."""

    def __init__(self, seed: object) -> None:
        self._random = Random(f"commits {seed}")

    def params(self, commit_hash: str | None = None, message: str | None = None) -> dict[str, str]:
        """Return the ``build_params`` of a commit, generated where not given."""
        return {"commit_hash": commit_hash or self.hash(), "commit_message": message or self.message()}

    def hash(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def message(self) -> str:
        return f"{self._random.choice(VERBS)} {self._random.choice(TOPICS).replace('-', ' ')}"


def signed_off(message: str, name: str, email: str) -> str:
    """Add the trailer of ``git commit --signoff``, the only place where Bitrise shows an author."""
    return f"{message}\n\nSigned-off-by: {name} <{email}>"
