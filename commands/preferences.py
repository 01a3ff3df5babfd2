"""Edit personal preferences: direct messages about your builds, and your names in Git."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot.context import Context
from bot.manifest import READ_EMAIL
from bot.notifications import preferences
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.text import Message
from commands.command import Command, Help
from commands.home import publish
from commands.interaction import Payload, Typed, actor_of_press, answering, answering_in_form
from commands.preferences_form import FORM, preferences_form, saved_notice


async def open_me(typed: Typed, ctx: Context) -> Message | None:
    await open_form(typed.actor, typed.trigger_id, ctx)
    return None


async def open_from_home(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await open_form(actor, body["trigger_id"], ctx)


async def open_form(actor: Actor, trigger_id: str, ctx: Context) -> None:
    me = await preferences.load_preferences(ctx, actor)
    may_read_email = await ctx.has_scope(actor.workspace_id, READ_EMAIL)
    view = preferences_form(me.person, may_read_email=may_read_email, namesakes=me.namesakes)
    await ctx.slack(actor.workspace_id).open_view(trigger_id, view)


async def save_me(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        actor = actor_of_press(body)
        me = await preferences.save_preferences(ctx, actor, FORM.read(view))
        told = saved_notice(me.person, linked=me.linked, namesakes=me.namesakes)
        await ack(response_action="update", view=told)
        ctx.tasks.spawn(publish(actor, ctx), name="home")


COMMAND = Command(
    "me",
    run=open_me,
    help=(Help("me", "direct messages about your builds, your names in Git; App Home lists your builds"),),
    actions={ids.ME_NOTIFICATIONS: open_from_home},
    views={ids.ME_NOTIFICATIONS: save_me},
)
