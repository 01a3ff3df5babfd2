"""Encrypt every stored secret with the newest key, so that older keys can be removed."""

from __future__ import annotations

import asyncio

from bot.builds.presets import seal_context as preset_context
from bot.builds.skip import secret_context as skip_context
from bot.connection import token_context
from bot.errors import StartupFailed
from bot.settings import Settings
from bot.sync.webhooks import secret_context
from bot.vault import Vault, parse_keys
from bot.workspaces.installation_store import seal_context
from storage import Database, absent_file, open_database
from storage import installations as installation_rows
from storage import presets as preset_rows
from storage import workspaces as workspace_rows


async def rotate_keys(settings: Settings) -> int:
    """Return the number of secrets encrypted again. Raises `SealBroken` if none of the keys opens one."""
    vault = Vault(parse_keys(settings.encryption_keys.get_secret_value() if settings.encryption_keys else ""))
    url = settings.database_url.get_secret_value()
    if absent := await asyncio.to_thread(absent_file, url):
        raise StartupFailed(f"{absent} doesn't exist, so nothing was encrypted.")
    database = await open_database(url)
    try:
        count = 0
        for workspace in await workspace_rows.list_workspaces(database):
            workspace_id = workspace.workspace_id
            for column, old, context in (
                ("bitrise_token_sealed", workspace.bitrise_token_sealed, token_context(workspace_id)),
                ("webhook_secret_sealed", workspace.webhook_secret_sealed, secret_context(workspace_id)),
                ("skip_secret_sealed", workspace.skip_secret_sealed, skip_context(workspace_id)),
            ):
                if old is not None and vault.needs_rotation(old):
                    new = vault.seal(vault.open(old, context=context).reveal(), context=context)
                    count += await workspace_rows.replace_sealed(
                        database, workspace_id, column=column, old=old, new=new
                    )
            count += await _rotate_presets(database, vault, workspace_id)
        return count + await _rotate_installations(database, vault)
    finally:
        await database.close()


async def _rotate_installations(database: Database, vault: Vault) -> int:
    """Encrypt the Slack tokens of workspaces that installed by OAuth."""
    count = 0
    for row in await installation_rows.list_installations(database):
        if vault.needs_rotation(row.tokens_sealed):
            context = seal_context(row)
            opened = vault.open(row.tokens_sealed, context=context).reveal()
            count += await installation_rows.replace_sealed_tokens(database, row, vault.seal(opened, context=context))
    return count


async def _rotate_presets(database: Database, vault: Vault, workspace_id: str) -> int:
    count = 0
    for row in await preset_rows.list_presets(database, workspace_id):
        if vault.needs_rotation(row.parameters_sealed):
            context = preset_context(row)
            sealed = vault.seal(vault.open(row.parameters_sealed, context=context).reveal(), context=context)
            count += await preset_rows.replace_sealed_parameters(database, row, sealed)
    return count
