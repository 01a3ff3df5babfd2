"""Subscribe a channel to builds, end it, see what it hears; what is typed. Buttons and form are next door."""

from __future__ import annotations

from bot.context import Services
from bot.errors import InvalidInput, MissingArgument, Suggestion
from bot.notifications import subscription_messages as drawing
from bot.notifications.filters import KEYS
from bot.notifications.subscriptions import Asked, same_filters
from bot.slack import replies
from bot.slack.text import Message, escape
from commands.grammar import ALL_APPS, UnsubscribeArguments, parse_subscribe, parse_unsubscribe
from commands.interaction import Help, Typed, later
from commands.subscriptions import list_here, list_own, look_back, open_new_form
from storage.apps import AppRow
from storage.subscriptions import SubscriptionRow

HELP = (
    Help("subscribe", "opens a form for what this channel hears of builds, whoever or whatever started them"),
    Help(
        "subscribe shop workflow:deploy,release-* branch:main outcome:failed",
        "subscribes this channel; also tag:, cause:, by:, reason:, style:card, line, thread or changes, and starts",
    ),
    Help("subscriptions", "what this channel hears, with buttons; {command} subscriptions all: all that you set up"),
    Help("unsubscribe shop", "ends what this channel hears of an app"),
)


async def subscribe(typed: Typed, services: Services) -> Message | None:
    if not typed.words:
        await open_new_form(typed.asker, typed.trigger_id, services)
        return None
    arguments = parse_subscribe(typed.words)
    await services.connections.get_connected(typed.asker.workspace_id)
    app = None if arguments.app == ALL_APPS else await app_of(typed, arguments.app, services)
    asked = Asked(app.app_slug if app else None, arguments.filters, arguments.style, arguments.starts)
    known = {mention.user_id: mention.name for mention in typed.words.mentions}
    saved = await services.subscribing.subscribe(typed.asker, asked, known=known)
    later(services, typed.asker, look_back(typed.asker, saved.shown, services), name="preview")
    return drawing.saved(saved.shown, is_new=saved.is_new)


async def app_of(typed: Typed, name: str | None, services: Services) -> AppRow:
    """The app by name, or this channel's."""
    asker = typed.asker
    if name:
        return await services.apps.get_app(asker.workspace_id, name)
    app = await services.apps.find_channel_app(asker.workspace_id, asker.channel_id)
    if app is not None:
        return app
    raise MissingArgument(
        f"Which app? Name it first, as in {services.command} subscribe shop, or set this channel's app with "
        f"{services.command} settings.",
        suggestions=(Suggestion("All apps", escape(f"{typed.verb} app:all {typed.words.tail()}")),),
    )


async def unsubscribe(typed: Typed, services: Services) -> Message | None:
    """Ends what certainly is meant; asks when it may be several."""
    if not typed.words:
        return await list_here(typed.asker, services)
    fitting = await fitting_of(typed, parse_unsubscribe(typed.words), services)
    if not fitting:
        sentence = f"This channel hears nothing like that. {services.command} subscriptions lists what it hears."
        return replies.reply(sentence)
    if len(fitting) > 1:
        return drawing.which_one(await services.subscribing.show(fitting), command=services.command)
    gone = await services.subscribing.remove(typed.asker, [fitting[0].subscription_id])
    return drawing.removed(gone)


async def fitting_of(typed: Typed, arguments: UnsubscribeArguments, services: Services) -> list[SubscriptionRow]:
    """Those of this channel that are about the app and, where filters were typed, have the same ones."""
    there = await services.subscribing.list_here(typed.asker)
    if arguments.app not in (None, ALL_APPS):
        app = await app_of(typed, arguments.app, services)
        there = [row for row in there if row.app_slug == app.app_slug]
    if any(getattr(arguments.filters, key) for key in KEYS):
        there = [row for row in there if same_filters(row.filters, arguments.filters)]
    return there


async def show_subscriptions(typed: Typed, services: Services) -> Message | None:
    wanted = typed.words.tail().strip().lower()
    if wanted == "all":
        return await list_own(typed.asker, services)
    if wanted:
        raise InvalidInput(
            f"I know {services.command} subscriptions for this channel, and {services.command} subscriptions all."
        )
    return await list_here(typed.asker, services)
