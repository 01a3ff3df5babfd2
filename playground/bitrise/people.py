"""Workspaces, users, their tokens, and the role of a token in an app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.bitrise.model import App


class Role(IntEnum):
    """Roles in one app, in ascending order; ``NONE`` hides the app."""

    NONE = 0
    TESTER = 1
    DEVELOPER = 2
    PLATFORM_ENGINEER = 3
    ADMIN = 4
    OWNER = 5

    @classmethod
    def named(cls, name: str) -> Role:
        return cls[name.upper().replace("-", "_")]


@dataclass(slots=True, eq=False)
class Workspace:
    """A workspace that runs ``concurrency`` builds at a time; ``None`` is unlimited."""

    slug: str
    name: str
    concurrency: int | None = None

    account_type = "organization"


@dataclass(slots=True, eq=False)
class User:
    slug: str
    name: str
    email: str
    created_at: datetime

    account_type = "user"


@dataclass(slots=True, eq=False)
class Token:
    """A token of a user or a workspace."""

    value: str
    owner: User | Workspace
    role: Role
    """The role in every app that isn't in ``roles``."""
    roles: Mapping[str, Role]
    """Roles by app slug."""
    expires_at: datetime | None = None
    revoked: bool = False

    def is_good(self, now: datetime) -> bool:
        return not self.revoked and (self.expires_at is None or now < self.expires_at)

    def role_in(self, app: App) -> Role:
        """Return the role in an app. A workspace's token reaches its own apps only."""
        if isinstance(self.owner, Workspace) and app.owner is not self.owner:
            return Role.NONE
        return self.roles.get(app.slug, self.role)
