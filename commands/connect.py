"""The workspace's one Bitrise token: the modal that takes it, the button that forgets it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.blocks import actions, button, message, section
from bot.slack.text import Message, quoted
from bot.workspaces import connect
from bot.workspaces.connect_form import FORM, checking_view, connect_form
from commands.command import Command, Help
from commands.interaction import Payload, Typed, actor_of_press, answering, answering_in_form, replace_question
from storage import workspaces as workspace_rows

DISCONNECTED = "The Bitrise token is forgotten. Revoke it at Bitrise too if nothing else uses it."


async def open_connect_form(typed: Typed, ctx: Context) -> Message | None:
    await open_form(typed.actor, typed.trigger_id, ctx)
    return None


async def press_connect(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await open_form(actor, body["trigger_id"], ctx)


async def open_form(actor: Actor, trigger_id: str, ctx: Context) -> None:
    await ctx.permissions.check_may_connect(actor)
    workspace = await workspace_rows.find_workspace(ctx.db, actor.workspace_id)
    view = connect_form(channel_id=actor.channel_id, connected_as=workspace.bitrise_owner if workspace else None)
    await ctx.slack(actor.workspace_id).open_view(trigger_id, view)


async def save_token(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = FORM.read(view), actor_of_press(body)
        await connect.request_connect(ctx, actor, form.token, view_id=view["id"])
        await ack(response_action="update", view=checking_view())


async def ask_to_disconnect(typed: Typed, ctx: Context) -> Message | None:
    await ctx.permissions.check_may_connect(typed.actor)
    workspace = await workspace_rows.find_workspace(ctx.db, typed.actor.workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        return replies.reply("There is no Bitrise token stored, so there is nothing to forget.")
    return confirm_disconnect(workspace.bitrise_owner or "its owner")


def confirm_disconnect(owner: str) -> Message:
    question = (
        f"Forget the Bitrise token of {quoted(owner, 100)}? "
        "Builds that run go on, but nobody here can start, follow or stop any until another one is connected."
    )
    forget = button(ids.CONNECTION_DISCONNECT, "Forget the token", value="disconnect", style="danger")
    return message(question, section(question), actions(forget))


async def delete_token(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await connect.disconnect(ctx, actor)
        replace_question(ctx, actor, replies.answered(DISCONNECTED))


COMMAND = Command(
    "connect",
    run=open_connect_form,
    help=(
        Help("connect", "stores the workspace's Bitrise token, or replaces it (admins)"),
        Help("disconnect", "forgets it (admins)"),
    ),
    actions={
        ids.CONNECTION_CONNECT: press_connect,
        ids.CONNECTION_DISCONNECT: delete_token,
    },
    views={ids.CONNECTION_CONNECT: save_token},
)
DISCONNECT = Command("disconnect", run=ask_to_disconnect)
