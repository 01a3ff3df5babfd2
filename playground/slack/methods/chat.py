"""chat.*: https://docs.slack.dev/reference/methods?filter=chat"""

from __future__ import annotations

from typing import Any

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.posts import check_content, check_may_post, find_channel, find_thread, post, rewrite
from playground.slack.sizes import UPDATED_TEXT
from playground.slack.world import JSON, Channel, Installation, Message

CONTENT = ("text", "blocks", "attachments", "markdown_text", "metadata")


def _content(call: Call) -> JSON:
    """Return the given fields only: in an update, ``blocks: []`` differs from no blocks."""
    parsed: dict[str, Any] = {
        name: call.text(name) if name in ("text", "markdown_text") else call.nested(name) for name in CONTENT
    }
    return {name: parsed[name] for name in CONTENT if call.arguments.get(name) is not None}


def _channel(core: Core, call: Call) -> Channel:
    return find_channel(core.world, call.bot, call.text("channel"))


def _own_message(core: Core, call: Call, refusal: str) -> Message:
    message = _channel(core, call).find(call.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.app is not call.bot:
        raise SlackError(refusal)
    return message


def post_message(core: Core, call: Call) -> JSON:
    channel, content = _channel(core, call), _content(call)
    check_may_post(call.bot, channel)
    check_content(core, call.bot, content)
    message = post(core.world, call.bot, channel, content, thread_ts=find_thread(channel, call.text("thread_ts")))
    return {"channel": channel.id, "ts": message.ts, "message": message.payload()}


def update(core: Core, call: Call) -> JSON:
    content = _content(call)
    message = _own_message(core, call, "cant_update_message")
    _check_may_edit(core, call.bot, message)
    if len(content.get("text") or "") > UPDATED_TEXT:
        raise SlackError("msg_too_long")
    check_content(core, call.bot, content)
    rewrite(core.world, message, content)
    return {"channel": message.channel.id, "ts": message.ts, "text": message.text, "message": message.payload()}


def _check_may_edit(core: Core, app: Installation, message: Message) -> None:
    if message.channel.is_archived:
        raise SlackError("is_inactive")
    check_may_post(app, message.channel)
    window = message.channel.team.edit_window
    if window is not None and core.clock.now() - message.posted_at > window:
        raise SlackError("edit_window_closed")


def post_ephemeral(core: Core, call: Call) -> JSON:
    channel, content = _channel(core, call), _content(call)
    check_may_post(call.bot, channel)
    check_content(core, call.bot, content)
    reader = core.world.users.get(call.text("user"))
    if reader is None or reader not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = _ephemeral_thread(channel, call.text("thread_ts"))
    message = post(core.world, call.bot, channel, content, seen_by=reader, thread_ts=thread_ts)
    return {"message_ts": message.ts}


def _ephemeral_thread(channel: Channel, thread_ts: str) -> str | None:
    """Check as for a message. chat.postEphemeral documents two of the errors only."""
    try:
        return find_thread(channel, thread_ts)
    except SlackError as error:
        raise SlackError("cannot_reply_to_message" if thread_ts else "restricted_action") from error


def delete(core: Core, call: Call) -> JSON:
    message = _own_message(core, call, "cant_delete_message")
    message.channel.remove(message)
    return {"channel": message.channel.id, "ts": message.ts}


def get_permalink(core: Core, call: Call) -> JSON:
    channel = _channel(core, call)
    message = channel.find(call.text("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    link = f"https://{call.bot.team.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}
