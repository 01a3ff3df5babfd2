"""A database in which somebody has connected: what Buildbell finds when it starts, without anybody clicking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from bot.connection import token_context
from bot.vault import Vault, new_key, parse_keys
from storage import Transaction, open_database
from storage import apps as app_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow
from tests.benchmarks.standins import SHOP, StandIns
from tests.benchmarks.wire import SIGNING_SECRET, TEAM

APPS = 20
KEY = new_key()


async def furnish(database_url: str, *, workspaces: tuple[str, ...] = (TEAM,)) -> None:
    """Each workspace has a token of its own and twenty apps, "Shop" among them."""
    vault = Vault(parse_keys(KEY))
    database = await open_database(database_url)
    now = datetime.now(UTC)
    for team in workspaces:
        sealed = vault.seal(token_of(team), context=token_context(team))
        rows = [
            AppRow(team, SHOP, "Shop", "acme", "shop", None, "ios", False),
            *(AppRow(team, f"{n:016x}", f"App {n}", "acme", f"app-{n}", None, "ios", False) for n in range(1, APPS)),
        ]

        async def keep(tx: Transaction, team: str = team, sealed: str = sealed, rows: list[AppRow] = rows) -> None:
            await workspace_rows.save_connection(tx, team, sealed=sealed, owner="ci", by="U1", now=now)
            await app_rows.replace_apps(tx, team, rows)
            await workspace_rows.save_apps_refreshed(tx, team, now=now)

        await workspace_rows.save_workspace(database, workspace_id=team, name=team, bot_user_id="UB1")
        await database.transaction(keep)
    await database.close()


def token_of(team: str) -> str:
    return f"bitpat_{team}_{'x' * 40}"


def environment(standins: StandIns, name: str, database_url: str, port: int, **given: str) -> Mapping[str, str]:
    """The settings of a Buildbell between the stand-ins; by HTTP unless an ``app_token`` is given."""
    settings = {
        "slack_bot_token": "xoxb-1", "slack_signing_secret": SIGNING_SECRET, "slack_api_url": standins.slack_url(name),
        "bitrise_api_url": standins.bitrise_url, "database_url": database_url, "encryption_keys": KEY,
        "port": str(port), "log_level": "WARNING",
    } | given  # fmt: skip
    return {f"BUILDBELL_{key.upper()}": value for key, value in settings.items()}
