"""Messages and views as people see them: messages, ephemeral messages, modals, the Home tab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from playground.slack.core import Core
from playground.slack.modals import View
from playground.slack.world import Channel, Installation, Message, User


class VisibleMessages(Core):
    def messages(self, channel: Channel) -> list[Message]:
        """Return the messages of a channel including threads, without ephemeral ones, oldest first."""
        return [message for message in channel.messages if not message.is_ephemeral]

    def ephemerals(self, user: User, channel: Channel) -> list[Message]:
        """Return the person's ephemeral messages in the channel."""
        return [message for message in channel.messages if message.seen_by is user]

    def direct_messages(self, user: User, app: Installation) -> list[Message]:
        """Return the app's direct messages to the person."""
        return self.messages(self.world.direct(app.bot_user, user))

    def thread(self, message: Message) -> list[Message]:
        """Return the replies in the thread of a message."""
        return [each for each in self.messages(message.channel) if each.thread_ts == message.ts]

    def pings(self, message: Message) -> set[str]:
        """Return the mentions of a message: user ids, ``!channel``, ``!here``, ``!everyone``, ``!subteam^…``."""
        return set(pinged([{"type": "mrkdwn", "text": message.text}, message.blocks, message.attachments]))

    def view(self, user: User) -> View:
        """Return the modal on top. Raises LookupError if none is open."""
        stack = self.modals.stack(user)
        if not stack:
            raise LookupError(f"No form is open for {user.name}.")
        return stack[-1]

    def views(self, user: User) -> list[View]:
        """Return the open modals of a person, the lowest first."""
        return self.modals.stack(user)

    def home(self, user: User, app: Installation | None = None) -> View | None:
        """Return the last published Home tab of the app, by default the only app."""
        apps = [each for each in self.world.installations if each.serves(user.team)]
        return self.modals.home(app or apps[-1], user) if app or apps else None


MENTION = re.compile(r"<(?:@([UW][A-Z0-9]+)|(!(?:channel|here|everyone|subteam\^\w+)))(?:\|[^>]*)?>")


def pinged(part: Any) -> Iterator[str]:
    """Return the mentions in mrkdwn and rich text; plain text has none."""
    if isinstance(part, list):
        for each in part:
            yield from pinged(each)
    elif isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            yield from (person or group for person, group in MENTION.findall(str(part.get("text", ""))))
        elif part.get("type") == "user" and "user_id" in part:
            yield str(part["user_id"])
        elif part.get("type") == "broadcast":
            yield f"!{part['range']}"
        elif part.get("type") != "plain_text":
            yield from pinged([value for value in part.values() if isinstance(value, (dict, list))])
