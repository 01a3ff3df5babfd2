"""Uploading in three steps: an address, the bytes, the message that shows them.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.desk import Desk
from playground.slack.errors import SlackError
from playground.slack.files import File
from playground.slack.posts import check_may_post, check_thread, find_channel, post
from playground.slack.world import JSON, Channel


def get_upload_url(desk: Desk, call: Call) -> JSON:
    size = call.number("length", 0)
    if size <= 0:
        raise SlackError("invalid_arguments")
    file = desk.files.announce(call.bot, call.text("filename"), size)
    desk.journal.hide(file.key)
    return {"file_id": file.id, "upload_url": f"{desk.base_url}/upload/v1/{file.key}"}


def complete_upload(desk: Desk, call: Call) -> JSON:
    wanted = call.nested("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
        raise SlackError("invalid_arguments")
    files = [desk.files.get(call.bot, each.get("id")) for each in wanted]
    channel = _channel(desk, call)
    for file, each in zip(files, wanted, strict=True):
        desk.files.complete(file, each.get("title"))
    if channel is not None:
        _share(desk, call, channel, files)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _channel(desk: Desk, call: Call) -> Channel | None:
    """Where it is to be shown; without one it stays private."""
    if not call.given("channel_id"):
        return None
    channel = find_channel(desk.world, call.bot, call.text("channel_id"))
    check_may_post(call.bot, channel)
    check_thread(channel, call.text("thread_ts"))
    return channel


def _share(desk: Desk, call: Call, channel: Channel, files: list[File]) -> None:
    content = {"text": call.text("initial_comment")}
    message = post(desk.world, call.bot, channel, content, thread_ts=call.text("thread_ts") or None)
    message.files = [file.payload(desk.base_url) for file in files]
