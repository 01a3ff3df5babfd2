"""chat.*: https://docs.slack.dev/reference/methods?filter=chat"""

from __future__ import annotations

from typing import Any

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.posts import check_content, check_may_post, check_thread, find_channel, post, rewrite
from playground.slack.sizes import UPDATED_TEXT
from playground.slack.world import JSON, Channel, Message

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
    check_thread(channel, call.text("thread_ts"))
    message = post(core.world, call.bot, channel, content, thread_ts=call.text("thread_ts") or None)
    return {"channel": channel.id, "ts": message.ts, "message": message.payload()}


def update(core: Core, call: Call) -> JSON:
    content = _content(call)
    message = _own_message(core, call, "cant_update_message")
    check_may_post(call.bot, message.channel)
    if len(content.get("text") or "") > UPDATED_TEXT:
        raise SlackError("msg_too_long")
    check_content(core, call.bot, content)
    rewrite(core.world, message, content)
    return {"channel": message.channel.id, "ts": message.ts, "text": message.text, "message": message.payload()}


def post_ephemeral(core: Core, call: Call) -> JSON:
    channel, content = _channel(core, call), _content(call)
    check_may_post(call.bot, channel)
    check_content(core, call.bot, content)
    reader = core.world.users.get(call.text("user"))
    if reader is None or reader not in channel.members:
        raise SlackError("user_not_in_channel")
    message = post(core.world, call.bot, channel, content, seen_by=reader, thread_ts=call.text("thread_ts") or None)
    return {"message_ts": message.ts}


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
