"""List the subscriptions of a channel or of a person, with buttons to edit, remove and resume them; unsubscribe."""

from __future__ import annotations

from bot import apps
from bot.context import Context
from bot.errors import InvalidInput
from bot.notifications import filters, subscription_messages, subscriptions
from bot.notifications.filters import Filters
from bot.notifications.subscriptions import has_filters
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Action, Typed, open_view
from commands.subscription_form import subscription_form
from commands.subscription_syntax import ALL_APPS, read_subscription
from commands.suggestions import app_option
from storage.subscriptions import SubscriptionRow


async def show_subscriptions(ctx: Context, typed: Typed) -> Message:
    scope = typed.words.tail().strip().lower()
    if scope == "all":
        return await list_own(ctx, typed.actor)
    if scope:
        raise InvalidInput(
            f"Use {ctx.settings.command} subscriptions for this channel, or {ctx.settings.command} subscriptions all "
            "for your own."
        )
    return await list_here(ctx, typed.actor)


async def list_here(ctx: Context, actor: Actor) -> Message:
    rows, command = await subscriptions.list_here(ctx, actor), ctx.settings.command
    if not rows:
        return subscription_messages.no_subscriptions("This channel has no subscriptions.", command=command)
    return subscription_messages.subscription_list(await subscriptions.load_views(ctx, rows), command=command)


async def list_own(ctx: Context, actor: Actor) -> Message:
    rows, command = await subscriptions.list_own(ctx, actor), ctx.settings.command
    if not rows:
        return subscription_messages.no_subscriptions("You haven't set up any subscriptions.", command=command)
    return subscription_messages.subscription_list(
        await subscriptions.load_views(ctx, rows),
        command=command,
        heading="Your subscriptions (others' are listed in their channels)",
        names_channel=True,
    )


async def unsubscribe(ctx: Context, typed: Typed) -> Message:
    """Remove the subscription that matches; ask if several do."""
    if not typed.words:
        return await list_here(ctx, typed.actor)
    matches, command = await find_matches(ctx, typed), ctx.settings.command
    if not matches:
        return replies.reply(f"This channel has no matching subscription. Run `{command} subscriptions` to see all.")
    if len(matches) > 1:
        views = await subscriptions.load_views(ctx, matches)
        return subscription_messages.choose_subscription(views, command=command)
    removed = await subscriptions.remove_subscriptions(ctx, typed.actor, [matches[0].subscription_id])
    return subscription_messages.removed(removed)


async def find_matches(ctx: Context, typed: Typed) -> list[SubscriptionRow]:
    """Return the channel's subscriptions to the app and, if any filters were typed, with exactly those."""
    name, request = read_subscription(typed.words)
    rows = await subscriptions.list_here(ctx, typed.actor)
    if name is not None and name != ALL_APPS:
        app = await apps.get_app(ctx, typed.actor.workspace_id, name)
        rows = [row for row in rows if row.app_slug == app.app_slug]
    if request.filters != Filters():
        rows = [row for row in rows if has_filters(row, request.filters)]
    return rows


# Buttons.


async def edit_subscription(ctx: Context, action: Action) -> None:
    row = await subscriptions.get_subscription(ctx, action.actor, action.value)
    (view,) = await subscriptions.load_views(ctx, [row])
    form = subscription_form(
        row.channel_id,
        subscription_id=row.subscription_id,
        app=app_option(row.app_slug or ALL_APPS, view.app_title),
        filters=filters.from_json(row.filters),
        style=row.style,
        starts=row.include_starts,
    )
    await open_view(ctx, action, form)


async def remove_subscriptions(ctx: Context, action: Action) -> Message:
    removed = await subscriptions.remove_subscriptions(ctx, action.actor, action.value.split())
    return subscription_messages.removed(removed) + await list_here(ctx, action.actor)


async def resume_channel(ctx: Context, action: Action) -> Message:
    count = await subscriptions.resume_channel(ctx, action.actor, action.value)
    if not count:
        return replies.reply("Nothing is paused there.")
    return replies.reply("Trying to post there again. If that fails, you get a direct message.")


COMMAND = Command(
    "subscriptions",
    run=show_subscriptions,
    topic="Notifications",
    help=(Help("subscriptions", "list this channel's subscriptions; {command} subscriptions all lists your own"),),
    actions={
        ids.SUBSCRIPTION_EDIT: edit_subscription,
        ids.SUBSCRIPTION_REMOVE: remove_subscriptions,
        ids.SUBSCRIPTION_RESUME: resume_channel,
    },
)
UNSUBSCRIBE = Command(
    "unsubscribe",
    run=unsubscribe,
    topic="Notifications",
    help=(Help("unsubscribe shop", "remove this channel's subscription to an app"),),
)
