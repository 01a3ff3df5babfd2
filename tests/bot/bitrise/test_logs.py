"""Logs over HTTP: chunks in any order, signed URLs, and file storages that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.client import BitriseClient
from bot.bitrise.downloads import Tail, fetch_tail
from bot.bitrise.logs import LogChunk, LogPart, chunks_text, join_pages, step_log_text, whole_lines
from bot.bitrise.parsing import clean
from bot.errors import BitriseBusy, BitriseNotFound, BitriseUnauthorized, BitriseUnavailable
from playground.bitrise import App, Build, PracticeBitrise, Workflow
from playground.wire import Fault
from tests.bot.bitrise.conftest import MakeClient

Time = Callable[..., None]
ODD_BODIES: list[Any] = [None, "text", 0, 1.5, True, [], [None], {}, "9" * 5_000]
ODD_URLS: list[Any] = ["", " ", 7, [1], {}, "\ud83d", "\x00"]
ODD_BODIES += [{"expiring_raw_log_url": odd} for odd in ODD_URLS]
Open = Callable[..., Awaitable[str]]


@pytest.fixture
def failed(bitrise: PracticeBitrise, shop: App, time: Time) -> Build:
    """A failed build of 60 seconds with an archived log; its second step failed."""
    shop.workflows["test"] = Workflow(
        timedelta(minutes=1), steps=("git-clone", "xcode-test", "deploy"), failed_step="xcode-test", log="boom\nbang"
    )
    build = bitrise.start_build(shop, workflow="test")
    bitrise.run(build)
    time(minutes=2)
    return build


@pytest.fixture
async def store() -> AsyncIterator[Open]:
    """Open file storages with a handler of the test. Returns their URLs."""
    runners: list[web.AppRunner] = []

    async def open_one(respond: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_get("/{rest:.*}", respond)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/raw"

    yield open_one
    for runner in runners:
        await runner.cleanup()


def saying(body: bytes, **more: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def respond(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, **more)

    return respond


# The summary, and the log of a step.


async def test_the_summary_names_the_failed_step(client: BitriseClient, shop: App, failed: Build) -> None:
    summary = await client.get_log_summary(shop.slug, failed.slug)
    assert summary is not None
    assert [step.status for step in summary.steps] == ["success", "failed", "skipped"]
    assert summary.failed_step is not None
    assert (summary.failed_step.title, summary.failed_step.error_messages) == ("xcode-test", ("bang",))


async def test_step_log_is_fetched(client: BitriseClient, shop: App, failed: Build) -> None:
    summary = await client.get_log_summary(shop.slug, failed.slug)
    assert summary is not None
    assert summary.failed_step is not None
    assert await client.fetch_step_log(shop.slug, failed.slug, str(summary.failed_step.uuid)) == "boom\nbang\n"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 404}, {"kind": "status", "status": 403}, {"kind": "status", "status": 400},
        {"kind": "status", "status": 500}, {"kind": "html"}, {"kind": "broken_json"}, {"kind": "all_nulls"},
        {"kind": "cut_before"}, {"kind": "body", "body": {"execution": "soon"}},
        *({"kind": "body", "body": body} for body in ODD_BODIES),
    ],
)  # fmt: skip
async def test_undocumented_calls_may_fail(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, failed: Build, fault: dict[str, Any]
) -> None:
    bitrise.faults.add(Fault("builds.log-summary", times=None, **fault))
    bitrise.faults.add(Fault("builds.step-log", times=None, **fault))
    assert await client.get_log_summary(shop.slug, failed.slug) is None
    assert await client.fetch_step_log(shop.slug, failed.slug, f"{failed.slug}-1") is None


@pytest.mark.parametrize(("status", "error"), [(401, BitriseUnauthorized), (429, BitriseBusy)])
async def test_rejected_token_and_rate_limit_are_raised(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, failed: Build, status: int, error: type[Exception]
) -> None:
    bitrise.faults.add(Fault("builds.*", "status", status=status, times=None))
    with pytest.raises(error):
        await client.get_log_summary(shop.slug, failed.slug)
    with pytest.raises(error):
        await client.fetch_step_log(shop.slug, failed.slug, "x")


async def test_invalid_step_id_is_not_requested(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, failed: Build
) -> None:
    assert await client.fetch_step_log(shop.slug, failed.slug, "../../x") is None
    assert not bitrise.journal.named("builds.step-log")


# The whole log.


async def test_pages_of_a_log_are_joined(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, failed: Build
) -> None:
    """The newest page first, then newer ones, then back to the beginning; every page out of order."""
    first, second, third = "2026-03-02T09:00:01Z", "2026-03-02T09:00:02Z", "2026-03-02T09:00:03Z"

    def page(positions: list[int], before: str, after: str) -> None:
        chunks = [{"chunk": f"{position};", "position": position} for position in positions]
        body = {"log_chunks": chunks, "next_before_timestamp": before, "next_after_timestamp": after}
        bitrise.faults.add(Fault("builds.log", "body", body=body | {"is_archived": False}, times=1))

    page([5, 4], second, third)
    page([6, 5], third, third)
    page([6], third, third)
    page([3, 2], first, second)
    page([2, 1], first, first)
    part = await client.get_whole_log(shop.slug, failed.slug)
    assert chunks_text(part) == "1;2;3;4;5;6;"
    requests = [entry.request["query"] for entry in bitrise.journal.named("builds.log")]
    assert requests == [{}, *({"after_timestamp": third} for _ in range(2)),
                     {"before_timestamp": second}, {"before_timestamp": first}]  # fmt: skip


async def test_endless_log_is_cut_off(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, failed: Build
) -> None:
    for number in range(9):
        chunk = {"chunk": "x", "position": number}
        body = {"log_chunks": [chunk], "next_after_timestamp": f"2026-03-02T09:00:0{number}Z"}
        bitrise.faults.add(Fault("builds.log", "body", body=body, times=1))
    assert chunks_text(await client.get_whole_log(shop.slug, failed.slug, max_pages=4)) == "xxxx"


async def test_the_log_of_a_running_build_and_its_archive(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, time: Time
) -> None:
    build = bitrise.start_build(shop, workflow="deploy")
    bitrise.run(build)
    time(minutes=4)
    fresh = await client.get_whole_log(shop.slug, build.slug)
    time(minutes=10)
    part = await client.get_whole_log(shop.slug, build.slug)
    assert part.expiring_raw_log_url is not None
    whole = await client.fetch_raw_log(part.expiring_raw_log_url)
    assert "git-clone" in chunks_text(fresh)
    assert whole.startswith(chunks_text(fresh))
    assert "bitrise summary" in whole


async def test_url_expires_after_ten_minutes(client: BitriseClient, shop: App, failed: Build, time: Time) -> None:
    url = (await client.get_log(shop.slug, failed.slug)).expiring_raw_log_url
    assert url is not None
    time(minutes=10)
    with pytest.raises(BitriseNotFound) as caught:
        await client.fetch_raw_log(url)
    assert (caught.value.status, caught.value.sentence) == (403, "Couldn't download the log (HTTP 403).")


# The download.


async def test_download_sends_no_token_and_no_cookie(store: Open, make_client: MakeClient, token: str) -> None:
    requests: list[Any] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        requests.append((request.headers.copy(), request.raw_path))
        return web.Response(text="done")

    url = await store(respond)
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"session": "of-somebody-else"})
    headers = {"Authorization": token}
    async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as session:
        assert await make_client(http=session).fetch_raw_log(f"{url}?sig=a%2Fb%2Bc&x=%7E+%20") == "done"
    [(sent, path)] = requests
    assert not {"Authorization", "Cookie"} & set(sent)
    assert token not in str(sent)
    assert path == "/raw?sig=a%2Fb%2Bc&x=%7E+%20"  # signed letter by letter


async def test_only_the_end_of_a_long_log_is_kept(store: Open, session: aiohttp.ClientSession) -> None:
    url = await store(saying("".join(f"line {number}\n" for number in range(10_000)).encode()))
    tail = await fetch_tail(session, url, tail_bytes=100)
    assert (len(tail.text), tail.is_cut) == (100, True)
    assert whole_lines(tail).splitlines()[-1] == "line 9999"
    assert whole_lines(tail).startswith("line ")
    whole = await fetch_tail(session, url)
    assert (whole.text[:7], whole.is_cut) == ("line 0\n", False)


async def test_compressed_log_counts_by_its_uncompressed_size(store: Open, session: aiohttp.ClientSession) -> None:
    url = await store(saying(gzip.compress(b"x" * 1_000_000), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BitriseUnavailable, match="too large"):
        await fetch_tail(session, url, max_bytes=100_000)
    assert len((await fetch_tail(session, url)).text) == 256 * 1024


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, BitriseUnavailable), (307, BitriseUnavailable), (400, BitriseNotFound), (403, BitriseNotFound),
     (404, BitriseNotFound), (206, BitriseUnavailable), (500, BitriseUnavailable), (503, BitriseUnavailable)],
)  # fmt: skip
async def test_other_statuses_than_200_fail(
    bitrise: PracticeBitrise, store: Open, session: aiohttp.ClientSession, status: int, error: type[Exception]
) -> None:
    elsewhere = {"Location": f"{bitrise.api_url}/apps"}
    url = await store(saying(b"sesame", status=status, headers=elsewhere if status < 400 else {}))
    with pytest.raises(error) as caught:
        await fetch_tail(session, url)
    assert str(caught.value) == f"Couldn't download the log (HTTP {status})."
    assert len(bitrise.journal) == 0


async def test_url_is_in_no_log_and_no_error(
    store: Open, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    url = await store(hang_up)
    for address in (f"{url}?signature=sesame", "https://127.0.0.1:1/?signature=sesame"):
        with caplog.at_level(logging.DEBUG), pytest.raises(BitriseUnavailable) as caught:
            await fetch_tail(session, address)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert "sesame" not in f"{caught.value!r}{caplog.text}{[record.__dict__ for record in caplog.records]}"


async def test_endless_download_times_out(store: Open, session: aiohttp.ClientSession) -> None:
    never = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await never.wait()
        return response

    url = await store(wait)
    with pytest.raises(BitriseUnavailable, match=r"within 0\.05 s"):
        await fetch_tail(session, url, timeout_seconds=0.05)
    never.set()


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://example.com/log", "ftp://127.0.0.1/log", "file:///etc/passwd", "https://", "https:///x",
     "http://127.0.0.1.example.com/x", "https://[", "http://localhost@example.com/", "javascript:alert(1)", "//x/y"],
)  # fmt: skip
async def test_only_safe_urls_are_downloaded(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(BitriseUnavailable, match="isn't an HTTPS address"):
        await fetch_tail(session, url)


# Texts.


def test_text_after_a_gap_starts_with_a_whole_line() -> None:
    """`ame` may be the rest of a secret, which redaction wouldn't recognize."""
    chunks = (LogChunk(3, "ame\nthree;"), LogChunk(4, "four;"), LogChunk(7, "word\nseven"), LogChunk(9, "no end"))
    assert chunks_text(LogPart(False, chunks)) == "\nthree;four;\nseven\n"
    assert chunks_text(LogPart(False, (LogChunk(0, "zero;"), LogChunk(1, "one")))) == "zero;one"
    assert chunks_text(LogPart(False, (LogChunk(1, "one"),))) == "one"
    assert chunks_text(LogPart(False, (LogChunk(1, "one\ntwo\nthree"),)), max_characters=8) == "three"


@pytest.mark.parametrize(
    ("tail", "text"),
    [
        (Tail('[{"message": "a\\n"}, {"message":"b \\"c\\" \\u00e4\\n"}]\n', False), 'a\nb "c" ä\n'),
        (Tail('ssage": "x"}, {"message": "rest of it\\nb\\n"}]', True), "b\n"),
        (Tail('[{"message": "{\\"message\\": \\"inner\\"}"}]', False), '{"message": "inner"}'),
        (Tail('[{"message": 3}, {"other": "x"}]', False), ""),
        (Tail('[{"message": "\\x"}, {"message": "y"}]', False), "y"),
        (Tail("[]", False), ""),
        (Tail('just text with "message": "x"\n', False), 'just text with "message": "x"\n'),
        (Tail("half a line\rwhole", True), "whole"),
        (Tail("no line at all", True), ""),
        (Tail("", False), ""),
    ],
)
def test_text_of_a_step_log(tail: Tail, text: str) -> None:
    assert step_log_text(tail) == text


@given(
    st.text()
    | st.lists(st.sampled_from(['"message"', "\\ud83d", "\x00", ":", '"', "\\", "]", "[", "{", "x", "\n", " "])).map(
        "".join
    )
)
def test_any_step_log_parses(text: str) -> None:
    for is_cut in (True, False):
        read = step_log_text(Tail(text, is_cut))
        assert read == clean(read)


positions = st.sets(st.integers(1, 9))


@given(positions, positions, st.booleans())
def test_joined_pages_hold_each_chunk_once_and_in_order(one: set[int], other: set[int], forward: bool) -> None:
    part, page = (
        LogPart(False, tuple(LogChunk(n, str(n)) for n in sorted(numbers)), None, "after", "before")
        for numbers in (one, other)
    )
    both = join_pages(part, page, forward=forward)
    assert [chunk.position for chunk in both.chunks] == sorted(one | other)
    assert (both.next_after is None) == (not forward or other <= one)
