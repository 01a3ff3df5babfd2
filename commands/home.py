"""App Home: the connection, my builds, a way to start one."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.access import Asker
from bot.services import Services
from bot.slack import ids
from bot.slack.home import HomeFacts, home_view
from commands.asking import Payload, answering, asker_of_event, asker_of_press

RECENT = 15


def register(app: AsyncApp) -> None:
    app.event("app_home_opened")(open_home)
    app.action(ids.HOME_REFRESH)(refresh_home)


async def open_home(event: Payload, body: Payload, services: Services) -> None:
    if event.get("tab") != "home":
        return
    asker = asker_of_event({**event, "channel": None}, body)
    services.tasks.spawn(publish(asker, services), name="home")


async def refresh_home(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    services.tasks.spawn(publish(asker_of_press(body), services), name="home")


async def publish(asker: Asker, services: Services) -> None:
    async with answering(services, asker):
        mine = await services.build_rows.list_of_person(asker.workspace_id, asker.user_id, limit=2 * RECENT)
        shown = await services.showing.shown_all(mine)
        facts = HomeFacts(
            workspace=await services.workspaces.find_workspace(asker.workspace_id),
            running=[build for build in shown if not build.build.is_finished],
            recent=[build for build in shown if build.build.is_finished][:RECENT],
            may_connect=await services.access.may_connect(asker),
            may_change_settings=False,
            command=services.command,
        )
        view = home_view(facts, now=services.clock.now())
        await services.slack(asker.workspace_id).publish_home(asker.user_id, view)
