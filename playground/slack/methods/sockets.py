"""apps.connections.open: https://docs.slack.dev/reference/methods/apps.connections.open"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.world import JSON


def open_connection(core: Core, call: Call) -> JSON:
    """Return a WebSocket URL with a ticket that is valid once."""
    if call.app is None:
        raise SlackError("not_allowed_token_type")
    if not call.app.socket_mode:
        raise SlackError("forbidden")
    ticket = core.world.letters(24)
    core.tickets[ticket] = call.app
    core.journal.hide(ticket)
    return {"url": f"{core.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={call.app.id}"}
