"""What channels hear: the lists and their buttons, the form, and the look back at what would have been told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.domain.builds import Cause, Outcome
from bot.errors import BuildbellError, MissingArgument
from bot.notifications import filters
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import Filters
from bot.notifications.subscription_messages import ShownSubscription
from bot.notifications.subscriptions import Asked, Saved
from bot.permissions import Asker
from bot.slack import ids, replies
from bot.slack import setup as webhook_message
from bot.slack.forms import FormRefused
from bot.slack.text import Message, escape
from bot.sync.filter_preview import DAYS
from commands.grammar import ArgumentsUnclear, parse_subscribe, read
from commands.interaction import (
    Payload,
    answering,
    answering_in_form,
    asker_of_press,
    later,
    pressed_value,
    replace_question,
)
from commands.subscription_form import (
    ALL_APPS,
    TEXTS,
    SubscriptionDraft,
    SubscriptionForm,
    chosen_of,
    parts_of,
    read_subscription_form,
    subscription_form,
)
from storage.subscriptions import SubscriptionRow


def register(app: AsyncApp) -> None:
    app.action(ids.SUBSCRIPTION_EDIT)(open_edit_form)
    app.view(ids.SUBSCRIPTION_EDIT)(save_subscription)
    app.action(ids.SUBSCRIPTION_REMOVE)(remove_subscription)
    app.action(ids.SUBSCRIPTION_RESUME)(resume_channel)


# Lists.


async def list_here(asker: Asker, services: Services) -> Message:
    rows = await services.subscribing.list_here(asker)
    if not rows:
        return drawing.nothing_heard("This channel hears of no builds.", command=services.command)
    return drawing.build_list(await services.subscribing.show(rows), command=services.command)


async def list_own(asker: Asker, services: Services) -> Message:
    rows = await services.subscribing.list_own(asker)
    if not rows:
        return drawing.nothing_heard("You have subscribed no channel.", command=services.command)
    return drawing.build_list(
        await services.subscribing.show(rows),
        command=services.command,
        heading="You have set up; what others did is listed in its own channel",
        names_channel=True,
    )


async def look_back(asker: Asker, shown: ShownSubscription, services: Services) -> Message:
    """What it would have told lately, as far as Bitrise says."""
    try:
        counted = await services.preview.count(shown.row)
        told = drawing.counted(counted.told, counted.ended, days=DAYS, is_cut=counted.is_cut)
    except BuildbellError as error:
        told = drawing.uncounted(error.sentence)
    return Message(told.text, (*told.blocks, *await offer(asker, shown, services)))


async def offer(asker: Asker, shown: ShownSubscription, services: Services) -> list[dict[str, Any]]:
    """To have Bitrise call: once an app, and to people who may ask for it."""
    app_slug = shown.row.app_slug
    if app_slug is None or not services.hints.are_possible:
        return []
    if await services.hints.is_asked_for(asker.workspace_id, app_slug) or not await services.access.may_connect(asker):
        return []
    return [block.to_dict() for block in webhook_message.offer(app_slug, shown.app_title or app_slug)]


# Buttons.


async def remove_subscription(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        gone = await services.subscribing.remove(asker, pressed_value(action).split())
        listed = await list_here(asker, services)
        replace_question(services, asker, drawing.under(drawing.removed(gone), listed))


async def resume_channel(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        count = await services.subscribing.resume(asker, pressed_value(action))
        told = (
            "I try to write there again; if I can't, I'll tell you." if count else "Nothing is paused there any more."
        )
        replace_question(services, asker, replies.reply(told))


async def open_edit_form(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        row = await services.subscribing.get_subscription(asker, pressed_value(action))
        (shown,) = await services.subscribing.show([row])
        draft = SubscriptionDraft(
            channel_id=row.channel_id,
            subscription_id=row.subscription_id,
            app_slug=row.app_slug or ALL_APPS,
            app_title=shown.app_title,
            filters=filters.from_json(row.filters),
            style=row.style,
            starts=row.tells_starts,
        )
        await services.slack(asker.workspace_id).open_view(body["trigger_id"], subscription_form(draft))


# The form.


async def open_new_form(asker: Asker, trigger_id: str, services: Services) -> None:
    """With this channel's app, if it has one."""
    if not asker.channel_id:
        raise MissingArgument(f"Subscriptions belong to a channel: type {services.command} subscribe in one.")
    await services.connections.get_connected(asker.workspace_id)
    app = await services.apps.find_channel_app(asker.workspace_id, asker.channel_id)
    draft = SubscriptionDraft(
        asker.channel_id, app_slug=app.app_slug if app else None, app_title=app.title if app else None
    )
    await services.slack(asker.workspace_id).open_view(trigger_id, subscription_form(draft))


async def save_subscription(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_subscription_form(view), asker_of_press(body)
        services.access.check_member(asker)
        saved = await save(asker, form, services)
        await services.whisper(asker, drawing.saved(saved.shown, is_new=saved.is_new))
        await ack()
        later(services, asker, look_back(asker, saved.shown, services), name="preview")


async def save(asker: Asker, form: SubscriptionForm, services: Services) -> Saved:
    known_app = form.app_slug and await services.apps.find_app(asker.workspace_id, form.app_slug)
    before = await row_before(asker, form, services)
    wanted = read_filters(form, filters.from_json(before.filters) if before else Filters())
    keeps_app = before is not None and before.app_slug == form.app_slug
    if not form.has_app or (form.app_slug and not known_app and not keeps_app):
        raise FormRefused({ids.SUBSCRIBE_APP: "Choose an app, or all of them."})
    asked = Asked(form.app_slug, wanted, form.style, form.starts)
    if before is None:
        return await services.subscribing.subscribe(asker, asked)
    return await services.subscribing.change(asker, before.subscription_id, asked)


async def row_before(asker: Asker, form: SubscriptionForm, services: Services) -> SubscriptionRow | None:
    """What is edited; None for a new one. Raises `SubscriptionGone` when it was removed meanwhile."""
    if form.subscription_id is None:
        return None
    return await services.subscribing.get_subscription(asker, form.subscription_id)


def read_filters(form: SubscriptionForm, before: Filters) -> Filters:
    """The patterns, read as if they had been typed. Raises `FormRefused` with the parser's sentences."""
    found: dict[str, tuple[str, ...]] = {}
    errors: dict[str, str] = {}
    for key, text in form.texts.items():
        people = [f"by:@{user_id}" for user_id in form.people] if key == "by" else []
        try:
            typed = " ".join([*people, *typed_patterns(key, text)])
            found[key] = getattr(parse_subscribe(escape(typed)).filters, key)
        except ArgumentsUnclear as error:
            errors[TEXTS[key]] = error.sentence.replace("`", "")
    if errors:
        raise FormRefused(errors)
    return dataclasses.replace(before, **found, **chosen_filters(form, before))


def typed_patterns(key: str, text: str) -> list[str]:
    plain = read(escape(text)).text
    return [f"{key}:{filters.quote(part)}" for part in parts_of(plain)]


def chosen_filters(form: SubscriptionForm, before: Filters) -> Mapping[str, tuple[str, ...]]:
    """What was not touched stays as it was written, ``!schedule`` for one, which the form shows as all the others."""
    outcome = before.outcome if form.outcomes == chosen_of(before.outcome, Outcome) else form.outcomes
    cause = before.cause if form.causes == chosen_of(before.cause, Cause) else form.causes
    return {"outcome": outcome, "cause": cause}
