"""Presets: starts that a channel keeps under a name; and a person's own earlier starts, to offer them again."""

from __future__ import annotations

import dataclasses
import json
import logging

from bot import apps, requests
from bot.builds.start import StartParameters
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, SealBroken
from bot.permissions import Actor
from bot.slack.text import shorten
from storage import Transaction
from storage import presets as preset_rows
from storage import requests as request_rows
from storage.presets import PresetRow
from storage.requests import RequestRow

log = logging.getLogger(__name__)
MAX_PRESETS = 20
RECENT_SHOWN = 3
OWN_STARTS_READ = 50
DESCRIPTION_LIMIT = 75


class PresetNotFound(BuildbellError):
    """The channel has no preset of that name."""


def seal_context(preset: PresetRow) -> str:
    return f"preset:{preset.workspace_id}:{preset.channel_id}:{preset.name}"


async def save_preset(ctx: Context, actor: Actor, name: str, parameters: StartParameters) -> None:
    """Add a preset to the channel, or replace the one of that name. Raises `NotAllowed`, `InvalidInput`."""
    await ctx.permissions.check_may_act(actor)
    channel_id = actor.channel_id or ""
    rows = await preset_rows.list_presets(ctx.db, actor.workspace_id, channel_id=channel_id)
    if len(rows) >= MAX_PRESETS and name not in {row.name for row in rows}:
        raise InvalidInput(f"This channel has {MAX_PRESETS} presets, which is the limit. Remove one first.")
    row = PresetRow(
        actor.workspace_id, channel_id, name, parameters.app_slug, "", created_by=actor.user_id,
        created_at=ctx.clock.now(),
    )  # fmt: skip
    sealed = ctx.vault.seal(json.dumps(parameters.fields()), context=seal_context(row))

    async def store(tx: Transaction) -> None:
        await preset_rows.save_preset(tx, dataclasses.replace(row, parameters_sealed=sealed))
        await _audit(ctx, tx, actor, f"{name} in {channel_id}", "saved", parameters.app_slug)

    await ctx.db.transaction(store)


async def remove_preset(ctx: Context, actor: Actor, channel_id: str, name: str) -> None:
    """Remove a preset of a channel. Raises `NotAllowed`, `PresetNotFound`."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> bool:
        if not await preset_rows.delete_preset(tx, actor.workspace_id, channel_id, name):
            return False
        await _audit(ctx, tx, actor, f"{name} in {channel_id}", "removed")
        return True

    if not await ctx.db.transaction(store):
        raise PresetNotFound(
            f"This channel has no preset “{name}”. Run `{ctx.settings.command} preset` to see its presets."
        )


async def get_preset(ctx: Context, actor: Actor, channel_id: str, name: str) -> StartParameters:
    """Return the parameters of a preset. Raises `PresetNotFound`, `SealBroken`."""
    ctx.permissions.check_member(actor)
    row = await preset_rows.find_preset(ctx.db, actor.workspace_id, channel_id, name.lower())
    if row is None:
        raise PresetNotFound(f"The preset “{name}” no longer exists.")
    return open_preset(ctx, row)


def open_preset(ctx: Context, row: PresetRow) -> StartParameters:
    opened = ctx.vault.open(row.parameters_sealed, context=seal_context(row))
    return StartParameters.read(json.loads(opened.reveal()))


async def list_presets(
    ctx: Context, workspace_id: str, *, channel_id: str | None = None, created_by: str | None = None
) -> list[tuple[PresetRow, StartParameters]]:
    """Return the presets of a channel, or those that a person saved, of apps that exist, by name."""
    slugs = {app.app_slug for app in (await apps.load_index(ctx, workspace_id)).apps}
    presets = []
    rows = await preset_rows.list_presets(ctx.db, workspace_id, channel_id=channel_id, created_by=created_by)
    for row in rows:
        try:
            presets += [(row, open_preset(ctx, row))] if row.app_slug in slugs else []
        except SealBroken as error:
            log.warning("a preset can't be opened", extra={"workspace": workspace_id, "error": str(error)})
    return presets


async def _audit(
    ctx: Context, tx: Transaction, actor: Actor, subject: str, result: str, app_slug: str | None = None
) -> None:
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action="preset", subject=subject, result=result, app_slug=app_slug
    )


# A person's own starts.


async def find_last_start(ctx: Context, actor: Actor, app_slug: str | None = None) -> RequestRow | None:
    """Return the person's last start of an app, or of any: one in this channel first, then one anywhere."""
    rows = await _list_own(ctx, actor)
    rows = [row for row in rows if app_slug in (None, row.app_slug)]
    return next((row for row in rows if row.channel_id == actor.channel_id), rows[0] if rows else None)


async def list_recent_starts(ctx: Context, actor: Actor) -> list[tuple[RequestRow, StartParameters]]:
    """Return the person's last different starts of apps that exist, newest first."""
    slugs = {app.app_slug for app in (await apps.load_index(ctx, actor.workspace_id)).apps}
    distinct: dict[str | None, RequestRow] = {}
    for row in await _list_own(ctx, actor):
        if row.app_slug in slugs:
            distinct.setdefault(row.parameters_hash, row)
    opened = [(row, try_open_start(ctx, row)) for row in list(distinct.values())[:RECENT_SHOWN]]
    return [(row, parameters) for row, parameters in opened if parameters]


async def get_own_start(ctx: Context, actor: Actor, request_id: str) -> StartParameters:
    """Return the parameters of a start of this person. Raises `InvalidInput` for anybody else's."""
    row = await request_rows.find_request(ctx.db, request_id)
    if row is None or (row.workspace_id, row.user_id) != (actor.workspace_id, actor.user_id):
        raise InvalidInput("That build wasn't started by you. Start it by its names instead.")
    return open_start(ctx, row)


def open_start(ctx: Context, row: RequestRow) -> StartParameters:
    return StartParameters.read(requests.parameters(ctx, row))


def try_open_start(ctx: Context, row: RequestRow) -> StartParameters | None:
    """Return the parameters of an earlier start, or None if their key is gone: the form opens without them."""
    try:
        return open_start(ctx, row)
    except SealBroken as error:
        log.warning("an earlier start can't be opened", extra={"workspace": row.workspace_id, "error": str(error)})
        return None


async def _list_own(ctx: Context, actor: Actor) -> list[RequestRow]:
    return await request_rows.list_own_starts(ctx.db, actor.workspace_id, actor.user_id, limit=OWN_STARTS_READ)


def describe(parameters: StartParameters, app_title: str = "") -> str:
    """Return a start as plain text: ``deploy on release/3.2 (FLAVOR=beta)``."""
    target = parameters.target or "trigger map"
    code = f" on {parameters.code}" if parameters.code else ""
    variables = ", ".join(f"{key}={value}" for key, value in parameters.environment)
    more = f" ({variables})" if variables else ""
    return shorten(f"{app_title} {target}{code}{more}".strip(), DESCRIPTION_LIMIT)
