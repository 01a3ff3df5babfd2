"""The workspace's one Bitrise token: the modal that takes it, the button that forgets it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids, replies
from bot.slack.connect import checking_view, connect_form, disconnected_sentence, read_connect_form
from bot.slack.text import Message
from commands.interaction import Help, Payload, Typed, answering, answering_in_form, asker_of_press, replace_question

HELP = (
    Help("connect", "stores the workspace's Bitrise token, or replaces it (admins)"),
    Help("disconnect", "forgets it (admins)"),
)


def register(app: AsyncApp) -> None:
    app.action(ids.CONNECTION_CONNECT)(press_connect)
    app.view(ids.CONNECTION_CONNECT)(connect)
    app.action(ids.CONNECTION_DISCONNECT)(disconnect)


async def open_connect_form(typed: Typed, services: Services) -> Message | None:
    await open_form(typed.asker, typed.trigger_id, services)
    return None


async def press_connect(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await open_form(asker, body["trigger_id"], services)


async def open_form(asker: Asker, trigger_id: str, services: Services) -> None:
    await services.access.check_may_connect(asker)
    workspace = await services.workspaces.find_workspace(asker.workspace_id)
    view = connect_form(channel_id=asker.channel_id, connected_as=workspace.bitrise_owner if workspace else None)
    await services.slack(asker.workspace_id).open_view(trigger_id, view)


async def connect(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_connect_form(view), asker_of_press(body)
        await services.connections.request_connect(asker, form.token, view_id=view["id"])
        await ack(response_action="update", view=checking_view())


async def ask_to_disconnect(typed: Typed, services: Services) -> Message | None:
    await services.access.check_may_connect(typed.asker)
    workspace = await services.workspaces.find_workspace(typed.asker.workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        return replies.reply("There is no Bitrise token stored, so there is nothing to forget.")
    return replies.confirm_disconnect(workspace.bitrise_owner or "its owner")


async def disconnect(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await services.connections.disconnect(asker)
        replace_question(services, asker, replies.answered(disconnected_sentence()))
