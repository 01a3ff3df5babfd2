"""Edit personal preferences: direct messages about your builds, and your names in Git."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.context import Context
from bot.errors import BuildbellError
from bot.manifest import READ_EMAIL
from bot.notifications import preferences
from bot.notifications.preferences import Preferences
from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.fields import Radio, Slot, Text, choice, quote_value
from bot.slack.forms import Form, notice
from bot.slack.forms import Payload as View
from bot.slack.text import code, mention, one_line, plural
from commands.command import Command, Help
from commands.home import preferences_line, publish
from commands.interaction import Interaction, Submission, open_view
from storage.users import ALL, FAILURES, OFF, UserRow

NAMES_AT_MOST = 10

NAME = re.compile(r"\w(?:[\w .+'-]{0,98}\w)?")


# The form.


def read_names(text: str) -> tuple[str, ...]:
    parts = [one_line(part).removeprefix("@").lower() for part in re.split(r"[,;\n]", text)]
    names = tuple(dict.fromkeys(filter(None, parts)))
    if invalid := next((name for name in names if not NAME.fullmatch(name)), None):
        problem = "isn't a Git name. Use letters, digits, dots and dashes, with commas between names."
        if "@" in invalid:
            problem = "looks like an email address. Buildbell uses only your verified address from Slack."
        raise BuildbellError(f"{quote_value(invalid)} {problem}")
    if len(names) > NAMES_AT_MOST:
        raise BuildbellError(f"You entered {len(names)} names, but can link up to {NAMES_AT_MOST}.")
    return names


FORM = Form(
    ids.ME_NOTIFICATIONS, "me", title="Your builds", submit="Save", record=Preferences,
    fields=(
        Radio(
            "dm_level", "Direct messages", key="tells", default=OFF, missing="Choose when to get direct messages.",
            hint="Not sent if a card's thread mentions you anyway.",
            options=(
                choice("Off", OFF, "You can still see your builds in App Home"),
                choice("Failures", FAILURES, "When one of your builds fails"),
                choice("All results", ALL, "Whenever one of your builds finishes"),
            ),
        ),
        Text(
            "git_names", "Your names in Git and Bitrise", key="names", placeholder="octocat, ana-d", optional=True,
            hint="Separate with commas. Builds these names push or start count as yours.",
            limit=1_000, parse=read_names,
        ),
        Slot("namesakes"),
        Slot("email"),
    ),
)  # fmt: skip


def preferences_form(person: UserRow, *, may_read_email: bool, namesakes: Mapping[str, Sequence[str]]) -> View:
    """Return the form. ``namesakes`` are the other people who have linked a name of this person's."""
    return FORM.view(
        dm_level=person.dm_level,
        git_names=", ".join(person.git_names),
        namesakes=[context(line) for line in namesake_lines(namesakes)],
        email=email_line(person, may_read_email=may_read_email),
    )


def email_line(person: UserRow, *, may_read_email: bool) -> str:
    if person.email:
        return f"Commits signed with {code(person.email)} count as yours."
    if may_read_email:
        return "Your Slack profile has no email address, so only the names above are used to find your builds."
    return (
        "Buildbell can't read email addresses (the optional scope users:read.email was declined), "
        "so only the names above are used to find your builds."
    )


def namesake_lines(namesakes: Mapping[str, Sequence[str]]) -> list[str]:
    """List a person's names that others have linked too, because their builds count for all of them."""
    return [
        f"{code(name)} is also linked by {', '.join(map(mention, others[:NAMES_AT_MOST]))}. "
        "Its builds count for each of you."
        for name, others in namesakes.items()
    ]


def saved_notice(person: UserRow, *, linked: int | None, namesakes: Mapping[str, Sequence[str]]) -> View:
    """Confirm. ``linked`` is how many builds of the last 30 days are theirs by name; None if not counted."""
    sentences = []
    if linked is not None and (person.git_names or person.email):
        count = plural(linked, "build") if linked else "no builds"
        sentences = [f"Found {count} of yours in the last 30 days."]
    return notice("Saved", preferences_line(person), *sentences, *namesake_lines(namesakes))


# Handlers.


async def open_form(ctx: Context, interaction: Interaction) -> None:
    actor = interaction.actor
    profile = await preferences.load_profile(ctx, actor)
    may_read_email = await ctx.has_scope(actor.workspace_id, READ_EMAIL)
    view = preferences_form(profile.user, may_read_email=may_read_email, namesakes=profile.namesakes)
    await open_view(ctx, interaction, view)


async def submit_form(ctx: Context, submission: Submission) -> View:
    profile = await preferences.save_preferences(ctx, submission.actor, FORM.read(submission.view))
    ctx.tasks.spawn(publish(ctx, submission.actor), name="home")
    return saved_notice(profile.user, linked=profile.linked, namesakes=profile.namesakes)


COMMAND = Command(
    "me",
    run=open_form,
    topic="Notifications",
    help=(Help("me", "set up direct messages about your builds, and your Git names"),),
    actions={ids.ME_NOTIFICATIONS: open_form},
    views={ids.ME_NOTIFICATIONS: submit_form},
)
