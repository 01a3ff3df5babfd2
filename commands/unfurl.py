"""Links to builds that people paste: each becomes the build's card."""

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
from commands.interaction import Payload, actor_of_event

log = logging.getLogger(__name__)
COMPOSER = "COMPOSER"
"""A message that is still being written: nobody knows yet who will read it. Slack tells again when it is sent."""
MOST_LINKS = 5


async def show_links(event: Payload, body: Payload, ctx: Context) -> None:
    if event.get("channel") == COMPOSER or event.get("source") == "composer":
        return
    if not event.get("is_bot_user_member", True):  # Slack tells of every channel; I show builds where I was invited
        return
    actor = actor_of_event(event, body)
    for link in event.get("links", ())[:MOST_LINKS]:
        url = str(link.get("url", ""))
        page = read_page(html.unescape(url))
        if page is not None and page.names_build:
            is_shared = bool(body.get("is_ext_shared_channel"))
            shared = SharedLink(event["channel"], event["message_ts"], url, is_shared)
            ctx.tasks.spawn(show_link(actor, shared, page, ctx), name="unfurl")


async def show_link(actor: Actor, link: SharedLink, page: BuildRef, ctx: Context) -> None:
    """Whoever pasted it asked for nothing, so what cannot be shown stays the link it is."""
    try:
        await unfurl.unfurl_link(ctx, actor, link, page)
    except BuildbellError as error:
        log.info("a link is not shown", extra={"workspace": actor.workspace_id, "error": str(error)})


COMMAND = Command(events={"link_shared": show_links})
