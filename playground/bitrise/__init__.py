"""A practice Bitrise: the v0.1 API on a real socket, with builds that a test or a clock moves."""

from __future__ import annotations

from playground.bitrise.artifacts import Artifact, aab, apk, ipa
from playground.bitrise.model import (
    AbortCall,
    App,
    Build,
    Pipeline,
    Stage,
    Status,
    TriggerCall,
    TriggerRule,
    Workflow,
)
from playground.bitrise.people import Role, Token, User, Workspace
from playground.bitrise.server import PracticeBitrise
from playground.bitrise.webhooks import Delivery, Webhook
from playground.wire import Entry, Fault, Journal

__all__ = [
    "AbortCall",
    "App",
    "Artifact",
    "Build",
    "Delivery",
    "Entry",
    "Fault",
    "Journal",
    "Pipeline",
    "PracticeBitrise",
    "Role",
    "Stage",
    "Status",
    "Token",
    "TriggerCall",
    "TriggerRule",
    "User",
    "Webhook",
    "Workflow",
    "Workspace",
    "aab",
    "apk",
    "ipa",
]
