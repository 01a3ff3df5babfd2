"""The preferences form: direct messages, and the names under which builds count as yours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.errors import BuildbellError
from bot.notifications.preferences import Preferences
from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.fields import Radio, Slot, Text, choice, quote_value
from bot.slack.forms import Form, Payload, notice
from bot.slack.text import code, mention, one_line, plural
from storage.users import ALL, FAILURES, OFF, PersonRow

NAMES_AT_MOST = 10

_NAME = re.compile(r"\w(?:[\w .+'-]{0,98}\w)?")
_LEVELS = {OFF: "none", FAILURES: "when a build of yours fails", ALL: "when a build of yours ends"}


def preferences_form(person: PersonRow, *, may_read_email: bool, namesakes: Mapping[str, Sequence[str]]) -> Payload:
    """``namesakes`` are the other people who have linked a name of this person's."""
    return FORM.view(
        tells=person.tells,
        git_names=", ".join(person.git_names),
        namesakes=[context(line) for line in namesake_lines(namesakes)],
        email=_email_line(person, may_read_email=may_read_email),
    )


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
            "tells", "Tell me directly", default=OFF, missing="Choose what you want to be told.",
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


# Sentences.


def _email_line(person: PersonRow, *, may_read_email: bool) -> str:
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


def preferences_line(person: PersonRow) -> str:
    """Describe the preferences in one line of mrkdwn."""
    return f"*Direct messages:* {_LEVELS.get(person.tells, _LEVELS[OFF])}. {_known_as(person)}"


def _known_as(person: PersonRow) -> str:
    comes = [f"comes from {', '.join(map(code, person.git_names))}"] if person.git_names else []
    signed = [f"is signed with {code(person.email)}"] if person.email else []
    if not comes and not signed:
        return "Yours is what you start from Slack; I know no name of yours in Git yet."
    return f"Yours is what you start from Slack, and what {' or '.join([*comes, *signed])}."


def saved_notice(person: PersonRow, *, linked: int | None, namesakes: Mapping[str, Sequence[str]]) -> Payload:
    """``linked`` is how many builds of the last 30 days turned out to be theirs; None if not looked for."""
    found = []
    if linked is not None and (person.git_names or person.email):
        found = [f"By that I know {plural(linked, 'build') if linked else 'no build'} of yours from the last 30 days."]
    return notice("Saved", preferences_line(person), *found, *namesake_lines(namesakes))
