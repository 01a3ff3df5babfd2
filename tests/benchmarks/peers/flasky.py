"""Bolt as most people write it: sync, in Flask. ``gunicorn -w1 --threads 8 tests.benchmarks.peers.flasky:pages``.

``make bench`` brings Flask and gunicorn; nothing else here needs them. The address of Slack is in ``SLACK_URL``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from tests.benchmarks.wire import SIGNING_SECRET

flask = import_module("flask")
handling = import_module("slack_bolt.adapter.flask")
client = WebClient(token="xoxb-1", base_url=os.environ["SLACK_URL"])
app = App(signing_secret=SIGNING_SECRET, client=client)
pages = flask.Flask(__name__)
handler = handling.SlackRequestHandler(app)


@app.command("/build")
def acknowledge(ack: Ack) -> None:
    ack()


def answer() -> Any:
    return handler.handle(flask.request)


pages.add_url_rule("/slack/events", view_func=answer, methods=["POST"])
