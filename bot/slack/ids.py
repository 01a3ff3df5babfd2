"""The ids of actions and views as ``noun.verb``, each once: the same string names the handler and the metric.

The ids of a form's fields follow from its fields, see `bot.slack.forms.Form`.
"""

from __future__ import annotations

import re
from typing import Final

# Buttons of a build. The value is the build's slug.
BUILD_OPEN: Final = "build.open"
"""A link. Slack sends its press too, which must be acknowledged."""
BUILD_STOP: Final = "build.stop"
BUILD_STOP_OLDER: Final = "build.stop-older"
BUILD_AGAIN: Final = "build.again"
BUILD_AGAIN_FORM: Final = "build.again-form"
BUILD_LOG: Final = "build.log"
BUILD_INSTALL: Final = "build.install"
ARTIFACT_QR: Final = "artifact.qr"
"""The value is the build's slug and the platform."""

# Buttons of a question. The value is the id of the request that waits for the answer.
BUILD_JOIN: Final = "build.join"
BUILD_START_ANYWAY: Final = "build.start-anyway"
BUILD_RUN_SAME_COMMIT: Final = "build.run-same-commit"
BUILD_RUN_NEWEST: Final = "build.run-newest"

BUILD_CHOOSE_APP: Final = "build.choose-app"
"""A suggestion under an error. The value is the command to run instead. Numbered."""
BUILD_STOP_ALL: Final = "build.stop-all"
"""Under a list of running builds. The value is the app's slug."""
BUILD_LIST_PAGE: Final = "build.list-page"
"""Newer and Older. The value is a page as JSON, see `bot.slack.build_lists.read_page`. Numbered."""

START_RERUN: Final = "start.rerun"
"""Under the offer of the last start. The value is the question's id and the request's."""
START_EDIT: Final = "start.edit"
START_RECENT: Final = "start.recent"
"""The list of recent starts and presets in the start form."""

# Presets. The value is the channel and the name.
PRESET_START: Final = "preset.start"
PRESET_REMOVE: Final = "preset.remove"

# The global shortcut and the forms.
BUILD_START: Final = "build.start"
"""The shortcut and the form."""
BUILD_ABORT: Final = "build.abort"
BUILD_ABORT_MANY: Final = "build.abort-many"
CONNECTION_CONNECT: Final = "connection.connect"
"""The button and the form."""
CONNECTION_DISCONNECT: Final = "connection.disconnect"
SKIP_STEP_ROTATE: Final = "skip-step.rotate"
SKIP_STEP_DISABLE: Final = "skip-step.disable"
"""The value is the fingerprint of the secrets that were current when it was asked."""
CHANNEL_SETTINGS: Final = "channel.settings"
ME_NOTIFICATIONS: Final = "me.notifications"
"""The button and the form."""
MESSAGE_CLOSED: Final = "message.closed"
"""A modal without input."""

# App Home.
HOME_START: Final = "home.start"
HOME_REFRESH: Final = "home.refresh"

# Subscriptions. The value is the subscription's id, or the channel's for everything in it.
SUBSCRIPTION_RESUME: Final = "subscription.resume"
SUBSCRIPTION_EDIT: Final = "subscription.edit"
"""The button and the form, also of a new subscription."""
SUBSCRIPTION_REMOVE: Final = "subscription.remove"
"""The value may be several ids separated by spaces."""

# Scheduled reports.
DIGEST_EDIT: Final = "digest.edit"
DIGEST_RESUME: Final = "digest.resume"
"""The value is the id of a channel that Buildbell could not post in."""

# Statistics. The value is a report's parameters as JSON, see `bot.statistics.messages.read_stats_page`.
STATS_SHOW: Final = "stats.show"
STATS_OPEN: Final = "stats.open"
STATS_EXPORT: Final = "stats.export"
STATS_MEANING: Final = "stats.meaning"

# The audit log. The value is a page as JSON, see `commands.audit.AuditQuery`.
AUDIT_PAGE: Final = "audit.page"
AUDIT_EXPORT: Final = "audit.export"

WEBHOOK_ASK: Final = "webhook.ask"
"""Register a webhook at Bitrise. The value is the app's slug."""


def numbered(action_id: str, number: int) -> str:
    """Ids must differ within one block or view: ``build.choose-app:2``."""
    return f"{action_id}:{number}"


def any_number(action_id: str) -> re.Pattern[str]:
    """The pattern to register a handler for a numbered id."""
    return re.compile(rf"{re.escape(action_id)}(?::\d+)?\Z")
