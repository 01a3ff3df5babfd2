"""Bitrise refuses, fails, is slow or silent: which error is raised, and what is retried."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.client import BitriseClient, read_trigger_result
from bot.bitrise.errors import ErrorRedactor, error_for, is_error_body, retry_after_seconds
from bot.bitrise.http import MAX_RESPONSE_BYTES
from bot.bitrise.models import ApiResponse, BuildFilters, TriggerParams, TriggerResult
from bot.bitrise.parsing import parse_json
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnauthorized,
    BitriseUnavailable,
)
from playground.bitrise import App, Fault, PracticeBitrise
from playground.bitrise.refusals import FORMS, error_body
from playground.clock import SteppedClock
from tests.bot.bitrise.conftest import MakeClient, Serve

SLUG = "0123456789abcdef"
NOON = SteppedClock().now()

READS: dict[str, Callable[[BitriseClient, str], Awaitable[object]]] = {
    "me": lambda client, app: client.me(),
    "list_apps": lambda client, app: client.list_apps(),
    "list_all_apps": lambda client, app: client.list_all_apps(),
    "get_app": lambda client, app: client.get_app(app),
    "list_branches": lambda client, app: client.list_branches(app),
    "list_workflows": lambda client, app: client.list_workflows(app),
    "list_builds": lambda client, app: client.list_builds(app, BuildFilters()),
    "list_all_builds": lambda client, app: client.list_all_builds(),
    "get_build": lambda client, app: client.get_build(app, SLUG),
    "get_pipeline": lambda client, app: client.get_pipeline(app, SLUG),
    "list_build_requests": lambda client, app: client.list_build_requests(app),
    "list_pipelines": lambda client, app: client.list_pipelines(app, after=NOON),
    "get_log": lambda client, app: client.get_log(app, SLUG),
    "list_artifacts": lambda client, app: client.list_artifacts(app, SLUG),
    "get_artifact": lambda client, app: client.get_artifact(app, SLUG, SLUG),
}
WRITES: dict[str, Callable[[BitriseClient, str], Awaitable[object]]] = {
    "trigger_build": lambda client, app: client.trigger_build(TriggerParams(app, workflow="deploy")),
    "abort_build": lambda client, app: client.abort_build(app, SLUG, reason="x"),
    "abort_pipeline": lambda client, app: client.abort_build(app, SLUG, is_pipeline=True, reason="x"),
}
CALLS = READS | WRITES
ONE_OF_EACH = ("list_apps", "trigger_build")
"""A read and a write: all calls of a kind take the same way to Bitrise and back."""
READABLE_FORMS = [form for form in FORMS if form not in ("html", "text")]


def always(kind: str, **more: Any) -> Fault:
    return Fault(kind=kind, times=None, **more)


def start(app: App) -> TriggerParams:
    return TriggerParams(app.slug, workflow="deploy", branch="main")


# Statuses and messages.


@pytest.mark.parametrize("name", ONE_OF_EACH)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, BitriseUnavailable),
        (400, BitriseRefused),
        (401, BitriseUnauthorized),
        (403, BitriseNotFound),
        (404, BitriseNotFound),
        (408, BitriseUnavailable),
        (409, BitriseRefused),
        (412, BitriseRefused),
        (422, BitriseRefused),
        (429, BitriseBusy),
        (500, BitriseUnavailable),
        (502, BitriseUnavailable),
        (503, BitriseUnavailable),
        (504, BitriseUnavailable),
    ],
)
async def test_every_status_has_its_error(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str, status: int, kind: type[BitriseError]
) -> None:
    bitrise.faults.add(always("status", status=status))
    with pytest.raises(BitriseError) as caught:
        await CALLS[name](client, shop.slug)
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_raises_the_error_of_the_status(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str
) -> None:
    bitrise.faults.add(always("status", status=422))
    with pytest.raises(BitriseRefused) as caught:
        await CALLS[name](client, shop.slug)
    assert caught.value.status == 422


@pytest.mark.parametrize("status", [403, 404])
async def test_token_without_a_user_is_nobody(bitrise: PracticeBitrise, client: BitriseClient, status: int) -> None:
    bitrise.faults.add(always("status", status=status))
    assert await client.me() is None


@pytest.mark.parametrize("form", [form for form in FORMS if form != "html"])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (400, "the build number is odd"),
        (401, "Bitrise rejected the token (HTTP 401): the build number is odd"),
        (403, "Bitrise denied access (HTTP 403): the build number is odd"),
        (404, "Not found in Bitrise (HTTP 404): the build number is odd"),
        (500, "Bitrise returned HTTP 500: the build number is odd."),
    ],
)
async def test_every_form_of_an_error_is_parsed(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, form: str, status: int, sentence: str
) -> None:
    bitrise.faults.add(Fault(kind="status", status=status, form=form, error="the build number is odd"))
    with pytest.raises(BitriseError) as caught:
        await client.get_app(shop.slug)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"message": "m", "error_msg": "e"}, "m"),
        ({"message": "", "error_msg": "e", "error": "x"}, "e"),
        ({"message": None, "error": "Really?"}, "Really?"),
        ({"error": {"message": "inner"}}, "inner"),
        ({"errors": ["one", "two", None, 3]}, "one; two"),
        ({"errors": [{"message": "one"}, {"field": "branch"}]}, "one; field: branch"),
        ({"errors": {"tag": ["is gone", "is bad"], "base": "no"}}, "tag: is gone; tag: is bad; no"),
        ({"message": "Bad Request"}, "Bitrise refused without a reason (HTTP 400)"),
        ({"message": 7, "errors": []}, "Bitrise refused without a reason (HTTP 400)"),
        ({"something": "else"}, "Bitrise refused without a reason (HTTP 400)"),
        ([], "Bitrise refused without a reason (HTTP 400)"),
        (None, "Bitrise refused without a reason (HTTP 400)"),
        ("", "Bitrise refused without a reason (HTTP 400)"),
        ("just words", "just words"),
        ("<html><body>nginx</body></html>", "Bitrise refused without a reason (HTTP 400)"),
        ('{"message": "cut sho', "Bitrise refused without a reason (HTTP 400)"),
        ({"message": "one\r\n\x1b[31mtwo\u202e\tthree\x00"}, "one [31mtwo three\ufffd"),
    ],
)  # fmt: skip
async def test_bitrises_message_is_quoted(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, body: Any, sentence: str
) -> None:
    bitrise.faults.add(Fault(kind="body", status=400, body=body))
    with pytest.raises(BitriseRefused) as caught:
        await client.get_app(shop.slug)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("name", "status", "form"),
    [
        *((name, status, form) for name in ONE_OF_EACH for status in (200, 201) for form in READABLE_FORMS),
        *((name, 200, READABLE_FORMS[0]) for name in CALLS if name not in ONE_OF_EACH),
    ],
)
async def test_error_body_of_a_success_is_a_refusal(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, form: str, status: int, name: str
) -> None:
    bitrise.faults.add(always("body", status=status, body=error_body(form, "the build number is odd")))
    with pytest.raises(BitriseRefused) as caught:
        await CALLS[name](client, shop.slug)
    assert (caught.value.sentence, caught.value.status) == ("the build number is odd", status)
    assert len(bitrise.journal) == 1


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"status": "error"}, True),
        ({"status": "error", "message": "no", "slug": SLUG, "service": "bitrise"}, True),
        ({"message": "no", "data": None, "paging": None}, True),
        ({"error": {"message": "no"}, "message": ""}, True),
        ({"status": "ok", "message": "webhook processed"}, False),
        ({"status": "error", "id": SLUG, "name": "release"}, False),
        ({"message": "", "errors": []}, False),
        ({"message": "deprecated", "data": []}, False),
        ({"log_chunks": [], "error": None}, False),
        ({}, False),
        ([], False),
        ("no", False),
        (None, False),
    ],
)
def test_error_body_holds_nothing_else(body: Any, is_error: bool) -> None:
    assert is_error_body(body) is is_error


async def test_long_message_is_shortened(bitrise: PracticeBitrise, client: BitriseClient, shop: App) -> None:
    bitrise.faults.add(Fault(kind="body", status=400, body={"message": "word " * 200}))
    with pytest.raises(BitriseRefused) as caught:
        await client.get_app(shop.slug)
    quoted = caught.value.sentence
    assert len(quoted) == 300
    assert quoted.endswith("…")


# Busy.


@pytest.mark.parametrize("name", CALLS)
async def test_busy_has_the_time_to_retry(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str
) -> None:
    bitrise.faults.add(Fault(kind="status", status=429, retry_after=7))
    with pytest.raises(BitriseBusy) as caught:
        await CALLS[name](client, shop.slug)
    assert caught.value.retry_after == 7
    assert caught.value.sentence == "Bitrise is rate limiting Buildbell for 7 s."
    assert len(bitrise.journal) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 30),
        ("", 30),
        ("5", 5),
        ("2.5", 2.5),
        ("0", 1),
        ("-5", 1),
        ("9999999999", 600),
        ("inf", 30),
        ("nan", 30),
        ("soon", 30),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime((NOON + timedelta(seconds=90)).replace(tzinfo=None)), 90),
        (format_datetime(NOON - timedelta(days=1), usegmt=True), 1),
        ("Fri, 99 Foo 9999 99:99:99 GMT", 30),
    ],
)
def test_retry_after_is_parsed_in_every_form(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header, now=NOON) == seconds


@given(st.text())
def test_any_retry_after_stays_within_its_limits(header: str) -> None:
    assert 1 <= retry_after_seconds(header, now=NOON) <= 600


# Unreadable responses.


UNREADABLE = ("<html>Welcome to nginx</html>", '{"data": {"slug"', "[]", "null", "7", '"ok"')


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *((name, body) for name in ONE_OF_EACH for body in UNREADABLE),
        *((name, "[]") for name in CALLS if name not in ONE_OF_EACH),
    ],
)
async def test_unreadable_success_is_unavailable(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str, body: str
) -> None:
    bitrise.faults.add(always("body", status=200, body=body))
    with pytest.raises(BitriseUnavailable) as caught:
        await CALLS[name](client, shop.slug)
    assert caught.value.sentence == "Bitrise sent an unreadable response (HTTP 200)."
    assert len(bitrise.journal) == 1


WITHOUT_SLUG = {"get_app", "get_build", "get_pipeline", "get_artifact"}
"""Calls that return one item, which needs its slug."""


@pytest.mark.parametrize("name", sorted(set(CALLS) - WITHOUT_SLUG))
async def test_response_of_nulls_is_accepted(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str
) -> None:
    body = dict.fromkeys(("data", "paging", "status", "log_chunks", "is_archived", "build_slug"))
    bitrise.faults.add(Fault(kind="body", body=body))
    if name == "trigger_build":
        with pytest.raises(BitriseUnavailable, match="named no build"):
            await CALLS[name](client, shop.slug)
    else:
        await CALLS[name](client, shop.slug)
    assert len(bitrise.journal) == 1


@pytest.mark.parametrize("name", sorted(WITHOUT_SLUG))
@pytest.mark.parametrize("body", [{"data": None}, {"data": {"slug": None, "id": None}}, {}, {"slug": 7, "id": []}])
async def test_item_without_its_slug_is_unreadable(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str, body: Any
) -> None:
    bitrise.faults.add(Fault(kind="body", body=body))
    with pytest.raises(BitriseUnavailable, match="unreadable response"):
        await CALLS[name](client, shop.slug)


@pytest.mark.parametrize("kind", ["nulls", "all_nulls"])
async def test_lists_of_nulls_are_accepted(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, kind: str
) -> None:
    bitrise.start_build(shop, workflow="deploy")
    bitrise.faults.add(always(kind))
    expected = 1 if kind == "nulls" else 0
    assert len((await client.list_apps()).items) == expected
    assert len((await client.list_builds(shop.slug)).items) == expected
    assert await client.list_branches(shop.slug) == []


async def test_nulls_leave_a_build_with_its_slug(bitrise: PracticeBitrise, client: BitriseClient, shop: App) -> None:
    started = bitrise.start_build(shop, workflow="deploy")
    bitrise.faults.add(always("nulls"))
    build = await client.get_build(shop.slug, started.slug)
    assert (build.slug, build.app_slug, build.status, build.number, build.requested) == (
        started.slug, shop.slug, 0, None, None,
    )  # fmt: skip
    assert [item.slug for item in (await client.list_builds(shop.slug)).items] == [started.slug]
    assert (await client.list_all_builds()).items == ()


async def test_pipeline_in_an_envelope_is_parsed(bitrise: PracticeBitrise, client: BitriseClient, shop: App) -> None:
    bitrise.faults.add(Fault(kind="body", body={"data": {"id": SLUG, "name": "release", "status": "failed"}}))
    pipeline = await client.get_pipeline(shop.slug, SLUG)
    assert (pipeline.slug, pipeline.pipeline, pipeline.status) == (SLUG, "release", 2)


async def test_repeated_log_chunks_are_merged(bitrise: PracticeBitrise, client: BitriseClient, shop: App) -> None:
    chunks = [
        {"chunk": "b", "position": 9},
        {"chunk": "a", "position": 0},
        {"chunk": "b", "position": 9},
        {"chunk": "?"},
    ]
    bitrise.faults.add(Fault(kind="body", body={"log_chunks": chunks, "is_archived": None}))
    part = await client.get_log(shop.slug, SLUG)
    assert [(chunk.position, chunk.text) for chunk in part.chunks] == [(0, "a"), (9, "b")]


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
@pytest.mark.parametrize("name", ["list_apps", "trigger_build"])
async def test_endless_response_is_cut_off(serve: Serve, make_client: MakeClient, name: str, status: bytes) -> None:
    raw = b"x" * (MAX_RESPONSE_BYTES + 1)
    url = await serve(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, 10**12) + raw)
    with pytest.raises(BitriseUnavailable) as caught:
        await CALLS[name](make_client(url, retry_delays_seconds=()), SLUG)
    assert caught.value.sentence == "Bitrise sent a response that is too large."


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b"\xff\xfe\x00", b"\x00"])
def test_any_bytes_parse(raw: bytes) -> None:
    assert parse_json(raw) is None or isinstance(parse_json(raw), str)


@given(st.binary())
def test_any_error_body_is_a_refusal(raw: bytes) -> None:
    failure = error_for(ApiResponse(400, parse_json(raw)), ErrorRedactor("bitpat_x"), now=NOON)
    assert isinstance(failure, BitriseRefused)


# Retries.


@pytest.mark.parametrize(("name", "status"), [("list_apps", 502), ("list_apps", 504), *((name, 503) for name in READS)])
async def test_reads_are_retried_after_a_gateway_error(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str, status: int
) -> None:
    bitrise.start_build(shop)
    bitrise.faults.add(Fault(kind="status", status=status, times=2))
    try:
        assert await READS[name](client, shop.slug) is not None
    except BitriseNotFound:
        assert name in ("get_build", "get_pipeline", "get_log", "list_artifacts", "get_artifact")
    assert len(bitrise.journal) == 3


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
async def test_reads_are_retried_after_a_broken_connection(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, kind: str
) -> None:
    bitrise.faults.add(Fault(kind=kind, times=2))
    assert (await client.get_app(shop.slug)).slug == shop.slug


async def test_reads_are_tried_three_times(bitrise: PracticeBitrise, client: BitriseClient) -> None:
    bitrise.faults.add(always("status", status=503))
    with pytest.raises(BitriseUnavailable) as caught:
        await client.list_apps(limit=1)
    assert caught.value.sentence == "Bitrise returned HTTP 503."
    assert len(bitrise.journal) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_other_responses_are_final(bitrise: PracticeBitrise, client: BitriseClient, status: int) -> None:
    bitrise.faults.add(always("status", status=status))
    with pytest.raises(BitriseError):
        await client.list_apps(limit=1)
    assert len(bitrise.journal) == 1


async def test_reads_without_retry_delays_are_tried_once(bitrise: PracticeBitrise, make_client: MakeClient) -> None:
    bitrise.faults.add(always("status", status=503))
    with pytest.raises(BitriseUnavailable):
        await make_client(retry_delays_seconds=()).list_apps(limit=1)
    assert len(bitrise.journal) == 1


BROKEN = Fault(kind="cut_before")


@pytest.mark.parametrize(
    ("name", "fault"),
    [("trigger_build", Fault(kind="status", status=status)) for status in (500, 502, 503, 504, 429)]
    + [("trigger_build", Fault(kind="html")), *((name, BROKEN) for name in WRITES)],
    ids=lambda value: value if isinstance(value, str) else f"{value.kind} {value.status or ''}".strip(),
)
async def test_writes_are_sent_once(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str, fault: Fault
) -> None:
    bitrise.faults.add(fault)
    with pytest.raises((BitriseUnavailable, BitriseBusy)):
        await WRITES[name](client, shop.slug)
    assert len(bitrise.journal) == 1
    assert bitrise.builds(shop) == []


# Timeouts and broken connections.


@pytest.mark.parametrize("name", ONE_OF_EACH)
async def test_timeout_is_named_in_the_error(
    bitrise: PracticeBitrise, make_client: MakeClient, shop: App, name: str
) -> None:
    bitrise.faults.add(always("slow", delay=60))
    client = make_client(read_timeout_seconds=0.05, write_timeout_seconds=0.05)
    with pytest.raises(BitriseUnavailable) as caught:
        await CALLS[name](client, shop.slug)
    assert (caught.value.sentence, caught.value.status) == ("Bitrise didn't respond within 0.05 s.", 0)


async def test_timeout_of_a_read_covers_all_tries(bitrise: PracticeBitrise, make_client: MakeClient) -> None:
    bitrise.faults.add(always("status", status=503))
    with pytest.raises(BitriseUnavailable, match=r"within 0\.05 s"):
        await make_client(read_timeout_seconds=0.05, retry_delays_seconds=(60.0,)).list_apps(limit=1)


async def test_broken_connection_is_named_in_the_error(bitrise: PracticeBitrise, client: BitriseClient) -> None:
    bitrise.faults.add(always("cut_before"))
    with pytest.raises(BitriseUnavailable) as caught:
        await client.list_apps(limit=1)
    assert (caught.value.sentence, caught.value.status) == ("Couldn't reach Bitrise: the connection broke.", 0)


@pytest.mark.parametrize("name", ONE_OF_EACH)
async def test_refused_connection_is_unavailable(make_client: MakeClient, unused_tcp_port: int, name: str) -> None:
    with pytest.raises(BitriseUnavailable) as caught:
        await CALLS[name](make_client(f"http://127.0.0.1:{unused_tcp_port}/v0.1"), SLUG)
    assert caught.value.sentence == "Couldn't reach Bitrise."


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
@pytest.mark.parametrize("name", ["list_apps", "trigger_build"])
async def test_response_that_is_not_http_is_unavailable(
    serve: Serve, make_client: MakeClient, name: str, raw: bytes
) -> None:
    with pytest.raises(BitriseUnavailable) as caught:
        await CALLS[name](make_client(await serve(raw)), SLUG)
    assert caught.value.sentence == "Couldn't reach Bitrise: the connection broke."


# Results of a start.


async def test_start_with_a_lost_response_may_have_happened(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App
) -> None:
    bitrise.faults.add(Fault("builds.trigger", "cut_after"))
    with pytest.raises(BitriseUnavailable):
        await client.trigger_build(start(shop))
    assert len(bitrise.builds(shop)) == 1


@pytest.mark.parametrize("kind", ["broken_json", "all_nulls"])
async def test_start_with_an_empty_response_may_have_happened(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, kind: str
) -> None:
    bitrise.faults.add(Fault("builds.trigger", kind))
    with pytest.raises(BitriseUnavailable):
        await client.trigger_build(start(shop))
    assert len(bitrise.builds(shop)) == 1


async def test_start_with_nulls_beside_its_slug_has_happened(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App
) -> None:
    bitrise.faults.add(Fault("builds.trigger", "nulls"))
    answer = await client.trigger_build(start(shop))
    assert [item.slug for item in answer.builds] == [build.slug for build in bitrise.builds(shop)]
    assert (answer.builds[0].number, answer.builds[0].workflow) == (None, None)


ERROR = {"status": "error", "message": "workflow (x) did not match"}
OK = {"status": "ok", "build_slug": "b1"}


@pytest.mark.parametrize(
    ("status", "body", "slugs", "refused"),
    [
        *((status, {"results": [OK]}, ["b1"], ()) for status in (200, 201, 202, 400, 500)),
        (201, {"results": [OK, ERROR]}, ["b1"], ("workflow (x) did not match",)),
        (201, {"results": [ERROR, OK, {}]}, ["b1"], ("workflow (x) did not match",)),
        (400, {"results": [{"status": "error"}, OK]}, ["b1"], ("Bitrise gave no reason.",)),
        (201, {"results": [], "status": "ok", "build_slug": "b2", "slug": "app"}, ["b2"], ()),
        (201, {"results": None, "build_slug": "b2"}, ["b2"], ()),
        (201, {"results": [{"status": "ok"}], "build_slug": "b2"}, ["b2"], ()),
        (201, {"status": "error", "results": [OK]}, ["b1"], ()),
        (400, {"status": "error", "results": [OK]}, ["b1"], ()),
    ],
)
async def test_started_builds_are_returned_with_any_status(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, status: int, body: Any, slugs: list[str], refused: Any
) -> None:
    bitrise.faults.add(Fault(kind="body", status=status, body=body))
    answer = await client.trigger_build(start(shop))
    assert ([item.slug for item in answer.builds], answer.refusals) == (slugs, refused)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (ERROR, "workflow (x) did not match"),
        (ERROR | {"slug": "app", "service": "bitrise"}, "workflow (x) did not match"),
        ({"status": "ok", "results": [ERROR]}, "workflow (x) did not match"),
        ({"status": "error"}, "Bitrise gave no reason."),
    ],
)
async def test_error_in_a_success_is_a_refusal(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, body: Any, sentence: str
) -> None:
    bitrise.faults.add(Fault(kind="body", status=200, body=body))
    with pytest.raises(BitriseRefused) as caught:
        await client.trigger_build(start(shop))
    assert caught.value.sentence == sentence


@pytest.mark.parametrize("body", [{}, {"status": "ok"}, {"results": [{}]}, {"results": [ERROR, {"status": "ok"}]}, ""])
async def test_success_that_names_no_build_is_unavailable(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, body: Any
) -> None:
    bitrise.faults.add(Fault(kind="body", status=201, body=body))
    with pytest.raises(BitriseUnavailable):
        await client.trigger_build(start(shop))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["ok", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "status", "message", "build_slug", "errors", "slug", "build_number"]), inner
        )
    ),
)


@given(status=st.sampled_from([200, 201, 400, 404, 500]), body=json_values)
def test_any_response_to_a_start_is_a_result_or_an_error(status: int, body: Any) -> None:
    redactor, response = ErrorRedactor("bitpat_x"), ApiResponse(status, body)
    result: TriggerResult | BitriseError
    try:
        result = read_trigger_result(response, TriggerParams("app"), redactor, now=NOON)
    except BitriseError as error:
        result = error
    if isinstance(result, TriggerResult):
        assert result.builds
        assert all(item.slug for item in result.builds)
    else:
        # A body that holds nothing but a message refuses, also under the status of a success.
        names_error = any(name in json.dumps(body) for name in ('"error"', '"message"', '"error_msg"', '"errors"'))
        assert status >= 400 or isinstance(result, BitriseUnavailable) or names_error


# Results of an abort.


@pytest.mark.parametrize("name", ["abort_build", "abort_pipeline"])
async def test_abort_accepts_an_empty_response(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, name: str
) -> None:
    bitrise.faults.add(Fault(kind="body", status=200, body=""))
    await WRITES[name](client, shop.slug)
    assert len(bitrise.journal) == 1


async def test_abort_refused_with_a_success_status_is_refused(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App
) -> None:
    bitrise.faults.add(Fault(kind="body", status=200, body={"status": "error", "error_msg": "too late"}))
    with pytest.raises(BitriseRefused) as caught:
        await client.abort_build(shop.slug, SLUG, reason="x")
    assert caught.value.sentence == "too late"


async def test_abort_with_a_lost_response_is_unavailable(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App
) -> None:
    build = bitrise.start_build(shop, workflow="endless")
    bitrise.faults.add(Fault("builds.abort", "cut_after"))
    with pytest.raises(BitriseUnavailable):
        await client.abort_build(shop.slug, build.slug, reason="x")
    assert build.is_finished
