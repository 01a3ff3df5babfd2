"""Start the machine's Chromium without a window, for the page's tests and screenshots."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
DEFAULT_PATH = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), str(DEFAULT_PATH) if DEFAULT_PATH.exists() else None)


def why_no_browser() -> str | None:
    """Return what is missing for a browser, or None."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright's Python package is not installed (pip install playwright; no browser download needed)"
    if chromium_path() is None:
        return "Chromium is not installed (apt-get install chromium)"
    return None


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Open a browser with a temporary profile. Raises RuntimeError with what is missing."""
    if missing := why_no_browser():
        raise RuntimeError(missing)
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
