"""Files: announced, uploaded, completed, and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playground.wire import Fault
from tests.playground.slack.conftest import Payload, Scene, refused_with, text
from tests.playground.slack.forms import NAME, modal, opened

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


async def announced(scene: Scene, name: str, length: int) -> Payload:
    answer: Any = await scene.client.files_getUploadURLExternal(filename=name, length=length)
    return dict(answer.data)


async def sent(scene: Scene, name: str, content: bytes) -> str:
    """Upload a file and return its id."""
    given = await announced(scene, name, len(content))
    async with scene.session.post(given["upload_url"], data=content) as response:
        assert await response.text() == f"OK - {len(content)}"
    file_id: str = given["file_id"]
    return file_id


async def uploaded(scene: Scene, name: str, content: bytes, **how: Any) -> str:
    file_id = await sent(scene, name, content)
    await scene.client.files_completeUploadExternal(files=[{"id": file_id, "title": "Report"}], **how)
    return file_id


def picture(file_id: str) -> Payload:
    return {"type": "image", "alt_text": "QR code", "slack_file": {"id": file_id}}


async def test_a_file_shows_in_a_thread_with_its_comment(scene: Scene) -> None:
    card = await scene.client.chat_postMessage(channel=scene.ios.id, text="card")

    await uploaded(
        scene, "stats.csv", b"a,b\n", channel_id=scene.ios.id, thread_ts=card["ts"], initial_comment="Here it is"
    )

    _, message = scene.slack.messages(scene.ios)
    assert (message.text, message.thread_ts) == ("Here it is", card["ts"])
    (file,) = message.files
    assert (file["title"], file["name"], file["mimetype"], file["size"]) == ("Report", "stats.csv", "text/csv", 4)
    async with scene.session.get(file["url_private"]) as response:
        assert await response.read() == b"a,b\n"
        assert response.content_type == "text/csv"
        assert response.headers["Content-Disposition"] == "attachment"


async def test_bytes_that_are_not_as_many_as_announced_do_not_count(scene: Scene) -> None:
    given = await announced(scene, "a.csv", 3)

    async with scene.session.post(given["upload_url"], data=b"four") as response:
        assert response.status == 400
    with refused_with("file_not_found"):
        await scene.client.files_completeUploadExternal(files=[{"id": given["file_id"]}])


async def test_an_address_is_good_for_one_upload(scene: Scene) -> None:
    given = await announced(scene, "a.csv", 3)

    for status in (200, 404):
        async with scene.session.post(given["upload_url"], data=b"abc") as response:
            assert response.status == status
    assert "upload_url" in scene.slack.journal.dump()
    assert given["upload_url"] not in scene.slack.journal.dump()


async def test_a_file_is_completed_once_and_by_its_own_app(scene: Scene) -> None:
    file_id = await uploaded(scene, "a.csv", b"abc")
    other = scene.client_for(scene.slack.install(scene.app.app.manifest, scene.team).bot_token)

    with refused_with("file_update_failed"):
        await scene.client.files_completeUploadExternal(files=[{"id": file_id}])
    with refused_with("file_not_found"):
        await other.files_completeUploadExternal(files=[{"id": file_id}])


@pytest.mark.parametrize("files", [[], [{}], ["F1"], "{"])
async def test_files_are_named_by_their_ids(scene: Scene, files: Any) -> None:
    with refused_with("file_not_found" if files == [{}] else "invalid_arguments"):
        await scene.client.api_call("files.completeUploadExternal", json={"files": files})


@pytest.mark.parametrize("error", ["is_archived", "not_in_channel", "channel_not_found", "posting_to_channel_denied"])
async def test_a_file_goes_only_where_a_message_may_go(scene: Scene, error: str) -> None:
    file_id = await sent(scene, "a.csv", b"abc")
    channel = scene.slack.add_channel(scene.team, "other", private=error == "channel_not_found")
    scene.slack.archive(channel, archived=error == "is_archived")
    if error == "not_in_channel":
        scene.app.scopes = tuple(scope for scope in scene.app.scopes if scope != "chat:write.public")
    if error == "posting_to_channel_denied":
        channel.posting = "read_only"

    with refused_with(error):
        await scene.client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=channel.id)

    assert scene.slack.messages(channel) == []


async def test_a_private_picture_stands_in_a_block(scene: Scene) -> None:
    file_id = await uploaded(scene, "qr.png", PNG)

    await scene.client.chat_postMessage(channel=scene.ios.id, text="QR", blocks=[picture(file_id)])
    await opened(scene, modal(NAME, picture(file_id)))

    (message,) = scene.slack.messages(scene.ios)
    assert message.blocks[0]["slack_file"] == {"id": file_id}
    url = scene.slack.files.pictures(scene.slack.base_url)[file_id]
    async with scene.session.get(url) as response:
        assert (response.content_type, await response.read()) == ("image/png", PNG)
    section = {"type": "section", "text": text("QR"), "accessory": {**picture(""), "slack_file": {"url": url}}}
    await scene.client.chat_postMessage(channel=scene.ios.id, text="QR", blocks=[section])


@pytest.mark.parametrize("why", ["unknown", "not completed", "no picture", "of another app"])
async def test_a_block_shows_no_file_that_is_not_a_picture_of_this_app(scene: Scene, why: str) -> None:
    if why == "of another app":
        app = scene.slack.install(scene.app.app.manifest, scene.team)
        scene.slack.invite(scene.ios, app.bot_user)
        file_id = await uploaded(scene, "qr.png", PNG)
        scene.client = scene.client_for(app.bot_token)
    elif why == "no picture":
        file_id = await uploaded(scene, "qr.png", b"<svg/>")
    else:
        file_id = await sent(scene, "qr.png", PNG) if why == "not completed" else "F0NOWHERE"

    with refused_with("invalid_blocks") as refusal:
        await scene.client.chat_postMessage(
            channel=scene.ios.id, text="QR", blocks=[{"type": "divider"}, picture(file_id)]
        )

    assert refusal.value.response["response_metadata"]["messages"] == [
        "[ERROR] invalid slack file [json-pointer:/blocks/1/slack_file]"
    ]
    with refused_with("invalid_arguments"):
        await opened(scene, modal(NAME, picture(file_id)))


async def test_slack_may_need_a_moment_before_a_picture_can_stand_in_a_block(scene: Scene) -> None:
    scene.slack.limits.file_seconds = 2
    file_id = await uploaded(scene, "qr.png", PNG)

    with refused_with("invalid_blocks"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="QR", blocks=[picture(file_id)])
    scene.clock.move_to(scene.clock.now() + timedelta(seconds=2))
    await scene.client.chat_postMessage(channel=scene.ios.id, text="QR", blocks=[picture(file_id)])


async def test_an_upload_can_go_wrong(scene: Scene) -> None:
    scene.slack.faults.add(Fault("files.upload", "status", status=503))
    given = await announced(scene, "a.csv", 3)

    for status in (503, 200):
        async with scene.session.post(given["upload_url"], data=b"abc") as response:
            assert response.status == status


async def test_a_bot_whose_installer_declined_files_is_told_so(scene: Scene) -> None:
    modest = scene.slack.install(scene.app.app.manifest, scene.team, declined=("files:write",))

    with refused_with("missing_scope") as refusal:
        await scene.client_for(modest.bot_token).files_getUploadURLExternal(filename="a.csv", length=3)

    response = refusal.value.response
    assert response["needed"] == "files:write"
    assert response["provided"] == ",".join(modest.scopes) == response.headers["x-oauth-scopes"]
    assert response.headers["x-accepted-oauth-scopes"] == "files:write"


def test_only_optional_scopes_can_be_declined(scene: Scene) -> None:
    with pytest.raises(ValueError, match="chat:write"):
        scene.slack.install(scene.app.app.manifest, scene.team, declined=("chat:write",))
