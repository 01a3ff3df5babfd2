"""A stage with its page, and a browser window."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from playground.page.browser import open_browser, why_no_browser
from playground.page.server import PageServer
from playground.stage import Stage

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

IS_REQUIRED = os.environ.get("BUILDBELL_REQUIRE_BROWSER") == "1"
"""Set by .ci/run. Read at collection: tests don't see the settings of the environment they run in."""
PATIENCE_MS = 60_000
"""Timeout of a window; the bot is a real process and the machine may be busy."""

OpenPage = Callable[..., Awaitable[tuple[Stage, PageServer]]]
OpenWindow = Callable[..., Awaitable["Page"]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives the playground's page with a headless Chromium")


@pytest_asyncio.fixture(loop_scope="session")
async def open_page() -> AsyncIterator[OpenPage]:
    """Set up a stage with a bot, connected unless ``empty``, or without a bot, and serve its page."""
    opened: list[tuple[Stage, PageServer]] = []

    async def open_one(*, bot: bool = True, empty: bool = False) -> tuple[Stage, PageServer]:
        stage = Stage()
        await stage.furnish()
        if bot:
            await stage.bot.start()
        if bot and not empty:
            await stage.connect()
        page = PageServer(stage)
        opened.append((stage, page))
        await page.start()
        return stage, page

    yield open_one
    for stage, page in opened:
        await page.stop()
        await stage.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of this process. Without Chromium they skip, or fail if ``BUILDBELL_REQUIRE_BROWSER=1``."""
    missing = why_no_browser()
    if missing and not IS_REQUIRED:
        pytest.skip(missing)
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser: Browser) -> AsyncIterator[OpenWindow]:
    """Open the page as a person. A script error fails the test."""
    failures: list[str] = []
    opened: list[Page] = []

    async def open_one(page: PageServer, who: str = "ana", channel: str = "ios", **how: object) -> Page:
        window = await browser.new_page(viewport={"width": 1280, "height": 800}, **how)  # type: ignore[arg-type]
        opened.append(window)
        window.set_default_timeout(PATIENCE_MS)
        window.on("pageerror", lambda error: failures.append(str(error)))
        await window.goto(f"{page.url}#{who}/{channel}")
        await window.wait_for_selector("#composer-text, .home")
        assert not failures
        return window

    yield open_one
    for window in opened:
        await window.close()
