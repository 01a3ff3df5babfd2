"""Connect a workspace with its Bitrise token, replace the token, and disconnect."""

from __future__ import annotations

from bot.context import Context
from bot.slack import ids, replies
from bot.slack.blocks import actions, button, message, section
from bot.slack.forms import Payload as View
from bot.slack.text import Message, plural, quoted
from bot.workspaces import connect
from bot.workspaces.connect_form import FORM, checking_view, connect_form
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Submission, Typed, open_view
from storage import apps as app_rows
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
        return replies.reply(f"Bitrise isn't connected. To connect it, run `{ctx.settings.command} connect`.")
    count = len(await app_rows.list_apps(ctx.db, typed.actor.workspace_id))
    connection = ", ".join([*filter(None, [quoted(workspace.bitrise_owner or "", 100)]), plural(count, "app")])
    question = (
        f"Disconnect Bitrise ({connection})? Running builds continue, but nobody here can start, follow or stop builds "
        "until an admin connects a new token."
    )
    confirm = button(ids.CONNECTION_DISCONNECT, "Disconnect", value="disconnect", style="danger")
    return message(question, section(question), actions(confirm))


async def disconnect(ctx: Context, action: Action) -> Message:
    if not await connect.disconnect(ctx, action.actor):
        return replies.answered("Bitrise was already disconnected.")
    return replies.answered("Disconnected Bitrise. If nothing else uses the token, revoke it in Bitrise.")


COMMAND = Command(
    "connect",
    run=open_form,
    topic="Admin",
    help=(Help("connect", "connect Bitrise with a token, or replace it (admins)"),),
    actions={
        ids.CONNECTION_CONNECT: open_form,
        ids.CONNECTION_DISCONNECT: disconnect,
    },
    views={ids.CONNECTION_CONNECT: submit_form},
)
DISCONNECT = Command(
    "disconnect", run=ask_to_disconnect, topic="Admin", help=(Help("disconnect", "delete the token (admins)"),)
)
