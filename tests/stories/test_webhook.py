"""Bitrise calls: who may have it call, what a true call does, and what lies, replays and floods do not."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot import outbox
from bot.permissions import Actor
from bot.slack.text import Message
from commands import webhook
from playground.bot_process import free_port
from playground.slack import User
from playground.wire import Fault
from storage import workspaces as workspace_rows
from tests.world import World

OpenWorld = Callable[..., Awaitable[World]]
LIST = "builds.list-all"


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Bitrise can reach the bot, and the stored token may change webhooks."""
    port = free_port()
    world = await open_world(port=port, public_url=f"http://127.0.0.1:{port}", connected=False)
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    return world


async def press_offer(world: World, *, by: User | None = None) -> None:
    """What the offer's button sends, whoever shows it."""
    person = by or world.ada
    actor = Actor(world.team.id, world.team.id, person.id, person.name, world.ios.id)
    offer = Message("offer") + webhook.offer(world.shop.slug, "iOS Shop")
    await outbox.answer_privately(world.bot.ctx, actor, offer)
    await world.settled()
    await world.press(world.whisper(person), "Let Bitrise call me", by=person)


def answer(world: World) -> str:
    return world.whispers(world.ada)[-1]


def calls(world: World, operation: str = LIST) -> int:
    return len(world.bitrise.journal.named(operation))


async def hook(world: World) -> tuple[str, str]:
    """The address Bitrise has, and the secret it signs with."""
    [registered] = world.bitrise.webhooks.of(world.shop)
    return registered.url, registered.secret


def signed(raw: bytes, secret: str) -> dict[str, str]:
    return {"Bitrise-Hook-Signature": f"sha256={hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}"}


async def post(url: str, raw: bytes, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as response:
        return response.status


BODY = json.dumps({"app_slug": "a", "build_slug": "b", "build_number": 1, "build_status": 1}).encode()


async def test_an_admin_has_bitrise_call_and_is_told_so(world: World) -> None:
    await press_offer(world)
    assert answer(world) == "Done: Bitrise calls me at once when something happens to iOS Shop."
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_asking_twice_gives_one_webhook(world: World) -> None:
    await press_offer(world)
    await press_offer(world)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_only_those_who_may_connect_have_it_call(world: World) -> None:
    await press_offer(world, by=world.bo)
    assert "limited to admins" in world.whispers(world.bo)[-1]
    assert not world.bitrise.webhooks.of(world.shop)


async def test_a_token_without_the_role_gets_what_to_paste(world: World) -> None:
    await world.connect(world.bitrise.add_token(world.owner, role="developer"))
    await press_offer(world)
    told = answer(world)
    assert "may not change webhooks of iOS Shop" in told
    assert f"{world.bot.ctx.settings.public_url}/bitrise/webhook/" in told
    assert "X-Buildbell-Secret" in told


async def test_what_was_pasted_by_hand_is_believed(world: World) -> None:
    await world.connect(world.bitrise.add_token(world.owner, role="developer"))
    await press_offer(world)
    told = answer(world).replace("`", " ").split()
    url = next(word for word in told if word.startswith("http"))
    secret = told[told.index("Secret:") + 1]
    world.bitrise.add_webhook(world.shop, url, headers={"X-Buildbell-Secret": secret})
    world.bitrise.start_build(world.shop, workflow="test")
    await world.settled()
    assert await last_called(world) is not None


async def last_called(world: World) -> Any:
    workspace = await workspace_rows.find_workspace(world.bot.ctx.db, world.team.id)
    assert workspace is not None
    return workspace.last_webhook_at


async def test_without_a_public_address_it_is_said_what_to_do(open_world: OpenWorld) -> None:
    world = await open_world()
    await press_offer(world)
    assert "BUILDBELL_PUBLIC_URL" in answer(world)


async def test_a_call_makes_a_sweep_due_at_once(world: World) -> None:
    await press_offer(world)
    await world.passes(minutes=2)
    world.bitrise.journal.clear()
    world.bitrise.start_build(world.shop, workflow="test")
    await world.settled()
    assert calls(world) == 1


async def test_the_card_turns_the_moment_the_build_ends(open_world: OpenWorld) -> None:
    port = free_port()
    world = await open_world(port=port, public_url=f"http://127.0.0.1:{port}", sweep_seconds=600, connected=False)
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    await press_offer(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=8)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_a_lost_call_is_made_up_for_by_the_next_sweep(world: World) -> None:
    await press_offer(world)
    world.bitrise.delivery_faults.add(Fault("*", "lost", times=None))
    await world.say("/build shop deploy main")
    await world.passes(minutes=8)
    assert world.read(world.card).startswith("✅ Succeeded")


@pytest.mark.parametrize(
    "forge",
    [
        lambda raw, secret: {},
        lambda raw, secret: {"X-Buildbell-Secret": "guess"},
        lambda raw, secret: signed(raw + b" ", secret),
        lambda raw, secret: signed(raw, "guess"),
        lambda raw, secret: {"Bitrise-Hook-Signature": "sha256="},
        lambda raw, secret: {**signed(raw, "guess"), "X-Buildbell-Secret": secret},
    ],
)
async def test_a_lie_is_told_that_there_is_no_such_place(
    world: World, forge: Callable[[bytes, str], dict[str, str]]
) -> None:
    await press_offer(world)
    await world.passes(minutes=2)
    url, secret = await hook(world)
    world.bitrise.journal.clear()
    assert await post(url, BODY, forge(BODY, secret)) == 404
    await world.settled()
    assert calls(world) == 0


async def test_an_unknown_address_is_told_the_same(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    assert await post(url[:-1] + ("0" if url[-1] != "0" else "1"), BODY, signed(BODY, secret)) == 404


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff\x00", b'{"app_slug": {"a": 1}}', b'{"build_slug": "../../x"}'])
async def test_a_true_call_may_say_anything(world: World, raw: bytes) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    assert await post(url, raw, signed(raw, secret)) == 204
    await world.settled()


async def test_a_call_that_comes_in_two_pieces_is_true(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    raw = b'{"build_slug": "b1"}'

    async def pieces() -> AsyncIterator[bytes]:
        yield raw[:7]
        async with aiohttp.ClientSession() as other, other.get(f"http://127.0.0.1:{world.bot.port}/healthz") as health:
            assert health.ok  # so the first piece has been seen
        yield raw[7:]

    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=pieces(), headers=signed(raw, secret)) as response,
    ):
        assert response.status == 204


async def test_a_call_without_end_is_refused(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    raw = b"x" * 70_000
    assert await post(url, raw, signed(raw, secret)) == 413


async def test_a_flood_of_replays_asks_bitrise_no_more_than_every_two_seconds(world: World) -> None:
    await press_offer(world)
    await world.passes(minutes=2)
    url, secret = await hook(world)
    world.bitrise.journal.clear()
    statuses = await asyncio.gather(*(post(url, BODY, signed(BODY, secret)) for _ in range(100)))
    await world.settled()
    assert set(statuses) == {204}
    at_once = calls(world)
    await world.passes(seconds=2)
    assert at_once == 1
    assert calls(world) <= 2


async def test_doctor_says_when_bitrise_last_called(world: World) -> None:
    await world.say("/build doctor")
    assert "Bitrise has not called yet" in world.whispers()[-1]
    await press_offer(world)
    world.bitrise.start_build(world.shop, workflow="test")
    await world.passes(seconds=7)
    await world.say("/build doctor")
    assert "Bitrise last called" in world.whispers()[-1]


async def test_after_disconnecting_a_call_does_nothing(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Forget the token", by=world.ada)
    world.bitrise.journal.clear()
    assert await post(url, BODY, signed(BODY, secret)) == 204
    await world.settled()
    assert calls(world) == 0


async def test_the_secret_is_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await press_offer(world)
    url, secret = await hook(world)
    await post(url, BODY, signed(BODY, secret))
    await post(url, BODY, {"X-Buildbell-Secret": secret + "x"})
    await world.settled()
    told = "\n".join(str(record.__dict__) for record in caplog.records if record.name.startswith(("bot", "commands")))
    assert secret not in told
    assert url.rsplit("/", 1)[1] not in told


async def test_whoever_subscribes_a_channel_is_offered_it_once(world: World) -> None:
    await world.say("/build subscribe shop", by=world.ada)
    assert "In the last 7 days" in answer(world)
    await world.press(world.whisper(world.ada), "Let Bitrise call me", by=world.ada)
    assert "Done: Bitrise calls me at once" in answer(world)
    await world.say("/build subscribe shop outcome:failed", by=world.ada)
    assert "[Let Bitrise call me]" not in answer(world)


async def test_who_may_not_ask_for_it_is_not_offered_it(world: World) -> None:
    await world.say("/build subscribe shop")
    assert "In the last 7 days" in world.whispers()[-1]
    assert "[Let Bitrise call me]" not in world.whispers()[-1]
