"""What a channel fills in and where it hears the end of a build; short names for apps."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.errors import AppNotFound, MissingArgument
from bot.permissions import Asker
from bot.slack import ids, replies
from bot.slack.forms import FormRefused
from bot.slack.text import Message
from commands.interaction import Help, Payload, Typed, answering_in_form, asker_of_press
from commands.settings_form import SettingsForm, read_settings_form, settings_form
from storage import Transaction
from storage.apps import ChannelRow

HELP = (
    Help(
        "settings",
        "this channel's app, workflow and branch, where the end of a build is told, short names for apps; "
        "also {command} defaults",
    ),
)


def register(app: AsyncApp) -> None:
    app.view(ids.CHANNEL_SETTINGS)(save_settings)
    app.action(ids.SETTINGS_APP)(note_app)


async def open_settings(typed: Typed, services: Services) -> Message | None:
    asker = typed.asker
    if asker.channel_id is None:
        raise MissingArgument(f"Settings belong to a channel: type {services.command} settings in one.")
    await services.connections.get_connected(asker.workspace_id)
    channel = await services.app_rows.get_channel(asker.workspace_id, asker.channel_id)
    app = await services.apps.find_app(asker.workspace_id, channel.app_slug) if channel.app_slug else None
    view = settings_form(channel, app_title=app.title if app else None, aliases=await alias_pairs(asker, services))
    await services.slack(asker.workspace_id).open_view(typed.trigger_id, view)
    return None


async def alias_pairs(asker: Asker, services: Services) -> list[tuple[str, str]]:
    """Short names with the titles people know the apps by."""
    titles = await services.app_rows.list_titles(asker.workspace_id)
    aliases = await services.app_rows.list_aliases(asker.workspace_id)
    return [(alias, titles.get(slug, slug)) for alias, slug in aliases.items()]


async def save_settings(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_settings_form(view), asker_of_press(body)
        services.access.check_member(asker)
        await check_app(asker, form, services)
        aliases = await resolve_aliases(asker, form, services)
        channel = ChannelRow(
            workspace_id=asker.workspace_id,
            channel_id=form.channel_id,
            app_slug=form.app_slug,
            workflow=form.target.name if form.target else None,
            branch=form.branch,
            finish_in=form.finish_in,
        )

        async def save(tx: Transaction) -> None:
            await services.app_rows.save_channel(tx, channel)
            if aliases is not None:
                await services.app_rows.replace_aliases(tx, asker.workspace_id, aliases)
            await services.outbox.whisper(tx, asker, replies.reply("Saved. It counts from the next start on."))

        await services.database.transaction(save)
        await ack()


async def check_app(asker: Asker, form: SettingsForm, services: Services) -> None:
    """An app that was the default before may stay it, also where the token reaches it no more."""
    if form.app_slug is None or await services.apps.find_app(asker.workspace_id, form.app_slug):
        return
    before = await services.app_rows.get_channel(asker.workspace_id, form.channel_id)
    if before.app_slug != form.app_slug:
        raise FormRefused({ids.SETTINGS_APP: "I can't find that app among those the stored token reaches."})


async def resolve_aliases(asker: Asker, form: SettingsForm, services: Services) -> dict[str, str] | None:
    """Short names with the apps they stand for. Raises `FormRefused` naming the one that stands for none."""
    if form.aliases is None:
        return None
    resolved = {}
    for alias, name in form.aliases:
        try:
            resolved[alias] = (await services.apps.get_app(asker.workspace_id, name)).app_slug
        except AppNotFound as error:
            raise FormRefused({ids.SETTINGS_ALIASES: f"{alias}: {error.sentence}"}) from error
    return resolved


async def note_app(ack: AsyncAck) -> None:
    """An app was chosen; the fields below ask for its names when they are opened."""
    await ack()
