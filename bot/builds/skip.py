"""A step of a running build asks for its build to be stopped, because nothing has changed for it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.builds.abort import Aborts
from bot.builds.abort_request import Stop, ended_sentence, name_of
from bot.builds.skip_token import Claim, app_secret, fits, is_true, read_claim
from bot.clock import Clock
from bot.connection import Connections
from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, State
from bot.errors import BitriseBusy, BitriseNotFound, BuildbellError, SealBroken
from bot.permissions import BUILD_STEP, Access, Asker
from bot.rate_limits import Bucket
from bot.sync.updates import Observer
from bot.vault import Vault
from storage import Database, Transaction
from storage.audit import AuditRow, AuditStore
from storage.builds import BuildRow, BuildStore
from storage.workspace_keys import DoorStore
from storage.workspaces import WorkspaceRow, WorkspaceStore

log = logging.getLogger(__name__)
PATH: Final = "/ci/skip"
WITHIN_SECONDS = 90
"""The step waits for two minutes and then goes on: a stop that comes later would hit work that has begun."""
APPS_KEPT = 10_000
AT_ONCE, PER_SECOND = 30, 1.0
"""Every workflow of a mono-repo may ask in the same moment; each asks Bitrise once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a sentence, which the step prints into the build's log."""

    status: int
    sentence: str
    retry_after_seconds: int | None = None


LIE = Answer(404, "Nothing here answers to that.")
"""One answer for all that is not so: a wrong secret, another's build, no such build."""


@dataclass(frozen=True, slots=True)
class SkipStep:
    """What a step needs. ``reasons`` are those that are taken."""

    url: str
    reasons: tuple[str, ...]
    secret: str = field(repr=False)


class Skips:
    """``public_url`` is where builds reach this process, None when they cannot; ``reasons`` may be given by a step."""

    def __init__(
        self,
        *,
        database: Database,
        workspaces: WorkspaceStore,
        doors: DoorStore,
        builds: BuildStore,
        audit: AuditStore,
        connections: Connections,
        observer: Observer,
        aborts: Aborts,
        access: Access,
        vault: Vault,
        clock: Clock,
        new_id: Callable[[], str],
        public_url: str | None,
        reasons: Collection[str],
    ) -> None:
        self._doors = doors
        self._db, self._workspaces, self._builds, self._audit = database, workspaces, builds, audit
        self._connections, self._observer, self._aborts, self._access = connections, observer, aborts, access
        self._vault, self._clock, self._new_id = vault, clock, new_id
        self._public_url, self._reasons = public_url, tuple(reasons)
        self._buckets: dict[tuple[str, str], Bucket] = {}

    # A step asks.

    async def receive(self, raw: bytes, headers: Mapping[str, str]) -> Answer:
        """Whoever does not hold the app's secret learns nothing, and Bitrise is not asked for them."""
        claim = read_claim(raw, headers)
        workspace = await self._doors.find_by_skip_key(claim.key) if claim else None
        if claim is None or workspace is None or not self._is_true(claim, workspace):
            return LIE
        if wait := self._wait(workspace.workspace_id, claim.app_slug):
            return Answer(429, "Too many builds of this app ask at once.", wait)
        if claim.reason not in self._reasons:
            return Answer(403, f"A step may not give this reason; it may give: {', '.join(self._reasons) or 'none'}.")
        try:
            return await self._stop(workspace.workspace_id, claim)
        except BitriseNotFound:
            return LIE
        except BuildbellError as error:
            wait = math.ceil(error.retry_after) if isinstance(error, BitriseBusy) else None
            return Answer(503, f"I can't look at this build now: {error.sentence}", wait)

    def _is_true(self, claim: Claim, workspace: WorkspaceRow) -> bool:
        try:
            return is_true(claim, self._open(workspace))
        except SealBroken:
            log.error("a skip secret does not open", extra={"workspace": workspace.workspace_id})
            return False

    def _wait(self, workspace_id: str, app_slug: str) -> int | None:
        now = self._clock.now()
        if len(self._buckets) > APPS_KEPT:
            self._buckets.clear()
        bucket = self._buckets.setdefault((workspace_id, app_slug), Bucket(AT_ONCE, PER_SECOND, AT_ONCE, now))
        free_at = bucket.take(now)
        return max(1, math.ceil((free_at - now).total_seconds())) if free_at else None

    async def _stop(self, workspace_id: str, claim: Claim) -> Answer:
        build = await self._look(workspace_id, claim)
        if build is None or not fits(claim, build):
            return LIE
        if refusal := why_not(build):
            return refusal
        now, stop = self._clock.now(), stop_of(claim)
        request = self._aborts.request_of(step_of(build), stop, build)

        async def store(tx: Transaction) -> bool:
            await self._doors.save_skip_seen(tx, workspace_id, now=now)
            return await self._aborts.store(tx, request, build)

        if not await self._db.transaction(store):
            return Answer(200, await self._aborts.true_state(build))
        log.info("a step asked for its build's stop", extra={"build_slug": build.build_slug, "reason": claim.reason})
        green = " and reported green" if stop.report == "green" else ""
        return Answer(202, f"{name_of(build)} is being stopped{green} ({stop.category.label}).")

    async def _look(self, workspace_id: str, claim: Claim) -> BuildRow | None:
        """The build as it is at Bitrise now; what has ended or is being stopped needs no look."""
        known = await self._builds.find_build(workspace_id, claim.build_slug)
        if known is not None and (known.app_slug != claim.app_slug or known.is_pipeline):
            return None
        if known is not None and (known.is_finished or known.abort_requested_by):
            return known
        async with self._connections.bitrise(workspace_id) as client:
            seen = await client.get_build(claim.app_slug, claim.build_slug)
        rows = await self._db.transaction(lambda tx: self._observer.observe(tx, workspace_id, [seen]))
        return rows[0]

    # An admin asks.

    async def step_for(self, asker: Asker, app_slug: str) -> SkipStep:
        """What a step of that app needs; the workspace's secret is made the first time.

        Raises `NotAllowed`, and `BuildbellError` when builds cannot reach this process.
        """
        await self._access.check_may_connect(asker)
        if self._public_url is None:
            raise BuildbellError(
                "Builds can't reach me: whoever runs Buildbell has to set BUILDBELL_PUBLIC_URL first, "
                f"and let {PATH} through from outside."
            )
        workspace = await self._prepared(asker, app_slug)
        secret = app_secret(workspace.skip_key or "", self._open(workspace), app_slug)
        return SkipStep(self._public_url + PATH, self._reasons, secret)

    async def switch_off(self, asker: Asker) -> bool:
        """The secrets of all apps are worth nothing from now on; False when there were none. Raises `NotAllowed`."""
        await self._access.check_may_connect(asker)

        async def forget(tx: Transaction) -> bool:
            gone = await self._doors.delete_skip_key(tx, asker.workspace_id)
            if gone:
                await self._note(tx, asker, "off", "done")
            return gone

        return await self._db.transaction(forget)

    async def rotate(self, asker: Asker) -> None:
        """New secrets for all apps; the ones before stop working at once. Raises `NotAllowed`."""
        await self._access.check_may_connect(asker)

        async def renew(tx: Transaction) -> None:
            await self._doors.delete_skip_key(tx, asker.workspace_id)
            await self._claim_key(tx, asker.workspace_id)
            await self._note(tx, asker, "rotate", "done")

        await self._db.transaction(renew)

    async def _prepared(self, asker: Asker, app_slug: str) -> WorkspaceRow:
        """The workspace, with a secret of its own."""

        async def prepare(tx: Transaction) -> WorkspaceRow | None:
            await self._claim_key(tx, asker.workspace_id)
            await self._note(tx, asker, app_slug, "shown")
            return await self._workspaces.find_workspace(asker.workspace_id, on=tx)

        workspace = await self._db.transaction(prepare)
        if workspace is None:
            raise BuildbellError("I don't know this Slack workspace.")
        return workspace

    async def _claim_key(self, tx: Transaction, workspace_id: str) -> None:
        key, secret = (self._new_id() + self._new_id(), "".join(self._new_id() for _ in range(4)))
        sealed = self._vault.seal(secret, context=secret_context(workspace_id))
        await self._doors.claim_skip_key(tx, workspace_id, key=key, sealed=sealed)

    async def _note(self, tx: Transaction, asker: Asker, subject: str, result: str) -> None:
        who, now = asker.user_id, self._clock.now()
        entry = AuditRow(self._new_id(), asker.workspace_id, now, who, "skip-step", subject, result)
        await self._audit.add_entry(tx, entry)

    def _open(self, workspace: WorkspaceRow) -> str:
        sealed = workspace.skip_secret_sealed or ""
        return self._vault.open(sealed, context=secret_context(workspace.workspace_id)).reveal()


def why_not(build: BuildRow) -> Answer | None:
    """What there is to say when a build cannot be stopped, or need not be any more."""
    if build.is_finished:
        return Answer(200 if build.outcome in STOPPED else 409, ended_sentence(build))
    if build.abort_requested_by:
        return Answer(200, f"{name_of(build)} is being stopped already.")
    if build.pipeline_workflow_id is not None:
        return Answer(409, f"{name_of(build)} is part of a pipeline, and a part can't be stopped alone.")
    if build.state != State.RUNNING:
        return Answer(409, f"{name_of(build)} does not run yet.")
    return None


def stop_of(claim: Claim) -> Stop:
    category = Reason(claim.reason)
    report = "green" if category is Reason.NO_CHANGES else "failed"
    return Stop(claim.build_slug, category, claim.sentence, report, within_seconds=WITHIN_SECONDS)


def step_of(build: BuildRow) -> Asker:
    """The build itself, where else a person asks."""
    return Asker(build.workspace_id, build.workspace_id, BUILD_STEP, f"step of #{build.number}")


def secret_context(workspace_id: str) -> str:
    return f"skip:{workspace_id}"
