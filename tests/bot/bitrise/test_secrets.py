"""The token goes to Bitrise only, and values of variables are redacted in errors and logs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.client import BitriseClient
from bot.bitrise.errors import HIDDEN, MAX_CHARACTERS, ErrorRedactor
from bot.bitrise.http import ApiRequest, path_part
from bot.bitrise.models import BuildFilters, TriggerParams
from bot.errors import BitriseError, BitriseNotFound, BitriseRefused, BitriseUnauthorized, BitriseUnavailable
from playground.bitrise import App, Fault, PracticeBitrise
from tests.bot.bitrise.conftest import MakeClient, Serve

SESAME = "open-sesame-42"


def printed(error: BaseException) -> str:
    """Everything that printing an error and its causes could show."""
    linked = [error, error.__cause__, error.__context__]
    return " ".join(f"{each} {each!r} {getattr(each, '__dict__', '')}" for each in linked if each is not None)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("name", ["message", "error_msg", "error", "errors"])
async def test_token_that_bitrise_repeats_is_redacted(
    bitrise: PracticeBitrise,
    client: BitriseClient,
    shop: App,
    token: str,
    caplog: pytest.LogCaptureFixture,
    status: int,
    name: str,
) -> None:
    repeated = f"who is {token}? ('{token}')"
    body = {"status": "error", name: [repeated] if name == "errors" else repeated}
    bitrise.faults.add(Fault(kind="body", status=status, body=body, times=None))
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(BitriseError) as read:
            await client.get_app(shop.slug)
        with pytest.raises(BitriseError) as started:
            await client.trigger_build(TriggerParams(shop.slug, workflow="deploy"))
    assert token not in printed(read.value) + printed(started.value) + caplog.text


@pytest.mark.parametrize("secret", ["sesame", "an old token without a prefix", "x" * 400, "a.b*c(d", "two  blanks"])
@given(before=st.text(max_size=400), after=st.text(max_size=20))
def test_redacted_text_never_holds_the_token(secret: str, before: str, after: str) -> None:
    quoted = ErrorRedactor(secret).redact(before + secret + after)
    assert secret not in quoted
    assert len(quoted) <= MAX_CHARACTERS
    assert quoted.isprintable()


def test_other_tokens_are_redacted_by_their_prefix() -> None:
    assert ErrorRedactor("bitpat_mine").redact("not bitwat_yours123, try again") == f"not {HIDDEN}, try again"


@pytest.mark.parametrize("kind", ["cut_before", "slow", "html", "broken_json"])
async def test_errors_have_no_cause_that_holds_the_request(
    bitrise: PracticeBitrise, make_client: MakeClient, shop: App, token: str, kind: str
) -> None:
    """Errors of aiohttp can hold the request and its headers; an error tracker would upload them with the chain."""
    bitrise.faults.add(Fault(kind=kind, delay=60 if kind == "slow" else 0, times=None))
    client = make_client(read_timeout_seconds=0.05, write_timeout_seconds=0.05)
    for call in (client.get_app(shop.slug), client.trigger_build(TriggerParams(shop.slug, workflow="deploy"))):
        with pytest.raises(BitriseUnavailable) as caught:
            await call
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert token not in printed(caught.value)


async def test_repr_of_a_client_hides_its_token(client: BitriseClient, bitrise: PracticeBitrise, token: str) -> None:
    assert repr(client) == f"BitriseClient({bitrise.api_url})"
    assert token not in repr(vars(client))


async def test_a_redirect_is_not_followed(
    bitrise: PracticeBitrise, serve: Serve, make_client: MakeClient, shop: App
) -> None:
    place = f"Location: {bitrise.api_url}/apps\r\nContent-Length: 0\r\nConnection: close"
    client = make_client(await serve(f"HTTP/1.1 307 Temporary Redirect\r\n{place}\r\n\r\n".encode()))
    for call in (client.list_apps(limit=1), client.trigger_build(TriggerParams(shop.slug, workflow="deploy"))):
        with pytest.raises(BitriseUnavailable) as caught:
            await call
        assert caught.value.sentence == "Bitrise redirected the request (HTTP 307), and Buildbell doesn't follow."
    assert len(bitrise.journal) == 0


@pytest.mark.parametrize("secret", ["", "  ", "ab\ncd", "ab\r\nX-Evil: 1", "pässword", "ab\x00cd", "\ud83d"])
async def test_invalid_token_is_not_sent(bitrise: PracticeBitrise, make_client: MakeClient, secret: str) -> None:
    with pytest.raises(BitriseUnauthorized):
        await make_client(secret=secret).list_apps(limit=1)
    assert len(bitrise.journal) == 0


@pytest.mark.parametrize(
    "slug", ["", ".", "..", "../apps", "a/b", "a?b=c", "a#b", "a b", "%2e%2e", "a\n", "ä", "\ud83d", "x" * 300]
)
async def test_invalid_slug_is_not_requested(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, slug: str
) -> None:
    for call in (
        client.get_app(slug),
        client.list_builds(slug, BuildFilters()),
        client.get_build(shop.slug, slug),
        client.get_artifact(shop.slug, "b1", slug),
        client.abort_build(shop.slug, slug, reason="x"),
        client.trigger_build(TriggerParams(slug, workflow="deploy")),
    ):
        with pytest.raises(BitriseNotFound) as caught:
            await call
        assert caught.value.sentence.isprintable()
        assert len(caught.value.sentence) < 120
    assert len(bitrise.journal) == 0


@given(st.text())
def test_path_part_stays_one(slug: str) -> None:
    try:
        assert not set(path_part(slug)) & set("/?#% ")
    except BitriseNotFound:
        return
    assert slug not in (".", "..", "")


async def test_cookies_of_one_token_do_not_travel_with_another(
    bitrise: PracticeBitrise, make_client: MakeClient, shop: App
) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"session": "of-somebody-else"})
    requests: list[Any] = []

    async def note(session: aiohttp.ClientSession, context: Any, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        requests.append(dict(params.headers))

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    async with aiohttp.ClientSession(cookie_jar=jar, trace_configs=[trace]) as session:
        await make_client(http=session).get_app(shop.slug)
    assert [set(headers) & {"Cookie", "Authorization"} for headers in requests] == [{"Authorization"}]


async def test_netrc_file_is_ignored(
    make_client: MakeClient, shop: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with aiohttp.ClientSession(trust_env=True) as session:
        assert (await make_client(http=session).get_app(shop.slug)).slug == shop.slug


# Values of variables.


async def test_variable_value_that_bitrise_repeats_is_redacted(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, caplog: pytest.LogCaptureFixture
) -> None:
    params = TriggerParams(
        shop.slug, workflow="deploy", environment=(("KEY", SESAME), ("N", "1"), ("LONG", 'line "one"\nline two'))
    )
    message = f'bad environments: [{{KEY {SESAME}}} {{N 1}} \'line "one"\\nline two\' line "one"\nline two] 10'
    for body in ({"message": message}, {"status": "error", "message": message}):
        bitrise.faults.add(Fault(kind="body", status=400 if len(body) == 1 else 201, body=body))
        with caplog.at_level(logging.DEBUG), pytest.raises(BitriseRefused) as caught:
            await client.trigger_build(params)
        assert caught.value.sentence == (f"bad environments: [{{KEY {HIDDEN}}} {{N {HIDDEN}}} '{HIDDEN}' {HIDDEN}] 10")
        assert SESAME not in printed(caught.value) + caplog.text


async def test_variable_value_that_was_sent_openly_is_kept(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App
) -> None:
    params = TriggerParams(
        shop.slug, workflow="beta", environment=(("FLAVOR", "beta"), ("BUILDBELL_MESSAGE", "config"))
    )
    with pytest.raises(BitriseRefused) as caught:
        await client.trigger_build(params)
    assert caught.value.sentence == "workflow (beta) did not match any workflows defined in app config"


async def test_no_value_is_in_a_log_or_a_repr(
    bitrise: PracticeBitrise, client: BitriseClient, shop: App, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    params = TriggerParams(shop.slug, workflow="deploy", environment=(("KEY", SESAME),))
    with caplog.at_level(logging.DEBUG):
        answer = await client.trigger_build(params)
        build = await client.get_build(shop.slug, answer.builds[0].slug)
        page = await client.list_builds(shop.slug)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    call = ApiRequest("POST", "/x", body=params.to_body())
    reprs = " ".join(map(repr, (params, answer, build, build.requested, page, call)))
    assert build.requested is not None
    assert build.requested.environments[0].value == SESAME
    assert SESAME not in reprs + logged
    assert SESAME not in repr(build.requested.environments)
    assert token not in reprs + logged
