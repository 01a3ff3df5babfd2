"""Connect a workspace with its Bitrise token, replace the token, and disconnect."""

from __future__ import annotations

from bot.context import Context
from bot.slack import ids, replies
from bot.slack.blocks import actions, button, message, section
from bot.slack.forms import Payload as View
from bot.slack.text import Message, quoted
from bot.workspaces import connect
from bot.workspaces.connect_form import FORM, checking_view, connect_form
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Submission, Typed, open_view
from storage import workspaces as workspace_rows


async def open_form(ctx: Context, interaction: Interaction) -> None:
    actor = interaction.actor
    await ctx.permissions.check_may_connect(actor)
    workspace = await workspace_rows.find_workspace(ctx.db, actor.workspace_id)
    view = connect_form(channel_id=actor.channel_id, connected_as=workspace.bitrise_owner if workspace else None)
    await open_view(ctx, interaction, view)


async def submit_form(ctx: Context, submission: Submission) -> View:
    form = FORM.read(submission.view)
    await connect.request_connect(ctx, submission.actor, form.token, view_id=submission.view["id"])
    return checking_view()


async def ask_to_disconnect(ctx: Context, typed: Typed) -> Message:
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


async def disconnect(ctx: Context, action: Action) -> Message:
    await connect.disconnect(ctx, action.actor)
    return replies.answered("The Bitrise token is forgotten. Revoke it at Bitrise too if nothing else uses it.")


COMMAND = Command(
    "connect",
    run=open_form,
    help=(Help("connect", "stores the workspace's Bitrise token, or replaces it (admins)"),),
    actions={
        ids.CONNECTION_CONNECT: open_form,
        ids.CONNECTION_DISCONNECT: disconnect,
    },
    views={ids.CONNECTION_CONNECT: submit_form},
)
DISCONNECT = Command("disconnect", run=ask_to_disconnect, help=(Help("disconnect", "forgets it (admins)"),))
