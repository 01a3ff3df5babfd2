"""App Home: the connection, my builds, what I am told about them, a way to start one."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot.builds import views
from bot.context import Context
from bot.notifications import preferences
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.errors import SlackFailed
from commands.command import Command
from commands.doctor import past_line
from commands.home_view import HomeFacts, home_view, strangers_home
from commands.interaction import Payload, actor_of_press, answering, workspace_of_event
from storage import workspaces as workspace_rows

RECENT = 15


async def open_home(event: Payload, body: Payload, ctx: Context) -> None:
    if event.get("tab") != "home":
        return
    ctx.tasks.spawn(open_for(event["user"], workspace_of_event(body) or body["team_id"], ctx), name="home")


async def open_for(user_id: str, workspace_id: str, ctx: Context) -> None:
    """The event does not say whose workspace the person is of. What is done from Home is checked when it is done."""
    try:
        team_id = (await ctx.slack(workspace_id).get_user(user_id)).team_id
    except SlackFailed:
        team_id = workspace_id
    await publish(Actor(workspace_id, team_id or workspace_id, user_id, user_id), ctx)


async def refresh_home(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    ctx.tasks.spawn(publish(actor_of_press(body), ctx), name="home")


async def publish(actor: Actor, ctx: Context) -> None:
    async with answering(ctx, actor):
        running, recent = await preferences.list_own_builds(ctx, actor, limit=RECENT)
        facts = HomeFacts(
            workspace=await workspace_rows.find_workspace(ctx.db, actor.workspace_id),
            running=await views.load_views(ctx, running),
            recent=await views.load_views(ctx, recent),
            person=await preferences.find_user(ctx, actor),
            may_connect=await ctx.permissions.may_connect(actor),
            command=ctx.settings.command,
            past=await past_line(actor.workspace_id, ctx),
        )
        is_member = ctx.permissions.is_member(actor)
        view = home_view(facts, now=ctx.clock.now()) if is_member else strangers_home()
        await ctx.slack(actor.workspace_id).publish_home(actor.user_id, view)


COMMAND = Command(events={"app_home_opened": open_home}, actions={ids.HOME_REFRESH: refresh_home})
