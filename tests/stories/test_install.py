"""Installing by OAuth: the page, the trip to Slack and back, and everything that can go wrong on the way."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from playground.wire import Fault
from storage import workspaces as workspace_rows
from tests.conftest import Complaints
from tests.many_workspaces import Many

START = "/slack/install/start"


# The page.


async def test_the_page_explains_and_leads_on_without_a_script(many: Many) -> None:
    page = await many.browser().get("/slack/install")
    assert page.status == 200
    assert f'href="{START}"' in page.text
    assert "<code>chat:write</code>" in page.text
    assert "<script" not in page.text
    assert not re.search(r'(?:src|href|url)\s*[=(]\s*["\']?(?:https?:)?//', page.text)


async def test_the_page_allows_itself_one_style_sheet_and_nothing_else(many: Many) -> None:
    page = await many.browser().get("/slack/install")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert " style=" not in page.text


# There and back.


async def test_a_workspace_installs_and_can_connect_at_once(many: Many) -> None:
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    await many.say("/build shop deploy main")
    assert [build.app.title for build in many.builds()] == ["iOS Shop"]
    assert "iOS Shop" in many.sees()


async def test_without_optional_scopes_builds_start_all_the_same(many: Many) -> None:
    optional = many.registered.optional_scopes
    many.app = await many.install(many.ada, into=many.ios, declined=tuple(optional))
    assert set(many.app.scopes) == set(many.registered.scopes) - set(optional)
    await many.connect()
    await many.say("/build shop deploy main")
    await many.passes(minutes=10)
    assert "Succeeded" in many.sees()


async def test_by_http_it_is_the_same(open_many: Callable[..., Awaitable[Many]]) -> None:
    many = await open_many(socket_mode=False)
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    await many.say("/build shop deploy main")
    assert len(many.builds()) == 1


async def test_slack_is_asked_for_what_the_manifest_holds(many: Many) -> None:
    asked = await many.browser().get(START)
    query = parse_qs(urlsplit(asked.location).query)
    scopes = many.registered.manifest["oauth_config"]["scopes"]
    assert asked.status == 302
    assert query["scope"] == [",".join(scopes["bot"])]
    assert query["redirect_uri"] == many.registered.redirect_urls


async def test_the_cookie_is_the_browsers_secret(many: Many) -> None:
    browser = many.browser()
    await browser.get(START)
    [cookie] = browser.set_cookies
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    [(_, value)] = browser.cookies.items()
    assert value not in (await browser.get(START)).location


async def test_the_page_after_it_names_the_workspace_and_the_next_step(many: Many) -> None:
    many.team.name = "Acme <b>&amp;"
    browser = many.browser()
    page = await browser.get(many.slack.consent(many.ada, (await browser.get(START)).location))
    assert "Acme &lt;b&gt;&amp;amp;" in page.text
    assert "/build connect" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"


async def test_installing_again_keeps_what_is_connected(many: Many) -> None:
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    await many.install(many.bo)
    await many.say("/build shop deploy main")
    assert len(many.builds()) == 1


async def test_two_tabs_may_be_on_their_way_at_once(many: Many) -> None:
    browser = many.browser()
    first, second = await browser.get(START), await browser.get(START)
    for asked in (first, second):
        assert (await browser.get(many.slack.consent(many.ada, asked.location))).status == 200


# What goes wrong.


async def failing(many: Many, url: str, *, of: str, status: int = 400) -> None:
    """The page says why, offers a way out, and nothing was stored."""
    browser = many.browser()
    browser.cookies = {"buildbell-install": of}
    page = await browser.get(url)
    assert page.status == status
    assert f'href="{START}"' in page.text
    assert await workspace_rows.list_workspaces(many.bot.ctx.db) == []


async def trip(many: Many, *, allow: bool = True) -> tuple[str, str]:
    """The address back, and the cookie of the browser that began."""
    browser = many.browser()
    asked = await browser.get(START)
    return many.slack.consent(many.ada, asked.location, allow=allow), browser.cookies["buildbell-install"]


async def test_who_says_no_is_told_that_nothing_happened(many: Many) -> None:
    url, cookie = await trip(many, allow=False)
    browser = many.browser()
    browser.cookies = {"buildbell-install": cookie}
    assert "You canceled the installation" in (await browser.get(url)).text
    await failing(many, url, of=cookie)


async def test_another_browser_cannot_come_back(many: Many) -> None:
    url, _ = await trip(many)
    await failing(many, url, of="another-browsers-own-secret-0123456789")


async def test_a_state_is_good_once(many: Many) -> None:
    url, cookie = await trip(many)
    browser = many.browser()
    browser.cookies = {"buildbell-install": cookie}
    assert (await browser.get(url)).status == 200
    again = await browser.get(url)
    assert again.status == 400
    assert "link has expired" in again.text


async def test_a_state_ends_after_ten_minutes(many: Many) -> None:
    url, cookie = await trip(many)
    await many.passes(minutes=10)
    await failing(many, url, of=cookie)


async def count_states(many: Many) -> int:
    return len(await many.bot.ctx.db.fetch_all("select * from oauth_states"))


async def test_visits_that_install_nothing_store_nothing(many: Many) -> None:
    for code in ("", "made-up"):
        url, cookie = await trip(many)
        await failing(many, re.sub("code=[^&]+", f"code={code}", url), of=cookie)
    url, cookie = await trip(many, allow=False)
    await failing(many, url, of=cookie)
    assert await count_states(many) == 0


async def test_used_states_are_kept_until_they_expire(many: Many) -> None:
    await many.install(many.ada)
    await many.install(many.ada)
    assert await count_states(many) == 2
    await many.passes(minutes=11)
    await many.install(many.ada)
    assert await count_states(many) == 1


@pytest.mark.parametrize(
    ("pattern", "forged"),
    [
        (r"state=[^&]+", "state="),
        (r"state=[^&]+", "state=a.9999999999.b"),
        (r"state=[^&]+", "state=%C3%A9.%F0%9F%94%94"),
        (r"(state=[^&.]+)\.\d+", r"\1.9999999999"),
        (r"(state=[^&.]+)", r"\1x"),
        (r"(state=[^&]+)[0-9a-f]", r"\1"),
    ],
)
async def test_a_state_that_was_not_signed_here_is_refused(many: Many, pattern: str, forged: str) -> None:
    url, cookie = await trip(many)
    await failing(many, re.sub(pattern, forged, url), of=cookie)


async def test_a_code_that_was_used_is_told_as_that(many: Many) -> None:
    url, cookie = await trip(many)
    code = parse_qs(urlsplit(url).query)["code"][0]
    many.slack.codes[code].is_used = True
    await failing(many, url, of=cookie)


async def test_a_code_that_nobody_gave(many: Many) -> None:
    url, cookie = await trip(many)
    await failing(many, re.sub("code=[^&]+", "code=made-up", url), of=cookie)


async def test_a_visit_with_nothing_at_all(many: Many) -> None:
    await failing(many, "/slack/oauth_redirect", of="")


async def test_what_slack_reports_is_not_echoed_as_markup(many: Many) -> None:
    page = await many.browser().get("/slack/oauth_redirect?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x")
    assert page.status == 400
    assert "<script" not in page.text


@pytest.mark.parametrize("kind", ["status", "cut_before", "cut_after"])
async def test_slack_that_does_not_answer(many: Many, kind: str) -> None:
    url, cookie = await trip(many)
    many.slack.faults.add(Fault("oauth.v2.access", kind))
    await failing(many, url, of=cookie, status=502)


async def test_a_wrong_client_secret_is_for_whoever_runs_it(many: Many, complaints: Complaints) -> None:
    many.expects_errors = True
    url, cookie = await trip(many)
    many.registered.client_secret = "changed"
    await failing(many, url, of=cookie, status=502)
    assert any("Slack refused an installation" in told for told in complaints.told)


async def test_a_look_ahead_begins_nothing(many: Many) -> None:
    page = await many.browser().get(START, method="HEAD")
    assert page.status == 405
    assert await count_states(many) == 0


# What is kept.


async def test_no_token_is_stored_in_the_open_or_logged(many: Many, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    many.app = await many.install(many.ada, into=many.ios)
    await many.connect()
    secrets = [many.app.bot_token, many.app.refresh_token or "", many.registered.client_secret]
    rows = await many.bot.ctx.db.fetch_all("select * from installations")
    told = "\n".join(str(record.__dict__) for record in caplog.records)
    assert len(rows) == 1
    for secret in secrets:
        assert secret
        assert all(secret not in str(dict(row)) for row in rows)
        assert secret not in told


async def test_who_is_not_installed_is_told_so(many: Many) -> None:
    many.expects_errors = True
    many.slack.install(many.registered.manifest, many.team, of=many.registered)
    await many.slack.command(many.ana, many.ios, "/build shop deploy main")
    await many.settled()
    assert "isn't installed in your Slack workspace" in many.whispers()[-1]
