"""Register a webhook through the real client, and receive its deliveries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from bot.bitrise.client import BitriseClient
from bot.bitrise.webhook import SECRET_HEADER, WebhookHint, parse_hint, verify_delivery
from bot.errors import BitriseError, BitriseNotFound, BitriseRefused, BitriseUnavailable
from playground.bitrise import App, PracticeBitrise
from playground.wire import Fault
from tests.bot.bitrise.conftest import MakeClient

SECRET = "secret-of-the-signature"
OWN = {SECRET_HEADER: "secret-of-the-header"}
URL = "https://buildbell.example.com/bitrise/webhook/key-of-the-workspace"


@pytest.fixture
def admin(bitrise: PracticeBitrise, make_client: MakeClient) -> BitriseClient:
    return make_client(secret=bitrise.add_token(bitrise.add_user("ada"), role="admin"))


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A receiver: its URL and the deliveries so far."""
    deliveries: list[tuple[bytes, dict[str, str]]] = []

    async def take(request: web.Request) -> web.Response:
        deliveries.append((await request.read(), dict(request.headers)))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", deliveries
    await runner.cleanup()


async def test_a_webhook_is_created_found_and_deleted(admin: BitriseClient, shop: App) -> None:
    webhook = await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    assert (webhook.url, webhook.events) == (URL, ("build", "pipeline"))
    assert (await admin.list_webhooks(shop.slug)).items == (webhook,)
    await admin.delete_webhook(shop.slug, webhook.slug)
    assert (await admin.list_webhooks(shop.slug)).items == ()
    with pytest.raises(BitriseNotFound):
        await admin.delete_webhook(shop.slug, webhook.slug)


async def test_the_list_is_read_page_by_page(admin: BitriseClient, bitrise: PracticeBitrise, shop: App) -> None:
    for number in range(3):
        bitrise.add_webhook(shop, f"https://example.com/{number}")
    first = await admin.list_webhooks(shop.slug, limit=2)
    rest = await admin.list_webhooks(shop.slug, limit=2, next=first.next)
    assert [hook.url for hook in (*first.items, *rest.items)] == [f"https://example.com/{n}" for n in (2, 1, 0)]
    assert rest.next is None


async def test_a_developer_may_not_register(client: BitriseClient, bitrise: PracticeBitrise, shop: App) -> None:
    bitrise.refusal_status = 403
    with pytest.raises(BitriseNotFound):
        await client.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    with pytest.raises(BitriseNotFound):
        await client.list_webhooks(shop.slug)
    assert bitrise.webhooks.of(shop) == []


async def test_secrets_that_bitrise_repeats_are_redacted(
    admin: BitriseClient, bitrise: PracticeBitrise, shop: App
) -> None:
    words = f"cannot take {URL} with {SECRET} and {OWN[SECRET_HEADER]}"
    bitrise.faults.add(Fault("webhooks.create", status=422, error=words))
    with pytest.raises(BitriseRefused) as refused:
        await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    assert "cannot take" in str(refused.value)
    for hidden in (SECRET, OWN[SECRET_HEADER], "key-of-the-workspace"):
        assert hidden not in str(refused.value)


async def test_url_is_in_no_repr(admin: BitriseClient, shop: App) -> None:
    webhook = await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    assert "example.com" not in repr(webhook)
    assert "secret" not in repr(webhook)


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": {"url": URL}}, [], None])
async def test_response_without_a_slug_is_unreadable(
    admin: BitriseClient, bitrise: PracticeBitrise, shop: App, body: object
) -> None:
    bitrise.faults.add(Fault("webhooks.create", kind="body", body=body))
    with pytest.raises(BitriseUnavailable):
        await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)


@pytest.mark.parametrize("status", [200, 201])
async def test_response_without_an_envelope_is_parsed(
    admin: BitriseClient, bitrise: PracticeBitrise, shop: App, status: int
) -> None:
    bare = {"slug": "01J", "url": URL, "events": ["build", 7, None]}
    bitrise.faults.add(Fault("webhooks.create", kind="body", body=bare, status=status))
    webhook = await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    assert (webhook.slug, webhook.events) == ("01J", ("build",))


async def test_webhook_is_listed_after_its_response_was_lost(
    admin: BitriseClient, bitrise: PracticeBitrise, shop: App
) -> None:
    bitrise.faults.add(Fault("webhooks.create", kind="cut_after"))
    with pytest.raises(BitriseError):
        await admin.create_webhook(shop.slug, url=URL, secret=SECRET, headers=OWN)
    assert [hook.url for hook in (await admin.list_webhooks(shop.slug)).items] == [URL]
    assert len(bitrise.journal.named("webhooks.create")) == 1


async def test_deliveries_verify_and_name_the_build(
    admin: BitriseClient,
    bitrise: PracticeBitrise,
    shop: App,
    receiver: tuple[str, list[tuple[bytes, dict[str, str]]]],
    time: Callable[..., None],
) -> None:
    url, deliveries = receiver
    await admin.create_webhook(shop.slug, url=url, secret=SECRET, headers=OWN)
    build = bitrise.start_build(shop)
    await bitrise.quiet()
    time(minutes=5)
    await bitrise.quiet()
    assert [parse_hint(raw, headers) for raw, headers in deliveries] == [
        WebhookHint("build/triggered", shop.slug, build.slug),
        WebhookHint("build/finished", shop.slug, build.slug),
    ]
    for raw, headers in deliveries:
        unsigned = {key: value for key, value in headers.items() if "Signature" not in key}
        assert verify_delivery(raw=raw, headers=headers, secret=SECRET)
        assert verify_delivery(raw=raw, headers=unsigned, secret=OWN[SECRET_HEADER])
        assert not verify_delivery(raw=raw + b" ", headers=headers, secret=SECRET)
