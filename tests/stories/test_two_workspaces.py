"""Nothing crosses workspaces: Gia of Globex tries every handler with what belongs to Acme, and finds nothing there.

A handler that is new needs a line in ``TRIES``, a verb one in ``TYPED`` or ``WITHOUT_IDS``; the first two tests name
the one that was forgotten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from bot.bitrise.webhook import SECRET_HEADER
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.replies import answer_value
from bot.slack.text import Message as Told
from bot.statistics.schedule import Schedule
from bot.sync import webhooks
from bot.workspaces.connect_form import connect_form
from commands import start_fields
from commands.audit import AuditQuery
from commands.digest import digest_form
from commands.settings import settings_form
from commands.slash import verbs
from commands.subscription_form import subscription_form
from commands.suggestions import Target, app_option, branch_option, target_option
from playground.slack import Message, User, View
from playground.wire import Fault
from storage.apps import ChannelRow
from tests.many_workspaces import Many
from tests.test_house import Registrations, registered

__all__ = ["registered"]

NOT_THERE = re.compile(
    r"can't find|don't know|Couldn't find|no longer available|no matching|not among|already answered|No app called|"
    r"wasn't started by you|no preset|preset “acme-preset” no longer|no longer exists|"
    r"no access|Nothing is paused|can no longer access|Nothing was changed|^nothing$",
    re.MULTILINE,
)
NOTHING = "nothing"
"""Said by a try itself, where there are no words to be heard."""
ACMES = re.compile(r"(?<!shop = )iOS Shop|Android Shop|acme-only|endless|\bAcme\b")
"""What nobody at Globex has typed and nobody there may read."""


@dataclass
class Spy:
    """Gia, and what she knows of Acme: every id there is."""

    many: Many
    build_slug: str
    request_id: str
    subscription_id: str
    stop_form: Mapping[str, Any]
    bulk_form: Mapping[str, Any]
    told: list[str] = field(default_factory=list)

    async def press(self, action_id: str, value: str) -> str:
        """A button that a client forged, in a channel of Globex."""
        button = {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": "x"}, "value": value}
        forged = Told("x", ({"type": "actions", "elements": [button]},))
        await self.many.bot.ctx.slack(self.many.globex.id).post(self.many.droid_channel.id, forged)
        message = self.many.slack.messages(self.many.droid_channel)[-1]
        return await self.heard(lambda: self.many.press(message, action_id, by=self.many.gia))

    async def submit(self, form: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        await self.open(form)
        return await self.heard(lambda: self.many.submit(values, by=self.many.gia))

    async def suggest(self, form: Mapping[str, Any], action_id: str, typed: str) -> str:
        view = await self.open(form)
        offered = await self.many.slack.suggest(self.many.gia, view, action_id, typed)
        return f"{json.dumps(offered)}\n{NOTHING}"  # but for what was typed itself

    async def choose(self, form: Mapping[str, Any], action_id: str) -> str:
        """Choose once more what a field holds already."""
        view = await self.open(form)
        return await self.heard(lambda: self.many.slack.select(self.many.gia, view, action_id, "x"))

    async def type(self, text: str) -> str:
        return await self.heard(lambda: self.many.say(text, by=self.many.gia, at=self.many.droid_channel))

    async def open(self, form: Mapping[str, Any]) -> View:
        many = self.many
        many.slack.modals.clear(many.gia)
        kept = ("type", "callback_id", "title", "submit", "close", "blocks", "private_metadata", "notify_on_close")
        trigger = many.slack.triggers.issue(many.their_app, many.gia)
        await many.bot.ctx.slack(many.globex.id).open_view(trigger, {k: form[k] for k in kept if form.get(k)})
        return many.slack.view(many.gia)

    async def heard(self, act: Callable[[], Awaitable[Any]]) -> str:
        """Whatever is new before her: private answers, messages, forms, errors beside fields."""
        before = self.screen()
        delivery = await act()
        await self.many.settled()
        new = [text for place, text in self.screen().items() if before.get(place) != text]
        errors = getattr(delivery, "errors", None) or {}
        return "\n".join([*new, *errors.values()])

    def screen(self) -> dict[str, str]:
        """Place to what reads there."""
        many = self.many
        messages: list[Message] = [
            *many.slack.messages(many.droid_channel),
            *many.slack.ephemerals(many.gia, many.droid_channel),
            *many.slack.direct_messages(many.gia, many.their_app),
        ]
        views = {view.id: json.dumps(view.payload()["blocks"]) for view in many.slack.views(many.gia)}
        home = many.slack.home(many.gia, many.their_app)
        shown = {f"{message.channel.id} {message.ts}": many.read(message) for message in messages}
        return {**shown, **views, **({"home": json.dumps(home.blocks)} if home else {})}

    # Forms as Acme's people have them.

    def start_form(self) -> Mapping[str, Any]:
        app = app_option(self.many.shop.slug, "x")
        target = target_option(Target("x"))
        return start_fields.FORM.view(
            channel_id=self.many.ios.id, app_slug=app, target=target, branch=branch_option("main")
        )

    def settings_form(self) -> Mapping[str, Any]:
        row = ChannelRow(self.many.team.id, self.many.ios.id, self.many.shop.slug, None, None, "thread")
        return settings_form(row, app_title="x", aliases=[("mine", self.many.shop.slug)])

    def subscription_form(self) -> Mapping[str, Any]:
        app = app_option(self.many.shop.slug, "x")
        return subscription_form(self.many.ios.id, subscription_id=self.subscription_id, app=app)

    def digest_form(self) -> Mapping[str, Any]:
        return digest_form(
            self.many.ios.id, app_option(self.many.shop.slug, "x"), Schedule("weekly", 0, "09:00", "UTC")
        )

    @property
    def question(self) -> str:
        return answer_value(self.request_id, self.build_slug)

    @property
    def figures(self) -> str:
        return json.dumps({"app_slug": self.many.shop.slug, "days": 30})

    @property
    def page(self) -> str:
        return json.dumps({"filters": {"app": self.many.shop.slug}, "at": self.build_slug})


Try = Callable[[Spy], Awaitable[str]]


def told_nothing(work: Try) -> Try:
    """A handler that takes no id, or shows only what its presser holds: nothing of Acme's comes back."""

    async def silent(spy: Spy) -> str:
        return f"{await work(spy)}\n{NOTHING}"

    return silent


async def opens_home(spy: Spy) -> str:
    await spy.many.slack.open_home(spy.many.gia, spy.many.their_app)
    await spy.many.settled()
    return "\n".join(spy.screen().values())


async def pastes_a_link(spy: Spy) -> str:
    url = f"{spy.many.bitrise.site_url}/build/{spy.build_slug}"
    message = await spy.many.slack.post(spy.many.gia, spy.many.droid_channel, url)
    await spy.many.settled()
    assert message.unfurls == {}
    return NOTHING


async def mentions_the_bot(spy: Spy) -> str:
    bot = spy.many.their_app.bot_user.name
    return await spy.heard(lambda: spy.many.slack.post(spy.many.gia, spy.many.droid_channel, f"@{bot} what now?"))


async def tells_of_a_removal(spy: Spy, kind: str) -> str:
    """Globex's own: what it does there is another story; Acme stays as it is."""
    told = {"tokens": {"oauth": [spy.many.ada.id]}, "team_ids": [spy.many.team.id]}
    spy.many.slack.tell_removal(spy.many.their_app, {"type": kind, **told})
    await spy.many.settled()
    return NOTHING


async def offered_to_subscribe(spy: Spy) -> str:
    view = await spy.open(spy.subscription_form())
    offered = await spy.many.slack.suggest(spy.many.gia, view, "subscribe.app", "")
    return json.dumps(offered)


async def chooses_own_app(spy: Spy, form: Mapping[str, Any], action_id: str) -> str:
    view = await spy.open(form)
    act = spy.many.slack.select(spy.many.gia, view, action_id, "Globex Game")
    return await spy.heard(lambda: act)


async def shows_more(spy: Spy) -> str:
    view = await spy.open(spy.start_form())
    return await spy.heard(lambda: spy.many.slack.press_in_view(spy.many.gia, view, "More options"))


async def chooses_acmes_preset(spy: Spy) -> str:
    option = {"text": {"type": "plain_text", "text": "x"}, "value": "preset:acme-preset"}
    select = {"type": "static_select", "action_id": ids.START_RECENT, "options": [option]}
    recent = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": select}
    form = spy.start_form()
    view = await spy.open({**form, "blocks": [recent, *form["blocks"]]})
    return await spy.heard(lambda: spy.many.slack.select(spy.many.gia, view, ids.START_RECENT, "x"))


async def ticks_nothing(spy: Spy) -> str:
    view = await spy.open(spy.bulk_form)
    boxes = next(block for block in view.blocks if block["block_id"].startswith("abort.builds"))
    return await spy.heard(lambda: spy.many.slack.select(spy.many.gia, view, boxes["block_id"], []))


async def saves_own_wishes(spy: Spy) -> str:
    await spy.press(ids.ME_NOTIFICATIONS, spy.many.ana.id)
    return await spy.heard(lambda: spy.many.submit({}, by=spy.many.gia))


async def closes_a_notice(spy: Spy) -> str:
    view = await spy.open(
        {**connect_form(channel_id=spy.many.ios.id), "callback_id": ids.MESSAGE_CLOSED, "notify_on_close": True}
    )
    return await spy.heard(lambda: spy.many.slack.close(spy.many.gia, view))


def presses(action_id: str, value: Callable[[Spy], str]) -> Try:
    return lambda spy: spy.press(action_id, value(spy))


def build(spy: Spy) -> str:
    return spy.build_slug


def question(spy: Spy) -> str:
    return spy.question


def audit_query(spy: Spy) -> str:
    return AuditQuery(app_slug=spy.many.shop.slug).to_value()


TRIES: dict[str, Try] = {
    "command /build": lambda spy: spy.type(f"/build {spy.many.shop.slug} deploy main"),
    "command /build-status": lambda spy: spy.type(f"/build-status {spy.many.shop.slug}"),
    "command /build-abort": lambda spy: spy.type(f"/build-abort {spy.many.shop.slug} #1 stuck"),
    "action build.choose-app": presses(ids.BUILD_CHOOSE_APP, lambda spy: f"{spy.many.shop.slug} deploy main"),
    "action build.start-anyway": presses(ids.BUILD_START_ANYWAY, question),
    "action build.join": presses(ids.BUILD_JOIN, question),
    "action start.rerun": presses(ids.START_RERUN, lambda spy: f"q {spy.request_id}"),
    "action start.edit": presses(ids.START_EDIT, lambda spy: f"q {spy.request_id}"),
    "action preset.start": presses(ids.PRESET_START, lambda spy: f"{spy.many.ios.id} acme-preset"),
    "action preset.remove": presses(ids.PRESET_REMOVE, lambda spy: f"{spy.many.ios.id} acme-preset"),
    "action build.stop": presses(ids.BUILD_STOP, build),
    "action build.again": presses(ids.BUILD_AGAIN, build),
    "action build.again-form": presses(ids.BUILD_AGAIN_FORM, build),
    "action build.run-same-commit": presses(ids.BUILD_RUN_SAME_COMMIT, question),
    "action build.run-newest": presses(ids.BUILD_RUN_NEWEST, question),
    "action build.list-page": presses(ids.BUILD_LIST_PAGE, lambda spy: spy.page),
    "action build.log": presses(ids.BUILD_LOG, build),
    "action build.install": presses(ids.BUILD_INSTALL, build),
    "action artifact.qr": presses(ids.ARTIFACT_QR, lambda spy: f"{spy.build_slug} ios"),
    "action webhook.ask": presses(ids.WEBHOOK_ASK, lambda spy: spy.many.shop.slug),
    "action subscription.edit": presses(ids.SUBSCRIPTION_EDIT, lambda spy: spy.subscription_id),
    "action subscription.resume": presses(ids.SUBSCRIPTION_RESUME, lambda spy: spy.many.ios.id),
    "view build.start": lambda spy: spy.submit(spy.start_form(), {}),
    "view build.abort": lambda spy: spy.submit(spy.stop_form, {"abort.reason": "stuck"}),
    "view build.abort-many": lambda spy: spy.submit(spy.bulk_form, {"abort.reason": "stuck"}),
    "action build.stop-all": presses(ids.BUILD_STOP_ALL, lambda spy: spy.many.shop.slug),
    "action build.stop-older": presses(ids.BUILD_STOP_OLDER, build),
    "action digest.resume": presses(ids.DIGEST_RESUME, lambda spy: spy.many.ios.id),
    "view digest.edit": lambda spy: spy.submit(spy.digest_form(), {}),
    "options digest.app": lambda spy: spy.suggest(spy.digest_form(), "digest.app", "shop"),
    "view channel.settings": lambda spy: spy.submit(spy.settings_form(), {}),
    "view subscription.edit": lambda spy: spy.submit(spy.subscription_form(), {}),
    "options start.target": lambda spy: spy.suggest(spy.start_form(), "start.target", "end"),
    "options start.branch": lambda spy: spy.suggest(spy.start_form(), "start.branch", "acme"),
    "options settings.target": lambda spy: spy.suggest(spy.settings_form(), "settings.target", "end"),
    "options settings.branch": lambda spy: spy.suggest(spy.settings_form(), "settings.branch", "acme"),
    "options start.app": lambda spy: spy.suggest(spy.start_form(), "start.app", "shop"),
    "options settings.app": lambda spy: spy.suggest(spy.settings_form(), "settings.app", "shop"),
    "event link_shared": pastes_a_link,
    "event app_mention": told_nothing(mentions_the_bot),
    "action skip-step.rotate": presses(ids.SKIP_STEP_ROTATE, build),
    "action skip-step.disable": presses(ids.SKIP_STEP_DISABLE, build),
    # These take no id of anybody's.
    "options subscribe.app": told_nothing(offered_to_subscribe),
    "action subscription.remove": told_nothing(presses(ids.SUBSCRIPTION_REMOVE, lambda spy: spy.subscription_id)),
    "action abort.builds": told_nothing(ticks_nothing),
    "action stats.show": told_nothing(presses(ids.STATS_SHOW, lambda spy: spy.figures)),
    "action stats.open": told_nothing(presses(ids.STATS_OPEN, lambda spy: spy.figures)),
    "action stats.export": told_nothing(presses(ids.STATS_EXPORT, lambda spy: spy.figures)),
    "action audit.page": told_nothing(presses(ids.AUDIT_PAGE, audit_query)),
    "action audit.export": told_nothing(presses(ids.AUDIT_EXPORT, audit_query)),
    "action stats.meaning": told_nothing(presses(ids.STATS_MEANING, build)),
    "shortcut build.start": told_nothing(
        lambda spy: spy.heard(lambda: spy.many.slack.shortcut(spy.many.gia, ids.BUILD_START))
    ),
    "action home.start": told_nothing(presses(ids.HOME_START, build)),
    "action home.refresh": told_nothing(presses(ids.HOME_REFRESH, build)),
    "action start.more": told_nothing(shows_more),
    "action start.recent": chooses_acmes_preset,
    "action start.app": told_nothing(lambda spy: chooses_own_app(spy, spy.start_form(), "start.app")),
    "action settings.app": told_nothing(lambda spy: chooses_own_app(spy, spy.settings_form(), "settings.app")),
    "action connection.connect": told_nothing(presses(ids.CONNECTION_CONNECT, build)),
    "view connection.connect": told_nothing(
        lambda spy: spy.submit(connect_form(channel_id=spy.many.ios.id), {"connect.token": spy.many.their_token})
    ),
    "action me.notifications": told_nothing(presses(ids.ME_NOTIFICATIONS, lambda spy: spy.many.ana.id)),
    "view me.notifications": told_nothing(saves_own_wishes),
    "event app_home_opened": told_nothing(opens_home),
    "action build.open": told_nothing(presses(ids.BUILD_OPEN, build)),
    "view_closed .*": told_nothing(closes_a_notice),
    "event tokens_revoked": lambda spy: tells_of_a_removal(spy, "tokens_revoked"),
    "event team_access_revoked": lambda spy: tells_of_a_removal(spy, "team_access_revoked"),
    "action connection.disconnect": told_nothing(presses(ids.CONNECTION_DISCONNECT, build)),  # of Globex itself
    "event app_uninstalled": lambda spy: tells_of_a_removal(spy, "app_uninstalled"),
}

TYPED = {
    "start": "{slug} deploy main",
    "show": "{slug} #{number}",
    "status": "status {slug} #{number}",
    "list": "list {slug}",
    "abort": "abort {slug} #{number} stuck",
    "stop": "stop {slug} branch:acme-only",
    "cancel": "cancel {slug} branch:acme-only",
    "again": "again {slug} #{number}",
    "retry": "retry {slug} #{number}",
    "rebuild": "rebuild {slug} #{number}",
    "log": "log {slug} #{number}",
    "artifacts": "artifacts {slug} #{number}",
    "subscribe": "subscribe {slug}",
    "unsubscribe": "unsubscribe {slug}",
    "stats": "stats {slug}",
    "audit": "audit {slug}",
    "import": "import {slug}",
    "skip-step": "skip-step {slug}",
    "digest": "digest off {slug}",
}
"""A verb to what is typed with Acme's app and build; besides, each is tried with the address of the build's page."""
WITHOUT_IDS = {
    "form": "form {slug}",
    "subscriptions": "subscriptions",
    "connect": "connect",
    "disconnect": "disconnect",
    "settings": "settings",
    "defaults": "defaults",
    "me": "me",
    "preset": "preset",
    "presets": "presets",
    "doctor": "doctor",
    "help": "help",
}
BY_ADDRESS = ("{url}", "status {url}", "abort {url} stuck", "again {url}", "log {url}", "artifacts {url}")


# The whole list.


def test_every_handler_is_tried(registered: Registrations) -> None:
    """Except those for everything without a handler, which read no id."""
    names = {handler_name(kind, what) for kind, what, _ in registered.entries}
    assert {name for name in names if name in TRIES or not name.endswith(" .*")} == set(TRIES)


def handler_name(kind: str, what: Any) -> str:
    pattern = getattr(what, "pattern", None)
    return f"{kind} {re.sub(r'[(].*', '', pattern).replace(chr(92), '') if pattern else what}"


def test_every_verb_is_tried() -> None:
    assert {verb.strip("<>") for verb in verbs()} == {*TYPED, *WITHOUT_IDS}


@pytest.fixture
async def spy(many: Many) -> Spy:
    """At Acme a build runs, one has ended, a question waits, #ios hears of builds and Bitrise calls."""
    many.slack.limits.enabled = False  # she is quick
    many.expects_errors = True  # what does not open or is refused may be told to whoever runs the bot
    await many.both_install()
    await many.say("/build shop endless acme-only")
    await many.say("/build shop endless acme-only", by=many.bo)  # asks whether to join
    await many.say("/build preset save acme-preset shop endless acme-only")
    await many.say("/build subscribe shop")
    await many.passes(minutes=1)
    await many.press(many.cards()[0], "Stop…")
    stop_form = without_names(many.modal().body)
    many.slack.modals.clear(many.ana)
    await many.say("/build stop shop branch:acme-only")
    bulk_form = without_names(many.modal().body)
    rows = await many.bot.ctx.db.fetch_all("select subscription_id from subscriptions")
    held = await many.bot.ctx.db.fetch_all("select request_id from requests where state = 'awaiting_confirmation'")
    return Spy(many, many.builds()[0].slug, held[0]["request_id"], rows[0]["subscription_id"], stop_form, bulk_form)


def without_names(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """A form as Gia makes it up: she has the ids and not the words."""
    made: Mapping[str, Any] = json.loads(ACMES.sub("x", json.dumps(form)))
    return made


async def acmes(many: Many) -> dict[str, list[dict[str, Any]]]:
    """All that is stored of Acme, and what stands in its channel."""
    database = many.bot.ctx.db
    tables = await database.fetch_all("select name from sqlite_master where type = 'table'")
    kept = {}
    for table in sorted(row["name"] for row in tables):
        columns = {row["name"] for row in await database.fetch_all(f"select name from pragma_table_info('{table}')")}
        if "workspace_id" in columns:
            rows = await database.fetch_all(f"select * from {table} where workspace_id = :id", id=many.team.id)
            kept[table] = [dict(row) for row in rows]
    kept["seen"] = [{"text": many.sees()}]
    return kept


async def tried(spy: Spy, tries: Mapping[str, Try]) -> dict[str, str]:
    """What was wrong, by the name of the try. Acme is the same after each, and nothing of it was heard."""
    wrong = {}
    for name, attempt in tries.items():
        before, builds = await acmes(spy.many), [(each.slug, each.is_finished) for each in spy.many.builds()]
        heard = await attempt(spy)
        if not NOT_THERE.search(heard):
            wrong[name] = f"was not told that it is not there, but: {heard!r}"
        if leak := ACMES.search(heard):
            wrong[name] = f"heard of {leak[0]!r}: {heard!r}"
        if await acmes(spy.many) != before:
            wrong[name] = "changed something at Acme"
        if [(each.slug, each.is_finished) for each in spy.many.builds()] != builds:
            wrong[name] = "started or stopped a build of Acme"
    return wrong


async def test_no_handler_finds_what_belongs_to_another_workspace(spy: Spy) -> None:
    assert await tried(spy, TRIES) == {}


def typing(text: str) -> Try:
    async def types(spy: Spy) -> str:
        url = f"{spy.many.bitrise.site_url}/build/{spy.build_slug}"
        shown = text.format(slug=spy.many.shop.slug, number=spy.many.builds()[0].number, url=url)
        return await spy.type(f"/build {shown}")

    return types


async def test_no_verb_finds_what_belongs_to_another_workspace(spy: Spy) -> None:
    tries = {text: typing(text) for text in (*TYPED.values(), *BY_ADDRESS)}
    silent = {text: told_nothing(typing(text)) for text in WITHOUT_IDS.values()}
    assert await tried(spy, {**tries, **silent}) == {}


async def test_what_is_tried_would_be_found_at_home(spy: Spy) -> None:
    """The other way round the same ids do something; else this whole page would prove nothing."""
    many = spy.many
    await many.say(f"/build status {many.shop.slug} #{many.builds()[0].number}")
    assert "iOS Shop" in many.whispers()[-1] or "iOS Shop" in many.sees()
    await many.press(many.cards()[0], "Stop…")
    await many.submit({"abort.reason": "stuck"})
    assert many.builds()[0].is_finished


async def test_the_address_of_one_workspace_does_not_take_the_secret_of_another(spy: Spy) -> None:
    many = spy.many
    ctx = many.bot.ctx
    keys, secrets = {}, {}
    for team, person in ((many.team, many.ada), (many.globex, many.gia)):
        row = await webhooks.ensure_key(ctx, Actor(team.id, team.id, person.id, person.name).workspace_id)
        keys[team.id], secrets[team.id] = row.webhook_key, webhooks.open_secret(ctx, row)
    statuses = {
        (one.name, other.name): await call(f"{many.address}/bitrise/webhook/{keys[one.id]}", secrets[other.id])
        for one in (many.team, many.globex)
        for other in (many.team, many.globex)
    }
    assert statuses == {
        ("Acme", "Acme"): 204,
        ("Acme", "Globex"): 404,
        ("Globex", "Acme"): 404,
        ("Globex", "Globex"): 204,
    }


async def call(url: str, secret: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=b"{}", headers={SECRET_HEADER: secret}) as got,
    ):
        return got.status


async def test_people_of_one_workspace_are_strangers_in_the_other(spy: Spy) -> None:
    """#ios is shared with Globex by Slack Connect: Gia sees Acme's card, and may do nothing with it."""
    many = spy.many
    many.slack.share(many.ios, many.globex)
    many.slack.invite(many.ios, many.gia)
    await many.press(many.cards()[0], "Stop…", by=many.gia)
    assert "Only members of this Slack workspace can do that" in many.whispers(many.gia)[-1]
    assert not many.builds()[0].is_finished


async def test_each_workspace_is_spoken_to_with_its_own_token(spy: Spy) -> None:
    many = spy.many
    many.slack.journal.clear()
    await many.say("/build game deploy main", by=many.gil, at=many.droid_channel)
    await many.passes(minutes=6)
    posted = {entry.request["channel"]: entry.request["team"] for entry in many.slack.journal.named("chat.*")}
    assert posted[many.droid_channel.id] == many.globex.id
    assert posted.get(many.ios.id, many.team.id) == many.team.id


async def test_doctor_counts_the_own_workspace_alone(spy: Spy) -> None:
    many = spy.many
    many.bitrise.faults.add(Fault("builds.trigger", status=503, times=None))
    many.slack.faults.add(Fault("chat.*", status=503, times=None))
    await many.say("/build shop deploy main")
    await many.say("/build shop deploy develop")
    many.bitrise.start_build(many.shop, workflow="deploy")
    await many.passes(minutes=1)
    at_home, elsewhere = await waiting_at_doctor(many, many.ana), await waiting_at_doctor(many, many.gia)
    assert at_home[0] > 0
    assert at_home[1] == 2
    assert elsewhere == (0, 0)


async def waiting_at_doctor(many: Many, person: User) -> tuple[int, int]:
    """Return the numbers of messages and of requests that wait."""
    place = many.ios if person.team is many.team else many.droid_channel
    await many.slack.command(person, place, "/build doctor")
    answer = many.read(many.slack.ephemerals(person, place)[-1])
    counts = re.search(r"Waiting: (\d+) messages? for Slack, (\d+) requests? for Bitrise[.]", answer)
    assert counts
    return int(counts[1]), int(counts[2])
