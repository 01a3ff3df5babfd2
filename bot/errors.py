"""Expected failures: one exception family, each with a sentence for the person that says what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A button below the error: its label, and the command text that it runs."""

    label: str
    text: str


CHECK_AGAIN = Suggestion("Check again", "doctor")
"""Checks a rejected token again: Bitrise may have rejected it for a moment only."""


class BuildbellError(Exception):
    """An expected failure. ``sentence`` is shown to the person and contains no secret."""

    def __init__(self, sentence: str, *, suggestions: tuple[Suggestion, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.suggestions = suggestions


class StartupFailed(BuildbellError):
    """The process can't start; the operator reads the sentence in a terminal."""


class SealBroken(BuildbellError):
    """A stored secret can't be decrypted: its key is missing, or the row was copied from elsewhere."""


# Commands.


class NotConnected(BuildbellError):
    def __init__(self, command: str) -> None:
        super().__init__(f"Bitrise isn't connected yet. An admin can connect it with `{command} connect`.")


class TokenRejected(BuildbellError):
    def __init__(self, command: str) -> None:
        super().__init__(
            "Bitrise rejected the connected token, so builds can't be started, followed or stopped. "
            f"An admin can replace it with `{command} connect`.",
            suggestions=(CHECK_AGAIN,),
        )


class NotAllowed(BuildbellError):
    """The person lacks permission; the sentence says who has it."""


class AppNotFound(BuildbellError):
    """No app or several apps match ``query``. The text of each suggestion is the slug of a close match."""

    def __init__(self, sentence: str, *, query: str = "", suggestions: tuple[Suggestion, ...] = ()) -> None:
        super().__init__(sentence, suggestions=suggestions)
        self.query = query


class StartUnclear(BuildbellError):
    """A start can be read in several ways, or lacks something. The suggestions are whole commands."""


class AppUnclear(StartUnclear):
    """The first word of a start isn't exactly the name of one app."""


class MissingArgument(BuildbellError):
    """A required argument was left out and has no default."""


class BuildNotFound(BuildbellError):
    """The build doesn't exist in the apps available to this workspace."""


class BuildFinished(BuildbellError):
    """The build can't be stopped because it has finished; the sentence says with which result."""


class SubscriptionGone(BuildbellError):
    """The subscription exists neither in this channel nor among this person's own."""

    def __init__(self, command: str) -> None:
        super().__init__(f"That subscription no longer exists. Run `{command} subscriptions` to see the current ones.")


class InvalidInput(BuildbellError):
    """The typed text can't be parsed."""


class ViewExpired(BuildbellError):
    """The view or message of an action is from an older version or no longer exists."""


# Bitrise. The sentence never contains the token or an environment variable's value.


class BitriseError(BuildbellError):
    """A failed request to Bitrise. ``status`` is the HTTP status, 0 without a response."""

    def __init__(self, sentence: str, *, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class BitriseUnauthorized(BitriseError):
    """401: the token is wrong, expired or revoked."""


class BitriseNotFound(BitriseError):
    """404 or 403: absent, or hidden from this token's role (Bitrise doesn't say which)."""


class BitriseRefused(BitriseError):
    """Other 4xx, or ``status: error`` in the body: Bitrise refused and did nothing."""


class BitriseBusy(BitriseError):
    """429: Bitrise did nothing; retry after ``retry_after`` seconds."""

    def __init__(self, sentence: str, *, retry_after: float) -> None:
        super().__init__(sentence, status=429)
        self.retry_after = retry_after


class BitriseUnavailable(BitriseError):
    """5xx, a timeout, a broken connection or an unreadable response: a write may have happened."""
