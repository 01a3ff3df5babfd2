"""Calls to one Slack workspace: each with a time limit, none repeated, every failure one of three kinds.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import BuildbellError
from bot.slack.forms import Payload
from bot.slack.text import Message

TIMEOUT_SECONDS = 10.0
RETRY_AFTER_SECONDS = 30.0
"""How long to wait when Slack says 429 without saying until when."""
OK, TOO_MANY = 200, 429
SERVER_ERRORS = 500

T = TypeVar("T")

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_THEIR_FAULT = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)


class SlackFailed(BuildbellError):
    """A call to Slack did not succeed."""


class SlackBusy(SlackFailed):
    """429: nothing was done; ask again after ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Slack takes no more of these for {retry_after:g} s.")
        self.retry_after = retry_after


class SlackRefused(SlackFailed):
    """Slack said no and did nothing. ``error`` is its word; ``needed`` the scope that is missing, if it is that.

    ``messages`` are Slack's remarks on blocks and views.
    """

    def __init__(self, error: str, *, needed: str | None = None, messages: tuple[str, ...] = ()) -> None:
        super().__init__(f"Slack refused: {error}" + (f" (the scope {needed} is missing)" if needed else "") + ".")
        self.error = error
        self.needed = needed
        self.messages = messages


class TriggerExpired(SlackRefused):
    """Too late to open a form."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.sentence = "Slack leaves me three seconds to open a form, and this time they had passed. Please try again."


class TriggerUsed(SlackRefused):
    """The form is open already: the press was delivered twice."""


class SlackUnavailable(SlackFailed):
    """5xx, a time-out, a cut connection or an answer that cannot be read: the call may have taken effect."""


@dataclass(frozen=True, slots=True)
class Posted:
    channel_id: str
    ts: str


@dataclass(frozen=True, slots=True)
class Person:
    """``team_id`` is the person's own workspace, which in a shared channel may be another one."""

    user_id: str
    team_id: str
    name: str
    real_name: str
    is_admin: bool
    is_owner: bool
    is_bot: bool
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is and what it may do."""

    team_id: str
    team_name: str
    bot_user_id: str
    scopes: frozenset[str]
    enterprise_id: str | None = None


def web_client(token: str, *, session: aiohttp.ClientSession, base_url: str | None = None) -> AsyncWebClient:
    """The SDK's client over our session. Its own retries post twice, so there are none; proxies are the session's."""
    quiet = logging.getLogger("bot.slack.web")
    quiet.setLevel(logging.INFO)  # at DEBUG the SDK logs whole bodies
    address = base_url or AsyncWebClient.BASE_URL
    web = AsyncWebClient(token=token, base_url=address, session=session, retry_handlers=[], logger=quiet)
    web.proxy = None
    return web


class SlackClient:
    """One workspace. ``session`` also carries the answers to response URLs, which belong to no token."""

    def __init__(
        self, *, web: AsyncWebClient, session: aiohttp.ClientSession, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._web, self._session, self._timeout = web, session, timeout_seconds

    # Messages.

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> Posted:
        """``channel`` may be a user id: a direct message. Returns where it went."""
        answer = await self._call(
            "chat.postMessage", channel=channel, thread_ts=thread_ts, **_quiet_links(), **message.to_payload()
        )
        return Posted(channel_id=_text(answer, "channel") or channel, ts=_text(answer, "ts"))

    async def update(self, channel: str, ts: str, message: Message) -> None:
        # parse and link_names: the defaults of chat.update differ from those of chat.postMessage
        payload = message.to_payload()
        await self._call("chat.update", channel=channel, ts=ts, parse="none", link_names=False, **payload)

    async def whisper(self, channel: str, user: str, message: Message, *, thread_ts: str | None = None) -> None:
        """Only ``user``, who must be in the channel, sees it."""
        payload = message.to_payload()
        await self._call("chat.postEphemeral", channel=channel, user=user, thread_ts=thread_ts, parse="none", **payload)

    async def respond(
        self,
        response_url: str,
        message: Message | None,
        *,
        replace_original: bool = False,
        delete_original: bool = False,
        in_channel: bool = False,
    ) -> None:
        """Answer an interaction: five times within 30 minutes. Works where the bot is no member."""
        payload: dict[str, Any] = message.to_payload() if message else {}
        payload |= {"response_type": "in_channel" if in_channel else "ephemeral"}
        payload |= {"replace_original": replace_original, "delete_original": delete_original}
        await self._guarded(lambda: self._respond(response_url, payload))

    async def _respond(self, response_url: str, payload: Mapping[str, Any]) -> None:
        async with self._session.post(response_url, json=payload) as response:
            body = await response.text()
        if response.status == TOO_MANY:
            raise SlackBusy(_retry_after(response.headers))
        if response.status >= SERVER_ERRORS:
            raise SlackUnavailable(f"Slack answered with {response.status}.")
        if response.status != OK or _response_url_error(body):
            raise SlackRefused(_response_url_error(body) or f"http_{response.status}")

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
        answer = await self._guarded(lambda: self._web.users_info(user=user_id))
        user = _dict(answer, "user")
        profile = _dict(user, "profile")
        return Person(
            user_id=_text(user, "id") or user_id,
            team_id=_text(user, "team_id"),
            name=_text(profile, "display_name") or _text(user, "name"),
            real_name=_text(user, "real_name") or _text(profile, "real_name") or _text(user, "name"),
            is_admin=bool(user.get("is_admin")),
            is_owner=bool(user.get("is_owner") or user.get("is_primary_owner")),
            is_bot=bool(user.get("is_bot")),
            is_deleted=bool(user.get("deleted")),
        )

    async def test(self) -> Identity:
        """Whether the token works, and whose it is."""
        answer = await self._guarded(self._web.auth_test)
        scopes = next((text for key, text in answer.headers.items() if key.lower() == "x-oauth-scopes"), "")
        return Identity(
            team_id=_text(answer, "team_id"),
            team_name=_text(answer, "team"),
            bot_user_id=_text(answer, "user_id"),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))),
            enterprise_id=_text(answer, "enterprise_id") or None,
        )

    async def _call(self, method: str, **arguments: Any) -> AsyncSlackResponse:
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._guarded(lambda: self._web.api_call(method, json=given))

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        """Every failure becomes one of ours; what the SDK raises holds the request and must not travel on."""
        try:
            async with asyncio.timeout(self._timeout):
                return await call()
        except SlackApiError as refused:
            raise _failure_of(refused.response) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as cut:
            raise SlackUnavailable(f"Slack did not answer ({type(cut).__name__}).") from None
        except (ValueError, AttributeError, TypeError) as unreadable:  # a body that is no JSON object
            raise SlackUnavailable(f"Slack's answer cannot be read ({type(unreadable).__name__}).") from None


def _quiet_links() -> dict[str, Any]:
    """Links in our messages grow no previews, and plain words no mentions."""
    return {"unfurl_links": False, "unfurl_media": False, "parse": "none", "link_names": False}


def _failure_of(response: Any) -> SlackFailed:
    """``response`` is the SDK's, or aiohttp's own when the body could not be read."""
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    error = data.get("error") if isinstance(data, dict) else None
    if status == TOO_MANY or error in _BUSY:
        return SlackBusy(_retry_after(response.headers))
    if status >= SERVER_ERRORS or error in _THEIR_FAULT or not isinstance(error, str) or not isinstance(data, dict):
        return SlackUnavailable(f"Slack answered with {status}{f' {error}' if error else ''}.")
    remarks = _dict(data, "response_metadata").get("messages") or ()
    return SlackRefused(error, needed=_text(data, "needed") or None, messages=tuple(map(str, remarks)))


def _retry_after(headers: Mapping[str, str]) -> float:
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        return max(1.0, float(text))
    except ValueError:
        return RETRY_AFTER_SECONDS


def _response_url_error(body: str) -> str | None:
    """A response URL answers ``ok`` or JSON, and an error as JSON or as a bare word (``used_url``, ``expired_url``)."""
    text = body.strip()
    try:
        answer = json.loads(text)
    except ValueError:
        return None if text in ("", "ok") else text[:100]
    if not isinstance(answer, dict) or answer.get("ok"):
        return None
    return _text(answer, "error") or "unknown_error"


def _view_id(answer: Any) -> str:
    return _text(_dict(answer, "view"), "id")


def _dict(facts: Any, name: str) -> dict[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _text(facts: Any, name: str) -> str:
    found = facts.get(name)
    return found if isinstance(found, str) else ""
