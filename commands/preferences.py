"""Edit personal preferences: direct messages about your builds, and your names in Git."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from slack_bolt.async_app import AsyncAck

from bot.context import Context
from bot.errors import BuildbellError
from bot.manifest import READ_EMAIL
from bot.notifications import preferences
from bot.notifications.preferences import Preferences
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.fields import Radio, Slot, Text, choice, quote_value
from bot.slack.forms import Form, notice
from bot.slack.forms import Payload as View
from bot.slack.text import Message, code, mention, one_line, plural
from commands.command import Command, Help
from commands.home import publish
from commands.home_view import preferences_line
from commands.interaction import Payload, Typed, actor_of_press, answering, answering_in_form
from storage.users import ALL, FAILURES, OFF, UserRow

NAMES_AT_MOST = 10

_NAME = re.compile(r"\w(?:[\w .+'-]{0,98}\w)?")


# The form.


def read_names(text: str) -> tuple[str, ...]:
    typed = [one_line(part).removeprefix("@").lower() for part in re.split(r"[,;\n]", text)]
    names = tuple(dict.fromkeys(filter(None, typed)))
    if invalid := next((name for name in names if not _NAME.fullmatch(name)), None):
        raise BuildbellError(_name_problem(invalid))
    if len(names) > NAMES_AT_MOST:
        raise BuildbellError(f"These are {len(names)} names; {NAMES_AT_MOST} can be linked.")
    return names


def _name_problem(name: str) -> str:
    if "@" in name:
        return f"{quote_value(name)} looks like an e-mail address. Those I take from Slack alone, which verifies them."
    return f"{quote_value(name)} is no name in Git: letters, digits, dots and dashes, with commas between names."


FORM = Form(
    ids.ME_NOTIFICATIONS, "me", title="Your builds", submit="Save", record=Preferences,
    fields=(
        Radio(
            "dm_level", "Tell me directly", key="tells", default=OFF, missing="Choose what you want to be told.",
            hint="Not where a card's thread mentions you anyway, as it does for what you start from Slack.",
            options=(
                choice("Nothing", OFF, "Your builds are in App Home all the same"),
                choice("Failures", FAILURES, "When a build of yours fails"),
                choice("Every end", ALL, "When a build of yours ends, however it does"),
            ),
        ),
        Text(
            "git_names", "Your names in Git and Bitrise", key="names", placeholder="octocat, ana-d", optional=True,
            hint="With commas between them. Builds that such a name pushes or starts count as yours.",
            limit=1_000, parse=read_names,
        ),
        Slot("namesakes"),
        Slot("email"),
    ),
)  # fmt: skip


def preferences_form(person: UserRow, *, may_read_email: bool, namesakes: Mapping[str, Sequence[str]]) -> View:
    """``namesakes`` are the other people who have linked a name of this person's."""
    return FORM.view(
        dm_level=person.dm_level,
        git_names=", ".join(person.git_names),
        namesakes=[context(line) for line in namesake_lines(namesakes)],
        email=_email_line(person, may_read_email=may_read_email),
    )


def _email_line(person: UserRow, *, may_read_email: bool) -> str:
    if person.email:
        return f"Commits signed with {code(person.email)} count as yours."
    if may_read_email:
        return "Your profile in Slack shows no e-mail address, so builds are found by the names above alone."
    return (
        "I may not read e-mail addresses here (the optional scope users:read.email was declined), "
        "so builds are found by the names above alone."
    )


def namesake_lines(namesakes: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of a person that others have linked too: nobody counts as somebody else without being shown."""
    return [
        f"{code(name)} is linked by {', '.join(map(mention, others[:NAMES_AT_MOST]))}, too. "
        "Its builds count as everybody's who has linked it."
        for name, others in namesakes.items()
    ]


def saved_notice(person: UserRow, *, linked: int | None, namesakes: Mapping[str, Sequence[str]]) -> View:
    """``linked`` is how many builds of the last 30 days turned out to be theirs; None if not looked for."""
    sentences = []
    if linked is not None and (person.git_names or person.email):
        sentences = [
            f"By that I know {plural(linked, 'build') if linked else 'no build'} of yours from the last 30 days."
        ]
    return notice("Saved", preferences_line(person), *sentences, *namesake_lines(namesakes))


# Handlers.


async def open_me(typed: Typed, ctx: Context) -> Message | None:
    await open_form(typed.actor, typed.trigger_id, ctx)
    return None


async def open_from_home(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await open_form(actor, body["trigger_id"], ctx)


async def open_form(actor: Actor, trigger_id: str, ctx: Context) -> None:
    me = await preferences.load_profile(ctx, actor)
    may_read_email = await ctx.has_scope(actor.workspace_id, READ_EMAIL)
    view = preferences_form(me.user, may_read_email=may_read_email, namesakes=me.namesakes)
    await ctx.slack(actor.workspace_id).open_view(trigger_id, view)


async def save_me(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        actor = actor_of_press(body)
        me = await preferences.save_preferences(ctx, actor, FORM.read(view))
        notice_view = saved_notice(me.user, linked=me.linked, namesakes=me.namesakes)
        await ack(response_action="update", view=notice_view)
        ctx.tasks.spawn(publish(actor, ctx), name="home")


COMMAND = Command(
    "me",
    run=open_me,
    help=(Help("me", "direct messages about your builds, your names in Git; App Home lists your builds"),),
    actions={ids.ME_NOTIFICATIONS: open_from_home},
    views={ids.ME_NOTIFICATIONS: save_me},
)
