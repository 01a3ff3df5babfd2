"""Links in what people write: which app hears of them, and under what id it may answer.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playground.slack.world import JSON, Channel, Installation, Message, User, World

Source = Literal["composer", "conversations_history"]
COMPOSER = "COMPOSER"
"""What stands for the channel while the message is still being written."""
IN_BRACKETS = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


@dataclass(slots=True, eq=False)
class Draft:
    """A message that is not sent yet; apps hear of its links all the same."""

    user: User
    channel: Channel
    text: str
    unfurl_id: str
    unfurls: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """The links of one message or draft an app was told of."""

    app: Installation
    place: Message | Draft
    unfurl_id: str
    links: tuple[str, ...]

    @property
    def source(self) -> Source:
        return "composer" if isinstance(self.place, Draft) else "conversations_history"


class Links:
    """What was told to whom."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told: list[Shared] = []

    def tell(self, app: Installation, place: Message | Draft, found: list[JSON]) -> Shared:
        urls = tuple(each["url"] for each in found)
        shared = Shared(app, place, self._unfurl_id(place), urls)
        self._told.append(shared)
        return shared

    def about(self, app: Installation, place: Message | Draft) -> Shared | None:
        return next((each for each in self._told if each.app is app and each.place is place), None)

    def with_id(self, app: Installation, unfurl_id: str, source: str) -> Shared | None:
        mine = (each for each in self._told if each.app is app and each.source == source)
        return next((each for each in mine if each.unfurl_id == unfurl_id), None)

    def draft(self, user: User, channel: Channel, text: str) -> Draft:
        return Draft(user, channel, text, self._world.letters(32, "abcdefghijklmnopqrstuvwxyz0123456789"))

    def _unfurl_id(self, place: Message | Draft) -> str:
        if isinstance(place, Draft):
            return place.unfurl_id
        return f"{place.channel.id}.{place.ts}.{self._world.letters(64, '0123456789abcdef')}"


def links_in(text: str) -> list[str]:
    """As Slack stores them: in angle brackets, ``&`` as an entity; each once."""
    return list(dict.fromkeys(IN_BRACKETS.findall(text)))


def links_for(app: Installation, text: str) -> list[JSON]:
    """Those of the app's domains, and of what stands before a domain; a port does not matter."""
    found = ((url, _domain(url, app.app.unfurl_domains)) for url in links_in(text))
    return [{"domain": domain, "url": url} for url, domain in found if domain is not None]


def _domain(url: str, domains: list[str]) -> str | None:
    host = urlsplit(url).hostname or ""
    return next((each for each in domains if host == each or host.endswith(f".{each}")), None)


def link_shared(shared: Shared, found: list[JSON], event_ts: str) -> JSON:
    """The inner event. https://docs.slack.dev/reference/events/link_shared"""
    place = shared.place
    told: JSON = {"type": "link_shared", "user": place.user.id, "links": found, "event_ts": event_ts}
    told |= {"unfurl_id": shared.unfurl_id, "source": shared.source}
    if isinstance(place, Draft):
        return {**told, "channel": COMPOSER, "message_ts": shared.unfurl_id, "is_bot_user_member": False}
    if place.thread_ts:
        told["thread_ts"] = place.thread_ts
    is_member = shared.app.bot_user in place.channel.members
    return {**told, "channel": place.channel.id, "message_ts": place.ts, "is_bot_user_member": is_member}
