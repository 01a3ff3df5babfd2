"""Apply the body of an ack: the response to a command, the response_action of a submission."""

from __future__ import annotations

from playground.slack.core import Core
from playground.slack.delivery import Delivery
from playground.slack.errors import SlackError
from playground.slack.methods.views import read_view
from playground.slack.modals import View
from playground.slack.posts import check_content, post
from playground.slack.world import JSON, Channel, User

IN_CHANNEL_ONLY = {"response_type": "in_channel"}
NO_ANSWER = "We had some trouble connecting. Try again?"
"""Slack's message when the response to a modal can't be used."""


class AckHandler:
    def __init__(self, core: Core) -> None:
        self._core = core

    def to_command(self, delivery: Delivery, user: User, channel: Channel, typed: str) -> None:
        """https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands"""
        answer = delivery.answer
        if not delivery.ok or not answer or answer == IN_CHANNEL_ONLY:
            return
        in_channel = answer.get("response_type") == "in_channel"
        try:
            check_content(self._core, delivery.app, answer)
        except SlackError as error:
            delivery.ok, delivery.error = False, error.error
            return
        post(
            self._core.world,
            delivery.app,
            channel,
            answer,
            seen_by=None if in_channel else user,
            command=typed if in_channel else None,
        )

    def to_submission(self, delivery: Delivery, view: View) -> None:
        """https://docs.slack.dev/surfaces/modals#response_actions. The view stays open without a response."""
        if not delivery.ok:
            delivery.error = NO_ANSWER
            return
        answer = delivery.answer or {}
        try:
            self._do(answer.get("response_action"), answer, delivery, view)
        except SlackError as error:
            delivery.ok, delivery.error = False, f"{NO_ANSWER} ({error.error})"

    def _do(self, action: str | None, answer: JSON, delivery: Delivery, view: View) -> None:
        views, core = self._core.modals, self._core
        if action == "errors":
            delivery.errors = _errors(answer.get("errors"), view)
        elif action == "update":
            views.update(view, read_view(core, view.app, answer.get("view"), "modal"))
        elif action == "push":
            views.push(view.app, view.user, read_view(core, view.app, answer.get("view"), "modal"))
        elif action == "clear":
            views.clear(view.user)
        elif action is None:
            views.close(view)
        else:
            raise SlackError("unknown response_action")


def _errors(errors: object, view: View) -> dict[str, str]:
    """Return the errors of input blocks, the only blocks that can show one."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError(f"errors must name input blocks, and these are {sorted(inputs)}")
    return {str(block_id): str(text) for block_id, text in errors.items()}
