"""Show the audit log to admins: who changed what, when, with what result, in pages and as a CSV file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot import apps, user_names
from bot.context import Context
from bot.errors import NotAllowed, ViewExpired
from bot.permissions import Actor
from bot.slack import ids, rich
from bot.slack.blocks import actions, button, lines, message, section
from bot.slack.text import Message, is_channel, is_user, plural, unmarked
from bot.statistics.export import CsvWriter
from commands.command import Command, Help
from commands.grammar import Grammar
from commands.interaction import Action, Typed, run_in_background, send_file
from commands.stats import read_days
from commands.tokenizer import ArgumentsUnclear, Words
from storage import audit as audit_rows
from storage.audit import AuditRow, Place

DEFAULT_DAYS = 7
ENTRIES_ON_PAGE = 20
ROWS_IN_FILE = 50_000
COLUMNS = ("created_at", "user_id", "user", "action", "app_slug", "subject", "result")
"""Of the file: the workspace is the reader's own, and people have names."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """The entries to show, and after which of them the page starts. It is the value of the page's buttons."""

    days: int = DEFAULT_DAYS
    app_slug: str | None = None
    user_id: str | None = None
    before: str = ""

    @property
    def place(self) -> Place | None:
        at, _, audit_id = self.before.partition(" ")
        return Place(datetime.fromisoformat(at), audit_id) if audit_id else None

    def to_value(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def read_query(value: str) -> AuditQuery:
    """Raises `ViewExpired` for a value of another version."""
    try:
        query = AuditQuery(**json.loads(value))
        _ = query.place, timedelta(days=query.days)
    except (ValueError, TypeError, AttributeError) as error:
        raise ViewExpired("This button has expired. Run the command again.") from error
    return query


def read_bare(word: str) -> tuple[str, Any] | None:
    if word.startswith("@"):
        return "by", word
    return ("days", read_days(word)) if word[:-1].isdigit() and word.endswith("d") else None


GRAMMAR = Grammar(
    positional=("app",),
    keys={"app": str, "by": str, "last days": read_days},
    bare=read_bare,
    example="audit shop @ana 7d",
)


async def show_typed(ctx: Context, typed: Typed) -> None:
    await check_admin(ctx, typed.actor)
    options = {part.name: part.value for part in GRAMMAR.parts(typed.words)}
    query = AuditQuery(days=options.get("days", options.get("last", DEFAULT_DAYS)))
    if "by" in options:
        query = replace(query, user_id=read_user(typed.words, options["by"]))

    async def load() -> Message:
        app = await apps.get_app(ctx, typed.actor.workspace_id, options["app"]) if "app" in options else None
        return await load_page(ctx, typed.actor, replace(query, app_slug=app.app_slug if app else None))

    run_in_background(ctx, typed, load(), name="audit")


def read_user(words: Words, name: str) -> str:
    mention = words.mention(name)
    if mention is None and not is_user(name.lstrip("@")):
        raise ArgumentsUnclear(f"“{name}” isn't a person in this workspace.", "Pick the name that Slack suggests.")
    return mention.user_id if mention else name.lstrip("@")


async def check_admin(ctx: Context, actor: Actor) -> None:
    ctx.permissions.check_member(actor)
    if not await ctx.permissions.may_connect(actor):
        raise NotAllowed("Only workspace admins can see the audit log. Ask an admin for an export.")


async def list_page(ctx: Context, actor: Actor, query: AuditQuery, *, limit: int) -> list[AuditRow]:
    return await audit_rows.list_entries(
        ctx.db,
        actor.workspace_id,
        since=ctx.clock.now() - timedelta(days=query.days),
        app_slug=query.app_slug,
        user_id=query.user_id,
        before=query.place,
        limit=limit,
    )


async def load_page(ctx: Context, actor: Actor, query: AuditQuery) -> Message:
    """Return one page, newest first, with a button for older entries and one for the file."""
    entries = await list_page(ctx, actor, query, limit=ENTRIES_ON_PAGE + 1)
    titles = await apps.list_titles(ctx, actor.workspace_id)
    people = [entry.user_id for entry in entries if is_user(entry.user_id)]
    names = await user_names.list_display_names(ctx, actor.workspace_id, [*people, *filter(None, [query.user_id])])
    of_app = titles.get(query.app_slug, query.app_slug) if query.app_slug else None
    by = names.get(query.user_id, query.user_id) if query.user_id else None
    heading = unmarked(" · ".join(filter(None, [f"Audit log, last {plural(query.days, 'day')}", of_app, by])))
    if not entries:
        return message(f"{heading}: no entries.", section(f"*{heading}*\nNo entries."))
    shown = entries[:ENTRIES_ON_PAGE]
    older = None
    if len(entries) > ENTRIES_ON_PAGE:
        start = f"{shown[-1].created_at.isoformat()} {shown[-1].audit_id}"
        older = button(ids.AUDIT_PAGE, "Older", value=replace(query, before=start).to_value())
    return message(
        f"{heading}: {len(shown)}{'+' if older else ''} entries",
        section(f"*{heading}*"),
        lines(*(entry_line(entry, titles, names) for entry in shown)),
        actions(older, button(ids.AUDIT_EXPORT, "Export CSV", value=replace(query, before="").to_value())),
    )


def entry_line(entry: AuditRow, titles: Mapping[str, str], names: Mapping[str, str]) -> rich.Line:
    """Return when, who, what and with what result. People are named, not notified."""
    title = rich.text(titles.get(entry.app_slug, entry.app_slug), 60) if entry.app_slug else None
    channel, _, rest = entry.subject.partition(" ")
    subject: rich.Line = rich.text(entry.subject, 150) if entry.subject else None
    if is_channel(channel):
        subject = [rich.channel(channel), " ", rich.text(rest, 150) if rest else None]
    who = rich.bold(names.get(entry.user_id, entry.user_id), 60)
    what = [f"{entry.action} ", rich.join(" ", [title, subject])]
    return rich.join(" · ", [rich.date(entry.created_at), who, what, rich.text(entry.result, 150)])


async def turn_page(ctx: Context, action: Action) -> None:
    await check_admin(ctx, action.actor)
    page = load_page(ctx, action.actor, read_query(action.value))
    run_in_background(ctx, action, page, name="audit", replace=True)


async def export_csv(ctx: Context, action: Action) -> None:
    await check_admin(ctx, action.actor)
    run_in_background(ctx, action, send_csv(ctx, action.actor, read_query(action.value)), name="audit export")


async def send_csv(ctx: Context, actor: Actor, query: AuditQuery) -> None:
    """Send the entries as a file in a direct message. Raises `BuildbellError` if the app may not send files."""
    entries = await list_page(ctx, actor, query, limit=ROWS_IN_FILE)
    people = (entry.user_id for entry in entries if is_user(entry.user_id))
    names = await user_names.list_display_names(ctx, actor.workspace_id, people)
    out = io.StringIO()
    writer = CsvWriter(out, COLUMNS)
    writer.write([audit_rows.to_facts(entry) | {"user": names.get(entry.user_id, "")} for entry in entries])
    count = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    text = f"Audit log: {count} from the last {plural(query.days, 'day')}."
    if len(entries) == ROWS_IN_FILE:
        text += " Older entries are left out; `buildbell audit` on the server exports all."
    await send_file(
        ctx, actor, f"audit-{query.days}d.csv", out.getvalue().encode("utf-8-sig"), title="Audit log", text=text,
        cli=f"buildbell audit --since {query.days}d",
    )  # fmt: skip


COMMAND = Command(
    "audit",
    run=show_typed,
    topic="Admin",
    help=(Help("audit shop @ana 30d", "show who changed what; app, person and period are optional (admins)"),),
    actions={ids.AUDIT_PAGE: turn_page, ids.AUDIT_EXPORT: export_csv},
)
