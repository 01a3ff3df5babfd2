"""What a person can ask: one module per verb, in the order a person meets it."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import ids
from commands import (
    abort,
    artifacts,
    connect,
    digest,
    home,
    log,
    settings,
    slash,
    start,
    stats,
    subscriptions,
    uninstall,
    webhook,
)
from commands import bulk_abort as abort_many
from commands import list_builds as listing
from commands import preferences as me
from commands import rebuild as again
from commands import suggestions as suggest
from commands import unfurl as links
from storage import DatabaseUnavailable

logger = logging.getLogger(__name__)


def register_all(app: AsyncApp, *, command: str) -> None:
    """Every command, action, view, shortcut, event and option list. ``command`` is the slash command's name."""
    slash.register(app, command)
    start.register(app)
    abort.register(app)
    abort_many.register(app)
    again.register(app)
    listing.register(app)
    connect.register(app)
    subscriptions.register(app)
    digest.register(app)
    settings.register(app)
    me.register(app)
    suggest.register(app)
    home.register(app)
    log.register(app)
    artifacts.register(app)
    webhook.register(app)
    links.register(app)
    stats.register(app)
    uninstall.register(app)
    app.action(ids.BUILD_OPEN)(note_press)
    app.view_closed(ids.MESSAGE_CLOSED)(note_press)


async def note_press(ack: AsyncAck) -> None:
    """A link button: Slack wants to hear that we heard."""
    await ack()


async def answer_bug(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """Something nobody expected: an id for the person, the same id in the log."""
    if isinstance(error, DatabaseUnavailable):
        return _no_database(error, body)
    bug_id = secrets.token_hex(4)
    logger.error("a handler broke", extra={"bug_id": bug_id, "kind": body.get("type", "command")}, exc_info=error)
    text = f"Something broke on my side, and I could not do that. If it happens again, tell your admin this: {bug_id}."
    return _sorry(text, body)


def _no_database(error: DatabaseUnavailable, body: dict[str, Any]) -> BoltResponse:
    """No bug, and no answer of ours can mend it: whoever runs Buildbell has to know."""
    logger.error("a request was not taken", extra={"kind": body.get("type", "command"), "error": str(error)})
    told = f"{error} Nothing was done. Try again in a few minutes, and tell whoever runs Buildbell if it goes on."
    return _sorry(told, body)


def _sorry(text: str, body: dict[str, Any]) -> BoltResponse:
    if body.get("type") in ("view_submission", "block_suggestion", "event_callback"):
        return BoltResponse(status=500)  # an event comes again
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": text})
