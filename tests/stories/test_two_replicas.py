"""Two replicas on one database: what an admin does at one of them holds at the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import apps, connection
from bot.app import Bot
from bot.connection import token_context
from bot.errors import NotConnected
from bot.permissions import Actor
from bot.vault import Vault, new_key, parse_keys
from bot.workspaces import connect
from storage import Transaction
from storage import apps as app_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow
from tests.world import World


class Pair:
    """The bot of a world and a second one beside it; Slack delivers over HTTP, to whichever is asked."""

    def __init__(self, world: World, second: Bot) -> None:
        self.world, self.first, self.second = world, world.bot, second
        self.admin = Actor(world.team.id, world.team.id, world.ada.id, "ada", world.ios.id)

    async def connect(self, key: str) -> None:
        """What the database holds once Ada has connected; nobody does jobs here."""
        world, database, now = self.world, self.first.ctx.db, self.world.clock.now()
        sealed = Vault(parse_keys(key)).seal(world.token, context=token_context(world.team.id))
        shop = AppRow(world.team.id, world.shop.slug, "iOS Shop", "acme", "shop", None, "ios", False)

        async def keep(tx: Transaction) -> None:
            await save_connection(tx, world, sealed, now)
            await app_rows.replace_apps(tx, world.team.id, [shop])

        await database.transaction(keep)

    async def ask(self, bot: Bot, text: str, *, by_admin: bool = False) -> str:
        """What a person is told at once when this replica takes the command."""
        self.world.app.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
        person = self.world.ada if by_admin else self.world.ana
        return str((await self.world.slack.command(person, self.world.ios, text)).answer)


async def save_connection(tx: Transaction, world: World, sealed: str, now: datetime) -> None:
    team = world.team.id
    await workspace_rows.save_connection(tx, team, sealed=sealed, owner="ci-bot", by=world.ada.id, now=now)
    await workspace_rows.save_apps_refreshed(tx, team, now=now)


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str) -> AsyncIterator[Pair]:
    key = new_key()
    world = World(tmp_path, socket_mode=False, role="web", database_url=postgres_url, encryption_keys=SecretStr(key))
    await world.open()
    ids = iter(range(10_000))
    second = Bot(world.settings(), clock=world.clock, new_id=lambda: f"second-{next(ids)}")
    await second.start()
    pair = Pair(world, second)
    await pair.connect(key)
    yield pair
    await second.stop()
    await world.close()


async def test_a_disconnect_at_one_is_known_at_the_other_at_once(pair: Pair) -> None:
    assert "connected" not in await pair.ask(pair.second, "/build shop deploy main")
    await connect.disconnect(pair.first.ctx, pair.admin)
    assert "isn't connected" in await pair.ask(pair.second, "/build shop deploy develop")
    with pytest.raises(NotConnected):
        await connection.require(pair.second.ctx, pair.world.team.id)


async def test_what_the_old_token_showed_is_forgotten_everywhere_within_a_minute(pair: Pair) -> None:
    ctx, shop = pair.second.ctx, pair.world.shop.slug
    pair.world.bitrise.start_build(pair.world.shop, workflow="deploy")
    assert "deploy" in (await apps.fetch_names(ctx, pair.world.team.id, shop)).workflows
    await connect.disconnect(pair.first.ctx, pair.admin)
    pair.world.clock.move_to(pair.world.clock.now() + timedelta(seconds=60))
    assert await apps.fetch_names(ctx, pair.world.team.id, shop) == apps.AppNames()
    assert await apps.find_app(ctx, pair.world.team.id, shop) is None
