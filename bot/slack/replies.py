"""Private replies: a sentence, an error with suggestions, a question with buttons, the state of the connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.errors import CHECK_AGAIN, BuildbellError, Suggestion, ViewExpired
from bot.slack import build_text, ids
from bot.slack.blocks import Block, actions, button, lines, message, section
from bot.slack.build_lists import VALUE_LIMIT
from bot.slack.build_text import BuildView
from bot.slack.cards import build_lines, open_button
from bot.slack.text import (
    Message,
    code,
    date,
    escape,
    flatten,
    isolate_words,
    length,
    link,
    mention,
    quoted,
    shorten,
)
from storage.workspaces import WorkspaceRow

SUGGESTIONS_SHOWN = 10
REPLY_LIMIT = 2_900
NO_BUILD = "-"


def reply(text: str) -> Message:
    """One or several lines, in which only ``*bold*`` and `` `code` `` mean something: nothing mentions or links."""
    escaped = escape_lines(text)
    return message(escaped, section(escaped))


def reply_lines(texts: Sequence[str]) -> Message:
    """Any number of lines, in as many sections as they need."""
    sections = [""]
    for line in map(escape_lines, texts):
        longer = f"{sections[-1]}\n{line}".strip()
        sections = [*sections[:-1], longer] if length(longer) <= REPLY_LIMIT else [*sections, line]
    return message("\n".join(sections), *map(section, sections))


def escape_lines(text: str) -> str:
    return shorten("\n".join(escape(isolate_words(flatten(line))) for line in text.split("\n")), REPLY_LIMIT)


def error(failure: BuildbellError) -> Message:
    """An error with a button for each suggestion."""
    return reply(failure.sentence) + message("", suggestion_buttons(failure.suggestions))


def suggestion_buttons(suggestions: Sequence[Suggestion]) -> list[Block]:
    """A button for each suggestion, whose value is the command text it stands for."""
    buttons = [
        button(ids.numbered(ids.BUILD_CHOOSE_APP, place), suggestion.label, value=suggestion.text)
        for place, suggestion in enumerate(suggestions[:SUGGESTIONS_SHOWN], start=1)
        if suggestion.text and length(suggestion.text) <= VALUE_LIMIT
    ]
    return actions(*buttons)


# Questions. The request waits as a row and its id is in the buttons.


def answer_value(request_id: str, build_slug: str) -> str:
    return f"{request_id} {build_slug}"


def read_answer(value: str) -> tuple[str, str]:
    """Return the request id and the build slug (or NO_BUILD) of a button. Raises `ViewExpired` for a foreign value."""
    request_id, _, build_slug = value.partition(" ")
    if not request_id or not build_slug:
        raise ViewExpired("That question is too old to be answered. Ask again.")
    return request_id, build_slug


def duplicate_running(view: BuildView, *, request_id: str, now: datetime) -> Message:
    """Ask whether to follow the identical build that is running, or to start another."""
    value = answer_value(request_id, view.build.build_slug)
    question = "An identical build is already running. Follow it or start another?"
    number = build_text.number(view.build)
    return message(
        f"{question} {build_text.sentence(view)}",
        section(question),
        lines(*build_lines(view, now)),
        actions(
            button(ids.BUILD_JOIN, f"Follow {number}", value=value, style="primary", label=f"Follow {number} here"),
            button(ids.BUILD_START_ANYWAY, "Start anyway", value=value),
        ),
        actions(open_button(view)),
    )


def starting(description: str) -> Message:
    """``description`` is mrkdwn."""
    text = f"Starting {description}…"
    return message(text.replace("*", "").replace("`", ""), section(text))


def duplicate_requested(description: str, *, request_id: str) -> Message:
    """Ask whether to start another build although an identical request, not yet a build, is being sent."""
    text = f"An identical build is already starting: {description}."
    value = answer_value(request_id, NO_BUILD)
    return message(text, section(text), actions(button(ids.BUILD_START_ANYWAY, "Start anyway", value=value)))


def branch_moved(view: BuildView, *, request_id: str, newest_commit: str | None) -> Message:
    """Ask which commit to build: the branch has newer ones than the build that is to run again."""
    build = view.build
    value = answer_value(request_id, build.build_slug)
    old = build_text.short_commit(build.commit_hash or "")
    new = build_text.short_commit(newest_commit) if newest_commit else ""
    which = link(view.url, build_text.name(view))
    change = f" ({code(old)} → {code(new)})" if new else ""
    commits = f"{code(build.branch or '', 100)} has new commits since {which}{change}."
    branch, name = quoted(build.branch or "", 100), quoted(build_text.name(view))
    question = f"{commits} Which commit do you want to build?"
    return message(
        f"{branch} has new commits since {name}. Which commit do you want to build?",
        section(question),
        actions(
            button(ids.BUILD_RUN_SAME_COMMIT, f"Same commit {old}".rstrip(), value=value),
            button(ids.BUILD_RUN_NEWEST, f"Newest {new}".rstrip(), value=value),
        ),
    )


def answered(text: str) -> Message:
    """Replace an answered question, so that its buttons are gone."""
    return message(quoted(text, 1_000), lines(text))


# The connection to Bitrise.


def connection_line(workspace: WorkspaceRow | None, *, command: str) -> str:
    """The state of the connection and what to do about it, as one line of mrkdwn."""
    if workspace is None or workspace.bitrise_token_sealed is None:
        return f"⚪ *Bitrise isn't connected yet.* An admin can connect it with `{escape(command)} connect`."
    if workspace.health == "refused":
        since = f" (since {date(workspace.health_since)})" if workspace.health_since else ""
        return (
            f"❌ *Bitrise rejects the connected token*{since}. Builds can't be started, followed or stopped. "
            f"An admin can replace it with `{escape(command)} connect`."
        )
    owner = quoted(workspace.bitrise_owner or "", 100)
    return f"✅ *Connected to Bitrise*{f' as {owner}' if owner else ''}."


def health_line(workspace: WorkspaceRow | None, *, command: str) -> str:
    """The state of the connection, who connected it, and its last sync and webhook."""
    line = connection_line(workspace, command=command)
    if workspace is None or workspace.bitrise_token_sealed is None or workspace.health == "refused":
        return line
    by = f" by {mention(workspace.connected_by)}" if workspace.connected_by else ""
    at = f" {date(workspace.connected_at)}" if workspace.connected_at else ""
    return f"{line}{f' Connected{by}{at}.' if by or at else ''}{_last_sync(workspace)}"


def health_report(workspace: WorkspaceRow | None, texts: Sequence[str], *, command: str) -> Message:
    """The state of the connection and further sentences, one a line."""
    text = "\n".join([connection_line(workspace, command=command), *map(escape_lines, texts)])
    is_rejected = workspace is not None and workspace.health == "refused"
    return message(text, section(text), suggestion_buttons([CHECK_AGAIN] if is_rejected else []))


def _last_sync(workspace: WorkspaceRow) -> str:
    if workspace.last_sync_error:
        return f" Last sync failed: {quoted(workspace.last_sync_error, 200)}"
    synced = f" Last checked {date(workspace.last_synced_at)}." if workspace.last_synced_at else ""
    called = f" Last webhook {date(workspace.last_webhook_at)}." if workspace.last_webhook_at else ""
    return synced + called
