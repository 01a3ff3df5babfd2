"""Post and update messages: permissions, text limits, fields an update keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.slack.core import Core
from playground.slack.errors import SlackError, refusal
from playground.slack.sizes import MARKDOWN_TEXT, POSTED_TEXT
from playground.slack.state import initial_values, name_all
from playground.slack.validation import check_attachments, check_blocks
from playground.slack.world import JSON, Channel, Installation, Message, User, World


def find_channel(world: World, app: Installation, wanted: str) -> Channel:
    """Find a channel by id or ``#name``, a private one by its members only. A user id is a direct message."""
    if person := world.users.get(wanted):
        return open_direct(world, app, person)
    channel = world.channels.get(wanted) or _named(world, app, wanted.removeprefix("#"))
    if channel is None or not app.sees(channel):
        raise SlackError("channel_not_found")
    if channel.is_private and app.bot_user not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _named(world: World, app: Installation, name: str) -> Channel | None:
    here = (each for each in world.channels.values() if app.sees(each) and not each.is_im)
    return next((channel for channel in here if channel.name == name), None)


def open_direct(world: World, app: Installation, person: User) -> Channel:
    if person.deleted:
        raise SlackError("user_not_found")
    if app.app.features.get("app_home", {}).get("messages_tab_enabled") is False:
        raise SlackError("messages_tab_disabled")
    return world.direct(app.bot_user, person)


def check_may_post(app: Installation, channel: Channel) -> None:
    if channel.is_archived:
        raise SlackError("is_archived")
    public = not channel.is_private and app.serves(channel.team) and "chat:write.public" in app.scopes
    if app.bot_user not in channel.members and not public:
        raise SlackError("not_in_channel")


def find_thread(channel: Channel, thread_ts: str) -> str | None:
    """Check that a channel takes a message or reply, and return the reply's thread.

    A reply to a message that doesn't exist is posted in the channel, without an error.
    """
    parent = channel.find(thread_ts) if thread_ts else None
    if channel.posting == "read_only":
        raise SlackError("restricted_action_read_only_channel")
    if channel.posting == "no_threads" and thread_ts:
        raise SlackError("restricted_action_non_threadable_channel")
    if channel.posting == "threads_only" and parent is None:
        raise SlackError("restricted_action_thread_only_channel")
    if parent is None:
        return None
    if parent.replies == "locked":
        raise SlackError("restricted_action_thread_locked")
    if parent.replies == "refused":
        raise SlackError("cannot_reply_to_message")
    return parent.ts


def check_content(core: Core, app: Installation, content: Mapping[str, Any]) -> None:
    """Check text, blocks, attachments, markdown_text and metadata of a message, parsed."""
    blocks, attachments, markdown = (content.get(name) for name in ("blocks", "attachments", "markdown_text"))
    if markdown and (content.get("text") or blocks):
        raise SlackError("markdown_text_conflict")
    if markdown and len(markdown) > MARKDOWN_TEXT:
        raise SlackError("msg_too_long")
    if not (content.get("text") or blocks or attachments or markdown):
        raise SlackError("no_text")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if found := check_blocks(blocks or [], "message") or core.files.check(app, blocks):
        raise refusal("invalid_blocks", found)
    if attachments is not None and (found := check_attachments(attachments) or core.files.check(app, attachments)):
        raise refusal("invalid_attachments", found)
    check_metadata(content.get("metadata"))


def check_metadata(metadata: Any) -> None:
    if metadata in (None, {}):
        return
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_format")
    if "entities" not in metadata and not {"event_type", "event_payload"} <= set(metadata):
        raise SlackError("invalid_metadata_schema")


def written(content: Mapping[str, Any]) -> str:
    """Return the text to store; built from the blocks if there is none."""
    text = content.get("text") or content.get("markdown_text") or _spoken(content.get("blocks") or [])
    return str(text)[:POSTED_TEXT]


def _spoken(part: Any) -> str:
    if isinstance(part, list):
        return " ".join(filter(None, map(_spoken, part)))
    if not isinstance(part, dict):
        return ""
    if isinstance(part.get("text"), str):
        return str(part["text"])
    return _spoken([value for value in part.values() if isinstance(value, (dict, list))])


def post(
    world: World,
    app: Installation,
    channel: Channel,
    content: Mapping[str, Any],
    *,
    seen_by: User | None = None,
    thread_ts: str | None = None,
    command: str | None = None,
) -> Message:
    """Post a message whose content was checked."""
    blocks, attachments = _named_blocks(world, content), _named_attachments(world, content)
    message = Message(
        channel=channel,
        ts=world.new_ts(channel),
        user=app.bot_user,
        text=written(content),
        app=app,
        blocks=blocks,
        attachments=attachments,
        thread_ts=thread_ts,
        metadata=content.get("metadata") or None,
        seen_by=seen_by,
        command=command,
        state=initial_values([*blocks, *_inside(attachments)]),
    )
    channel.add(message)
    return message


def _named_blocks(world: World, content: Mapping[str, Any]) -> list[JSON]:
    return name_all(content.get("blocks") or [], world.letters)


def _named_attachments(world: World, content: Mapping[str, Any]) -> list[JSON]:
    attachments = content.get("attachments") or []
    return [{**each, **({"blocks": _named_blocks(world, each)} if each.get("blocks") else {})} for each in attachments]


def _inside(attachments: list[JSON]) -> list[JSON]:
    return [block for each in attachments for block in each.get("blocks") or []]


def rewrite(world: World, message: Message, content: Mapping[str, Any]) -> None:
    """Update a message. Text alone removes the blocks; attachments and metadata stay unless given."""
    if "blocks" in content or "text" in content or "markdown_text" in content:
        message.blocks = _named_blocks(world, content)
        message.text = written(content)
    if content.get("attachments") is not None:
        message.attachments = _named_attachments(world, content)
    shown = [*message.blocks, *_inside(message.attachments)]
    message.state = initial_values(shown, kept=message.state)
    if content.get("metadata") is not None:
        message.metadata = content["metadata"] or None
    message.edited = message.edited or not message.blocks
