"""Unfurl links to builds that people paste: each becomes the build's card."""

from __future__ import annotations

import html
import logging

from bot.builds import unfurl
from bot.builds.queries import BuildRef
from bot.builds.unfurl import SharedLink
from bot.context import Context
from bot.errors import BuildbellError
from bot.permissions import Actor
from commands.build_reference import read_page
from commands.command import Command
from commands.interaction import Event

log = logging.getLogger(__name__)
COMPOSER = "COMPOSER"
"""The channel of a message that is still being written. Slack sends another event when it is posted."""
MAX_LINKS = 5


async def unfurl_links(ctx: Context, event: Event) -> None:
    message = event.event
    if message.get("channel") == COMPOSER or message.get("source") == "composer":
        return
    if not message.get("is_bot_user_member", True):  # Slack sends the links of all channels
        return
    for link in message.get("links", ())[:MAX_LINKS]:
        url = str(link.get("url", ""))
        page = read_page(html.unescape(url))
        if page is not None and page.names_build:
            is_shared = bool(event.body.get("is_ext_shared_channel"))
            shared = SharedLink(message["channel"], message["message_ts"], url, is_shared)
            ctx.tasks.spawn(unfurl_link(ctx, event.actor, shared, page), name="unfurl")


async def unfurl_link(ctx: Context, actor: Actor, link: SharedLink, page: BuildRef) -> None:
    """Unfurl one link. Nobody asked for it, so one that can't be unfurled stays a link without an answer."""
    try:
        await unfurl.unfurl_link(ctx, actor, link, page)
    except BuildbellError as error:
        log.info("a link is not shown", extra={"workspace": actor.workspace_id, "error": str(error)})


COMMAND = Command(events={"link_shared": unfurl_links})
