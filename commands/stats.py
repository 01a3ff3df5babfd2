"""What became of the builds: how they ended, how long they took, why they were stopped; as a message and a file."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.errors import BuildbellError
from bot.permissions import Asker
from bot.slack import ids
from bot.slack.errors import SlackRefused
from bot.slack.text import Message
from bot.statistics.export import to_csv
from bot.statistics.messages import StatsPage, exported, read_stats_page, stats_message
from bot.statistics.queries import USUAL_DAYS, StatsWanted
from bot.statistics.text import meanings_view
from bot.sync.import_messages import in_a_line
from commands.interaction import Help, Payload, Typed, answering, asker_of_press, later, pressed_value, replace_question
from commands.stats_arguments import StatsArguments, parse_stats
from storage.statistics import Scope

HELP = (
    Help("stats shop", "what became of its builds in 30 days: the true success rate, durations, waiting, reasons"),
    Help("stats shop 90d workflow:deploy branch:main", "the same of 90 days and of those only; also cause:push"),
    Help("stats all 7d", "of all apps"),
)
ROWS_IN_FILE = 50_000


def register(app: AsyncApp) -> None:
    app.action(ids.any_number(ids.STATS_SHOW))(ask_further)
    app.action(ids.STATS_EXPORT)(export_csv)
    app.action(ids.STATS_MEANING)(show_meanings)


async def show_stats(typed: Typed, services: Services) -> Message | None:
    arguments = parse_stats(typed.words)
    await services.connections.get_connected(typed.asker.workspace_id)

    async def tell() -> Message | None:
        wanted = await wanted_of(typed.asker, arguments, services)
        return await told(typed.asker, StatsPage(wanted), services)

    later(services, typed.asker, tell(), name="stats", typed=typed)
    return None


async def wanted_of(asker: Asker, arguments: StatsArguments, services: Services) -> StatsWanted:
    """The app that was named, else the channel's, else all of them. Raises `AppNotFound`."""
    slug: str | None = None
    if arguments.app is not None:
        slug = (await services.apps.get_app(asker.workspace_id, arguments.app)).app_slug
    elif asker.channel_id and not arguments.is_all:
        slug = (await services.app_rows.get_channel(asker.workspace_id, asker.channel_id)).app_slug
    return StatsWanted(
        app_slug=slug,
        days=arguments.days or USUAL_DAYS,
        workflow=arguments.workflow,
        branch=arguments.branch,
        cause=arguments.cause.value if arguments.cause else None,
    )


async def told(asker: Asker, page: StatsPage, services: Services) -> Message:
    services.access.check_member(asker)
    stats = await services.statistics.stats(asker.workspace_id, page.wanted)
    titles = await services.app_rows.list_titles(asker.workspace_id)
    open_imports = await services.imports.list_open(asker.workspace_id)
    reading = [row for row in open_imports if page.wanted.app_slug in (None, row.app_slug)]
    return stats_message(stats, page, titles, past=in_a_line(reading, titles))


async def ask_further(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    """Another span, app or workflow, or the reasons, in the place of what is shown."""
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        page = read_stats_page(pressed_value(action))

        async def tell() -> Message | None:
            replace_question(services, asker, await told(asker, page, services))
            return None

        later(services, asker, tell(), name="stats")


async def show_meanings(ack: AsyncAck, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        await services.slack(asker.workspace_id).open_view(body["trigger_id"], meanings_view())


async def export_csv(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        services.access.check_member(asker)
        later(services, asker, send_csv(asker, read_stats_page(pressed_value(action)), services), name="export")


async def send_csv(asker: Asker, page: StatsPage, services: Services) -> Message | None:
    """The rows behind the figures, to the person alone. Raises `BuildbellError` with a way out."""
    wanted, until = page.wanted, services.clock.now()
    whole = wanted.scope(asker.workspace_id, until - timedelta(days=wanted.days), until)
    content, count, is_whole = await to_csv(services.facts, await apart(whole, services), limit=ROWS_IN_FILE)
    client = services.slack(asker.workspace_id)
    try:
        # A file goes to a conversation by its own id; posting to a person tells the id.
        posted = await client.post(asker.user_id, Message(exported(count, is_whole=is_whole)))
        await client.upload(
            f"builds-{wanted.days}d.csv", content, title="Builds", channel=posted.channel_id, thread_ts=posted.ts
        )
    except SlackRefused as refused:
        if refused.error != "missing_scope":
            raise
        raise BuildbellError(
            "I may not send files here: the Slack app has no files:write. An admin can add the scope and install "
            f"the app again; on the server, `buildbell export --since {wanted.days}d` gives the same rows."
        ) from refused
    return None


async def apart(scope: Scope, services: Services) -> list[Scope]:
    """One scope for each app: all that the stored token reaches, or the one that is meant."""
    if scope.app_slug is not None:
        return [scope]
    apps = await services.app_rows.list_apps(scope.workspace_id)
    return [dataclasses.replace(scope, app_slug=app.app_slug) for app in apps]
