"""Payloads of commands, actions, submissions, suggestions, shortcuts and events, as Slack sends them.

https://docs.slack.dev/reference/interaction-payloads. Without a channel, the payload of an app that is installed for an
organization names the person's team only.
"""

from __future__ import annotations

from typing import Any

from playground.slack.modals import View
from playground.slack.state import HELD, ElementInView
from playground.slack.world import JSON, Channel, Installation, Message, Team, User

PRIVATE_NAME = "privategroup"


def command(
    app: Installation, user: User, channel: Channel, word: str, text: str, *, response_url: str, trigger_id: str
) -> JSON:
    """https://docs.slack.dev/interactivity/implementing-slash-commands"""
    named = channel.is_im or not channel.is_private
    return {
        "token": app.app.verification_token,
        "team_id": user.team.id,
        "team_domain": user.team.domain,
        "channel_id": channel.id,
        "channel_name": channel.name if named else PRIVATE_NAME,
        "user_id": user.id,
        "user_name": user.name,
        "command": word,
        "text": text,
        "api_app_id": app.app.id,
        "is_enterprise_install": "true" if app.team.is_organisation else "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
        **_of_organisation(user.team),
    }


def _of_organisation(team: Team) -> JSON:
    organisation = team.organisation
    return {} if organisation is None else {"enterprise_id": organisation.id, "enterprise_name": organisation.name}


def _common(kind: str, app: Installation, user: User, team: Team | None) -> JSON:
    organisation = (team or user.team).organisation
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team.id},
        "api_app_id": app.app.id,
        "token": app.app.verification_token,
        "team": team and {"id": team.id, "domain": team.domain, **_of_organisation(team)},
        "enterprise": organisation and {"id": organisation.id, "name": organisation.name},
        "is_enterprise_install": app.team.is_organisation,
    }


def _team_at(app: Installation, channel: Channel) -> Team:
    """Return the team that has the app."""
    return channel.team if app.team.is_organisation else app.team


def _own_team(app: Installation, user: User) -> Team | None:
    return None if app.team.is_organisation else user.team


def on_message(kind: str, app: Installation, user: User, message: Message, attachment: JSON | None = None) -> JSON:
    """Build an action in a message. Its team is the one with the app; an ephemeral message is not included.

    ``attachment`` is the attachment that holds the element.
    """
    container = {
        "type": "message" if attachment is None else "message_attachment",
        "message_ts": message.ts,
        "channel_id": message.channel.id,
        "is_ephemeral": message.is_ephemeral,
        **_in_attachment(attachment),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    channel = {"id": message.channel.id, "name": message.channel.name}
    payload = {**_common(kind, app, user, _team_at(app, message.channel)), "container": container, "channel": channel}
    if not message.is_ephemeral:
        payload["message"] = message.payload()
    if attachment is not None and attachment.get("is_app_unfurl"):
        payload["app_unfurl"] = attachment
    return {**payload, "state": {"values": message.state}}


def _in_attachment(attachment: JSON | None) -> JSON:
    if attachment is None:
        return {}
    place = {"attachment_id": attachment["id"], "is_app_unfurl": bool(attachment.get("is_app_unfurl"))}
    return {**place, "app_unfurl_url": attachment["app_unfurl_url"]} if place["is_app_unfurl"] else place


def on_view(kind: str, app: Installation, view: View) -> JSON:
    """Build an action in a view: ``team`` is the person's, ``view.app_installed_team_id`` the app's."""
    common = _common(kind, app, view.user, _own_team(app, view.user))
    return {**common, "container": {"type": "view", "view_id": view.id}, "view": view.payload()}


def submission(app: Installation, view: View, trigger_id: str) -> JSON:
    """https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    common = _common("view_submission", app, view.user, _own_team(app, view.user))
    return {**common, "trigger_id": trigger_id, "view": view.payload(), "response_urls": []}


def closing(app: Installation, view: View, *, is_cleared: bool) -> JSON:
    common = _common("view_closed", app, view.user, _own_team(app, view.user))
    return {**common, "view": view.payload(), "is_cleared": is_cleared}


def shortcut(app: Installation, user: User, callback_id: str, *, trigger_id: str, action_ts: str) -> JSON:
    """Build a global shortcut, which has no channel and no response_url."""
    common = _common("shortcut", app, user, _own_team(app, user))
    return {**common, "callback_id": callback_id, "trigger_id": trigger_id, "action_ts": action_ts}


def message_shortcut(app: Installation, user: User, message: Message, callback_id: str) -> JSON:
    """Build a message shortcut. The caller adds trigger_id, response_url and action_ts."""
    common = _common("message_action", app, user, _team_at(app, message.channel))
    return {
        **common,
        "callback_id": callback_id,
        "channel": {"id": message.channel.id, "name": message.channel.name},
        "message_ts": message.ts,
        "message": message.payload(),
    }


def action(pressed: ElementInView, value: Any, action_ts: str) -> JSON:
    """Build an item of ``actions``; ``value`` is the selected option of an overflow menu or the element's value."""
    told: JSON = {"action_id": pressed.action_id, "block_id": pressed.block_id, "type": pressed.kind}
    for name in ("text", "value", "style", "placeholder", "confirm", "url"):
        if name in pressed.element:
            told[name] = pressed.element[name]
    if pressed.kind == "overflow":
        told["selected_option"] = value
    if pressed.kind in HELD:
        held = HELD[pressed.kind]
        told[held.field] = value
        if held.initial in pressed.element:
            told[held.initial] = pressed.element[held.initial]
    return {**told, "action_ts": action_ts}


def event(
    app: Installation,
    happened: JSON,
    *,
    event_id: str,
    event_time: int,
    channel: Channel | None = None,
    team: Team | None = None,
) -> JSON:
    """Build the envelope of an event. https://docs.slack.dev/apis/events-api#event-type-structure

    ``team`` is the team of an event without a channel if the app is installed for an organization.
    """
    is_wide = app.team.is_organisation
    here = (channel.team if channel else team or app.team) if is_wide else app.team
    organisation = app.team if is_wide else app.team.organisation
    authorization = {
        "enterprise_id": organisation and organisation.id,
        "team_id": None if is_wide else app.team.id,
        "user_id": app.bot_user.id,
        "is_bot": True,
        "is_enterprise_install": is_wide,
    }
    context = {"context_team_id": here.id, "context_enterprise_id": organisation and organisation.id}
    return {
        "token": app.app.verification_token,
        "team_id": channel.team.id if channel is not None else here.id,
        "api_app_id": app.app.id,
        "event": happened,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [authorization],
        "is_ext_shared_channel": channel is not None and bool(channel.shared_with),
        **({} if channel is None else context),
        "event_context": f"4-{event_id}",
    }


def removal(app: Installation, happened: JSON, *, event_id: str, event_time: int) -> JSON:
    """https://docs.slack.dev/reference/events/app_uninstalled and tokens_revoked: without authorizations.

    The event of a whole organization is not documented; the fields are those of other events.
    """
    wide = {"enterprise_id": app.team.id, "is_enterprise_install": True} if app.team.is_organisation else {}
    return {
        "token": app.app.verification_token,
        "team_id": app.team.id,
        "api_app_id": app.app.id,
        "event": happened,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        **wide,
    }
