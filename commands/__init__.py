"""The list of commands: verbs, help and dispatch derive from it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck

from bot.manifest import SLASH_COMMANDS
from commands import (
    abort,
    artifacts,
    audit,
    bulk_abort,
    connect,
    digest,
    doctor,
    help,
    history_import,
    home,
    list_builds,
    log,
    mention,
    preferences,
    preset,
    rebuild,
    settings,
    skip_step,
    slash,
    start,
    start_form,
    stats,
    status,
    subscribe,
    subscriptions,
    unfurl,
    unhandled,
    uninstall,
    webhook,
)
from commands.command import Handler, Id
from storage import DatabaseUnavailable

logger = logging.getLogger(__name__)


COMMANDS = (
    start_form.COMMAND,
    start.COMMAND,
    preset.COMMAND,
    status.COMMAND,
    status.SHOW_COMMAND,
    list_builds.COMMAND,
    abort.COMMAND,
    rebuild.COMMAND,
    log.COMMAND,
    artifacts.COMMAND,
    subscribe.COMMAND,
    subscriptions.COMMAND,
    subscriptions.UNSUBSCRIBE,
    stats.COMMAND,
    digest.COMMAND,
    history_import.COMMAND,
    preferences.COMMAND,
    settings.COMMAND,
    connect.COMMAND,
    connect.DISCONNECT,
    skip_step.COMMAND,
    doctor.COMMAND,
    audit.COMMAND,
    help.COMMAND,
    slash.COMMAND,
    bulk_abort.COMMAND,
    home.COMMAND,
    webhook.COMMAND,
    unfurl.COMMAND,
    mention.COMMAND,
    uninstall.COMMAND,
    unhandled.COMMAND,
)
"""In the order of ``help``. Bolt asks them in this order, so what has no handler comes last."""


def list_handlers(command: str) -> Iterator[tuple[str, Id, Handler]]:
    """Yield every handler with Bolt's name of its listener and the id. ``command`` is the slash command's name."""
    for slash_command in SLASH_COMMANDS:
        yield "command", command + slash_command.suffix, slash.take_command
    for each in COMMANDS:
        yield from each.list_handlers()
    yield "view_closed", unhandled.ANYTHING, acknowledge


async def acknowledge(ack: AsyncAck) -> None:
    await ack()


async def answer_bug(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """Log an unexpected error under an id, and answer with that id."""
    kind = body.get("type", "command")
    if isinstance(error, DatabaseUnavailable):  # not a bug, but the operator has to know
        logger.error("a request was refused", extra={"kind": kind, "error": str(error)})
        text = (
            f"{error} Nothing was changed. Try again in a few minutes. If it persists, contact your Buildbell operator."
        )
    else:
        bug_id = secrets.token_hex(4)
        logger.error("a handler failed", extra={"bug_id": bug_id, "kind": kind}, exc_info=error)
        text = (
            "Something went wrong and Buildbell couldn't complete that. "
            f"If it keeps happening, send your admin this error ID: {bug_id}."
        )
    if kind in ("view_submission", "block_suggestion", "event_callback"):
        return BoltResponse(status=500)  # Slack sends an event again
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": text})
