"""The list of commands: verbs, help, Bolt's listeners and direct dispatch derive from it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.manifest import SLASH_COMMANDS
from bot.slack import ids
from commands import (
    abort,
    artifacts,
    bulk_abort,
    connect,
    digest,
    doctor,
    help,
    history_import,
    home,
    list_builds,
    log,
    preferences,
    rebuild,
    settings,
    skip_step,
    slash,
    start,
    stats,
    status,
    subscribe,
    subscriptions,
    unfurl,
    unhandled,
    uninstall,
    webhook,
)
from commands.command import Command, Handler
from storage import DatabaseUnavailable

logger = logging.getLogger(__name__)


async def ack_only(ack: AsyncAck) -> None:
    """Acknowledge what needs no answer: Slack sends an event for a link button, too."""
    await ack()


COMMANDS = (
    start.COMMAND,
    start.FORM_COMMAND,
    status.COMMAND,
    status.SHOW_COMMAND,
    list_builds.COMMAND,
    abort.COMMAND,
    rebuild.COMMAND,
    log.COMMAND,
    artifacts.COMMAND,
    subscribe.COMMAND,
    subscribe.UNSUBSCRIBE,
    subscribe.SUBSCRIPTIONS,
    stats.COMMAND,
    digest.COMMAND,
    history_import.COMMAND,
    preferences.COMMAND,
    settings.COMMAND,
    connect.COMMAND,
    connect.DISCONNECT,
    skip_step.COMMAND,
    doctor.COMMAND,
    help.COMMAND,
    slash.COMMAND,
    bulk_abort.COMMAND,
    subscriptions.COMMAND,
    home.COMMAND,
    webhook.COMMAND,
    unfurl.COMMAND,
    uninstall.COMMAND,
    Command(actions={ids.BUILD_OPEN: ack_only}, closed_views={ids.MESSAGE_CLOSED: ack_only}),
    unhandled.COMMAND,
)
"""In the order of ``help``. Bolt asks them in this order, so what has no handler comes last."""


def list_handlers(command: str) -> Iterator[tuple[str, str | re.Pattern[str], Handler]]:
    """Yield every handler with Bolt's name of its listener and the id. ``command`` is the slash command's name."""
    for each in SLASH_COMMANDS:
        yield "command", command + each.suffix, slash.take_command
    for each_command in COMMANDS:
        yield from each_command.list_handlers()


def register_all(app: AsyncApp, *, command: str) -> None:
    """Register every handler with Bolt."""
    for listener, name, handler in list_handlers(command):
        getattr(app, listener)(name)(handler)


async def answer_bug(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """Answer an unexpected error with an id that is in the log, too."""
    if isinstance(error, DatabaseUnavailable):
        return _answer_unavailable(error, body)
    bug_id = secrets.token_hex(4)
    logger.error("a handler broke", extra={"bug_id": bug_id, "kind": body.get("type", "command")}, exc_info=error)
    text = f"Something broke on my side, and I could not do that. If it happens again, tell your admin this: {bug_id}."
    return _answer(text, body)


def _answer_unavailable(error: DatabaseUnavailable, body: dict[str, Any]) -> BoltResponse:
    """Answer when the database is away: no bug, but the operator has to know."""
    logger.error("a request was not taken", extra={"kind": body.get("type", "command"), "error": str(error)})
    text = f"{error} Nothing was done. Try again in a few minutes, and tell whoever runs Buildbell if it goes on."
    return _answer(text, body)


def _answer(text: str, body: dict[str, Any]) -> BoltResponse:
    if body.get("type") in ("view_submission", "block_suggestion", "event_callback"):
        return BoltResponse(status=500)  # Slack sends an event again
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": text})
