"""A practice Slack that speaks the real protocols and refuses the same requests as the real one."""

from __future__ import annotations

from playground.slack.delivery import Delivery
from playground.slack.limits import Limits
from playground.slack.modals import View
from playground.slack.server import PracticeSlack
from playground.slack.world import App, Channel, Guest, Installation, Message, Team, User

__all__ = [
    "App",
    "Channel",
    "Delivery",
    "Guest",
    "Installation",
    "Limits",
    "Message",
    "PracticeSlack",
    "Team",
    "User",
    "View",
]
