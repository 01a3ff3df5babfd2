"""Resolve Slack user ids to display names, to name people without mentioning them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from bot.context import Context
from bot.slack.errors import SlackFailed

log = logging.getLogger(__name__)
ANSWER_WITHIN_SECONDS = 1.5  # Slack waits 3 s for an answer
MOST_ASKED = 20


async def list_display_names(
    ctx: Context, workspace_id: str, user_ids: Iterable[str], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return names by Slack user id, without people who can't be found in time."""
    names = {user_id: name for user_id, name in (known or {}).items() if name}
    unknown = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in names][:MOST_ASKED]
    found = await asyncio.gather(*(_fetch_name(ctx, workspace_id, user_id) for user_id in unknown))
    return names | {user_id: name for user_id, name in zip(unknown, found, strict=True) if name}


async def _fetch_name(ctx: Context, workspace_id: str, user_id: str) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            return (await ctx.slack(workspace_id).get_user(user_id)).name
    except (TimeoutError, SlackFailed) as error:
        log.info("a name could not be asked for", extra={"user": user_id, "error": str(error)})
        return None
