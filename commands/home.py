"""App Home: the connection, my builds, what I am told about them, a way to start one."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.permissions import Asker
from bot.slack import ids
from bot.slack.errors import SlackFailed
from commands.doctor import past_line
from commands.home_view import HomeFacts, home_view, strangers_home
from commands.interaction import Payload, answering, asker_of_press, workspace_of_event

RECENT = 15


def register(app: AsyncApp) -> None:
    app.event("app_home_opened")(open_home)
    app.action(ids.HOME_REFRESH)(refresh_home)


async def open_home(event: Payload, body: Payload, services: Services) -> None:
    if event.get("tab") != "home":
        return
    services.tasks.spawn(open_for(event["user"], workspace_of_event(body) or body["team_id"], services), name="home")


async def open_for(user_id: str, workspace_id: str, services: Services) -> None:
    """The event does not say whose workspace the person is of. What is done from Home is checked when it is done."""
    try:
        team_id = (await services.slack(workspace_id).get_user(user_id)).team_id
    except SlackFailed:
        team_id = workspace_id
    await publish(Asker(workspace_id, team_id or workspace_id, user_id, user_id), services)


async def refresh_home(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    services.tasks.spawn(publish(asker_of_press(body), services), name="home")


async def publish(asker: Asker, services: Services) -> None:
    async with answering(services, asker):
        running, recent = await services.me.list_builds(asker, limit=RECENT)
        facts = HomeFacts(
            workspace=await services.workspaces.find_workspace(asker.workspace_id),
            running=await services.showing.shown_all(running),
            recent=await services.showing.shown_all(recent),
            person=await services.me.find_person(asker),
            may_connect=await services.access.may_connect(asker),
            command=services.command,
            past=await past_line(asker.workspace_id, services),
        )
        is_member = services.access.is_member(asker)
        view = home_view(facts, now=services.clock.now()) if is_member else strangers_home()
        await services.slack(asker.workspace_id).publish_home(asker.user_id, view)
