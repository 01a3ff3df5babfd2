"""Subscribe a channel to builds, end it, see what it hears; what is typed. Buttons and form are next door."""

from __future__ import annotations

import dataclasses

from bot import apps, connection
from bot.context import Context
from bot.errors import InvalidInput, MissingArgument, Suggestion
from bot.notifications import subscription_messages as drawing
from bot.notifications import subscriptions
from bot.notifications.filters import Filters
from bot.notifications.subscriptions import has_filters
from bot.slack import replies
from bot.slack.text import Message, escape
from commands.command import Command, Help
from commands.interaction import Typed, later
from commands.subscription_syntax import ALL_APPS, read_subscription
from commands.subscriptions import list_here, list_own, look_back, open_new_form
from storage.apps import AppRow
from storage.subscriptions import SubscriptionRow


async def subscribe(typed: Typed, ctx: Context) -> Message | None:
    if not typed.words:
        await open_new_form(typed.actor, typed.trigger_id, ctx)
        return None
    name, asked = read_subscription(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    app = None if name == ALL_APPS else await app_of(typed, name, ctx)
    asked = dataclasses.replace(asked, app_slug=app.app_slug if app else None)
    known = {mention.user_id: mention.name for mention in typed.words.mentions}
    saved = await subscriptions.subscribe(ctx, typed.actor, asked, known=known)
    later(ctx, typed.actor, look_back(typed.actor, saved.view, ctx), name="preview")
    return drawing.saved(saved.view, is_new=saved.is_new)


async def app_of(typed: Typed, name: str | None, ctx: Context) -> AppRow:
    """Return the app by name, or the channel's. Raises `AppNotFound`, and `MissingArgument` with a way out."""
    if app := await apps.resolve_app(ctx, typed.actor, name):
        return app
    raise MissingArgument(
        f"Which app? Name it first, as in {ctx.settings.command} subscribe shop, or set this channel's app with "
        f"{ctx.settings.command} settings.",
        suggestions=(Suggestion("All apps", escape(f"{typed.verb} app:all {typed.words.tail()}")),),
    )


async def unsubscribe(typed: Typed, ctx: Context) -> Message | None:
    """Ends what certainly is meant; asks when it may be several."""
    if not typed.words:
        return await list_here(typed.actor, ctx)
    fitting = await fitting_of(typed, ctx)
    if not fitting:
        sentence = f"This channel hears nothing like that. {ctx.settings.command} subscriptions lists what it hears."
        return replies.reply(sentence)
    if len(fitting) > 1:
        return drawing.choose_subscription(await subscriptions.load_views(ctx, fitting), command=ctx.settings.command)
    gone = await subscriptions.remove_subscriptions(ctx, typed.actor, [fitting[0].subscription_id])
    return drawing.removed(gone)


async def fitting_of(typed: Typed, ctx: Context) -> list[SubscriptionRow]:
    """Those of this channel that are about the app and, where filters were typed, have the same ones."""
    name, asked = read_subscription(typed.words)
    rows = await subscriptions.list_here(ctx, typed.actor)
    if name not in (None, ALL_APPS):
        app = await app_of(typed, name, ctx)
        rows = [row for row in rows if row.app_slug == app.app_slug]
    if asked.filters != Filters():
        rows = [row for row in rows if has_filters(row, asked.filters)]
    return rows


async def show_subscriptions(typed: Typed, ctx: Context) -> Message | None:
    wanted = typed.words.tail().strip().lower()
    if wanted == "all":
        return await list_own(typed.actor, ctx)
    if wanted:
        raise InvalidInput(
            f"I know {ctx.settings.command} subscriptions for this channel, "
            f"and {ctx.settings.command} subscriptions all."
        )
    return await list_here(typed.actor, ctx)


COMMAND = Command(
    "subscribe",
    run=subscribe,
    help=(
        Help("subscribe", "opens a form for what this channel hears of builds, whoever or whatever started them"),
        Help(
            "subscribe shop workflow:deploy,release-* branch:main outcome:failed",
            "subscribes this channel; also tag:, cause:, by:, reason:, style:card, line, thread or changes, and starts",
        ),
        Help(
            "subscriptions", "what this channel hears, with buttons; {command} subscriptions all: all that you set up"
        ),
        Help("unsubscribe shop", "ends what this channel hears of an app"),
    ),
)
UNSUBSCRIBE = Command("unsubscribe", run=unsubscribe)
SUBSCRIPTIONS = Command("subscriptions", run=show_subscriptions)
