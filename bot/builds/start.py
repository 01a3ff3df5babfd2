"""Accept a start: resolve what was typed, look for an identical build, store one request and one job."""

from __future__ import annotations

from dataclasses import dataclass

from bot.apps import Apps
from bot.builds.parameters import Parameters, Wanted
from bot.builds.start_batch import START, Intake, Start
from bot.clock import Clock
from bot.connection import Connections
from bot.engine import Engine, Job
from bot.errors import AppNotFound, InvalidInput, MissingArgument, Suggestion
from bot.permissions import Access, Asker
from bot.requests import Requests
from storage import Database, Transaction
from storage.apps import AppRow
from storage.builds import BuildRow, BuildStore
from storage.channel_lookup import PlaceRow
from storage.requests import RequestRow, RequestStore


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request to start.

    ``is_held``: something equal runs already (``equal``, or a request not answered yet) and the person is asked.
    """

    request_id: str
    app: AppRow
    parameters: Parameters
    is_held: bool = False
    equal: BuildRow | None = None


class Starts:
    def __init__(
        self,
        *,
        database: Database,
        requests: RequestStore,
        intake: Intake,
        builds: BuildStore,
        apps: Apps,
        connections: Connections,
        access: Access,
        engine: Engine,
        made: Requests,
        clock: Clock,
        command: str,
    ) -> None:
        self._db, self._requests, self._intake, self._builds = database, requests, intake, builds
        self._apps, self._connections, self._access, self._engine = apps, connections, access, engine
        self._made, self._clock, self._command = made, clock, command

    async def request_start(
        self, asker: Asker, wanted: Wanted, *, unique_key: str, start_anyway: bool = False
    ) -> Asked:
        """Store a start under ``unique_key``; asking again under the same key changes nothing.

        Raises `NotAllowed`, `NotConnected`, `TokenRejected`, `AppNotFound`, `MissingArgument`.
        """
        self._access.check_member(asker)
        place = await self._connections.get_place(asker.workspace_id, asker.channel_id or "")
        app, parameters = await self._fill_in(asker, wanted, place)
        request = self._request(asker, parameters, unique_key)

        state = await self._intake.add(Start(request, is_asked=not start_anyway))
        if state is None:
            known = await self._requests.find_by_key(asker.workspace_id, unique_key)
            assert known is not None
            return Asked(known.request_id, app, parameters, is_held=known.state == "held")
        if state != "held":
            return Asked(request.request_id, app, parameters)
        equal = await self._builds.list_equal_running(asker.workspace_id, app.app_slug, parameters.digest)
        return Asked(request.request_id, app, parameters, is_held=True, equal=equal[0] if equal else None)

    async def release_held(self, asker: Asker, request_id: str) -> bool:
        """The person said "start anyway"; False when that was pressed before."""
        self._access.check_member(asker)

        async def release(tx: Transaction) -> bool:
            request = await self._requests.find_request(request_id, on=tx)
            if request is None or request.workspace_id != asker.workspace_id:
                return False
            moved = await self._requests.release_request(tx, request_id, now=self._clock.now())
            if moved:
                await self._engine.enqueue(tx, Job(START, {"request_id": request_id}))
            return moved

        return await self._db.transaction(release)

    async def drop_held(self, asker: Asker, request_id: str) -> bool:
        """The person joins what runs instead; False when the question was answered before."""
        self._access.check_member(asker)

        async def drop(tx: Transaction) -> bool:
            request = await self._requests.find_request(request_id, on=tx)
            if request is None or request.workspace_id != asker.workspace_id or request.state != "held":
                return False
            return await self._requests.settle_request(
                tx, request_id, state="refused", result="joined", now=self._clock.now()
            )

        return await self._db.transaction(drop)

    async def _fill_in(self, asker: Asker, wanted: Wanted, place: PlaceRow) -> tuple[AppRow, Parameters]:
        """Put names to what was typed, the channel's defaults and then the last start here in place of what was not."""
        app, words = await self._name_app(asker, wanted, place)
        named = {"workflow": wanted.workflow or wanted.pipeline, "branch": wanted.branch}
        places = [place for place, name in named.items() if not name]
        if len(words) > len(places):
            raise InvalidInput(
                f"I read app, workflow and branch, and then “{words[len(places)]}”, which I can't place. "
                f'A message goes in quotes: {self._command} {app.repo_slug or app.title} deploy main "try the login"'
            )
        placed = dict(zip(places, words, strict=False))
        workflow, branch = placed.get("workflow", wanted.workflow), placed.get("branch", wanted.branch)
        defaults = place if place.app_slug == app.app_slug else None
        asks_target = workflow is None and wanted.pipeline is None
        asks_code = branch is None and wanted.tag is None and wanted.commit is None
        last = await self._last_here(asker, app) if asks_target or asks_code else None
        if asks_target:
            workflow = (defaults and defaults.workflow) or (last and last.workflow) or None
        if asks_code:
            branch = (defaults and defaults.branch) or (last and last.branch) or None
        pipeline = wanted.pipeline
        if workflow and not pipeline and await self._apps.is_pipeline(asker.workspace_id, app.app_slug, workflow):
            workflow, pipeline = None, workflow
        if not (workflow or pipeline or branch or wanted.tag or wanted.commit):
            raise MissingArgument(
                f"Which workflow or branch of {app.title}? For example: "
                f"{self._command} {app.repo_slug or app.app_slug} deploy main. The form helps to choose.",
                suggestions=(Suggestion("Open the form", f"form {app.app_slug}"),),
            )
        parameters = Parameters(
            app.app_slug, workflow, pipeline, branch, wanted.tag, wanted.commit, wanted.environment, wanted.message
        )
        return app, parameters

    async def _last_here(self, asker: Asker, app: AppRow) -> RequestRow | None:
        return await self._requests.find_last_start(asker.workspace_id, asker.channel_id or "", app.app_slug)

    async def _name_app(self, asker: Asker, wanted: Wanted, place: PlaceRow) -> tuple[AppRow, tuple[str, ...]]:
        """The app, and the words that are left. Without a name for it, the channel's app is meant."""
        version = place.names_version
        if wanted.app:
            return await self._apps.get_app(asker.workspace_id, wanted.app, version=version), wanted.words
        chosen = await self._apps.find_app(asker.workspace_id, place.app_slug) if place.app_slug else None
        if not wanted.words:
            if chosen is None:
                raise MissingArgument(
                    f"Which app? For example: {self._command} shop deploy main. "
                    f"A default for this channel can be set with {self._command} settings.",
                    suggestions=(Suggestion("Open the form", "form"),),
                )
            return chosen, ()
        first, *rest = wanted.words
        if chosen is not None and not await self._apps.is_called(asker.workspace_id, first):
            if await self._runs(chosen, first):
                return chosen, wanted.words
        try:
            return await self._apps.get_app(asker.workspace_id, first, version=version), tuple(rest)
        except AppNotFound as error:
            if chosen is None or rest or not (wanted.workflow or wanted.pipeline):
                raise
            way_out = f" If you mean a branch of {chosen.title}, write branch:{first}."
            raise AppNotFound(error.sentence + way_out, query=error.query, suggestions=error.suggestions) from None

    async def _runs(self, app: AppRow, name: str) -> bool:
        """Whether a workflow or pipeline of the app is called so, as far as is known."""
        if name in await self._apps.list_workflows(app.workspace_id, app.app_slug):
            return True
        return await self._apps.is_pipeline(app.workspace_id, app.app_slug, name)

    def _request(self, asker: Asker, parameters: Parameters, unique_key: str) -> RequestRow:
        return self._made.make(
            asker,
            kind=START,
            unique_key=unique_key,
            parameters=parameters.fields(),
            app_slug=parameters.app_slug,
            workflow=parameters.target,
            branch=parameters.branch,
            digest=parameters.digest,
        )
