"""Display names and time zones of Slack users. Names are for sentences that don't mention people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from bot.context import Context
from bot.slack.errors import SlackFailed

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 1.5  # Slack waits 3 s for an answer
MAX_FETCHED = 20


async def list_display_names(
    ctx: Context, workspace_id: str, user_ids: Iterable[str], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return names by Slack user id, without those that Slack doesn't return in time."""
    names = {user_id: name for user_id, name in (known or {}).items() if name}
    missing = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in names][:MAX_FETCHED]

    async def fetch(user_id: str) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return (await ctx.slack(workspace_id).get_user(user_id)).name
        except (TimeoutError, SlackFailed) as error:
            log.info("a name could not be asked for", extra={"user": user_id, "error": str(error)})
            return None

    fetched = zip(missing, await asyncio.gather(*map(fetch, missing)), strict=True)
    return names | {user_id: name for user_id, name in fetched if name}


async def find_time_zone(ctx: Context, workspace_id: str, user_id: str) -> str:
    """Return the name of the person's time zone in Slack, UTC if Slack doesn't say in time."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return (await ctx.slack(workspace_id).get_user(user_id)).tz or "UTC"
    except (TimeoutError, SlackFailed) as error:
        log.info("a time zone could not be fetched", extra={"user": user_id, "error": str(error)})
        return "UTC"
