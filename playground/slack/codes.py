"""OAuth authorization codes and refresh tokens, each valid once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from playground.slack.world import App, Installation, Team, User


@dataclass(slots=True, eq=False)
class Code:
    app: App
    team: Team
    user: User
    scopes: tuple[str, ...]
    redirect_uri: str
    issued_at: datetime
    is_used: bool = False


@dataclass(slots=True, eq=False)
class Refresh:
    """The result of a used refresh token, which a repeated call within the grace period gets again."""

    installation: Installation
    used_at: datetime | None = None
