"""Upload files in three steps: URL, bytes, completion.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.files import File
from playground.slack.posts import check_may_post, find_channel, find_thread, post
from playground.slack.world import JSON, Channel


def get_upload_url(core: Core, call: Call) -> JSON:
    size = call.number("length", 0)
    if size <= 0:
        raise SlackError("invalid_arguments")
    file = core.files.announce(call.bot, call.text("filename"), size)
    core.journal.hide(file.key)
    return {"file_id": file.id, "upload_url": f"{core.base_url}/upload/v1/{file.key}"}


def complete_upload(core: Core, call: Call) -> JSON:
    uploads = call.nested("files")
    if not isinstance(uploads, list) or not uploads or not all(isinstance(each, dict) for each in uploads):
        raise SlackError("invalid_arguments")
    files = [core.files.get(call.bot, each.get("id")) for each in uploads]
    place = _place(core, call)
    for file, each in zip(files, uploads, strict=True):
        core.files.complete(file, each.get("title"))
    if place is not None:
        _share(core, call, *place, files)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _place(core: Core, call: Call) -> tuple[Channel, str | None] | None:
    """Return the channel and thread of the file; without a channel it stays private."""
    if not call.given("channel_id"):
        return None
    channel = find_channel(core.world, call.bot, call.text("channel_id"))
    check_may_post(call.bot, channel)
    try:
        return channel, find_thread(channel, call.text("thread_ts"))
    except SlackError as error:
        raise SlackError("posting_to_channel_denied") from error


def _share(core: Core, call: Call, channel: Channel, thread_ts: str | None, files: list[File]) -> None:
    content = {"text": call.text("initial_comment")}
    message = post(core.world, call.bot, channel, content, thread_ts=thread_ts)
    message.files = [file.payload(core.base_url) for file in files]
