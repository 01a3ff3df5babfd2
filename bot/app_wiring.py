"""The composition root: settings in, everything that decides out. Nothing below reads settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp

from bot import logs
from bot.app_wiring_installs import wire_installs
from bot.apps import Apps
from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.builds.abort import Aborts
from bot.builds.bulk_abort import Bulk
from bot.builds.queries import Builds
from bot.builds.rebuild import Again
from bot.builds.skip import Skips
from bot.builds.start import Starts
from bot.builds.start_batch import Intake
from bot.builds.start_job import Sending
from bot.builds.unfurl import Unfurls
from bot.builds.views import Showing
from bot.clock import Clock
from bot.connection import Connections
from bot.context import Services
from bot.delivery.render import Pictures
from bot.delivery.sender import Notifier
from bot.engine import Engine
from bot.manifest import READ_EMAIL
from bot.notifications.events import News
from bot.notifications.owners import Owners
from bot.notifications.pausing import Silenced
from bot.notifications.posts import Tellings
from bot.notifications.preferences import Me
from bot.notifications.subscriptions import Subscribing
from bot.outbox import Outbox
from bot.permissions import Access
from bot.requests import Requests
from bot.results.service import Findings
from bot.results.trends import Changes
from bot.settings import Settings
from bot.statistics.digests import Digests
from bot.statistics.queries import Statistics
from bot.sync.backfill import Walk
from bot.sync.filter_preview import Preview
from bot.sync.history_import import Importing
from bot.sync.import_requests import Imports
from bot.sync.poller import Tracker
from bot.sync.updates import Observer
from bot.sync.webhooks import Hints
from bot.sync_schedule import Sweeps
from bot.tasks import Tasks
from bot.user_names import Names
from bot.vault import Token, Vault, parse_keys
from bot.workspaces.slack_access import Installs
from bot.workspaces.uninstall import Uninstalls
from storage import Database
from storage.apps import AppStore
from storage.audit import AuditStore
from storage.build_history import HistoryStore
from storage.builds import BuildStore
from storage.channel_lookup import PlaceStore
from storage.digests import DigestStore
from storage.events import NewsStore
from storage.export_rows import FactStore
from storage.imports import ImportStore
from storage.installations import InstallationStore
from storage.messages import CardStore
from storage.outbox import OutboxStore
from storage.requests import RequestStore
from storage.results import FindingStore
from storage.statistics import FigureStore
from storage.subscriptions import SubscriptionStore
from storage.users import PeopleStore
from storage.webhooks import WebhookStore
from storage.workspace_keys import DoorStore
from storage.workspaces import WorkspaceStore

if TYPE_CHECKING:
    from bot.workspaces.oauth import OAuth


@dataclass(frozen=True, slots=True)
class Composition:
    engine: Engine
    installs: Installs
    tracker: Tracker
    services: Services
    oauth: OAuth | None


def secret(value: Any) -> str:
    """A setting's secret, empty when it is not set."""
    return str(value.get_secret_value()) if value is not None else ""


def compose(
    settings: Settings,
    *,
    clock: Clock,
    new_id: Callable[[], str],
    database: Database,
    engine: Engine,
    session: aiohttp.ClientSession,
    tasks: Tasks,
) -> Composition:
    """One of each, wired. ``session`` carries every call to Slack and Bitrise; its owner closes it."""
    vault = Vault(parse_keys(secret(settings.encryption_keys)))
    workspaces, app_rows, builds = WorkspaceStore(database), AppStore(database), BuildStore(database)
    doors = DoorStore(database)
    requests, cards, audit = RequestStore(database), CardStore(database), AuditStore(database)
    messages, subscription_rows = OutboxStore(database), SubscriptionStore(database)
    people, finding_rows, news_rows = PeopleStore(database), FindingStore(database), NewsStore(database)

    def bitrise_client(token: Token) -> BitriseClient:
        logs.hide(token.reveal())  # old tokens have no prefix to know them by
        return BitriseClient(HttpTransport(session, settings.bitrise_api_url, token))

    wired = wire_installs(
        settings, database=database, workspaces=workspaces, audit=audit, engine=engine, vault=vault, session=session,
        clock=clock, new_id=new_id,
    )  # fmt: skip
    installs = wired.installs
    access = Access(
        is_admin=installs.is_admin,
        connect_users=settings.connect_users,
        report_green_users=settings.report_green_users,
    )
    outbox = Outbox(messages=messages, engine=engine, vault=vault, clock=clock, new_id=new_id)
    made = Requests(vault=vault, clock=clock, new_id=new_id)
    sweeps = Sweeps(workspaces=workspaces, engine=engine)
    import_rows = ImportStore(database)
    imports = Imports(
        imports=import_rows, cards=cards, outbox=outbox, engine=engine, clock=clock, new_id=new_id
    )  # fmt: skip
    connections = Connections(
        database=database, workspaces=workspaces, places=PlaceStore(database), apps=app_rows, requests=requests,
        audit=audit, outbox=outbox,
        sweeps=sweeps, imports=imports, engine=engine, access=access, vault=vault, made=made, clock=clock,
        new_id=new_id, bitrise=bitrise_client, slack=installs.client, command=settings.command,
    )  # fmt: skip
    history = HistoryStore(database)
    changes = Changes(history)
    findings = Findings(
        database=database, builds=builds, cards=cards, findings=finding_rows, connections=connections, outbox=outbox,
        engine=engine, clock=clock,
    )  # fmt: skip
    news = News(
        database=database, builds=builds, requests=requests, workspaces=workspaces,
        subscriptions=subscription_rows,
        people=people, news=news_rows, changes=changes, clock=clock,
        tellings=Tellings(
            builds=builds, cards=cards, outbox=outbox, findings=findings, clock=clock, new_id=new_id
        ),
    )  # fmt: skip
    observer = Observer(
        builds=builds, cards=cards, outbox=outbox, news=news, findings=findings, owners=Owners(people), clock=clock
    )
    Importing(
        database=database, imports=import_rows, asked=imports, connections=connections, observer=observer,
        engine=engine, clock=clock,
    )  # fmt: skip
    walk = Walk(database=database, workspaces=workspaces, observer=observer)
    apps = Apps(
        database=database, apps=app_rows, workspaces=workspaces, builds=builds, connections=connections, clock=clock
    )
    hints = Hints(
        database=database, workspaces=workspaces, doors=doors, apps=app_rows, webhooks=WebhookStore(database),
        audit=audit,
        connections=connections, access=access, sweeps=sweeps, vault=vault, clock=clock, new_id=new_id,
        public_url=settings.public_url,
    )  # fmt: skip
    showing = Showing(builds=builds, apps=app_rows, findings=finding_rows, site_url=settings.bitrise_site_url)
    intake = Intake(database=database, requests=requests, engine=engine)
    starts = Starts(
        database=database, requests=requests, intake=intake, builds=builds, apps=apps, connections=connections,
        access=access, engine=engine, made=made, clock=clock, command=settings.command,
    )  # fmt: skip
    Sending(
        database=database, requests=requests, builds=builds, cards=cards, audit=audit, apps=apps,
        connections=connections, observer=observer, outbox=outbox, sweeps=sweeps, engine=engine, made=made,
        clock=clock, new_id=new_id, look_back=timedelta(seconds=settings.look_back_seconds),
        deadline=timedelta(seconds=settings.start_deadline_seconds),
    )  # fmt: skip
    aborts = Aborts(
        database=database, requests=requests, builds=builds, cards=cards, audit=audit, connections=connections,
        observer=observer, access=access, outbox=outbox, sweeps=sweeps, engine=engine, made=made, clock=clock,
        new_id=new_id,
    )  # fmt: skip
    skips = Skips(
        database=database, workspaces=workspaces, doors=doors, builds=builds, audit=audit, connections=connections,
        observer=observer, aborts=aborts, access=access, vault=vault, clock=clock, new_id=new_id,
        public_url=settings.public_url, reasons=settings.ci_reasons,
    )  # fmt: skip
    known = Builds(
        database=database, builds=builds, cards=cards, app_rows=app_rows, apps=apps, connections=connections,
        observer=observer, access=access, outbox=outbox, sweeps=sweeps, clock=clock, new_id=new_id,
        command=settings.command,
    )  # fmt: skip
    bulk = Bulk(
        database=database, builds=builds, cards=cards, history=history, known=known, aborts=aborts,
        connections=connections, observer=observer, access=access, outbox=outbox, clock=clock,
    )  # fmt: skip
    again = Again(
        database=database, requests=requests, made=made, builds=known, connections=connections, observer=observer,
        access=access,
    )  # fmt: skip
    unfurls = Unfurls(
        database=database, cards=cards, app_rows=app_rows, subscriptions=subscription_rows, builds=known,
        outbox=outbox, sweeps=sweeps, clock=clock, new_id=new_id,
    )  # fmt: skip
    subscribing = Subscribing(
        database=database, subscriptions=subscription_rows, app_rows=app_rows, audit=audit, outbox=outbox,
        sweeps=sweeps, connections=connections, access=access, names=Names(installs.client), clock=clock,
        new_id=new_id, command=settings.command,
    )  # fmt: skip
    preview = Preview(
        database=database, connections=connections, observer=observer, news=news, changes=changes, clock=clock
    )
    figures, digest_rows = FigureStore(database), DigestStore(database)
    statistics = Statistics(figures=figures, clock=clock)
    digests = Digests(
        database=database, workspaces=workspaces, digests=digest_rows, cards=cards, audit=audit,
        statistics=statistics, outbox=outbox, engine=engine, access=access, clock=clock, new_id=new_id,
        command=settings.command,
    )  # fmt: skip
    Notifier(
        database=database, messages=messages, cards=cards, app_rows=app_rows, news=news, engine=engine, vault=vault,
        clock=clock, slack=installs.client, out=outbox,
        pictures=Pictures(
            builds=builds, cards=cards, apps=app_rows, findings=finding_rows, requests=requests, history=history,
            imports=import_rows, digests=digest_rows, statistics=statistics, showing=showing, changes=changes,
            clock=clock, command=settings.command,
        ),
        silenced=Silenced(
            subscriptions=subscription_rows, digests=digest_rows, people=people, outbox=outbox, clock=clock
        ),
    )  # fmt: skip
    tracker = Tracker(
        database=database, workspaces=workspaces, builds=builds, cards=cards, apps=apps, connections=connections,
        observer=observer, news=news, walk=walk, outbox=outbox, sweeps=sweeps, engine=engine, clock=clock,
        watched=timedelta(seconds=settings.sweep_seconds), heard=timedelta(seconds=settings.subscribed_sweep_seconds),
        idle=timedelta(seconds=settings.idle_sweep_seconds),
    )  # fmt: skip
    uninstalls = Uninstalls(
        database=database, installations=InstallationStore(database), workspaces=workspaces, apps=app_rows,
        imports=import_rows, subscriptions=subscription_rows, requests=requests, messages=messages, audit=audit,
        tokens=wired.tokens, clock=clock, new_id=new_id,
    )  # fmt: skip
    me = Me(
        database=database, people=people, audit=audit, sweeps=sweeps, access=access,
        slack=installs.client, may_read_email=lambda workspace_id: installs.has_scope(workspace_id, READ_EMAIL),
        clock=clock, new_id=new_id,
    )  # fmt: skip
    services = Services(
        command=settings.command, clock=clock, database=database, access=access, apps=apps, starts=starts,
        aborts=aborts, bulk=bulk, builds=known, again=again, subscribing=subscribing, preview=preview,
        connections=connections, hints=hints, skips=skips, imports=imports, unfurls=unfurls, uninstalls=uninstalls,
        findings=findings, showing=showing, me=me, outbox=outbox, tasks=tasks, slack=installs.client,
        workspaces=workspaces, app_rows=app_rows, requests=requests, messages=messages,
        facts=FactStore(database), figures=figures, statistics=statistics, digests=digests,
    )  # fmt: skip
    return Composition(engine, installs, tracker, services, wired.oauth)
