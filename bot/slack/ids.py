"""Every action, view, block and option id, once. The same string names the action, the view and the metric."""

from __future__ import annotations

import re
from typing import Final

# Buttons of a build: the value is the build's slug.
BUILD_OPEN: Final = "build.open"
"""A link; Slack still sends a press, which must be acked."""
BUILD_STOP: Final = "build.stop"
"""The button that opens the stop form."""
BUILD_STOP_OLDER: Final = "build.stop-older"
"""Stops what this build replaces; the button and the way to `BUILD_ABORT_MANY`."""
BUILD_AGAIN: Final = "build.again"
BUILD_AGAIN_FORM: Final = "build.again-form"
BUILD_LOG: Final = "build.log"
BUILD_INSTALL: Final = "build.install"
ARTIFACT_QR: Final = "artifact.qr"
"""The value is the build's slug and the platform."""

# Buttons of a question: the value is the id of the request that waits for the answer.
BUILD_JOIN: Final = "build.join"
BUILD_START_ANYWAY: Final = "build.start-anyway"
BUILD_RUN_SAME_COMMIT: Final = "build.run-same-commit"
BUILD_RUN_NEWEST: Final = "build.run-newest"

BUILD_CHOOSE_APP: Final = "build.choose-app"
"""A way out of an error: the value is the command text it stands for. One id per button, see `numbered`."""
BUILD_STOP_ALL: Final = "build.stop-all"
"""Under a list of what runs: the value is the app's slug."""
BUILD_LIST_PAGE: Final = "build.list-page"
"""Newer and Older: the value is a page as JSON (see `bot.slack.build_lists.read_page`)."""

# Shortcut and modals.
BUILD_START: Final = "build.start"
"""The global shortcut and the start form."""
BUILD_ABORT: Final = "build.abort"
"""The stop form."""
BUILD_ABORT_MANY: Final = "build.abort-many"
"""The form for several builds."""
CONNECTION_CONNECT: Final = "connection.connect"
"""The button and the connect form."""
CONNECTION_DISCONNECT: Final = "connection.disconnect"
CHANNEL_SETTINGS: Final = "channel.settings"
MESSAGE_CLOSED: Final = "message.closed"
"""A modal that only tells something."""

# A person's own wishes: the button and the form.
ME_NOTIFICATIONS: Final = "me.notifications"

# App Home.
HOME_START: Final = "home.start"
HOME_REFRESH: Final = "home.refresh"

# Subscriptions: the value is the subscription's id, or the channel's where all of a channel are meant.
SUBSCRIPTION_RESUME: Final = "subscription.resume"
SUBSCRIPTION_EDIT: Final = "subscription.edit"
"""The button and the form, also of a new one."""
SUBSCRIPTION_REMOVE: Final = "subscription.remove"
"""The value may be several ids with blanks between them."""

# Figures by themselves: the form, and the way on for a channel that could not be written to (the value is its id).
DIGEST_EDIT: Final = "digest.edit"
DIGEST_RESUME: Final = "digest.resume"

WEBHOOK_ASK: Final = "webhook.ask"
"""Have Bitrise call about an app; the value is its slug."""

# Fields: the block and its element share the id.
START_APP: Final = "start.app"
START_TARGET: Final = "start.target"
START_BRANCH: Final = "start.branch"
START_REVISION: Final = "start.revision"
START_ENVIRONMENT: Final = "start.environment"
START_MESSAGE: Final = "start.message"
START_ANYWAY: Final = "start.anyway"

ABORT_BUILDS: Final = "abort.builds"
"""Which of several: one field for every ten, see `numbered`."""
ABORT_REASON: Final = "abort.reason"
ABORT_SENTENCE: Final = "abort.sentence"
ABORT_REPORT: Final = "abort.report"
ABORT_QUIET: Final = "abort.quiet"

CONNECT_TOKEN: Final = "connect.token"

SETTINGS_APP: Final = "settings.app"
SETTINGS_TARGET: Final = "settings.target"
SETTINGS_BRANCH: Final = "settings.branch"
SETTINGS_FINISH_IN: Final = "settings.finish-in"
SETTINGS_ALIASES: Final = "settings.aliases"

SUBSCRIBE_APP: Final = "subscribe.app"
SUBSCRIBE_WORKFLOW: Final = "subscribe.workflow"
SUBSCRIBE_BRANCH: Final = "subscribe.branch"
SUBSCRIBE_TAG: Final = "subscribe.tag"
SUBSCRIBE_OUTCOME: Final = "subscribe.outcome"
SUBSCRIBE_CAUSE: Final = "subscribe.cause"
SUBSCRIBE_PEOPLE: Final = "subscribe.people"
SUBSCRIBE_BY: Final = "subscribe.by"
SUBSCRIBE_REASON: Final = "subscribe.reason"
SUBSCRIBE_STYLE: Final = "subscribe.style"
SUBSCRIBE_STARTS: Final = "subscribe.starts"
DIGEST_APP: Final = "digest.app"
DIGEST_CADENCE: Final = "digest.cadence"
DIGEST_WEEKDAY: Final = "digest.weekday"
DIGEST_AT: Final = "digest.at"
DIGEST_ZONE: Final = "digest.zone"
ME_TELLS: Final = "me.tells"
ME_NAMES: Final = "me.names"

# Figures: the value is what is asked, as JSON (see `bot.statistics.messages.read_stats_page`).
STATS_SHOW: Final = "stats.show"
STATS_EXPORT: Final = "stats.export"
STATS_MEANING: Final = "stats.meaning"


def numbered(action_id: str, number: int) -> str:
    """Action ids must differ within one block: ``build.choose-app:2``."""
    return f"{action_id}:{number}"


def any_number(action_id: str) -> re.Pattern[str]:
    """What a handler registers for a numbered id."""
    return re.compile(rf"{re.escape(action_id)}(?::\d+)?\Z")
