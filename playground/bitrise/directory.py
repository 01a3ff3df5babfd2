"""Register workspaces, users, tokens and apps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from bot.clock import Clock
from playground.bitrise.ids import Ids
from playground.bitrise.model import App, TriggerRule, Workflow
from playground.bitrise.people import Role, Token, User, Workspace


class Directory:
    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self.random = Random(seed)
        self.names = Ids(self.random)
        self.apps: dict[str, App] = {}
        self.tokens: dict[str, Token] = {}

    def now(self) -> datetime:
        return self._clock.now()

    def add_workspace(self, name: str, *, concurrency: int | None = None) -> Workspace:
        return Workspace(self.names.hex(), name, concurrency)

    def add_user(self, name: str, *, email: str | None = None) -> User:
        return User(self.names.hex(), name, email or f"{name}@example.com", self.now())

    def add_token(
        self,
        user: User,
        *,
        role: str | Mapping[App, str] = "developer",
        expires_at: datetime | None = None,
    ) -> str:
        """Create a personal access token. A mapping gives a role per app and hides the others."""
        return self._add_token("bitpat_", user, role, expires_at)

    def add_workspace_token(
        self,
        workspace: Workspace,
        *,
        role: str | Mapping[App, str] = "developer",
        expires_at: datetime | None = None,
    ) -> str:
        """Create a workspace API token, which has no ``/me`` and reaches the workspace's apps only."""
        return self._add_token("bitwat_", workspace, role, expires_at)

    def _add_token(
        self, prefix: str, owner: User | Workspace, role: str | Mapping[App, str], expires_at: datetime | None
    ) -> str:
        value = self.names.token(prefix)
        self.tokens[value] = Token(value, owner, *_roles(role), expires_at)
        return value

    def set_role(self, token: str, role: str | Mapping[App, str]) -> None:
        """Change the role of a token."""
        self.tokens[token].role, self.tokens[token].roles = _roles(role)

    def revoke(self, token: str) -> None:
        self.tokens[token].revoked = True

    def add_app(
        self,
        title: str,
        owner: Workspace | User,
        *,
        project_type: str = "ios",
        repo_owner: str | None = None,
        repo_slug: str | None = None,
        branches: Sequence[str] = ("main",),
        workflows: Mapping[str, Workflow] | None = None,
        pipelines: Mapping[str, Sequence[Sequence[str]]] | None = None,
        trigger_map: Sequence[TriggerRule] = (),
        **settings: Any,
    ) -> App:
        """Create an app, by default with the workflow ``primary``. ``settings`` are further fields of `App`."""
        repo_slug = repo_slug or title.lower().replace(" ", "-")
        app = App(
            slug=settings.pop("slug", None) or self.names.slug(),
            title=title,
            owner=owner,
            created_at=settings.pop("created_at", None) or self.now(),
            project_type=project_type,
            repo_owner=repo_owner or owner.name.lower().replace(" ", "-"),
            repo_slug=repo_slug,
            workflows=dict(workflows or {"primary": Workflow()}),
            pipelines=dict(pipelines or {}),
            trigger_map=trigger_map,
            branches=list(branches),
            **settings,
        )
        self.apps[app.slug] = app
        return app


def _roles(role: str | Mapping[App, str]) -> tuple[Role, dict[str, Role]]:
    if isinstance(role, str):
        return Role.named(role), {}
    return Role.NONE, {app.slug: Role.named(name) for app, name in role.items()}
