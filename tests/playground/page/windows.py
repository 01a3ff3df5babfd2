"""Actions and checks in a window of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.playground.page.conftest import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page


async def seen(what: Locator, text: str | re.Pattern[str] | None = None) -> None:
    """Wait until an element is visible, with the text if one is given."""
    from playwright.async_api import expect

    await expect(what).to_be_visible(timeout=PATIENCE_MS)
    if text is not None:
        await expect(what).to_contain_text(text, timeout=PATIENCE_MS)


async def gone(what: Locator) -> None:
    from playwright.async_api import expect

    await expect(what).to_have_count(0, timeout=PATIENCE_MS)


async def type_line(window: Page, text: str) -> None:
    await window.fill("#composer-text", text)
    await window.press("#composer-text", "Enter")


async def take(window: Page, label: str, typed: str, option: str) -> None:
    """Type into a select and choose the option."""
    field = window.get_by_role("combobox", name=label)
    await field.click()
    await field.press_sequentially(typed)
    await window.locator(".options [role=option]").filter(has_text=option).first.click()
    await gone(window.locator(".options:visible"))


async def list_overflows(window: Page) -> list[str]:
    """Return the visible parts of the page that scroll sideways. Tables and code may scroll inside their block."""
    overflows: list[str] = await window.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll(
             ".top, .welcome, .player, .channel-head, .messages, .home, .channel-foot, " +
             ".right-head, .right-panel, .modal-body, .modal-foot"
           )].filter(each => each.scrollWidth > each.clientWidth && each.clientWidth)
             .map(each => `${each.tagName} ${each.className} ${each.scrollWidth} > ${each.clientWidth}`)"""
    )
    return overflows


LOW_CONTRAST = """() => {
  const channels = color => {
    const found = color.match(/[\\d.]+/g).map(Number);
    const scale = color.startsWith("color(") ? 255 : 1;
    return [...found.slice(0, 3).map(each => each * scale), found[3] ?? 1];
  };
  const linear = value => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(channels(getComputedStyle(each).backgroundColor));
      if (layers.at(-1)[3] >= 1) break;
    }
    const mix = (below, layer) => below.map((value, at) => layer[at] * layer[3] + value * (1 - layer[3]));
    return layers.reverse().reduce(mix, [255, 255, 255]);
  };
  const hasText = each => [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll("body *")].filter(each => hasText(each) && each.getBoundingClientRect().width)
    .filter(each => !each.closest(".for-readers, svg, option")).flatMap(each => {
      const [dark, light] = [channels(getComputedStyle(each).color), behind(each)].map(luminance).sort((a, b) => a - b);
      const ratio = ((light + 0.05) / (dark + 0.05)).toFixed(2);
      return ratio < 4.5 ? [`${each.className} “${each.textContent.slice(0, 20)}” has a contrast of ${ratio}`] : [];
    });
}"""
"""Finds visible text below the contrast of WCAG AA."""


async def list_low_contrasts(window: Page) -> list[str]:
    texts: list[str] = await window.evaluate(LOW_CONTRAST)
    return texts


def card(window: Page) -> Locator:
    """Return the newest message that isn't ephemeral."""
    return window.locator("#conversation article.message:not(.is-private)").last
