"""Client for the Web API of one Slack workspace: every call has a timeout and none is retried.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import (
    SlackRefused,
    SlackUnavailable,
    TriggerExpired,
    TriggerUsed,
    check_plain_response,
    dict_of,
    error_from,
    text_of,
)
from bot.slack.text import Message
from bot.vault import Token

TIMEOUT_SECONDS = 10.0

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
    is_guest: bool = False
    email: str | None = None
    tz: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The workspace, bot user and scopes of a token."""

    team_id: str
    team_name: str
    bot_user_id: str
    scopes: frozenset[str]


class SlackClient:
    """``token`` is read before every call, because tokens rotate; ``session`` also sends to response URLs."""

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
        """Post to a channel, or to a user id as a direct message. Links unfurl to nothing and names mention nobody."""
        quiet = {"unfurl_links": False, "unfurl_media": False, "parse": "none", "link_names": False}
        payload = message.to_payload()
        response = await self._call("chat.postMessage", channel=channel, thread_ts=thread_ts, **quiet, **payload)
        return Posted(channel_id=text_of(response, "channel") or channel, ts=text_of(response, "ts"))

    async def update(self, channel: str, ts: str, message: Message) -> None:
        # parse and link_names: the defaults of chat.update differ from those of chat.postMessage
        payload = message.to_payload()
        await self._call("chat.update", channel=channel, ts=ts, parse="none", link_names=False, **payload)

    async def post_ephemeral(self, channel: str, user: str, message: Message) -> None:
        """Post a message that only ``user``, who must be in the channel, sees."""
        payload = message.to_payload()
        await self._call("chat.postEphemeral", channel=channel, user=user, parse="none", **payload)

    async def message_exists(self, channel: str, ts: str) -> bool:
        """Return False for a deleted message: Slack would post replies to it in the channel. It needs no scope."""
        data = {"channel": channel, "message_ts": ts}
        try:
            await self._call_with_token(lambda: self._web.api_call("chat.getPermalink", data=data))
        except SlackRefused as refused:
            return refused.error != "message_not_found"
        return True

    async def respond(self, response_url: str, message: Message, *, replace_original: bool = False) -> None:
        """Respond to an interaction privately: five times within 30 minutes, also where the bot is not a member."""
        payload = message.to_payload() | {"response_type": "ephemeral", "replace_original": replace_original}

        async def send() -> None:
            async with self._session.post(response_url, json=payload) as response:
                body = await response.text()
            check_plain_response(response.status, response.headers, body)

        await guarded(send, seconds=self._timeout)

    async def unfurl(self, channel: str, ts: str, unfurls: Mapping[str, Message]) -> None:
        """Add previews to the links of a message, by the URL as the event `link_shared` has it."""
        attachments = {url: _attachment(message) for url, message in unfurls.items()}
        await self._call("chat.unfurl", channel=channel, ts=ts, unfurls=attachments)

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
        """Upload a file and return its id. Without ``channel`` it can only be shown in an image block.

        https://docs.slack.dev/messaging/working-with-files
        """
        data = {"filename": name, "length": len(content)}
        upload = await self._call_with_token(lambda: self._web.api_call("files.getUploadURLExternal", data=data))

        async def send() -> None:
            async with self._session.post(text_of(upload, "upload_url"), data=content) as response:
                await response.read()
            check_plain_response(response.status, response.headers, "")

        await guarded(send, seconds=self._timeout)
        file_id = text_of(upload, "file_id")
        files = [{"id": file_id, "title": title}]
        await self._call("files.completeUploadExternal", files=files, channel_id=channel, thread_ts=thread_ts)
        return file_id

    # Views.

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a view and return its id. A trigger is valid for 3 seconds, once."""
        try:
            response = await self._call("views.open", trigger_id=trigger_id, view=view)
        except SlackRefused as refused:
            if refused.error == "exchanged_trigger_id":
                raise TriggerUsed(refused.error) from None
            if refused.error in ("expired_trigger_id", "invalid_trigger_id", "trigger_expired"):
                raise TriggerExpired(refused.error) from None
            raise
        return text_of(dict_of(response, "view"), "id")

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str | None = None) -> None:
        """With ``hash``, Slack refuses (`hash_conflict`) to update a view that has changed since."""
        await self._call("views.update", view_id=view_id, view=view, hash=hash)

    async def publish_home(self, user_id: str, view: Mapping[str, Any]) -> None:
        await self._call("views.publish", user_id=user_id, view=view)

    # Users and tokens.

    async def get_user(self, user_id: str) -> Person:
        user = dict_of(await self._call_with_token(lambda: self._web.users_info(user=user_id)), "user")
        profile = dict_of(user, "profile")
        return Person(
            team_id=text_of(user, "team_id"),
            name=text_of(profile, "display_name") or text_of(profile, "real_name") or text_of(user, "name"),
            is_admin=bool(user.get("is_admin")),
            is_owner=bool(user.get("is_owner") or user.get("is_primary_owner")),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            email=text_of(profile, "email") or None,
            tz=text_of(user, "tz") or None,
        )

    async def test_auth(self) -> Identity:
        response = await self._call_with_token(self._web.auth_test)
        scopes = next((text for key, text in response.headers.items() if key.lower() == "x-oauth-scopes"), "")
        return Identity(
            team_id=text_of(response, "team_id"),
            team_name=text_of(response, "team"),
            bot_user_id=text_of(response, "user_id"),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))),
        )

    async def _call(self, method: str, **arguments: Any) -> AsyncSlackResponse:
        body = {name: value for name, value in arguments.items() if value is not None}
        return await self._call_with_token(lambda: self._web.api_call(method, json=body))

    async def _call_with_token(self, call: Callable[[], Awaitable[T]]) -> T:
        """Set the current token and call. The SDK reads it before its first await, so calls may overlap."""
        token = await self._token()
        self._web.token = token.reveal()
        return await guarded(call, seconds=self._timeout)


def web_client(*, session: aiohttp.ClientSession, base_url: str) -> AsyncWebClient:
    """Return the SDK's client over our session, without the SDK's retries (they post twice) and its proxy settings."""
    quiet = logging.getLogger("bot.slack.web")
    quiet.setLevel(logging.INFO)  # at DEBUG the SDK logs whole bodies
    web = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[], logger=quiet)
    web.proxy = None
    return web


async def guarded(call: Callable[[], Awaitable[T]], *, seconds: float = TIMEOUT_SECONDS) -> T:
    """Call with a timeout and raise only `SlackFailed`: the SDK's errors hold the request and must not travel on."""
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except SlackApiError as refused:
        raise error_from(refused.response) from None
    except (aiohttp.ClientError, OSError, TimeoutError) as cut:
        raise SlackUnavailable(f"Slack did not answer ({type(cut).__name__}).") from None
    except (ValueError, AttributeError, TypeError) as unreadable:  # the body is not a JSON object
        raise SlackUnavailable(f"Slack's answer cannot be read ({type(unreadable).__name__}).") from None


def _attachment(message: Message) -> dict[str, Any]:
    """Return the blocks alone, or the text if there are none: Slack shows the two together oddly."""
    payload = message.to_payload()
    return {"blocks": payload["blocks"]} if message.blocks else {"text": payload["text"]}
