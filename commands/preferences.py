"""Edit personal preferences: direct messages about your builds, and your names in Git."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids
from bot.slack.text import Message
from commands.home import publish
from commands.interaction import Help, Payload, Typed, answering, answering_in_form, asker_of_press
from commands.preferences_form import me_form, read_me_form, saved

HELP = (Help("me", "direct messages about your builds, your names in Git; App Home lists your builds"),)


def register(app: AsyncApp) -> None:
    app.action(ids.ME_NOTIFICATIONS)(open_from_home)
    app.view(ids.ME_NOTIFICATIONS)(save_me)


async def open_me(typed: Typed, services: Services) -> Message | None:
    await open_form(typed.asker, typed.trigger_id, services)
    return None


async def open_from_home(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await open_form(asker, body["trigger_id"], services)


async def open_form(asker: Asker, trigger_id: str, services: Services) -> None:
    me = await services.me.look_up(asker)
    may_read_email = await services.me.may_read_email(asker.workspace_id)
    view = me_form(me.person, may_read_email=may_read_email, namesakes=me.namesakes)
    await services.slack(asker.workspace_id).open_view(trigger_id, view)


async def save_me(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        asker = asker_of_press(body)
        me = await services.me.save(asker, read_me_form(view))
        told = saved(me.person, linked=me.linked, namesakes=me.namesakes)
        await ack(response_action="update", view=told)
        services.tasks.spawn(publish(asker, services), name="home")
