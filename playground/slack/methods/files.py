"""Uploading in three steps: a URL, the bytes, the message that shows them.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.desk import Desk
from playground.slack.errors import SlackError
from playground.slack.posts import check_may_post, find_channel, post
from playground.slack.world import JSON


def get_upload_url(desk: Desk, call: Call) -> JSON:
    file_id = desk.world.new_id("F")
    desk.uploads[file_id] = {"name": call.text("filename"), "size": call.number("length", 0), "content": None}
    return {"file_id": file_id, "upload_url": f"{desk.base_url}/upload/{file_id}"}


def complete_upload(desk: Desk, call: Call) -> JSON:
    wanted = call.nested("files")
    if not isinstance(wanted, list) or any(each.get("id") not in desk.uploads for each in wanted):
        raise SlackError("file_not_found")
    if any(desk.uploads[each["id"]]["content"] is None for each in wanted):
        raise SlackError("file_not_found")
    files = [{"id": each["id"], "title": each.get("title") or desk.uploads[each["id"]]["name"]} for each in wanted]
    if call.given("channel_id"):
        channel = find_channel(desk.world, call.bot, call.text("channel_id"))
        check_may_post(call.bot, channel)
        names = ", ".join(file["title"] for file in files)
        content = {"text": call.text("initial_comment") or names, "attachments": [{"files": files}]}
        post(desk.world, call.bot, channel, content, thread_ts=call.text("thread_ts") or None)
    return {"files": files}
