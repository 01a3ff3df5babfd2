"""An app's outgoing webhooks and their deliveries, for admins only."""

from __future__ import annotations

import json
from typing import Any

from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.paging import page
from playground.bitrise.people import Role
from playground.bitrise.refusals import not_found
from playground.bitrise.shapes import fine_time
from playground.bitrise.webhook_body import read_change, read_webhook
from playground.bitrise.webhooks import Delivery, Webhook


def list_webhooks(call: Call) -> Answer:
    return page(call, call.world.webhooks.of(call.app), slug=lambda hook: hook.slug, shape=webhook_shape)


def create_webhook(call: Call) -> Answer:
    """Create a webhook. The same URL may be registered twice."""
    app, sent = call.app, read_webhook(call)
    hook = call.world.add_webhook(app, sent.url, events=sent.events, headers=sent.headers, secret=sent.secret)
    return Answer({"data": webhook_shape(hook)})


def update_webhook(call: Call) -> Answer:
    hook, sent = find_webhook(call), read_change(call)
    hook.url, hook.events, hook.headers, hook.updated_at = sent.url, sent.events, sent.headers, call.now
    return Answer({"data": webhook_shape(hook)})


def delete_webhook(call: Call) -> Answer:
    hook = find_webhook(call)
    call.world.webhooks.remove(hook)
    return Answer({"data": webhook_shape(hook)})


def list_deliveries(call: Call) -> Answer:
    """List deliveries, newest first. The reference shows one item where its text describes a paged list."""
    matches = find_webhook(call).deliveries[::-1]
    return page(call, matches, slug=lambda delivery: delivery.slug, shape=delivery_shape)


def show_delivery(call: Call) -> Answer:
    """Show a delivery without an envelope, as in the reference."""
    return Answer(delivery_shape(find_delivery(call)))


def redeliver(call: Call) -> Answer:
    """Send the same payload again, to the webhook's current URL, as a new delivery."""
    call.world.webhooks.post(find_delivery(call).pending)
    return Answer({"message": "ok"})


def find_webhook(call: Call) -> Webhook:
    matches = [hook for hook in call.world.webhooks.of(call.app) if hook.slug == call.places["webhook"]]
    if not matches:
        raise not_found()
    return matches[0]


def find_delivery(call: Call) -> Delivery:
    matches = [each for each in find_webhook(call).deliveries if each.slug == call.places["delivery"]]
    if not matches:
        raise not_found()
    return matches[0]


def webhook_shape(hook: Webhook) -> dict[str, Any]:
    """Build a webhook without its secret, but with its headers in clear text."""
    return {
        "slug": hook.slug,
        "url": hook.url,
        "events": list(hook.events),
        "headers": dict(hook.headers),
        "registered_by_addon": False,
        "created_at": fine_time(hook.created_at),
        "updated_at": fine_time(hook.updated_at),
    }


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    return {
        "slug": delivery.slug,
        "request_url": delivery.pending.hook.url,
        "request_headers": json.dumps(dict(delivery.headers)),
        "request_payload": delivery.pending.body.decode(),
        "response_http_status": delivery.status,
        "response_headers": json.dumps(dict(delivery.answer_headers)),
        "response_body": delivery.answer,
        "response_seconds": delivery.seconds,
        "created_at": fine_time(delivery.at),
        "updated_at": fine_time(delivery.at),
    }


HOOKS = "/apps/{app}/outgoing-webhooks"
HOOK = HOOKS + "/{webhook}"
ITEMS = HOOK + "/delivery-items"
ITEM = ITEMS + "/{delivery}"
ROUTES = (
    Route("GET", HOOKS, "webhooks.list", list_webhooks, Role.ADMIN),
    Route("POST", HOOKS, "webhooks.create", create_webhook, Role.ADMIN),
    Route("PUT", HOOK, "webhooks.update", update_webhook, Role.ADMIN),
    Route("DELETE", HOOK, "webhooks.delete", delete_webhook, Role.ADMIN),
    Route("GET", ITEMS, "webhooks.deliveries", list_deliveries, Role.ADMIN),
    Route("GET", ITEM, "webhooks.delivery", show_delivery, Role.ADMIN),
    Route("POST", ITEM + "/redeliver", "webhooks.redeliver", redeliver, Role.ADMIN),
)
