"""A practice Slack that speaks the real wire protocols and refuses what the real one refuses."""

from __future__ import annotations

from playground.slack.delivery import Delivery
from playground.slack.limits import Limits
from playground.slack.modals import View
from playground.slack.server import PracticeSlack
from playground.slack.world import App, Channel, Installation, Message, Team, User

__all__ = [
    "App",
    "Channel",
    "Delivery",
    "Installation",
    "Limits",
    "Message",
    "PracticeSlack",
    "Team",
    "User",
    "View",
]
