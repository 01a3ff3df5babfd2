"""The context of the process: made once in `bot.app`, the first argument of every service function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.apps import AppCache
    from bot.bitrise.client import BitriseClient
    from bot.builds.skip import SkipLimits
    from bot.clock import Clock
    from bot.engine import Engine
    from bot.permissions import Permissions
    from bot.rate_limits import RateLimiter
    from bot.settings import Settings
    from bot.slack.client import SlackClient
    from bot.tasks import Tasks
    from bot.vault import Token, Vault
    from bot.workspaces.slack_tokens import SlackTokens
    from storage import Database
    from storage.batching import Batcher
    from storage.requests import RequestRow
    from storage.workspaces import ChannelContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``slack`` returns the client of a workspace, ``bitrise`` that of a token; ``has_scope`` takes a workspace and
    a scope. ``slack_tokens`` exists only where workspaces install by OAuth. ``sync_failures`` counts by workspace.
    """

    settings: Settings
    db: Database
    engine: Engine
    clock: Clock
    new_id: Callable[[], str]
    vault: Vault
    slack: Callable[[str], SlackClient]
    bitrise: Callable[[Token], BitriseClient]
    permissions: Permissions
    has_scope: Callable[[str, str], Awaitable[bool]]
    slack_tokens: SlackTokens | None
    tasks: Tasks
    app_cache: AppCache
    start_batch: Batcher[tuple[RequestRow, bool], str | None]
    channel_batch: Batcher[tuple[str, str], ChannelContext | None]
    rate_limits: RateLimiter
    skip_limits: SkipLimits
    sync_failures: dict[str, int]
