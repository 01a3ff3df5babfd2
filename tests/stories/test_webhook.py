"""Bitrise's webhooks: who may register one, the sync it makes due, and why forgeries, replays and floods do no harm."""

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
    """Return a world in which Bitrise can reach the bot and the token may register webhooks."""
    port = free_port()
    world = await open_world(port=port, public_url=f"http://127.0.0.1:{port}", connected=False)
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    return world


async def press_offer(world: World, *, by: User | None = None) -> None:
    """Select the button of the offer."""
    person = by or world.ada
    actor = Actor(world.team.id, world.team.id, person.id, person.name, world.ios.id)
    offer = Message("offer") + webhook.offer(world.shop.slug, "iOS Shop")
    await outbox.answer_privately(world.bot.ctx, actor, offer)
    await world.settled()
    await world.press(world.whisper(person), "Set up webhook", by=person)


def answer(world: World) -> str:
    return world.whispers(world.ada)[-1]


def calls(world: World, operation: str = LIST) -> int:
    return len(world.bitrise.journal.named(operation))


async def hook(world: World) -> tuple[str, str]:
    """Return the URL of the registered webhook and the secret that signs its deliveries."""
    [registered] = world.bitrise.webhooks.of(world.shop)
    return registered.url, registered.secret


def signed(raw: bytes, secret: str) -> dict[str, str]:
    return {"Bitrise-Hook-Signature": f"sha256={hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}"}


async def post(url: str, raw: bytes, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as response:
        return response.status


BODY = json.dumps({"app_slug": "a", "build_slug": "b", "build_number": 1, "build_status": 1}).encode()


async def test_admin_registers_a_webhook(world: World) -> None:
    await press_offer(world)
    assert answer(world) == "Webhook set up. Bitrise now notifies Buildbell about builds of iOS Shop at once."
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_registering_twice_creates_one_webhook(world: World) -> None:
    await press_offer(world)
    await press_offer(world)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_only_people_who_may_connect_can_register_a_webhook(world: World) -> None:
    await press_offer(world, by=world.bo)
    assert "Only workspace admins can do that" in world.whispers(world.bo)[-1]
    assert not world.bitrise.webhooks.of(world.shop)


async def test_token_without_the_role_gets_the_values_to_enter_by_hand(world: World) -> None:
    await world.connect(world.bitrise.add_token(world.owner, role="developer"))
    await press_offer(world)
    told = answer(world)
    assert "can't change webhooks of iOS Shop" in told
    assert f"{world.bot.ctx.settings.public_url}/bitrise/webhook/" in told
    assert "X-Buildbell-Secret" in told


async def test_webhook_entered_by_hand_is_authentic(world: World) -> None:
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


async def test_without_a_public_url_the_reply_names_the_setting(open_world: OpenWorld) -> None:
    world = await open_world()
    await press_offer(world)
    assert "BUILDBELL_PUBLIC_URL" in answer(world)


async def test_webhook_makes_a_sync_due_at_once(world: World) -> None:
    await press_offer(world)
    await world.passes(minutes=2)
    world.bitrise.journal.clear()
    world.bitrise.start_build(world.shop, workflow="test")
    await world.settled()
    assert calls(world) == 1


async def test_card_shows_the_result_as_soon_as_the_build_finishes(open_world: OpenWorld) -> None:
    port = free_port()
    world = await open_world(port=port, public_url=f"http://127.0.0.1:{port}", sweep_seconds=600, connected=False)
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    await press_offer(world)
    await world.say("/build shop deploy main")
    await world.passes(minutes=8)
    assert world.read(world.card).startswith("✅ Succeeded")


async def test_lost_webhook_is_made_up_for_by_the_next_sync(world: World) -> None:
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
async def test_forged_webhook_gets_404(world: World, forge: Callable[[bytes, str], dict[str, str]]) -> None:
    await press_offer(world)
    await world.passes(minutes=2)
    url, secret = await hook(world)
    world.bitrise.journal.clear()
    assert await post(url, BODY, forge(BODY, secret)) == 404
    await world.settled()
    assert calls(world) == 0


async def test_unknown_key_gets_404(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    assert await post(url[:-1] + ("0" if url[-1] != "0" else "1"), BODY, signed(BODY, secret)) == 404


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff\x00", b'{"app_slug": {"a": 1}}', b'{"build_slug": "../../x"}'])
async def test_authentic_webhook_may_have_any_body(world: World, raw: bytes) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    assert await post(url, raw, signed(raw, secret)) == 204
    await world.settled()


async def test_webhook_in_two_chunks_is_authentic(world: World) -> None:
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


async def test_endless_webhook_is_refused(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    raw = b"x" * 70_000
    assert await post(url, raw, signed(raw, secret)) == 413


async def test_replayed_webhooks_cause_at_most_one_sync_every_two_seconds(world: World) -> None:
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


async def test_doctor_shows_the_last_webhook(world: World) -> None:
    await world.say("/build doctor")
    assert "No webhook received from Bitrise yet" in world.whispers()[-1]
    await press_offer(world)
    world.bitrise.start_build(world.shop, workflow="test")
    await world.passes(seconds=7)
    await world.say("/build doctor")
    assert "Last webhook from Bitrise" in world.whispers()[-1]


async def test_webhook_after_disconnecting_does_nothing(world: World) -> None:
    await press_offer(world)
    url, secret = await hook(world)
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)
    world.bitrise.journal.clear()
    assert await post(url, BODY, signed(BODY, secret)) == 204
    await world.settled()
    assert calls(world) == 0


async def disconnect(world: World) -> None:
    await world.say("/build disconnect", by=world.ada)
    await world.press(world.whisper(world.ada), "Disconnect", by=world.ada)


async def test_disconnecting_deletes_the_webhook_at_bitrise(world: World) -> None:
    await press_offer(world)
    await disconnect(world)
    assert world.bitrise.webhooks.of(world.shop) == []
    assert await world.bot.ctx.db.fetch_all("select * from webhooks") == []
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    await press_offer(world)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_webhook_is_deleted_once_bitrise_is_back(world: World) -> None:
    await press_offer(world)
    world.bitrise.faults.add(Fault("webhooks.delete", "status", status=503, times=3))
    await disconnect(world)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1
    await world.restart_bot()
    await world.passes(minutes=3)
    assert world.bitrise.webhooks.of(world.shop) == []


async def test_webhook_whose_registration_was_cut_off_is_deleted_too(world: World) -> None:
    """Bitrise registered it, and its answer was lost, as after a crash: nobody knows its id."""
    world.bitrise.faults.add(Fault("webhooks.create", "cut_after"))
    await press_offer(world)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1
    await disconnect(world)
    assert world.bitrise.webhooks.of(world.shop) == []


async def test_webhook_is_left_alone_by_a_token_that_bitrise_rejects(world: World) -> None:
    await press_offer(world)
    for token in world.bitrise.tokens:
        world.bitrise.revoke(token)
    await disconnect(world)
    await world.passes(minutes=5)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1
    assert await world.bot.ctx.db.fetch_all("select * from jobs where arguments like '%token_sealed%'") == []


async def test_webhook_that_cannot_be_deleted_is_given_up_with_its_token(world: World) -> None:
    await press_offer(world)
    world.bitrise.faults.add(Fault("webhooks.delete", "status", status=503, times=None))
    await disconnect(world)
    await world.passes(minutes=70)
    assert await world.bot.ctx.db.fetch_all("select * from jobs where arguments like '%token_sealed%'") == []


async def test_webhook_that_was_registered_again_stays(world: World) -> None:
    await press_offer(world)
    world.bitrise.faults.add(Fault("webhooks.delete", "status", status=503, times=2))
    await disconnect(world)
    await world.connect(world.bitrise.add_token(world.owner, role="admin"))
    await press_offer(world)
    await world.passes(minutes=5)
    assert len(world.bitrise.webhooks.of(world.shop)) == 1


async def test_webhook_secret_is_never_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await press_offer(world)
    url, secret = await hook(world)
    await post(url, BODY, signed(BODY, secret))
    await post(url, BODY, {"X-Buildbell-Secret": secret + "x"})
    await world.settled()
    told = "\n".join(str(record.__dict__) for record in caplog.records if record.name.startswith(("bot", "commands")))
    assert secret not in told
    assert url.rsplit("/", 1)[1] not in told


async def test_subscriber_is_offered_a_webhook_once(world: World) -> None:
    await world.say("/build subscribe shop", by=world.ada)
    assert "in the last 7 days" in answer(world)
    await world.press(world.whisper(world.ada), "Set up webhook", by=world.ada)
    assert "Webhook set up." in answer(world)
    await world.say("/build subscribe shop outcome:failed", by=world.ada)
    assert "[Set up webhook]" not in answer(world)


async def test_webhook_is_not_offered_without_permission(world: World) -> None:
    await world.say("/build subscribe shop")
    assert "in the last 7 days" in world.whispers()[-1]
    assert "[Set up webhook]" not in world.whispers()[-1]
