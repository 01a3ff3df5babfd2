"""What the bot asks back before it starts something; the request waits as a row, its id sits in the buttons."""

from __future__ import annotations

from datetime import datetime

from bot.errors import ViewGone
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import actions, button, lines, message, section, words
from bot.slack.build_text import ShownBuild
from bot.slack.cards import build_lines, open_button
from bot.slack.replies import escaped
from bot.slack.text import Message, code, link, quoted

NO_BUILD = "-"


def answer_value(request_id: str, build_slug: str) -> str:
    return f"{request_id} {build_slug}"


def read_answer(value: str) -> tuple[str, str]:
    """``(request id, build slug or NO_BUILD)`` of a pressed answer. Raises `ViewGone` for a value that is not ours."""
    request_id, _, build_slug = value.partition(" ")
    if not request_id or not build_slug:
        raise ViewGone("That question is too old to be answered. Ask again.")
    return request_id, build_slug


def equal_running(build: ShownBuild, *, request_id: str, now: datetime) -> Message:
    """The same already runs: join it, or start another."""
    value = answer_value(request_id, build.build.build_slug)
    question = "The same build is on its way already. Join it, or start another one?"
    number = shown.number(build.build)
    return message(
        f"{question} {shown.sentence(build)}",
        section(question),
        lines(*build_lines(build, now)),
        *actions(
            button(ids.BUILD_JOIN, f"Join {number}", value=value, style="primary", label=f"Show {number} here"),
            button(ids.BUILD_START_ANYWAY, "Start anyway", value=value),
        ),
        *actions(open_button(build)),
    )


def equal_asked(what: str, *, request_id: str) -> Message:
    """The same was asked for a moment ago and is not a build yet. ``what`` says what, in plain words."""
    told = f"The same is being started already: {escaped(what)}."
    value = answer_value(request_id, NO_BUILD)
    return message(told, section(told), *actions(button(ids.BUILD_START_ANYWAY, "Start anyway", value=value)))


def disconnect(owner: str) -> Message:
    """Asks once more before the workspace's token is forgotten."""
    asked = (
        f"Forget the Bitrise token of {quoted(owner, 100)}? "
        "Builds that run go on, but nobody here can start, follow or stop any until another one is connected."
    )
    forget = button(ids.CONNECTION_DISCONNECT, "Forget the token", value="disconnect", style="danger")
    return message(asked, section(asked), *actions(forget))


def moved_branch(build: ShownBuild, *, request_id: str, newest_commit: str | None) -> Message:
    """The branch has newer commits than the build that is to run again."""
    row = build.build
    value = answer_value(request_id, row.build_slug)
    old = shown.short_commit(row.commit_hash or "")
    new = shown.short_commit(newest_commit) if newest_commit else ""
    what = link(build.url, shown.name(build))
    to = f" to {code(new)}" if new else ""
    asked = f"{code(row.branch or '', 100)} has moved since {what}: from {code(old)}{to}. Which shall run?"
    plain = f"{quoted(row.branch or '', 100)} has moved since {quoted(shown.name(build))}. Which commit shall run?"
    return message(
        plain,
        section(asked),
        *actions(
            button(ids.BUILD_RUN_SAME_COMMIT, f"Same commit {old}".rstrip(), value=value),
            button(ids.BUILD_RUN_NEWEST, f"Newest {new}".rstrip(), value=value),
        ),
    )


def nothing_asked(sentence: str) -> Message:
    """Replaces a question once it is answered, so that its buttons are gone. ``sentence`` is shown as text."""
    told = quoted(sentence, 1_000)
    return message(told, lines([words(sentence)]))
