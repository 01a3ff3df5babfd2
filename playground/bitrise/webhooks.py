"""Outgoing webhooks: which addresses want to hear of an app's builds, and what became of every delivery.

https://docs.bitrise.io/en/bitrise-ci/api/incoming-and-outgoing-webhooks.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from playground.bitrise.model import App, Build
from playground.bitrise.names import Names

EVENTS = ("all", "build", "pipeline")
"""``pipeline`` is accepted and never delivered: no page tells what such a delivery looks like."""
BuildEvent = Literal["build/triggered", "build/finished"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery before it is made: the words are those of the moment it tells of."""

    hook: Webhook
    event: str
    body: bytes = field(repr=False)
    build_slug: str

    def headers(self) -> dict[str, str]:
        headers = {
            **self.hook.headers,
            "Content-Type": "application/json",
            "Bitrise-Event-Type": self.event,
            "Bitrise-App-Id": self.hook.app.slug,
        }
        if self.hook.secret:
            signature = hmac.new(self.hook.secret.encode(), self.body, hashlib.sha256).hexdigest()
            headers["Bitrise-Hook-Signature"] = f"sha256={signature}"
        return headers


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. ``status`` is None when there was no answer; ``answer`` then says why."""

    slug: str
    at: datetime
    letter: Letter
    headers: Mapping[str, str] = field(repr=False)
    status: int | None
    answer_headers: Mapping[str, str]
    answer: str
    seconds: int


@dataclass(slots=True, eq=False)
class Webhook:
    slug: str
    app: App
    url: str
    events: tuple[str, ...]
    headers: Mapping[str, str]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    deliveries: list[Delivery] = field(default_factory=list)
    """Oldest first."""

    def wants(self, event: str) -> bool:
        return "all" in self.events or event.partition("/")[0] in self.events


class Webhooks:
    """``post`` takes a letter to its address; without a server up nothing leaves the house."""

    def __init__(self, seed: object) -> None:
        self.names = Names.seeded(f"webhooks {seed}")
        self.post: Callable[[Letter], None] = lambda letter: None
        self._hooks: list[Webhook] = []

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def of(self, app: App) -> list[Webhook]:
        """Newest first."""
        return [hook for hook in reversed(self._hooks) if hook.app is app]

    def add(
        self, app: App, url: str, events: tuple[str, ...], headers: Mapping[str, str], secret: str, at: datetime
    ) -> Webhook:
        hook = Webhook(self.names.ulid(), app, url, events, dict(headers), secret, at, at)
        self._hooks.append(hook)
        return hook

    def remove(self, hook: Webhook) -> None:
        self._hooks.remove(hook)

    def tell(self, event: BuildEvent, build: Build) -> None:
        """Once to each that wants to hear of it."""
        for hook in self._hooks:
            if hook.app is build.app and hook.wants(event):
                self.post(Letter(hook, event, json.dumps(payload(build)).encode(), build.slug))


def payload(build: Build) -> dict[str, Any]:
    """No time, no id, no name: whoever wants to know more asks."""
    return {
        "app_slug": build.app.slug,
        "build_slug": build.slug,
        "build_number": build.number,
        "build_status": int(build.status),
        "build_triggered_workflow": build.workflow,
        "git": {
            "provider": build.app.provider,
            "src_branch": build.branch,
            "dst_branch": build.params.get("branch_dest") or build.branch,
            "pull_request_id": build.pull_request_id,
            "tag": build.tag,
        },
    }
