"""Publish App Home: the connection, a person's builds and preferences, and a button to start a build.

https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import apps
from bot.builds import presets, views
from bot.context import Context
from bot.notifications import preferences
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.blocks import BLOCKS_IN_VIEW, Block, actions, button, context, divider, header, lines, section
from bot.slack.build_lists import list_line, running_blocks
from bot.slack.build_text import BuildView
from bot.slack.errors import SlackFailed
from bot.slack.forms import Payload as View
from bot.slack.replies import escape_lines, health_line
from bot.slack.text import code, date, escape
from commands.command import Command
from commands.history_import import describe_imports
from commands.interaction import Action, Event, report_errors
from commands.preset import preset_blocks
from storage import workspaces as workspace_rows
from storage.users import ALL, FAILURES, OFF, UserRow
from storage.workspaces import WorkspaceRow

RUNNING_SHOWN = 15
RECENT_SHOWN = 15
PRESETS_SHOWN = 5
NO_BUILDS = "Builds you start from Slack appear here. To include your pushes, add your Git name under *Notifications…*."

LEVELS = {OFF: "off", FAILURES: "when one of your builds fails", ALL: "when one of your builds finishes"}


async def open_home(ctx: Context, event: Event) -> None:
    if event.event.get("tab") == "home":
        workspace_id = event.workspace_id or event.body["team_id"]
        ctx.tasks.spawn(publish_for(ctx, workspace_id, event.event["user"]), name="home")


async def publish_for(ctx: Context, workspace_id: str, user_id: str) -> None:
    """Publish for a person whose own workspace the event doesn't name. Actions in Home are checked again."""
    try:
        team_id = (await ctx.slack(workspace_id).get_user(user_id)).team_id
    except SlackFailed:
        team_id = workspace_id
    await publish(ctx, Actor(workspace_id, team_id or workspace_id, user_id, user_id))


async def refresh_home(ctx: Context, action: Action) -> None:
    ctx.tasks.spawn(publish(ctx, action.actor), name="home")


async def publish(ctx: Context, actor: Actor) -> None:
    async with report_errors(ctx, actor):
        own = await presets.list_presets(ctx, actor.workspace_id, created_by=actor.user_id)
        titles = await apps.list_titles(ctx, actor.workspace_id)
        running, recent = await preferences.list_own_builds(ctx, actor, limit=RECENT_SHOWN)
        facts = HomeFacts(
            workspace=await workspace_rows.find_workspace(ctx.db, actor.workspace_id),
            running=await views.load_views(ctx, running),
            recent=await views.load_views(ctx, recent),
            person=await preferences.find_user(ctx, actor),
            may_connect=await ctx.permissions.may_connect(actor),
            command=ctx.settings.command,
            imports=await describe_imports(ctx, actor.workspace_id),
            presets=preset_blocks(own[:PRESETS_SHOWN], titles, is_home=True),
        )
        is_member = ctx.permissions.is_member(actor)
        view = home_view(facts, now=ctx.clock.now()) if is_member else external_home_view()
        await ctx.slack(actor.workspace_id).publish_home(actor.user_id, view)


# The view.


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """``running`` and ``recent`` are the person's own builds, ``person`` the saved preferences.

    ``imports`` is a sentence about imports in progress; empty without any. ``presets`` are those that the person saved.
    """

    workspace: WorkspaceRow | None
    running: Sequence[BuildView]
    recent: Sequence[BuildView]
    may_connect: bool
    command: str
    person: UserRow | None = None
    imports: str = ""
    presets: Sequence[Block] = ()


def home_view(facts: HomeFacts, *, now: datetime) -> View:
    command = escape(facts.command)
    blocks: list[Block] = [
        section(health_line(facts.workspace, command=facts.command)),
        *([context(escape_lines(facts.imports))] if facts.imports else []),
        *buttons(facts),
    ]
    if facts.person is not None:
        blocks.append(section(preferences_line(facts.person)))
        blocks += actions(button(ids.ME_NOTIFICATIONS, "Notifications…", value="home"))
    blocks += [
        divider(),
        header("Your builds that run"),
        *(block for build in facts.running[:RUNNING_SHOWN] for block in running_blocks(build, now)),
        *([] if facts.running else [section("None of your builds is running.")]),
        header("Your recent builds"),
        lines(*map(list_line, facts.recent[:RECENT_SHOWN])) if facts.recent else section(NO_BUILDS),
        *([header("Your presets"), *facts.presets] if facts.presets else []),
        divider(),
        context(
            f"As of {date(now)}. `{command} help` lists what you can type; `{command} status` shows what runs now."
        ),
    ]
    return as_home(blocks)


def external_home_view() -> View:
    """Return the Home of people who see the app through a shared channel."""
    text = (
        "You are here through Slack Connect. Cards in shared channels are for you to read; starting and stopping "
        "builds is for members of the workspace they belong to."
    )
    return as_home([section(text)])


def as_home(blocks: list[Block]) -> View:
    return {"type": "home", "callback_id": "home", "blocks": blocks[:BLOCKS_IN_VIEW]}


def buttons(facts: HomeFacts) -> list[Block]:
    is_connected = facts.workspace is not None and facts.workspace.bitrise_token_sealed is not None
    connect = "Replace the Bitrise token" if is_connected else "Connect Bitrise"
    style = None if is_connected else "primary"
    return actions(
        button(ids.HOME_START, "Start a build", value="home", style="primary") if is_connected else None,
        button(ids.HOME_REFRESH, "Refresh", value="home"),
        button(ids.CONNECTION_CONNECT, connect, value="home", style=style) if facts.may_connect else None,
    )


def preferences_line(person: UserRow) -> str:
    """Describe the preferences in one line of mrkdwn."""
    owned = [f"comes from {', '.join(map(code, person.git_names))}"] if person.git_names else []
    owned += [f"is signed with {code(person.email)}"] if person.email else []
    which = "Your builds are the ones you start from Slack. Add your Git name to include your pushes."
    if owned:
        which = f"Your builds are the ones you start from Slack, and what {' or '.join(owned)}."
    return f"*Direct messages:* {LEVELS.get(person.dm_level, LEVELS[OFF])}. {which}"


COMMAND = Command(events={"app_home_opened": open_home}, actions={ids.HOME_REFRESH: refresh_home})
