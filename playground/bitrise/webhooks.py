"""Outgoing webhooks of apps, and their deliveries.

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

from playground.bitrise.ids import Ids
from playground.bitrise.model import App, Build

EVENTS = ("all", "build", "pipeline")
"""``pipeline`` is accepted and never delivered, because its payload is not documented."""
BuildEvent = Literal["build/triggered", "build/finished"]


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery that is not sent yet, with the payload of its event."""

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
    """One attempt. ``status`` is None without a response, and ``answer`` says why."""

    slug: str
    at: datetime
    pending: PendingDelivery
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
    """All webhooks. ``post`` sends a delivery; it does nothing before the server starts."""

    def __init__(self, seed: object) -> None:
        self.names = Ids.seeded(f"webhooks {seed}")
        self.post: Callable[[PendingDelivery], None] = lambda pending: None
        self._hooks: list[Webhook] = []

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def of(self, app: App) -> list[Webhook]:
        """Return the app's webhooks, newest first."""
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
        """Send the event to each webhook that is registered for it."""
        for hook in self._hooks:
            if hook.app is build.app and hook.wants(event):
                self.post(PendingDelivery(hook, event, json.dumps(payload(build)).encode(), build.slug))


def payload(build: Build) -> dict[str, Any]:
    """Build the payload, which contains no times, ids or names."""
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
