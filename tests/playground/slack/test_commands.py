"""Commands: typed text, payload, response."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from tests.playground.slack.conftest import Payload, Scene, say


async def test_text_of_the_ack_is_only_for_who_asked(scene: Scene, bot: AsyncApp) -> None:
    @bot.command("/help")
    async def answer(ack: AsyncAck, command: Payload) -> None:
        await ack(f"you said {command['text']}")

    delivery = await scene.slack.command(scene.ana, scene.ios, "/help me")

    assert delivery.ok
    assert [message.text for message in scene.slack.ephemerals(scene.ana, scene.ios)] == ["you said me"]
    assert scene.slack.ephemerals(scene.bo, scene.ios) == []
    assert scene.slack.messages(scene.ios) == []


async def test_http_does_the_same(web_scene: Scene, web_bot: AsyncApp) -> None:
    @web_bot.command("/help")
    async def answer(ack: AsyncAck, command: Payload) -> None:
        await ack(f"you said {command['text']}")

    await web_scene.slack.command(web_scene.ana, web_scene.ios, "/help me")

    assert [message.text for message in web_scene.slack.ephemerals(web_scene.ana, web_scene.ios)] == ["you said me"]


async def test_an_in_channel_answer_shows_the_command_too(scene: Scene, bot: AsyncApp) -> None:
    @bot.command("/help")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="For all", response_type="in_channel")

    await scene.slack.command(scene.ana, scene.ios, "/help all")

    (message,) = scene.slack.messages(scene.ios)
    assert (message.text, message.command) == ("For all", "/help all")


async def test_an_answer_with_bad_blocks_is_not_shown(scene: Scene, bot: AsyncApp) -> None:
    @bot.command("/help")
    async def answer(ack: AsyncAck) -> None:
        await ack(text="x", blocks=[{"type": "header"}])

    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    assert (delivery.ok, delivery.error) == (False, "invalid_blocks")
    assert scene.slack.ephemerals(scene.ana, scene.ios) == []


async def test_names_channels_and_links_are_escaped(scene: Scene, bot: AsyncApp) -> None:
    secret = scene.slack.add_channel(scene.team, "secret", private=True)
    heard: list[Payload] = []

    @bot.command("/help")
    async def answer(ack: AsyncAck, command: Payload) -> None:
        heard.append(command)
        await ack()

    await scene.slack.command(
        scene.ana, scene.ios, "/help @bo #ios #secret a&b <x> https://ci.example/?a=1&b=2 bo@acme.example @nobody"
    )

    assert heard[0]["text"] == (
        f"<@{scene.bo.id}|bo> <#{scene.ios.id}|ios> <#{secret.id}|> a&amp;b &lt;x&gt; "
        "<https://ci.example/?a=1&amp;b=2> <mailto:bo@acme.example|bo@acme.example> @nobody"
    )


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("release.io x", "<http://release.io|release.io> x"),
        (
            "run deploy.sh, then ci.acme.dev/a?b=1.",
            "run <http://deploy.sh|deploy.sh>, then <http://ci.acme.dev/a?b=1|ci.acme.dev/a?b=1>.",
        ),
        ("URL=acme.com branch:v1.io", "URL=<http://acme.com|acme.com> branch:<http://v1.io|v1.io>"),
        ("ana@acme.dev", "<mailto:ana@acme.dev|ana@acme.dev>"),
        ("[this build](https://ci.example/1) ok", "<https://ci.example/1|this build> ok"),
        ("release/3.2 feature/x.io v1.2.3 a.b e.g. x.iox io", "release/3.2 feature/x.io v1.2.3 a.b e.g. x.iox io"),
        ("https://ci.example/#ios", "<https://ci.example/#ios>"),
    ],
)
async def test_slack_makes_links_of_what_looks_like_one(scene: Scene, bot: AsyncApp, typed: str, text: str) -> None:
    heard = say(bot, "/help")

    await scene.slack.command(scene.ana, scene.ios, f"/help {typed}")

    assert heard[0]["text"] == text


async def test_a_person_is_mentioned_by_the_handle_or_the_chosen_name(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")
    max_ = scene.slack.add_user(scene.team, "mm1987", display_name="max")

    await scene.slack.command(scene.ana, scene.ios, "/help @max @mm1987")

    assert heard[0]["text"] == f"<@{max_.id}|mm1987> <@{max_.id}|mm1987>"


async def test_without_should_escape_the_text_arrives_raw(scene: Scene, bot: AsyncApp) -> None:
    scene.app.app.commands[0]["should_escape"] = False  # type: ignore[index]
    heard = say(bot, "/help")

    await scene.slack.command(scene.ana, scene.ios, "/help @bo a&b")

    assert heard[0]["text"] == "@bo a&b"


async def test_a_command_tells_where_and_who(scene: Scene, bot: AsyncApp) -> None:
    heard = say(bot, "/help")
    secret = scene.slack.add_channel(scene.team, "secret", private=True, members=[scene.ana])

    await scene.slack.command(scene.ana, scene.ios, "/help")
    await scene.slack.command(scene.ana, secret, "/help")
    await scene.slack.command(scene.ana, None, "/help", dm=scene.app)

    assert [each["channel_name"] for each in heard] == ["ios", "privategroup", "directmessage"]
    assert heard[0]["user_id"] == scene.ana.id
    assert heard[0]["team_id"] == scene.team.id
    assert heard[0]["api_app_id"] == scene.app.id
    assert heard[0]["is_enterprise_install"] == "false"
    assert re.fullmatch(r"\d+\.\d+\.[0-9a-f]{32}", heard[0]["trigger_id"])


async def test_no_answer_in_time_is_an_operation_timeout(scene: Scene, bot: AsyncApp) -> None:
    scene.slack.limits.ack_seconds = 0.1

    @bot.command("/help")
    async def never(ack: AsyncAck) -> None:
        await asyncio.Event().wait()

    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    assert (delivery.ok, delivery.error) == (False, "operation_timeout")


async def test_http_no_answer_in_time_is_an_operation_timeout(web_scene: Scene, web_bot: AsyncApp) -> None:
    web_scene.slack.limits.ack_seconds = 0.1
    asleep = asyncio.Event()

    @web_bot.command("/help")
    async def never(ack: AsyncAck) -> None:
        await asleep.wait()

    delivery = await web_scene.slack.command(web_scene.ana, web_scene.ios, "/help")
    asleep.set()

    assert (delivery.ok, delivery.error, delivery.attempts) == (False, "operation_timeout", 1)


async def test_an_error_status_is_dispatch_failed(web_scene: Scene, server_that_answers: str) -> None:
    web_scene.app.request_url = server_that_answers + "/500"

    delivery = await web_scene.slack.command(web_scene.ana, web_scene.ios, "/help")

    assert (delivery.ok, delivery.error, delivery.attempts) == (False, "dispatch_failed", 1)


async def test_nobody_listening_is_dispatch_failed(scene: Scene) -> None:
    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    assert (delivery.ok, delivery.error) == (False, "dispatch_failed")


async def test_plain_text_is_an_answer_over_http(web_scene: Scene, server_that_answers: str) -> None:
    web_scene.app.request_url = server_that_answers + "/200"

    await web_scene.slack.command(web_scene.ana, web_scene.ios, "/help")

    assert [each.text for each in web_scene.slack.ephemerals(web_scene.ana, web_scene.ios)] == ["plain"]


async def test_the_app_installed_last_has_the_word(scene: Scene) -> None:
    other = scene.slack.install(scene.app.app.manifest, scene.team)

    delivery = await scene.slack.command(scene.ana, scene.ios, "/help")

    assert delivery.app is other


async def test_only_people_of_the_team_have_the_command(scene: Scene) -> None:
    globex = scene.slack.add_team("Globex")
    stranger = scene.slack.add_user(globex, "zoe")
    scene.slack.share(scene.ios, globex)
    scene.slack.invite(scene.ios, stranger)

    with pytest.raises(LookupError, match="not a valid command"):
        await scene.slack.command(stranger, scene.ios, "/help")


async def test_a_challenge_and_an_ssl_check_are_asked(web_scene: Scene, web_bot: AsyncApp) -> None:
    assert await web_scene.slack.verify_url(web_scene.app)
    assert await web_scene.slack.ssl_check(web_scene.app)


@pytest.mark.parametrize("spoil", [{"secret": "wrong"}, {"timestamp": "1000000000"}, {"signature": "v0=00"}])
async def test_a_wrong_signature_is_refused_by_the_app(
    web_scene: Scene, web_bot: AsyncApp, spoil: dict[str, str]
) -> None:
    heard = say(web_bot, "/help")
    for name, value in spoil.items():
        setattr(web_scene.slack.signing, name, value)

    delivery = await web_scene.slack.command(web_scene.ana, web_scene.ios, "/help")

    assert delivery.error == "dispatch_failed"
    assert heard == []


@pytest.fixture
async def server_that_answers() -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text="plain")

    app = web.Application()
    app.router.add_post("/{status}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()
