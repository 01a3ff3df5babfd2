"""Where Slack lets an app post, reply and edit: threads, restricted channels, editing windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playground.slack import Message
from tests.playground.slack.conftest import Scene, refused_with


async def posted(scene: Scene, **more: Any) -> Message:
    """Post a message in #ios and return it."""
    answer = await scene.client.chat_postMessage(channel=scene.ios.id, text="x", **more)
    message = scene.ios.standing(answer["ts"])
    assert message is not None
    return message


async def test_a_reply_stands_in_its_thread(scene: Scene) -> None:
    parent = await posted(scene)

    reply = await posted(scene, thread_ts=parent.ts)

    assert scene.slack.thread(parent) == [reply]


async def test_a_reply_to_a_deleted_message_goes_into_the_channel(scene: Scene) -> None:
    parent = await posted(scene)
    scene.slack.delete_message(parent)

    reply = await posted(scene, thread_ts=parent.ts)

    assert reply.thread_ts is None
    assert "thread_ts" not in reply.payload()


async def test_ephemeral_replies_and_files_to_a_deleted_message_go_into_the_channel(scene: Scene) -> None:
    gone, channel = "1.1", scene.ios.id
    answer = await scene.client.chat_postEphemeral(channel=channel, user=scene.ana.id, text="psst", thread_ts=gone)
    upload = await scene.client.files_getUploadURLExternal(filename="a.csv", length=3)
    async with scene.session.post(upload["upload_url"], data=b"abc"):
        pass
    files = [{"id": upload["file_id"]}]
    await scene.client.files_completeUploadExternal(files=files, channel_id=channel, thread_ts=gone)

    (file,) = scene.slack.messages(scene.ios)
    (ephemeral,) = scene.slack.ephemerals(scene.ana, scene.ios)
    assert (file.thread_ts, ephemeral.thread_ts, ephemeral.ts) == (None, None, answer["message_ts"])


async def test_only_admins_post_in_a_read_only_channel(scene: Scene) -> None:
    message = await posted(scene)
    scene.ios.posting = "read_only"

    with refused_with("restricted_action_read_only_channel"):
        await posted(scene)
    with refused_with("restricted_action_read_only_channel"):
        await posted(scene, thread_ts=message.ts)
    with refused_with("restricted_action"):
        await scene.client.chat_postEphemeral(channel=scene.ios.id, user=scene.ana.id, text="psst")
    await scene.client.chat_update(channel=scene.ios.id, ts=message.ts, text="an edit is no post")
    with pytest.raises(LookupError, match="only admins"):
        await scene.slack.post(scene.ana, scene.ios, "hello")
    with pytest.raises(LookupError, match="only admins"):
        await scene.slack.command(scene.ana, scene.ios, "/help")
    await scene.slack.post(scene.bo, scene.ios, "hello")


async def test_a_channel_without_threads_takes_no_replies(scene: Scene) -> None:
    parent = await posted(scene)
    scene.ios.posting = "no_threads"

    with refused_with("restricted_action_non_threadable_channel"):
        await posted(scene, thread_ts=parent.ts)
    with refused_with("cannot_reply_to_message"):
        await scene.client.chat_postEphemeral(channel=scene.ios.id, user=scene.ana.id, text="psst", thread_ts=parent.ts)
    await posted(scene)


async def test_a_channel_of_threads_takes_replies_only(scene: Scene) -> None:
    parent = await posted(scene)
    scene.ios.posting = "threads_only"

    with refused_with("restricted_action_thread_only_channel"):
        await posted(scene)
    await posted(scene, thread_ts=parent.ts)
    scene.slack.delete_message(parent)
    with refused_with("restricted_action_thread_only_channel"):
        await posted(scene, thread_ts=parent.ts)


@pytest.mark.parametrize(
    ("replies", "error"),
    [("locked", "restricted_action_thread_locked"), ("refused", "cannot_reply_to_message")],
)
async def test_a_message_may_refuse_replies(scene: Scene, replies: Any, error: str) -> None:
    parent = await posted(scene)
    parent.replies = replies

    with refused_with(error):
        await posted(scene, thread_ts=parent.ts)
    await scene.client.chat_update(channel=scene.ios.id, ts=parent.ts, text="the message itself is as before")


async def test_after_the_editing_window_a_message_stays_as_it_is(scene: Scene) -> None:
    message = await posted(scene)
    scene.team.edit_window = timedelta(minutes=5)

    scene.clock.move_to(scene.clock.now() + timedelta(minutes=5))
    await scene.client.chat_update(channel=scene.ios.id, ts=message.ts, text="in time")
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=1))
    with refused_with("edit_window_closed"):
        await scene.client.chat_update(channel=scene.ios.id, ts=message.ts, text="too late")

    assert message.text == "in time"


async def test_the_editing_window_may_be_never(scene: Scene) -> None:
    scene.team.edit_window = timedelta(0)
    message = await posted(scene)
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=1))

    with refused_with("edit_window_closed"):
        await scene.client.chat_update(channel=scene.ios.id, ts=message.ts, text="y")
