"""apps.connections.open: https://docs.slack.dev/reference/methods/apps.connections.open"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.desk import Desk
from playground.slack.errors import SlackError
from playground.slack.world import JSON


def open_connection(desk: Desk, call: Call) -> JSON:
    """A WebSocket address with a ticket that is good once."""
    if call.app is None:
        raise SlackError("not_allowed_token_type")
    if not call.app.socket_mode:
        raise SlackError("forbidden")
    ticket = desk.world.letters(24)
    desk.tickets[ticket] = call.app
    desk.journal.hide(ticket)
    return {"url": f"{desk.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={call.app.id}"}
