"""Who owns and who may: workspaces, users, their tokens, and the role a token has in an app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.bitrise.model import App


class Role(IntEnum):
    """Rising rights in one app; ``NONE`` hides the app."""

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
    """``concurrency`` builds run at a time, the rest waits on hold; ``None`` is without limit."""

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
    """What a client sends in ``Authorization``: a user's personal token, or a workspace's."""

    value: str
    owner: User | Workspace
    role: Role
    """The role in every app that ``roles`` does not name."""
    roles: Mapping[str, Role]
    """App slug to role."""
    expires_at: datetime | None = None
    revoked: bool = False

    def is_good(self, now: datetime) -> bool:
        return not self.revoked and (self.expires_at is None or now < self.expires_at)

    def role_in(self, app: App) -> Role:
        """A workspace's token reaches only its own apps."""
        if isinstance(self.owner, Workspace) and app.owner is not self.owner:
            return Role.NONE
        return self.roles.get(app.slug, self.role)
