"""Names in Arabic and Hebrew: numbers beside them stay where they belong, in every message and form."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from playground.bitrise import Workflow
from tests.world import World

APP, BRANCH, MESSAGE = "متجر 2", "פיצ'ר/7", "تجربة 3 أشياء"
OPEN, CLOSE = "\u2068", "\u2069"
LETTER = re.compile("[\u0590-\u08ff]")


@pytest.fixture
async def shop(open_world: Callable[..., Awaitable[World]]) -> World:
    """Connect a shop with a title in Arabic."""
    world = await open_world(connected=False)
    world.shop.title = APP
    world.slack.limits.enabled = False
    world.shop.workflows["בדיקה"] = Workflow()
    await world.connect()
    return world


def texts(part: Any) -> Iterator[str]:
    """Return what a message or view shows: its texts, but no ids, values and links."""
    if isinstance(part, list):
        for each in part:
            yield from texts(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str) and name in ("text", "label", "name", "title", "alt_text", "accessibility_label"):
                yield value
            elif name != "initial_value":
                yield from texts(value)


def outside(text: str) -> str:
    """Return the text without what is isolated; every isolate has to end."""
    depth, kept = 0, ""
    for character in text:
        depth += character == OPEN
        kept += "" if depth else character
        depth -= character == CLOSE
        assert depth >= 0, text
    assert depth == 0, text
    return kept


def sent(world: World) -> list[str]:
    """Return every text that was sent to Slack."""
    bodies = [json.loads(json.dumps(entry.request)) for entry in world.slack.journal if entry.direction == "in"]
    answers = [entry.response.get("answer") for entry in world.slack.journal if entry.direction == "out"]
    return [text for part in [*bodies, *answers] for text in texts(part)]


async def use_everything(world: World) -> None:
    """Start, watch, list, count, subscribe to and stop builds with such names."""
    await world.say(f'/build subscribe "{APP}" style:line branch:{BRANCH}')
    await world.say(f'/build subscribe "{APP}" style:changes')
    await world.say(f'/build "{APP}" deploy {BRANCH} "{MESSAGE}"')
    await world.say(f'/build "{APP}" endless {BRANCH} "{MESSAGE}" ')
    await world.passes(minutes=2)
    await world.stop_build(world.card, sentence=f"{MESSAGE} 4")
    build = world.bitrise.start_build(
        world.shop, workflow="בדיקה", branch=BRANCH, triggered_by="webhook-github/נועה", commit_message=MESSAGE
    )
    await world.passes(minutes=1)
    world.bitrise.finish(build, "failed")
    await world.passes(minutes=12)
    for typed in (
        f'status "{APP}"', f'list "{APP}"', f'stats "{APP}"', f'log "{APP}" #1', f'artifacts "{APP}" #1',
        f'"{APP}"', f'form "{APP}"', "subscriptions", "settings", "again", f'abort "{APP}"', f'stats "{APP}" by:reason',
        f'webhook "{APP}"', f'skip-step "{APP}"', f'abort "{APP}" branch:{BRANCH}', "متجرر deploy main", "doctor", "me",
        f'import "{APP}"', f'again "{APP}" #1', f'unsubscribe "{APP}"', f"{APP} deploy main nothing here",
    ):  # fmt: skip
        await world.say(f"/build {typed}")
        await world.say(f"/build {typed}", by=world.ada)


async def test_each_right_to_left_name_is_isolated(shop: World) -> None:
    await use_everything(shop)
    shown = [text for text in sent(shop) if LETTER.search(text)]
    assert len(shown) > 100
    assert [text for text in shown if LETTER.search(outside(text))] == []


async def test_numbers_stay_outside_of_the_names_beside_them(shop: World) -> None:
    await use_everything(shop)
    shown = [text for text in sent(shop) if LETTER.search(text)]
    numbered = [text for text in shown if re.search(r"#\d", text)]
    assert numbered
    assert [text for text in numbered if not re.search(r"#\d", outside(text))] == []


async def test_bitrise_gets_names_without_isolates(shop: World) -> None:
    await use_everything(shop)
    (first, *_) = shop.bitrise.triggers
    assert first.body["build_params"]["branch"] == BRANCH
    bodies = json.dumps([entry.request for entry in shop.bitrise.journal], ensure_ascii=False, default=str)
    assert OPEN not in bodies
    assert CLOSE not in bodies


async def test_a_name_that_is_copied_from_a_message_is_found(shop: World) -> None:
    await shop.say(f'/build "{OPEN}{APP}{CLOSE}" deploy {OPEN}{BRANCH}{CLOSE}')
    assert [(build.app, build.branch) for build in shop.builds()] == [(shop.shop, BRANCH)]
