"""Everything a person can be told when something cannot be done: one family, each a sentence with a way out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """A way out that is one press away: what the button says and the command text it stands for."""

    label: str
    text: str


class BuildbellError(Exception):
    """An expected failure. ``sentence`` is shown to the person who asked; it holds no secret."""

    def __init__(self, sentence: str, *, choices: tuple[Choice, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.choices = choices


class StartupFailed(BuildbellError):
    """The process cannot start; the operator reads the sentence in a terminal."""


class SealBroken(BuildbellError):
    """A stored secret does not open: the key is gone, or the row was copied from elsewhere."""


# What a person asked for cannot be done.


class NotConnected(BuildbellError):
    def __init__(self, command: str) -> None:
        super().__init__(f"There is no Bitrise token here yet. An admin can add one with `{command} connect`.")


class ConnectionDead(BuildbellError):
    def __init__(self, command: str) -> None:
        super().__init__(
            "Bitrise refuses the stored token, so nothing can be started, followed or stopped. "
            f"An admin can replace it with `{command} connect`."
        )


class NotAllowed(BuildbellError):
    """The person may not do this; the sentence says who may."""


class AppNotFound(BuildbellError):
    """No app, or several, answer to the name ``query``; ``choices`` are the close ones, each text an app's slug."""

    def __init__(self, sentence: str, *, query: str = "", choices: tuple[Choice, ...] = ()) -> None:
        super().__init__(sentence, choices=choices)
        self.query = query


class NothingNamed(BuildbellError):
    """Something needed was left out and no default fills it."""


class BuildNotFound(BuildbellError):
    """No such build in the apps this workspace reaches."""


class BuildEnded(BuildbellError):
    """There is nothing to stop any more; the sentence says how the build ended."""


class SubscriptionGone(BuildbellError):
    """No such subscription in this channel, nor of this person's own."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"That subscription is not there any more. `{command} subscriptions` lists what is heard here."
        )


class Unclear(BuildbellError):
    """What was typed cannot be read."""


class ViewGone(BuildbellError):
    """A modal or message that a press belongs to is no longer there."""


# What Bitrise answers. The sentence never holds the token or an environment value.


class BitriseError(BuildbellError):
    """A call to Bitrise did not succeed. ``status`` is the HTTP status, 0 when there was none."""

    def __init__(self, sentence: str, *, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status


class BitriseUnauthorized(BitriseError):
    """401: the token is wrong, expired or revoked."""


class BitriseNotFound(BitriseError):
    """404 or 403: not there, or not for this token's role (Bitrise does not say which)."""


class BitriseRefused(BitriseError):
    """Bitrise understood and said no (other 4xx, or ``status: error`` in the body); nothing was done."""


class BitriseBusy(BitriseError):
    """429: nothing was done; ask again after ``retry_after`` seconds."""

    def __init__(self, sentence: str, *, retry_after: float) -> None:
        super().__init__(sentence, status=429)
        self.retry_after = retry_after


class BitriseUnavailable(BitriseError):
    """5xx, a time-out, a cut connection or an answer that cannot be read: a write may have happened."""
