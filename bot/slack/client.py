"""Calls to one Slack workspace: each with a time limit, none repeated, every failure one of three kinds.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.calling import TIMEOUT_SECONDS, guarded, web_client
from bot.slack.errors import (
    SlackBusy,
    SlackFailed,
    SlackRefused,
    SlackUnavailable,
    TriggerExpired,
    TriggerUsed,
    check_plain_answer,
    dict_of,
    text_of,
)
from bot.slack.forms import Payload
from bot.slack.text import Message
from bot.vault import Token

__all__ = [
    "Identity",
    "Person",
    "Posted",
    "SlackBusy",
    "SlackClient",
    "SlackFailed",
    "SlackRefused",
    "SlackUnavailable",
    "TriggerExpired",
    "TriggerUsed",
    "web_client",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Posted:
    channel_id: str
    ts: str


@dataclass(frozen=True, slots=True)
class Person:
    """``team_id`` is the person's own workspace, which in a shared channel may be another one.

    ``email`` is known with the optional scope users:read.email; ``tz`` is a name like ``Europe/Amsterdam``.
    """

    team_id: str
    name: str
    is_admin: bool
    is_owner: bool
    email: str | None = None
    tz: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is and what it may do."""

    team_id: str
    team_name: str
    bot_user_id: str
    scopes: frozenset[str]


class SlackClient:
    """One workspace. ``session`` also carries the answers to response URLs, which belong to no token.

    ``token`` is asked before every call, for tokens come and go; ``web`` has none of its own.
    """

    def __init__(
        self,
        *,
        web: AsyncWebClient,
        session: aiohttp.ClientSession,
        token: Callable[[], Awaitable[Token]],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._web, self._session, self._timeout, self._token = web, session, timeout_seconds, token

    # Messages.

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> Posted:
        """``channel`` may be a user id: a direct message. Returns where it went."""
        answer = await self._call(
            "chat.postMessage", channel=channel, thread_ts=thread_ts, **_quiet_links(), **message.to_payload()
        )
        return Posted(channel_id=text_of(answer, "channel") or channel, ts=text_of(answer, "ts"))

    async def update(self, channel: str, ts: str, message: Message) -> None:
        # parse and link_names: the defaults of chat.update differ from those of chat.postMessage
        payload = message.to_payload()
        await self._call("chat.update", channel=channel, ts=ts, parse="none", link_names=False, **payload)

    async def whisper(self, channel: str, user: str, message: Message) -> None:
        """Only ``user``, who must be in the channel, sees it."""
        payload = message.to_payload()
        await self._call("chat.postEphemeral", channel=channel, user=user, parse="none", **payload)

    async def respond(self, response_url: str, message: Message, *, replace_original: bool = False) -> None:
        """Answer an interaction privately: five times within 30 minutes. Works where the bot is no member."""
        payload = message.to_payload() | {"response_type": "ephemeral", "replace_original": replace_original}
        await self._guarded(lambda: self._respond(response_url, payload))

    async def _respond(self, response_url: str, payload: Mapping[str, Any]) -> None:
        async with self._session.post(response_url, json=payload) as response:
            body = await response.text()
        check_plain_answer(response.status, response.headers, body)

    async def unfurl(self, channel: str, ts: str, unfurls: Mapping[str, Message]) -> None:
        """What hangs under the links of a person's message; by the address as `link_shared` told it."""
        shown = {url: _attachment(message) for url, message in unfurls.items()}
        await self._call("chat.unfurl", channel=channel, ts=ts, unfurls=shown)

    # Files.

    async def upload(
        self,
        name: str,
        content: bytes,
        *,
        title: str,
        channel: str | None = None,
        thread_ts: str | None = None,
    ) -> str:
        """Three calls, none repeated. Returns the file's id; without ``channel`` only blocks of ours can show it.

        https://docs.slack.dev/messaging/working-with-files
        """
        asked = {"filename": name, "length": len(content)}
        given = await self._as_bot(lambda: self._web.api_call("files.getUploadURLExternal", data=asked))
        await self._guarded(lambda: self._send(text_of(given, "upload_url"), content))
        file_id = text_of(given, "file_id")
        where = {"channel_id": channel, "thread_ts": thread_ts}
        await self._call("files.completeUploadExternal", files=[{"id": file_id, "title": title}], **where)
        return file_id

    async def _send(self, upload_url: str, content: bytes) -> None:
        async with self._session.post(upload_url, data=content) as response:
            await response.read()
        check_plain_answer(response.status, response.headers, "")

    # Views.

    async def open_view(self, trigger_id: str, view: Payload) -> str:
        """Returns the view's id. The trigger is good for 3 s, once."""
        try:
            return _view_id(await self._call("views.open", trigger_id=trigger_id, view=view))
        except SlackRefused as refused:
            if refused.error == "exchanged_trigger_id":
                raise TriggerUsed(refused.error) from None
            if refused.error in ("expired_trigger_id", "invalid_trigger_id", "trigger_expired"):
                raise TriggerExpired(refused.error) from None
            raise

    async def update_view(self, view_id: str, view: Payload, *, hash: str | None = None) -> None:
        """``hash`` makes Slack refuse (`hash_conflict`) when the view has changed since."""
        await self._call("views.update", view_id=view_id, view=view, hash=hash)

    async def publish_home(self, user_id: str, view: Payload) -> None:
        await self._call("views.publish", user_id=user_id, view=view)

    # Who is who.

    async def user(self, user_id: str) -> Person:
        answer = await self._as_bot(lambda: self._web.users_info(user=user_id))
        return _person(dict_of(answer, "user"))

    async def test(self) -> Identity:
        """Whether the token works, and whose it is."""
        answer = await self._as_bot(self._web.auth_test)
        scopes = next((text for key, text in answer.headers.items() if key.lower() == "x-oauth-scopes"), "")
        return Identity(
            team_id=text_of(answer, "team_id"),
            team_name=text_of(answer, "team"),
            bot_user_id=text_of(answer, "user_id"),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))),
        )

    async def _call(self, method: str, **arguments: Any) -> AsyncSlackResponse:
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._as_bot(lambda: self._web.api_call(method, json=given))

    async def _as_bot(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call with the workspace's token as it is now. The SDK reads it before it awaits anything."""
        token = await self._token()
        self._web.token = token.reveal()
        return await self._guarded(call)

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        return await guarded(call, seconds=self._timeout)


def _quiet_links() -> dict[str, Any]:
    """Links in our messages grow no previews, and plain words no mentions."""
    return {"unfurl_links": False, "unfurl_media": False, "parse": "none", "link_names": False}


def _view_id(answer: Any) -> str:
    return text_of(dict_of(answer, "view"), "id")


def _person(user: Mapping[str, Any]) -> Person:
    profile = dict_of(user, "profile")
    return Person(
        team_id=text_of(user, "team_id"),
        name=text_of(profile, "display_name") or text_of(user, "name"),
        is_admin=bool(user.get("is_admin")),
        is_owner=bool(user.get("is_owner") or user.get("is_primary_owner")),
        email=text_of(profile, "email") or None,
        tz=text_of(user, "tz") or None,
    )


def _attachment(message: Message) -> dict[str, Any]:
    """Blocks alone, or the text when there are none: Slack draws the two together oddly."""
    payload = message.to_payload()
    return {"blocks": payload["blocks"]} if message.blocks else {"text": payload["text"]}
