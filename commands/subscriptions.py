"""What channels hear: the lists and their buttons, the form, and the look back at what would have been told."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps, connection, outbox
from bot.context import Context
from bot.errors import BuildbellError, MissingArgument
from bot.notifications import filters, subscriptions
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import Filters
from bot.notifications.subscription_messages import SubscriptionView
from bot.notifications.subscriptions import SavedSubscription, SubscriptionParameters
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.text import Message
from bot.sync import filter_preview, webhooks
from bot.sync.filter_preview import DAYS
from commands import webhook
from commands.command import Command
from commands.interaction import (
    Payload,
    actor_of_press,
    answering,
    answering_in_form,
    later,
    pressed_value,
    replace_question,
)
from commands.subscription_form import FORM, SubscriptionForm, subscription_form
from commands.subscription_syntax import ALL_APPS
from commands.suggestions import app_option
from storage.subscriptions import SubscriptionRow

# Lists.


async def list_here(actor: Actor, ctx: Context) -> Message:
    rows = await subscriptions.list_here(ctx, actor)
    if not rows:
        return drawing.no_subscriptions("This channel hears of no builds.", command=ctx.settings.command)
    return drawing.subscription_list(await subscriptions.load_views(ctx, rows), command=ctx.settings.command)


async def list_own(actor: Actor, ctx: Context) -> Message:
    rows = await subscriptions.list_own(ctx, actor)
    if not rows:
        return drawing.no_subscriptions("You have subscribed no channel.", command=ctx.settings.command)
    return drawing.subscription_list(
        await subscriptions.load_views(ctx, rows),
        command=ctx.settings.command,
        heading="You have set up; what others did is listed in its own channel",
        names_channel=True,
    )


async def look_back(actor: Actor, shown: SubscriptionView, ctx: Context) -> Message:
    """What it would have told lately, as far as Bitrise says."""
    try:
        preview = await filter_preview.count_matches(ctx, shown.row)
        told = drawing.preview(preview.matching, preview.finished, days=DAYS, is_cut=preview.is_cut)
    except BuildbellError as error:
        told = drawing.preview_failed(error.sentence)
    app_slug = shown.row.app_slug
    if app_slug is None or not await may_offer_webhook(actor, app_slug, ctx):
        return told
    return told + webhook.offer(app_slug, shown.app_title or app_slug)


async def may_offer_webhook(actor: Actor, app_slug: str, ctx: Context) -> bool:
    """Offer a webhook once per app, to people who may register it."""
    if not webhooks.is_enabled(ctx) or await webhooks.is_registered(ctx, actor.workspace_id, app_slug):
        return False
    return await ctx.permissions.may_connect(actor)


# Buttons.


async def remove_subscription(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        gone = await subscriptions.remove_subscriptions(ctx, actor, pressed_value(action).split())
        listed = await list_here(actor, ctx)
        replace_question(ctx, actor, drawing.removed(gone) + listed)


async def resume_channel(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        count = await subscriptions.resume_channel(ctx, actor, pressed_value(action))
        told = (
            "I try to write there again; if I can't, I'll tell you." if count else "Nothing is paused there any more."
        )
        replace_question(ctx, actor, replies.reply(told))


async def open_edit_form(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        row = await subscriptions.get_subscription(ctx, actor, pressed_value(action))
        (shown,) = await subscriptions.load_views(ctx, [row])
        view = subscription_form(
            row.channel_id,
            subscription_id=row.subscription_id,
            app=app_option(row.app_slug or ALL_APPS, shown.app_title),
            filters=filters.from_json(row.filters),
            style=row.style,
            starts=row.include_starts,
        )
        await ctx.slack(actor.workspace_id).open_view(body["trigger_id"], view)


# The form.


async def open_new_form(actor: Actor, trigger_id: str, ctx: Context) -> None:
    """With this channel's app, if it has one."""
    if not actor.channel_id:
        raise MissingArgument(f"Subscriptions belong to a channel: type {ctx.settings.command} subscribe in one.")
    await connection.require(ctx, actor.workspace_id)
    app = await apps.find_channel_app(ctx, actor.workspace_id, actor.channel_id)
    view = subscription_form(actor.channel_id, app=app_option(app.app_slug, app.title) if app else None)
    await ctx.slack(actor.workspace_id).open_view(trigger_id, view)


async def save_subscription(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = FORM.read(view), actor_of_press(body)
        ctx.permissions.check_member(actor)
        saved = await save(actor, form, ctx)
        await outbox.answer_privately(ctx, actor, drawing.saved(saved.view, is_new=saved.is_new))
        await ack()
        later(ctx, actor, look_back(actor, saved.view, ctx), name="preview")


async def save(actor: Actor, form: SubscriptionForm, ctx: Context) -> SavedSubscription:
    known_app = form.app_slug and await apps.find_app(ctx, actor.workspace_id, form.app_slug)
    before = await row_before(actor, form, ctx)
    keeps_app = before is not None and before.app_slug == form.app_slug
    if form.app_slug and not known_app and not keeps_app:
        raise FORM.refuse(app_slug="Choose an app, or all of them.")
    wanted = form.over(filters.from_json(before.filters) if before else Filters())
    asked = SubscriptionParameters(form.app_slug, wanted, form.style, form.starts)
    if before is None:
        return await subscriptions.subscribe(ctx, actor, asked)
    return await subscriptions.change_subscription(ctx, actor, before.subscription_id, asked)


async def row_before(actor: Actor, form: SubscriptionForm, ctx: Context) -> SubscriptionRow | None:
    """What is edited; None for a new one. Raises `SubscriptionGone` when it was removed meanwhile."""
    if not form.subscription_id:
        return None
    return await subscriptions.get_subscription(ctx, actor, form.subscription_id)


COMMAND = Command(
    actions={
        ids.SUBSCRIPTION_EDIT: open_edit_form,
        ids.SUBSCRIPTION_REMOVE: remove_subscription,
        ids.SUBSCRIPTION_RESUME: resume_channel,
    },
    views={ids.SUBSCRIPTION_EDIT: save_subscription},
    options=FORM.options,
)
