"""What a channel fills in and where it hears the end of a build; short names for apps."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps, connection, outbox
from bot.context import Context
from bot.errors import AppNotFound, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Payload, Typed, actor_of_press, answering_in_form
from commands.settings_form import FORM, SettingsForm, settings_form
from storage import Transaction
from storage import apps as app_rows
from storage.apps import ChannelRow


async def open_settings(typed: Typed, ctx: Context) -> Message | None:
    actor = typed.actor
    if actor.channel_id is None:
        raise MissingArgument(f"Settings belong to a channel: type {ctx.settings.command} settings in one.")
    await connection.require(ctx, actor.workspace_id)
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id)
    app = await apps.find_app(ctx, actor.workspace_id, channel.app_slug) if channel.app_slug else None
    view = settings_form(channel, app_title=app.title if app else None, aliases=await alias_pairs(actor, ctx))
    await ctx.slack(actor.workspace_id).open_view(typed.trigger_id, view)
    return None


async def alias_pairs(actor: Actor, ctx: Context) -> list[tuple[str, str]]:
    """Short names with the titles people know the apps by."""
    titles = await app_rows.list_titles(ctx.db, actor.workspace_id)
    aliases = await app_rows.list_aliases(ctx.db, actor.workspace_id)
    return [(alias, titles.get(slug, slug)) for alias, slug in aliases.items()]


async def save_settings(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = FORM.read(view), actor_of_press(body)
        ctx.permissions.check_member(actor)
        await check_app(actor, form, ctx)
        aliases = await resolve_aliases(actor, form, ctx)
        channel = ChannelRow(
            workspace_id=actor.workspace_id,
            channel_id=form.channel_id,
            app_slug=form.app_slug,
            workflow=form.target.name if form.target else None,
            branch=form.branch,
            finish_in=form.finish_in,
        )

        async def save(tx: Transaction) -> None:
            await app_rows.save_channel(tx, channel)
            if aliases is not None:
                await app_rows.replace_aliases(tx, actor.workspace_id, aliases)
            await outbox.reply_privately(ctx, tx, actor, replies.reply("Saved. It counts from the next start on."))

        await ctx.db.transaction(save)
        await ack()


async def check_app(actor: Actor, form: SettingsForm, ctx: Context) -> None:
    """An app that was the default before may stay it, also where the token reaches it no more."""
    if form.app_slug is None or await apps.find_app(ctx, actor.workspace_id, form.app_slug):
        return
    before = await app_rows.get_channel(ctx.db, actor.workspace_id, form.channel_id)
    if before.app_slug != form.app_slug:
        raise FORM.refuse(app_slug="I can't find that app among those the stored token reaches.")


async def resolve_aliases(actor: Actor, form: SettingsForm, ctx: Context) -> dict[str, str] | None:
    """Short names with the apps they stand for. Raises `FormRefused` naming the one that stands for none."""
    if form.aliases is None:
        return None
    resolved = {}
    for alias, name in form.aliases:
        try:
            resolved[alias] = (await apps.get_app(ctx, actor.workspace_id, name)).app_slug
        except AppNotFound as error:
            raise FORM.refuse(aliases=f"{alias}: {error.sentence}") from error
    return resolved


async def note_app(ack: AsyncAck) -> None:
    """An app was chosen; the fields below ask for its names when they are opened."""
    await ack()


COMMAND = Command(
    "settings",
    run=open_settings,
    aliases=("defaults",),
    help=(
        Help(
            "settings",
            "this channel's app, workflow and branch, where the end of a build is told, short names for apps; "
            "also {command} defaults",
        ),
    ),
    views={ids.CHANNEL_SETTINGS: save_settings},
    actions={FORM.id("app_slug"): note_app},
    options=FORM.options,
)
