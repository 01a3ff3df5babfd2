"""Subscribe a channel to builds, typed or with the form, and preview which past builds match."""

from __future__ import annotations

import dataclasses

from bot import apps, connection, outbox
from bot.context import Context
from bot.errors import BuildbellError, MissingArgument, Suggestion
from bot.notifications import filters, subscription_messages, subscriptions
from bot.notifications.filters import Filters
from bot.notifications.subscription_messages import SubscriptionView
from bot.notifications.subscriptions import SavedSubscription, SubscriptionParameters
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.text import Message, escape
from bot.sync import filter_preview, webhooks
from bot.sync.filter_preview import DAYS
from commands import webhook
from commands.command import Command, Help
from commands.interaction import Submission, Typed, open_view, run_in_background
from commands.subscription_form import FORM, SubscriptionForm, subscription_form
from commands.subscription_syntax import ALL_APPS, read_subscription
from commands.suggestions import app_option


async def subscribe_typed(ctx: Context, typed: Typed) -> Message | None:
    if not typed.words:
        await open_form(ctx, typed)
        return None
    name, request = read_subscription(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    app = None if name == ALL_APPS else await apps.resolve_app(ctx, typed.actor, name)
    if app is None and name != ALL_APPS:
        raise MissingArgument(
            f"Which app? Name it first, as in {ctx.settings.command} subscribe shop, or set this channel's app with "
            f"{ctx.settings.command} settings.",
            suggestions=(Suggestion("All apps", escape(f"{typed.verb} app:all {typed.words.tail()}")),),
        )
    request = dataclasses.replace(request, app_slug=app.app_slug if app else None)
    names = {mention.user_id: mention.name for mention in typed.words.mentions}
    saved = await subscriptions.subscribe(ctx, typed.actor, request, known=names)
    run_in_background(ctx, typed, preview_matches(ctx, typed.actor, saved.view), name="preview")
    return subscription_messages.saved(saved.view, is_new=saved.is_new)


async def preview_matches(ctx: Context, actor: Actor, view: SubscriptionView) -> Message:
    """Count the past builds that match, and offer a webhook once per app to people who may register it."""
    try:
        preview = await filter_preview.count_matches(ctx, view.row)
        message = subscription_messages.preview(preview.matching, preview.finished, days=DAYS, is_cut=preview.is_cut)
    except BuildbellError as error:
        message = subscription_messages.preview_failed(error.sentence)
    app_slug = view.row.app_slug
    if app_slug is None or not webhooks.is_enabled(ctx):
        return message
    if await webhooks.is_registered(ctx, actor.workspace_id, app_slug) or not await ctx.permissions.may_connect(actor):
        return message
    return message + webhook.offer(app_slug, view.app_title or app_slug)


async def open_form(ctx: Context, typed: Typed) -> None:
    """Open the form with the channel's app."""
    await ctx.permissions.check_may_act(typed.actor)
    actor = typed.actor
    if not actor.channel_id:
        raise MissingArgument(f"Subscriptions belong to a channel. Run `{ctx.settings.command} subscribe` in one.")
    await connection.require(ctx, actor.workspace_id)
    app = await apps.find_channel_app(ctx, actor.workspace_id, actor.channel_id)
    title = await apps.find_title(ctx, actor.workspace_id, app.app_slug) if app else None
    selected = app_option(app.app_slug, title) if app else None
    await open_view(ctx, typed, subscription_form(actor.channel_id, app=selected))


async def submit_form(ctx: Context, submission: Submission) -> None:
    form, actor = FORM.read(submission.view), submission.actor
    await ctx.permissions.check_may_act(actor)
    saved = await save_subscription(ctx, actor, form)
    message = subscription_messages.saved(saved.view, is_new=saved.is_new)
    await outbox.answer_privately(ctx, actor, message)
    run_in_background(ctx, submission, preview_matches(ctx, actor, saved.view), name="preview")


async def save_subscription(ctx: Context, actor: Actor, form: SubscriptionForm) -> SavedSubscription:
    """Save a new or edited subscription. An edited one keeps an app that the token can't access."""
    app = await apps.find_app(ctx, actor.workspace_id, form.app_slug) if form.app_slug else None
    before = None
    if form.subscription_id:
        before = await subscriptions.get_subscription(ctx, actor, form.subscription_id)
    if form.app_slug and app is None and not (before and before.app_slug == form.app_slug):
        raise FORM.refuse(app_slug="Choose an app, or all apps.")
    kept = filters.from_json(before.filters) if before else Filters()
    request = SubscriptionParameters(form.app_slug, form.apply_to(kept), form.style, form.starts)
    if before is None:
        return await subscriptions.subscribe(ctx, actor, request)
    return await subscriptions.change_subscription(ctx, actor, before.subscription_id, request)


COMMAND = Command(
    "subscribe",
    run=subscribe_typed,
    topic="Notifications",
    help=(
        Help("subscribe", "choose which builds this channel is notified about"),
        Help(
            "subscribe shop workflow:deploy,release-* branch:main outcome:failed",
            "subscribe this channel; also tag:, cause:, by:, reason:, style:card, line, thread or changes, and starts",
        ),
    ),
    views={ids.SUBSCRIPTION_EDIT: submit_form},
    options=FORM.options,
)
