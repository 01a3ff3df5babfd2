"""What people see: messages, what is only for them, modals, the Home tab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from playground.slack.desk import Desk
from playground.slack.modals import View
from playground.slack.world import Channel, Installation, Message, User


class Screen(Desk):
    def messages(self, channel: Channel) -> list[Message]:
        """What everybody in the channel sees, oldest first; answers in threads included."""
        return [message for message in channel.messages if not message.is_ephemeral]

    def ephemerals(self, user: User, channel: Channel) -> list[Message]:
        """What only this person sees there."""
        return [message for message in channel.messages if message.seen_by is user]

    def direct_messages(self, user: User, app: Installation) -> list[Message]:
        """What the app wrote to the person directly."""
        return self.messages(self.world.direct(app.bot_user, user))

    def thread(self, message: Message) -> list[Message]:
        """The answers under a message."""
        return [each for each in self.messages(message.channel) if each.thread_ts == message.ts]

    def pings(self, message: Message) -> set[str]:
        """Whom the message notifies: user ids, ``!channel``, ``!here``, ``!everyone``, ``!subteam^…``."""
        return set(pinged([{"type": "mrkdwn", "text": message.text}, message.blocks, message.attachments]))

    def view(self, user: User) -> View:
        """The modal in front; raises LookupError when none is open."""
        stack = self.modals.stack(user)
        if not stack:
            raise LookupError(f"no modal is open before {user.name}")
        return stack[-1]

    def views(self, user: User) -> list[View]:
        """All open modals of a person, the lowest first."""
        return self.modals.stack(user)

    def home(self, user: User, app: Installation | None = None) -> View | None:
        """What was last published on the app's Home tab; of the only app, when none is named."""
        apps = [each for each in self.world.installations if each.serves(user.team)]
        return self.modals.home(app or apps[-1], user) if app or apps else None


MENTION = re.compile(r"<(?:@([UW][A-Z0-9]+)|(!(?:channel|here|everyone|subteam\^\w+)))(?:\|[^>]*)?>")


def pinged(part: Any) -> Iterator[str]:
    """Mentions in mrkdwn and rich text; plain text mentions nobody."""
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
