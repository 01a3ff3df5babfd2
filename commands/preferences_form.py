"""The preferences form: direct messages, and the names under which builds count as yours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, RadioButtonsElement

from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.forms import (
    FormRefused,
    Payload,
    choice,
    choice_input,
    modal,
    notice,
    read_lines,
    read_option,
    shown_value,
    text_input,
)
from bot.slack.text import code, mention, one_line
from storage.users import ALL, FAILURES, OFF, PersonRow

NAMES_AT_MOST = 10

_NAME = re.compile(r"\w(?:[\w .+'-]{0,98}\w)?")
_TOLD = {OFF: "none", FAILURES: "when a build of yours fails", ALL: "when a build of yours ends"}


@dataclass(frozen=True, slots=True)
class MeForm:
    """``tells`` as in `storage.users.PersonRow`; ``git_names`` in lower case."""

    tells: str
    git_names: tuple[str, ...]


def me_form(person: PersonRow, *, may_read_email: bool, namesakes: Mapping[str, Sequence[str]]) -> Payload:
    """``namesakes`` are the other people who have linked a name of this person's."""
    blocks: list[Block] = [
        _tells(person.tells),
        _names(person),
        *(context(line) for line in namesake_lines(namesakes)),
        context(_email_line(person, may_read_email=may_read_email)),
    ]
    return modal(ids.ME_NOTIFICATIONS, "Your builds", blocks, submit="Save")


def _tells(tells: str) -> InputBlock:
    by_value = {
        OFF: choice("Nothing", OFF, "Your builds are in App Home all the same"),
        FAILURES: choice("Failures", FAILURES, "When a build of yours fails"),
        ALL: choice("Every end", ALL, "When a build of yours ends, however it does"),
    }
    radio = RadioButtonsElement(
        action_id=ids.ME_TELLS, options=list(by_value.values()), initial_option=by_value.get(tells, by_value[OFF])
    )
    hint = "Not where a card's thread mentions you anyway, as it does for what you start from Slack."
    return choice_input(ids.ME_TELLS, "Tell me directly", radio, hint=hint)


def _names(person: PersonRow) -> InputBlock:
    return text_input(
        ids.ME_NAMES,
        "Your names in Git and Bitrise",
        placeholder="octocat, ana-d",
        hint="With commas between them. Builds that such a name pushes or starts count as yours.",
        initial=", ".join(person.git_names),
        limit=1_000,
    )


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
    """Nothing is secret about a name, and nobody shall count as somebody else unseen."""
    told = []
    for name, others in namesakes.items():
        people = ", ".join(map(mention, others[:NAMES_AT_MOST]))
        told.append(f"{code(name)} is linked by {people}, too. Its builds count as everybody's who has linked it.")
    return told


def wishes_line(person: PersonRow) -> str:
    """Describe the preferences in one line of mrkdwn."""
    return f"*Direct messages:* {_TOLD.get(person.tells, _TOLD[OFF])}. {_known_as(person)}"


def _known_as(person: PersonRow) -> str:
    comes = [f"comes from {', '.join(map(code, person.git_names))}"] if person.git_names else []
    signed = [f"is signed with {code(person.email)}"] if person.email else []
    if not comes and not signed:
        return "Yours is what you start from Slack; I know no name of yours in Git yet."
    return f"Yours is what you start from Slack, and what {' or '.join([*comes, *signed])}."


def saved(person: PersonRow, *, linked: int | None, namesakes: Mapping[str, Sequence[str]]) -> Payload:
    """In the place of the form. ``linked`` is how many known builds turned out to be theirs; None if not looked for."""
    found = []
    if linked is not None and (person.git_names or person.email):
        number = f"{linked} build{'' if linked == 1 else 's'}" if linked else "no build"
        found = [f"By that I know {number} of yours from the last 30 days."]
    return notice("Saved", wishes_line(person), *found, *namesake_lines(namesakes))


# Reading.


def read_me_form(view: Mapping[str, Any]) -> MeForm:
    """The submission. Raises `FormRefused`."""
    errors: dict[str, str] = {}
    tells = read_option(view, ids.ME_TELLS) or OFF
    if tells not in _TOLD:
        errors[ids.ME_TELLS] = "Choose what you want to be told."
    git_names = _read_names(read_lines(view, ids.ME_NAMES), errors)
    if errors:
        raise FormRefused(errors)
    return MeForm(tells, git_names)


def _read_names(text: str, errors: dict[str, str]) -> tuple[str, ...]:
    typed = [one_line(part).removeprefix("@").lower() for part in re.split(r"[,;\n]", text)]
    names = tuple(dict.fromkeys(filter(None, typed)))
    if wrong := next((name for name in names if not _NAME.fullmatch(name)), None):
        errors[ids.ME_NAMES] = _wrong_name(wrong)
    elif len(names) > NAMES_AT_MOST:
        errors[ids.ME_NAMES] = f"These are {len(names)} names; {NAMES_AT_MOST} can be linked."
    return names


def _wrong_name(name: str) -> str:
    if "@" in name:
        return f"{shown_value(name)} looks like an e-mail address. Those I take from Slack alone, which verifies them."
    return f"{shown_value(name)} is no name in Git: letters, digits, dots and dashes, with commas between names."
