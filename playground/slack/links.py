"""Links in messages and drafts: the apps that get them, and the ids for their unfurls.

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
"""The channel of a draft."""
IN_BRACKETS = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


@dataclass(slots=True, eq=False)
class Draft:
    """A message that is not sent yet. Apps already get its links."""

    user: User
    channel: Channel
    text: str
    unfurl_id: str
    unfurls: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SharedLinks:
    """The links of a message or draft that an app got."""

    app: Installation
    place: Message | Draft
    unfurl_id: str
    links: tuple[str, ...]

    @property
    def source(self) -> Source:
        return "composer" if isinstance(self.place, Draft) else "conversations_history"


class Links:
    """All links sent to apps."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent: list[SharedLinks] = []

    def register(self, app: Installation, place: Message | Draft, links: list[JSON]) -> SharedLinks:
        urls = tuple(each["url"] for each in links)
        shared = SharedLinks(app, place, self._unfurl_id(place), urls)
        self._sent.append(shared)
        return shared

    def about(self, app: Installation, place: Message | Draft) -> SharedLinks | None:
        return next((each for each in self._sent if each.app is app and each.place is place), None)

    def with_id(self, app: Installation, unfurl_id: str, source: str) -> SharedLinks | None:
        mine = (each for each in self._sent if each.app is app and each.source == source)
        return next((each for each in mine if each.unfurl_id == unfurl_id), None)

    def draft(self, user: User, channel: Channel, text: str) -> Draft:
        return Draft(user, channel, text, self._world.letters(32, "abcdefghijklmnopqrstuvwxyz0123456789"))

    def _unfurl_id(self, place: Message | Draft) -> str:
        if isinstance(place, Draft):
            return place.unfurl_id
        return f"{place.channel.id}.{place.ts}.{self._world.letters(64, '0123456789abcdef')}"


def links_in(text: str) -> list[str]:
    """Return each link of a stored text once: in angle brackets, with ``&`` as an entity."""
    return list(dict.fromkeys(IN_BRACKETS.findall(text)))


def links_for(app: Installation, text: str) -> list[JSON]:
    """Return the links of the app's domains and their subdomains, on any port."""
    links = ((url, _domain(url, app.app.unfurl_domains)) for url in links_in(text))
    return [{"domain": domain, "url": url} for url, domain in links if domain is not None]


def _domain(url: str, domains: list[str]) -> str | None:
    host = urlsplit(url).hostname or ""
    return next((each for each in domains if host == each or host.endswith(f".{each}")), None)


def link_shared(shared: SharedLinks, links: list[JSON], event_ts: str) -> JSON:
    """Return the inner event. https://docs.slack.dev/reference/events/link_shared"""
    place = shared.place
    event: JSON = {"type": "link_shared", "user": place.user.id, "links": links, "event_ts": event_ts}
    event |= {"unfurl_id": shared.unfurl_id, "source": shared.source}
    if isinstance(place, Draft):
        return {**event, "channel": COMPOSER, "message_ts": shared.unfurl_id, "is_bot_user_member": False}
    if place.thread_ts:
        event["thread_ts"] = place.thread_ts
    is_member = shared.app.bot_user in place.channel.members
    return {**event, "channel": place.channel.id, "message_ts": place.ts, "is_bot_user_member": is_member}
