"""What a select offers while a person types: apps, workflows and pipelines, branches; the same in every form."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps
from bot.context import Context
from bot.slack import ids
from bot.slack.forms import options_ack
from commands.command import Command
from commands.form_fields import app_options, branch_options, target_options
from commands.interaction import Payload, actor_of_press
from commands.settings_form import read_app_of_settings
from commands.start_form import read_app_of_view
from commands.subscription_form import all_apps
from storage import apps as app_rows


async def suggest_apps(ack: AsyncAck, options: Payload, body: Payload, ctx: Context) -> None:
    actor = actor_of_press(body)
    known = await app_rows.list_apps(ctx.db, actor.workspace_id) if ctx.permissions.is_member(actor) else []
    await ack(**options_ack(app_options(options.get("value") or "", known)))


async def suggest_apps_or_all(ack: AsyncAck, options: Payload, body: Payload, ctx: Context) -> None:
    actor, typed = actor_of_press(body), options.get("value") or ""
    known = await app_rows.list_apps(ctx.db, actor.workspace_id) if ctx.permissions.is_member(actor) else []
    every = [all_apps()] if typed.strip().casefold() in "all apps" else []
    await ack(**options_ack([*every, *app_options(typed, known)]))


async def suggest_targets(ack: AsyncAck, options: Payload, body: Payload, ctx: Context) -> None:
    actor = actor_of_press(body)
    slug = app_of(body) if ctx.permissions.is_member(actor) else None
    workflows = await apps.list_workflows(ctx, actor.workspace_id, slug) if slug else []
    pipelines = await apps.list_pipelines(ctx, actor.workspace_id, slug) if slug else []
    found = target_options(options.get("value") or "", workflows=workflows, pipelines=pipelines)
    await ack(**options_ack(found))


async def suggest_branches(ack: AsyncAck, options: Payload, body: Payload, ctx: Context) -> None:
    actor = actor_of_press(body)
    slug = app_of(body) if ctx.permissions.is_member(actor) else None
    branches = await apps.list_branches(ctx, actor.workspace_id, slug) if slug else []
    await ack(**options_ack(branch_options(options.get("value") or "", branches=branches)))


def app_of(body: Payload) -> str | None:
    """The app chosen in the form that is open, whichever form it is."""
    return read_app_of_view(body["view"]) or read_app_of_settings(body["view"])


COMMAND = Command(
    options={
        ids.START_APP: suggest_apps,
        ids.SETTINGS_APP: suggest_apps,
        ids.SUBSCRIBE_APP: suggest_apps_or_all,
        ids.DIGEST_APP: suggest_apps_or_all,
        ids.START_TARGET: suggest_targets,
        ids.SETTINGS_TARGET: suggest_targets,
        ids.START_BRANCH: suggest_branches,
        ids.SETTINGS_BRANCH: suggest_branches,
    }
)
