"""A practice Bitrise: the v0.1 API on a real socket, with apps and builds that a test or a clock moves."""

from __future__ import annotations

from playground.bitrise.model import (
    AbortCall,
    App,
    Artifact,
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
from playground.wire import Entry, Fault, Journal

__all__ = [
    "AbortCall",
    "App",
    "Artifact",
    "Build",
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
    "Workflow",
    "Workspace",
]
