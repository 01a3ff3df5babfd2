"""What a window shows, as JSON: the Slack of one person, the Bitrise of everybody, how the stage is doing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from playground.bitrise.model import App, Build
from playground.page_guide import Guide
from playground.slack.modals import View
from playground.slack.world import Channel, Message, User

if TYPE_CHECKING:
    from playground.page_trouble import Trouble
    from playground.stage import Stage

JSON = dict[str, Any]

ENDED_SHOWN = 25
"""How many builds that have ended stand under those that have not."""


class Shown:
    def __init__(self, stage: Stage, trouble: Trouble, guide: Guide) -> None:
        self._stage, self._trouble, self._guide = stage, trouble, guide

    def sections(self, me: User) -> JSON:
        """Parts that change together, by name; ``messages/<channel>`` is one for each channel the person is in."""
        channels = self._channels(me)
        return {
            "world": self._world(me, channels),
            **{f"messages/{channel.id}": self._messages(me, channel) for channel in channels},
            "views": [view_shown(view) for view in self._stage.slack.views(me)],
            "home": self._home(me),
            "pictures": self._stage.slack.files.pictures(self._stage.slack.base_url),
            "bitrise": self._bitrise(),
            "stage": self._state_of_stage(),
            "guide": self._guide.steps(),
        }

    # Slack.

    def _channels(self, me: User) -> list[Channel]:
        world = self._stage.slack.world
        there = [each for each in world.channels.values() if not each.is_im and me in each.members]
        return [*there, world.direct(self._stage.app.bot_user, me)] if self._has_app(me) else there

    def _has_app(self, me: User) -> bool:
        return me.team is self._stage.app.team

    def _world(self, me: User, channels: list[Channel]) -> JSON:
        bot = self._stage.app.bot_user
        people = [*self._stage.people.values(), bot]
        return {
            "me": me.id,
            "team": {"name": me.team.name},
            "people": [self._person(user) for user in people],
            "channels": [channel_shown(channel) for channel in channels],
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
        return [message_shown(each) for each in channel.messages if each.seen_by in (None, me)]

    def _home(self, me: User) -> JSON | None:
        view = self._stage.slack.home(me, self._stage.app) if self._has_app(me) else None
        return view_shown(view) if view else None

    # Bitrise.

    def _bitrise(self) -> JSON:
        bitrise = self._stage.bitrise
        builds = bitrise.builds()
        running = [build for build in builds if not build.is_finished]
        ended = sorted((build for build in builds if build.finished_at), key=lambda build: build.finished_at or 0)
        shown = [*reversed(running), *reversed(ended[-ENDED_SHOWN:])]
        return {
            "url": bitrise.site_url,
            "token": self._stage.token,
            "apps": [app_shown(app) for app in bitrise.apps.values()],
            "builds": [build_shown(build, bitrise.site_url) for build in shown],
        }

    def _state_of_stage(self) -> JSON:
        bot = self._stage.bot
        return {
            "speed": self._stage.speed,
            "bot": {"is_running": bot.is_running, "pid": bot.pid},
            "sockets": len(self._stage.slack.sockets.of()),
            "troubles": self._trouble.shown(),
        }


def channel_shown(channel: Channel) -> JSON:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private and not channel.is_im,
        "is_direct": channel.is_im,
        "is_archived": channel.is_archived,
        "is_shared": bool(channel.shared_with),
        "members": [member.id for member in channel.members],
    }


def message_shown(message: Message) -> JSON:
    shown: JSON = {
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
    return shown


def view_shown(view: View) -> JSON:
    return {
        "id": view.id,
        "hash": view.hash,
        "title": view.title,
        "blocks": view.blocks,
        "submit": (view.body.get("submit") or {}).get("text"),
        "close": (view.body.get("close") or {}).get("text"),
        "values": view.state,
    }


def app_shown(app: App) -> JSON:
    return {
        "slug": app.slug,
        "title": app.title,
        "kind": app.project_type,
        "branches": app.branches,
        "workflows": list(app.workflows),
        "pipelines": list(app.pipelines),
    }


def build_shown(build: Build, site_url: str) -> JSON:
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
