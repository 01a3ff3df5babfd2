"""What OAuth hands out and takes back once: codes and refresh tokens."""

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
    """What a refresh token was used for, so that its grace can give the same again."""

    installation: Installation
    used_at: datetime | None = None
