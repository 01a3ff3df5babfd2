"""The state of a window as JSON: one person's Slack, the practice Bitrise, and the stage."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from playground.bitrise.model import App, Build
from playground.page.guide import Guide
from playground.page.scenes import Scenes
from playground.slack.modals import View
from playground.slack.world import Channel, Message, User

if TYPE_CHECKING:
    from playground.page.trouble import Trouble
    from playground.stage import Stage

JSON = dict[str, Any]

MAX_FINISHED = 25
"""Finished builds listed below the running ones."""


class PageState:
    def __init__(self, stage: Stage, trouble: Trouble, guide: Guide) -> None:
        self._stage, self._trouble, self._guide = stage, trouble, guide

    def sections(self, me: User) -> JSON:
        """Return the parts that change together, by name; ``messages/<channel>`` for each channel of the person."""
        channels = self._channels(me)
        return {
            "world": self._world(me, channels),
            **{f"messages/{channel.id}": self._messages(me, channel) for channel in channels},
            "views": [view_json(view) for view in self._stage.slack.views(me)],
            "home": self._home(me),
            "pictures": self._stage.slack.files.pictures(self._stage.slack.base_url),
            "bitrise": self._bitrise(),
            "stage": self._stage_state(),
            "guide": self._guide.steps(),
        }

    # Slack.

    def _channels(self, me: User) -> list[Channel]:
        world = self._stage.slack.world
        channels = [each for each in world.channels.values() if not each.is_im and me in each.members]
        return [*channels, world.direct(self._stage.app.bot_user, me)] if self._has_app(me) else channels

    def _has_app(self, me: User) -> bool:
        return me.team is self._stage.app.team

    def _world(self, me: User, channels: list[Channel]) -> JSON:
        bot = self._stage.app.bot_user
        people = [*self._stage.people.values(), bot]
        return {
            "me": me.id,
            "team": {"name": me.team.name},
            "people": [self._person(user) for user in people],
            "channels": [channel_json(channel) for channel in channels],
            "app": self._app() if self._has_app(me) else None,
            "bot": bot.id,
        }

    def _person(self, user: User) -> JSON:
        return {
            "id": user.id,
            "name": user.name,
            "real_name": user.real_name,
            "is_admin": user.is_admin,
            "is_bot": user.is_bot,
            "is_guest": user.team is not self._stage.team,
            "team": user.team.name,
            "tz": user.tz,
        }

    def _app(self) -> JSON:
        registered = self._stage.app.app
        home = registered.features.get("app_home") or {}
        return {
            "id": registered.id,
            "name": registered.name,
            "commands": [dict(command) for command in registered.commands],
            "shortcuts": [dict(shortcut) for shortcut in registered.shortcuts],
            "has_home": registered.home_enabled,
            "is_read_only": bool(home.get("messages_tab_read_only_enabled")),
            "description": (registered.manifest.get("display_information") or {}).get("description", ""),
        }

    def _messages(self, me: User, channel: Channel) -> list[JSON]:
        return [message_json(each) for each in channel.messages if each.seen_by in (None, me)]

    def _home(self, me: User) -> JSON | None:
        view = self._stage.slack.home(me, self._stage.app) if self._has_app(me) else None
        return view_json(view) if view else None

    # Bitrise.

    def _bitrise(self) -> JSON:
        bitrise = self._stage.bitrise
        builds = bitrise.builds()
        running = [build for build in builds if not build.is_finished]
        finished = sorted((build for build in builds if build.finished_at), key=lambda build: build.finished_at or 0)
        listed = [*reversed(running), *reversed(finished[-MAX_FINISHED:])]
        return {
            "url": bitrise.site_url,
            "token": self._stage.token,
            "apps": [app_json(app) for app in bitrise.apps.values()],
            "builds": [build_json(build, bitrise.site_url) for build in listed],
        }

    def _stage_state(self) -> JSON:
        bot = self._stage.bot
        return {
            "speed": self._stage.speed,
            "bot": {"is_running": bot.is_running, "pid": bot.pid},
            "sockets": len(self._stage.slack.sockets.of()),
            "troubles": self._trouble.state(),
            "scenes": Scenes.state(),
        }


def channel_json(channel: Channel) -> JSON:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private and not channel.is_im,
        "is_direct": channel.is_im,
        "is_archived": channel.is_archived,
        "is_shared": bool(channel.shared_with),
        "members": [member.id for member in channel.members],
    }


def message_json(message: Message) -> JSON:
    listed: JSON = {
        "ts": message.ts,
        "user": message.user.id,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "unfurls": list(message.unfurls.values()),
        "files": message.files,
        "thread_ts": message.thread_ts,
        "is_edited": message.edited,
        "is_private": message.is_ephemeral,
        "is_from_app": message.app is not None,
        "command": message.command,
        "chosen": message.state,
    }
    return listed


def view_json(view: View) -> JSON:
    return {
        "id": view.id,
        "hash": view.hash,
        "title": view.title,
        "blocks": view.blocks,
        "submit": (view.body.get("submit") or {}).get("text"),
        "close": (view.body.get("close") or {}).get("text"),
        "values": view.state,
    }


def app_json(app: App) -> JSON:
    return {
        "slug": app.slug,
        "title": app.title,
        "kind": app.project_type,
        "branches": app.branches,
        "workflows": list(app.workflows),
        "pipelines": list(app.pipelines),
    }


def build_json(build: Build, site_url: str) -> JSON:
    return {
        "slug": build.slug,
        "number": build.number,
        "app": build.app.title,
        "app_slug": build.app.slug,
        "workflow": build.workflow,
        "pipeline": build.pipeline.name if build.pipeline else None,
        "branch": build.tag or build.branch,
        "commit": (build.commit_hash or "")[:7],
        "commit_message": build.commit_message,
        "pull_request": build.pull_request_id or None,
        "triggered_by": build.triggered_by,
        "environment": build.environments,
        "state": build.status_text,
        "stage": build.stage.value,
        "reason": build.abort_reason,
        "failed_step": build.failed_step,
        "steps": list(build.plan.steps),
        "triggered_at": _millis(build.triggered_at),
        "started_at": _millis(build.started_at),
        "finished_at": _millis(build.finished_at),
        "planned_seconds": build.duration.total_seconds() if build.duration else None,
        "url": f"{site_url}/build/{build.slug}",
    }


def _millis(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
