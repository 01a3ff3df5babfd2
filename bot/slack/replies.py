"""What one person is told privately: a sentence, an error with its ways out, the health of the connection."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ButtonElement

from bot.errors import BuildbellError, Choice
from bot.slack import ids
from bot.slack.blocks import actions, button, message, plain_section, section
from bot.slack.build_lists import VALUE_LIMIT
from bot.slack.text import Message, date, escape, length, mention, one_line, plain_date, quoted, shorten
from storage.workspaces import WorkspaceRow

CHOICES_SHOWN = 10
SENTENCE_LIMIT = 2_900


def sentence(text: str) -> Message:
    """One or several lines, in which only ``*bold*`` and `` `code` `` mean something: nothing mentions or links."""
    told = escaped(text)
    return Message(told, (plain_section(told),))


def listing(told: Sequence[str]) -> Message:
    """As many lines as there are, in as many sections as they need."""
    parts = [""]
    for line in map(escaped, told):
        longer = f"{parts[-1]}\n{line}".strip()
        parts = [*parts[:-1], longer] if length(longer) <= SENTENCE_LIMIT else [*parts, line]
    return message("\n".join(parts), *map(section, parts))


def escaped(text: str) -> str:
    """The same as mrkdwn for a section."""
    return shorten("\n".join(escape(one_line(line)) for line in text.split("\n")), SENTENCE_LIMIT)


def error(failure: BuildbellError) -> Message:
    """What went wrong, with a button for each way out; its value is the command text it stands for."""
    told = sentence(failure.sentence)
    buttons = [_choice(choice, place) for place, choice in enumerate(failure.choices[:CHOICES_SHOWN], start=1)]
    return Message(told.text, (*told.blocks, *(block.to_dict() for block in actions(*buttons))))


def _choice(choice: Choice, place: int) -> ButtonElement | None:
    if not choice.text or length(choice.text) > VALUE_LIMIT:
        return None
    return button(ids.numbered(ids.BUILD_CHOOSE_APP, place), choice.label, value=choice.text)


def health_line(workspace: WorkspaceRow | None, *, command: str) -> str:
    """How it stands with Bitrise and what to do about it, as one line of mrkdwn."""
    if workspace is None or workspace.bitrise_token_sealed is None:
        return f"⚪ *Not connected to Bitrise.* An admin can add a token with `{escape(command)} connect`."
    if workspace.health == "refused":
        since = f" since {date(workspace.health_since)}" if workspace.health_since else ""
        return (
            f"❌ *Bitrise refuses the stored token{since}.* Nothing can be started, followed or stopped. "
            f"An admin can replace it with `{escape(command)} connect`."
        )
    by = f", connected by {mention(workspace.connected_by)}" if workspace.connected_by else ""
    at = f" ({date(workspace.connected_at)})" if workspace.connected_at else ""
    return f"✅ *Connected to Bitrise* as {_owner(workspace)}{by}{at}.{_last_looked(workspace)}"


def report(workspace: WorkspaceRow | None, told: Sequence[str], *, command: str) -> Message:
    """How it stands with Bitrise, and further sentences of ours, a line each."""
    text = "\n".join([plain_health(workspace, command=command), *map(escaped, told)])
    return message(text, section(text))


def plain_health(workspace: WorkspaceRow | None, *, command: str) -> str:
    if workspace is None or workspace.bitrise_token_sealed is None:
        return f"Not connected to Bitrise. An admin can add a token with {escape(command)} connect."
    if workspace.health == "refused":
        since = f" since {plain_date(workspace.health_since)}" if workspace.health_since else ""
        return f"Bitrise refuses the stored token{since}. An admin can replace it with {escape(command)} connect."
    return f"Connected to Bitrise as {_owner(workspace)}."


def _owner(workspace: WorkspaceRow) -> str:
    return quoted(workspace.bitrise_owner or "", 100) or "the token's owner"


def _last_looked(workspace: WorkspaceRow) -> str:
    if workspace.last_sweep_error:
        return f" The last look failed: {quoted(workspace.last_sweep_error, 200)}"
    looked = f" Last looked {date(workspace.last_sweep_at)}." if workspace.last_sweep_at else ""
    called = f" Bitrise last called {date(workspace.last_webhook_at)}." if workspace.last_webhook_at else ""
    return looked + called
