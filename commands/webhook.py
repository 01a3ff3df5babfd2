"""Have Bitrise call when something happens: the button that asks for it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids
from bot.slack import setup as webhook_message
from bot.slack.text import Message
from commands.interaction import Payload, answering, asker_of_press, later, pressed_value


def register(app: AsyncApp) -> None:
    app.action(ids.WEBHOOK_ASK)(ask_bitrise_to_call)


async def ask_bitrise_to_call(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await services.access.check_may_connect(asker)
        later(services, asker, ask(asker, pressed_value(action), services), name="webhook")


async def ask(asker: Asker, app_slug: str, services: Services) -> Message:
    paste = await services.hints.ask_for(asker, app_slug)
    app = await services.apps.find_app(asker.workspace_id, app_slug)
    title = app.title if app else app_slug
    if paste is None:
        return webhook_message.asked(title)
    return webhook_message.to_paste(title, url=paste.url, header=paste.header, secret=paste.secret)
