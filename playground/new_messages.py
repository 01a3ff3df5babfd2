"""Collect the messages and views that appeared since the last look, as text with their audience."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playground.plain_text import message_text, view_text
from playground.slack import Channel, Installation, Message, PracticeSlack, User

LINK = re.compile(r"<(?:https?://|!date\^)[^|>]+\|([^>]+)>")
WIDTH = 100


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One new or edited text; ``where`` names its audience."""

    where: str
    text: str
    is_edit: bool = False

    def __str__(self) -> str:
        head = f"{self.where}{', updated' if self.is_edit else ''}:"
        return "\n".join([head, *(f"  │ {line}" for line in wrapped(self.text))])


def plain(text: str) -> str:
    """Return mrkdwn with links and dates as their text."""
    return LINK.sub(r"\1", text)


def wrapped(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


class NewMessages:
    """Remembers the texts already reported."""

    def __init__(
        self, slack: PracticeSlack, *, people: Mapping[str, User], channels: Mapping[str, Channel], app: Installation
    ) -> None:
        self._slack, self._people, self._channels, self._app = slack, people, channels, app
        self.names = {user.id: name for name, user in people.items()}
        self._seen: dict[str, str] = {}

    def news(self) -> list[NewMessage]:
        """Return new texts: ephemeral messages first, then modals, then channel messages."""
        messages = []
        for key, where, text in self._all():
            before = self._seen.get(key)
            if text != before:
                self._seen[key] = text
                if text:
                    messages.append(NewMessage(where, text, is_edit=bool(before)))
        return messages

    def read(self, message: Message) -> str:
        return plain(message_text(message.text, message.blocks, self.names))

    def _all(self) -> Iterator[tuple[str, str, str]]:
        for name, channel in self._channels.items():
            for person, user in self._people.items():
                for message in self._slack.ephemerals(user, channel):
                    yield (
                        f"{person} {channel.id} {message.ts}",
                        f"#{name}, only visible to {person}",
                        self.read(message),
                    )
        for person, user in self._people.items():
            views = self._slack.views(user)
            text = plain(view_text(views[-1].body, self.names)) if views else ""
            yield f"view {person}", f"Form of {person}", text
        for name, channel in self._channels.items():
            for message in self._slack.messages(channel):
                is_reply = message.thread_ts not in (None, message.ts)
                yield (
                    f"{channel.id} {message.ts}",
                    f"#{name}{', in the thread' if is_reply else ''}",
                    self.read(message),
                )
        for person, user in self._people.items():
            if user.team is self._app.team:
                for message in self._slack.direct_messages(user, self._app):
                    yield f"dm {person} {message.ts}", f"Direct message to {person}", self.read(message)
