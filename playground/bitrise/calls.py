"""One API call: its request, its permissions, its response."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from playground.bitrise.artifacts import StoredArtifact
from playground.bitrise.model import App, Build, Pipeline
from playground.bitrise.people import Role, Token
from playground.bitrise.refusals import Refused, bad_request, not_found
from playground.bitrise.world import World

MAX_LIMIT = 50
NOT_JSON = "Invalid request: does not contain a 'payload', or it is not a valid JSON request"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; ``body`` is a JSON value, or the text of anything else."""

    body: Any
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(self.body) if self.content_type == "application/json" else str(self.body)


@dataclass(frozen=True, slots=True)
class Route:
    """An operation; ``path`` is below the version, ``needs`` the lowest role, in the app of the path if any."""

    method: str
    path: str
    name: str
    handler: Callable[[Call], Answer]
    needs: Role = Role.TESTER


@dataclass(frozen=True)
class Call:
    """A call with a valid token. Lookups refuse what the token isn't allowed to see."""

    world: World
    now: datetime
    route: Route
    token: Token
    places: Mapping[str, str]
    """The path parameters of the route."""
    query: Mapping[str, str]
    content_type: str
    raw: bytes
    site_url: str

    @cached_property
    def app(self) -> App:
        app = self.world.apps.get(self.places["app"])
        if app is None or self.token.role_in(app) is Role.NONE:
            raise not_found()
        if self.token.role_in(app) < self.route.needs:
            raise Refused(self.world.refusal_status)
        return app

    @cached_property
    def build(self) -> Build:
        build = self.world.find_build(self.places["build"])
        if build is None or build.app is not self.app:
            raise not_found()
        return build

    @cached_property
    def artifact(self) -> StoredArtifact:
        matches = [each for each in self.build.artifacts if each.slug == self.places["artifact"]]
        if not matches:
            raise not_found()
        return matches[0]

    @cached_property
    def pipeline(self) -> Pipeline:
        matches = [each for each in self.app.pipeline_runs if each.id == self.places["pipeline"]]
        if not matches:
            raise not_found()
        return matches[0]

    def signed_url(self, path: str) -> str:
        return self.world.signer.sign(self.site_url, path, self.now)

    @property
    def visible_apps(self) -> list[App]:
        return [app for app in self.world.apps.values() if self.token.role_in(app) >= self.route.needs]

    def body(self) -> dict[str, Any]:
        """Return the JSON object that was sent. Since 2026, Bitrise requires a JSON content type."""
        try:
            value = json.loads(self.raw) if self.content_type == "application/json" else None
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise bad_request(NOT_JSON, "error_msg")
        return value

    def text(self, name: str) -> str | None:
        """Return a query argument; an empty one counts as missing."""
        return self.query.get(name) or None

    def choice(self, name: str, *choices: str) -> str:
        """Return one of ``choices``, by default the first."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise bad_request(f"Invalid {name}: {value}")
        return value

    def number(self, name: str) -> int | None:
        value = self.text(name)
        try:
            return None if value is None else int(value)
        except ValueError:
            raise bad_request(f"Invalid {name}: {value}") from None

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        return None if value is None else self.choice(name, "true", "false", "1", "0") in ("true", "1")

    def moment(self, name: str) -> datetime | None:
        """Return an RFC 3339 time."""
        value = self.text(name)
        try:
            at = None if value is None else datetime.fromisoformat(value)
        except ValueError:
            raise bad_request(f"Invalid {name}: {value}") from None
        return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)

    def limit(self, default: int = MAX_LIMIT) -> int:
        value = self.number("limit")
        if value is not None and not 1 <= value <= MAX_LIMIT:
            raise bad_request(f"Invalid limit: {value}, the maximum is {MAX_LIMIT}")
        return value or default
