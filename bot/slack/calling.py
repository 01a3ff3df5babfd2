"""How every call to Slack is made: over our session, once, within a time limit, with failures of our own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SlackUnavailable, failure_of

TIMEOUT_SECONDS = 10.0

T = TypeVar("T")


def web_client(*, session: aiohttp.ClientSession, base_url: str) -> AsyncWebClient:
    """The SDK's client over our session. Its own retries post twice, so there are none; proxies are the session's."""
    quiet = logging.getLogger("bot.slack.web")
    quiet.setLevel(logging.INFO)  # at DEBUG the SDK logs whole bodies
    web = AsyncWebClient(base_url=base_url, session=session, retry_handlers=[], logger=quiet)
    web.proxy = None
    return web


async def guarded(call: Callable[[], Awaitable[T]], *, seconds: float = TIMEOUT_SECONDS) -> T:
    """Every failure becomes one of ours; what the SDK raises holds the request and must not travel on."""
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except SlackApiError as refused:
        raise failure_of(refused.response) from None
    except (aiohttp.ClientError, OSError, TimeoutError) as cut:
        raise SlackUnavailable(f"Slack did not answer ({type(cut).__name__}).") from None
    except (ValueError, AttributeError, TypeError) as unreadable:  # a body that is no JSON object
        raise SlackUnavailable(f"Slack's answer cannot be read ({type(unreadable).__name__}).") from None
