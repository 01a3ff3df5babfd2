"""Messages: permissions, fields an update keeps, truncation."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.playground.slack.conftest import Payload, Scene, refused_with

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Build *812*"}}


async def test_a_posted_message_is_there_for_everybody(scene: Scene) -> None:
    answer = await scene.client.chat_postMessage(channel=scene.ios.id, text="hello", blocks=[SECTION])

    (message,) = scene.slack.messages(scene.ios)
    assert (message.ts, message.text, message.user) == (answer["ts"], "hello", scene.app.bot_user)
    assert message.blocks[0]["text"] == SECTION["text"]
    assert message.blocks[0]["block_id"]
    assert answer["message"]["bot_id"] == scene.app.bot_id
    assert answer.headers["x-oauth-scopes"].startswith("commands,chat:write")


async def test_ts_rises_though_the_clock_stands_still(scene: Scene) -> None:
    stamps = [(await scene.client.chat_postMessage(channel=scene.ios.id, text="x"))["ts"] for _ in range(3)]

    assert stamps == sorted(set(stamps))


async def test_a_user_id_opens_the_direct_messages(scene: Scene) -> None:
    answer = await scene.client.chat_postMessage(channel=scene.ana.id, text="psst")

    assert answer["channel"].startswith("D")
    assert [message.text for message in scene.slack.direct_messages(scene.ana, scene.app)] == ["psst"]


async def test_text_alone_drops_the_blocks_and_marks_the_message_edited(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(
        channel=scene.ios.id, text="a", blocks=[SECTION], metadata={"event_type": "e", "event_payload": {"n": 1}}
    )

    await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="b")

    (message,) = scene.slack.messages(scene.ios)
    assert (message.text, message.blocks, message.edited) == ("b", [], True)
    assert message.metadata == {"event_type": "e", "event_payload": {"n": 1}}


async def test_an_update_with_blocks_is_not_marked_edited(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="a", blocks=[SECTION])

    await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="b", blocks=[SECTION], metadata={})

    (message,) = scene.slack.messages(scene.ios)
    assert (message.text, message.edited) == ("b", False)


async def test_text_is_cut_at_40000_and_refused_in_an_update_past_4000(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="x" * 40_001)

    assert len(scene.slack.messages(scene.ios)[0].text) == 40_000
    with refused_with("msg_too_long"):
        await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="x" * 4_001)


async def test_without_text_slack_makes_one_from_the_blocks(scene: Scene) -> None:
    await scene.client.api_call("chat.postMessage", json={"channel": scene.ios.id, "blocks": [SECTION]})

    assert scene.slack.messages(scene.ios)[0].text == "Build *812*"


async def test_the_bot_must_be_in_the_channel_or_have_chat_write_public(scene: Scene) -> None:
    android = scene.slack.add_channel(scene.team, "android")
    modest = scene.slack.install(scene.app.app.manifest, scene.team, declined=["chat:write.public"])

    await scene.client.chat_postMessage(channel=android.id, text="public is open")

    with refused_with("not_in_channel"):
        await scene.client_for(modest.bot_token).chat_postMessage(channel=android.id, text="x")


async def test_a_private_channel_does_not_exist_for_others(scene: Scene) -> None:
    secret = scene.slack.add_channel(scene.team, "secret", private=True)

    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel=secret.id, text="x")
    scene.slack.invite(secret, scene.app.bot_user)
    await scene.client.chat_postMessage(channel=secret.id, text="x")
    scene.slack.kick(secret, scene.app.bot_user)
    with refused_with("channel_not_found"):
        await scene.client.chat_postMessage(channel=secret.id, text="x")


async def test_nothing_new_in_an_archived_channel(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    scene.slack.archive(scene.ios)

    with refused_with("is_archived"):
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x")
    with refused_with("is_inactive"):
        await scene.client.chat_update(channel=scene.ios.id, ts=posted["ts"], text="y")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "y" * 12_001}, "msg_too_long"),
        ({"blocks": "[", "text": "x"}, "invalid_blocks_format"),
    ],
)
async def test_what_cannot_be_posted(scene: Scene, given: dict[str, Any], error: str) -> None:
    with refused_with(error):
        await scene.client.api_call("chat.postMessage", json={"channel": scene.ios.id, **given})


async def test_bad_blocks_are_refused_with_a_pointer(scene: Scene) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}

    with refused_with("invalid_blocks") as refusal:
        await scene.client.chat_postMessage(channel=scene.ios.id, text="x", blocks=[header])

    assert refusal.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_an_ephemeral_message_can_be_neither_updated_nor_deleted(scene: Scene) -> None:
    posted = await scene.client.chat_postEphemeral(channel=scene.ios.id, user=scene.ana.id, text="psst")

    assert [each.text for each in scene.slack.ephemerals(scene.ana, scene.ios)] == ["psst"]
    with refused_with("message_not_found"):
        await scene.client.chat_update(channel=scene.ios.id, ts=posted["message_ts"], text="x")
    with refused_with("message_not_found"):
        await scene.client.chat_delete(channel=scene.ios.id, ts=posted["message_ts"])


async def test_an_ephemeral_message_needs_a_reader_in_the_channel(scene: Scene) -> None:
    outsider = scene.slack.add_user(scene.team, "cy")

    with refused_with("user_not_in_channel"):
        await scene.client.chat_postEphemeral(channel=scene.ios.id, user=outsider.id, text="psst")


async def test_only_own_messages_can_be_changed(scene: Scene) -> None:
    other = scene.client_for(scene.slack.install(scene.app.app.manifest, scene.team).bot_token)
    posted = await scene.client.chat_postMessage(channel=scene.ios.id, text="mine")

    with refused_with("cant_update_message"):
        await other.chat_update(channel=scene.ios.id, ts=posted["ts"], text="yours")
    with refused_with("cant_delete_message"):
        await other.chat_delete(channel=scene.ios.id, ts=posted["ts"])
    await scene.client.chat_delete(channel=scene.ios.id, ts=posted["ts"])
    assert scene.slack.messages(scene.ios) == []


async def test_threads_permalinks_and_reactions(scene: Scene) -> None:
    root = await scene.client.chat_postMessage(channel=scene.ios.id, text="root")
    await scene.client.chat_postMessage(channel=scene.ios.id, text="reply", thread_ts=root["ts"])
    await scene.client.reactions_add(channel=scene.ios.id, timestamp=root["ts"], name="eyes")
    link = await scene.client.chat_getPermalink(channel=scene.ios.id, message_ts=root["ts"])

    (message, _) = scene.slack.messages(scene.ios)
    assert [each.text for each in scene.slack.thread(message)] == ["reply"]
    assert message.reactions == ["eyes"]
    assert link["permalink"] == f"https://acme.slack.com/archives/{scene.ios.id}/p{root['ts'].replace('.', '')}"


@pytest.mark.parametrize(
    ("content", "pinged"),
    [
        ({"text": "hi <@U0ANA> and <!channel>"}, {"U0ANA", "!channel"}),
        ({"text": "hi &lt;!channel&gt; @channel"}, set()),
        ({"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "<!here>"}}]}, set()),
        (
            {
                "text": "x",
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "text", "text": "<!here>"},
                                    {"type": "user", "user_id": "U0BO"},
                                    {"type": "broadcast", "range": "channel"},
                                ],
                            }
                        ],
                    }
                ],
            },
            {"U0BO", "!channel"},
        ),
    ],
)
async def test_who_is_pinged(scene: Scene, content: Payload, pinged: set[str]) -> None:
    await scene.client.chat_postMessage(channel=scene.ios.id, **content)

    assert scene.slack.pings(scene.slack.messages(scene.ios)[0]) == pinged


async def test_a_file_goes_up_in_three_steps(scene: Scene) -> None:
    await scene.client.files_upload_v2(channel=scene.ios.id, content="log", filename="build.log", title="Log")

    (message,) = scene.slack.messages(scene.ios)
    assert message.files[0]["title"] == "Log"


async def test_teams_do_not_see_each_other(scene: Scene) -> None:
    globex = scene.slack.add_team("Globex")
    theirs = scene.slack.install(scene.app.app.manifest, globex, of=scene.app)

    assert theirs.signing_secret == scene.app.signing_secret
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await scene.client_for(theirs.bot_token).chat_postMessage(channel=scene.ios.id, text="x")
