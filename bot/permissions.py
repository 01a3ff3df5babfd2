"""Permissions to start, stop, report as passed and connect, the same for commands, buttons and forms."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.errors import NotAllowed

log = logging.getLogger(__name__)
EVERYBODY = "*"
MAX_PEOPLE = 10_000
REFRESH_AFTER, RETRY_AFTER = timedelta(minutes=10), timedelta(minutes=1)
"""How long Slack's answer about a person counts, and how long the lack of one."""
BUILD_STEP = "a step of the build"
"""The user id of requests that a build step makes; nobody gets a response."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts, and the channel. ``team_id`` is the person's own workspace.

    ``response_url`` allows private responses for 30 minutes; it is a secret and stays out of logs and reprs.
    """

    workspace_id: str
    team_id: str
    user_id: str
    user_name: str
    channel_id: str | None = None
    response_url: str | None = None

    @property
    def is_person(self) -> bool:
        return self.user_id != BUILD_STEP

    def __repr__(self) -> str:
        return f"Actor({self.user_id} of {self.team_id} in {self.workspace_id}/{self.channel_id})"


class Permissions:
    """Permission checks. ``is_admin(workspace_id, user_id)`` asks Slack for admins and owners.

    ``is_guest`` asks for guests, with None if Slack can't say. Without it guests may do everything.
    """

    def __init__(
        self,
        *,
        is_admin: Callable[[str, str], Awaitable[bool]],
        is_guest: Callable[[str, str], Awaitable[bool | None]] | None,
        clock: Clock,
        connect_users: Collection[str],
        report_green_users: Collection[str],
    ) -> None:
        self._is_admin, self._is_guest, self._clock = is_admin, is_guest, clock
        self._guests: OrderedDict[tuple[str, str], tuple[bool, datetime]] = OrderedDict()
        """Whether a person is a guest, and until when that counts; the last one that acted is last."""
        self._is_failure_logged = False
        self._connect_users = frozenset(connect_users)
        self._report_green_users = frozenset(report_green_users)

    def is_member(self, actor: Actor) -> bool:
        """Return False for people of other workspaces, who see the buttons in shared channels."""
        return actor.team_id == actor.workspace_id

    def check_member(self, actor: Actor) -> None:
        if actor.team_id != actor.workspace_id:
            raise NotAllowed("Only members of this Slack workspace can do that. You are here through Slack Connect.")

    async def check_may_act(self, actor: Actor) -> None:
        """Check that a person may start or stop builds, read logs and change settings. Guests may only look."""
        self.check_member(actor)
        if await self._is_known_guest(actor):
            raise NotAllowed(
                "Guests can view builds but can't do that. Ask a full member, or ask your Buildbell operator to set "
                "`BUILDBELL_ALLOW_GUESTS=true`."
            )

    async def _is_known_guest(self, actor: Actor) -> bool:
        """Return what Slack says, or said last. A person about whom it can't say anything counts as a member."""
        if self._is_guest is None or not actor.is_person:
            return False
        key, now = (actor.workspace_id, actor.user_id), self._clock.now()
        is_guest, expires_at = self._guests.get(key, (False, now))
        if expires_at <= now:
            answer = await self._is_guest(*key)
            if answer is None and not self._is_failure_logged:
                log.warning("Slack did not say who is a guest; using the last answer, or treating people as members")
            self._is_failure_logged = answer is None
            is_guest = is_guest if answer is None else answer
            self._guests[key] = is_guest, now + (RETRY_AFTER if answer is None else REFRESH_AFTER)
        self._guests.move_to_end(key)
        if len(self._guests) > MAX_PEOPLE:
            self._guests.popitem(last=False)
        return is_guest

    async def check_may_connect(self, actor: Actor) -> None:
        self.check_member(actor)
        if not await self.may_connect(actor):
            raise NotAllowed(
                "Only workspace admins can do that. Ask an admin, or ask your Buildbell operator to add you to "
                "`BUILDBELL_CONNECT_USERS`."
            )

    async def may_connect(self, actor: Actor) -> bool:
        if not self.is_member(actor):
            return False
        return actor.user_id in self._connect_users or await self._is_admin(actor.workspace_id, actor.user_id)

    def may_report_green(self, actor: Actor) -> bool:
        """Return whether the person may report a stopped build as passed. Nobody may unless a setting names people."""
        return bool(self._report_green_users & {actor.user_id, EVERYBODY})

    def check_may_report_green(self, actor: Actor) -> None:
        if not self.may_report_green(actor):
            raise NotAllowed(
                "Only people listed in `BUILDBELL_REPORT_GREEN_USERS` can report a stopped build as passed. "
                "Choose another option."
            )
