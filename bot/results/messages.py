"""``/build artifacts`` and Install: the page to install from first, one per platform; a QR code behind a button."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from slack_sdk.models.blocks import (
    Block,
    ImageBlock,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
)
from slack_sdk.models.blocks.basic_components import SlackFile

from bot.bitrise.models import Artifact
from bot.domain.builds import STOPPED
from bot.results.install_links import InstallLink, Leftovers, spoken_size
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import (
    Line,
    actions,
    button,
    coded,
    context,
    lines,
    link_button,
    message,
    said,
    section,
    separated,
    words,
)
from bot.slack.build_text import BuildView
from bot.slack.cards import open_button
from bot.slack.forms import Payload, modal
from bot.slack.text import Message, link, outside, quoted, several, unmarked
from storage.results import FindingRow

PLATFORMS = {"ios": "iOS", "android": "Android"}
FILES_LISTED = 15
TESTS_LISTED = 10
LINE_CHARACTERS = 300
NOTHING_FOUND = "Its log tells nothing yet."
QUIET_ZONE = 4
"""Blank modules around a QR code; with less, cameras do not find it."""
QR_PIXELS = 400
PUBLIC = "⚠️ An install page is public: whoever has its address can install the app, without any login."


def artifacts_message(build: BuildView, left: Leftovers) -> Message:
    name = unmarked(shown.name(build), 150)
    if not left.installs and not left.files:
        told = f"{name} left nothing behind, or Bitrise does not keep it any more."
        return message(told, section(told), *actions(open_button(build)))
    blocks: list[Block] = [section(f"*{name}*")]
    for install in left.installs:
        blocks += _install(build, install)
    if any(install.page_url for install in left.installs):
        blocks.append(context(PUBLIC))
    blocks += _files(left.files)
    return message(_text(name, left), *blocks, *actions(open_button(build)))


def _text(name: str, left: Leftovers) -> str:
    pages = [f"{PLATFORMS.get(each.platform, each.platform)} {each.page_url or 'no page'}" for each in left.installs]
    if not pages:
        return f"{several(len(left.files), 'file')} of {name}."
    told = f"To install from {name}: {quoted('; '.join(pages), 1_500)}."
    return f"{told} {several(len(left.files), 'other file')}." if left.files else told


def _install(build: BuildView, install: InstallLink) -> list[Block]:
    platform = PLATFORMS.get(install.platform, install.platform)
    facts = [install.title, spoken_size(install.size_bytes), install.version and f"version {install.version}"]
    told = f"*{platform}*  {unmarked(' · '.join(filter(None, facts)), 300)}"
    if install.page_url is None:
        off = "Its public install page is off; it can be switched on at Bitrise, under the build's artifacts."
        return [section(f"{told}\n{off}")]
    value = f"{build.build.build_slug} {install.platform}"
    return [
        section(f"{told}\n{link(install.page_url, install.page_url)}"),
        *actions(
            link_button(ids.BUILD_OPEN, "Install page", url=install.page_url, label=f"Install page for {platform}"),
            button(ids.numbered(ids.ARTIFACT_QR, 1), "QR code", value=value, label=f"QR code of the {platform} page"),
        ),
    ]


def _files(files: tuple[Artifact, ...]) -> list[Block]:
    if not files:
        return []
    told = [
        [words("• "), said(each.title or "file", 120), words(f"  {spoken_size(each.size_bytes) or ''}")]
        for each in files[:FILES_LISTED]
    ]
    more = [[words(f"and {len(files) - FILES_LISTED} more")]] if len(files) > FILES_LISTED else []
    return [lines([words("Files, to be fetched at Bitrise:", bold=True)], *told, *more)]


def qr_view(install: InstallLink, file_id: str) -> Payload:
    """The code as a picture; the same address stands below it as text."""
    platform = PLATFORMS.get(install.platform, install.platform)
    picture = ImageBlock(alt_text=f"QR code of the install page for {platform}", slack_file=SlackFile(id=file_id))
    address = section(f"{link(install.page_url or '', install.page_url or '')}\n{PUBLIC}")
    return modal(ids.MESSAGE_CLOSED, f"Install on {platform}", [picture, address], close="Close")


def qr_png(url: str) -> bytes:
    """A black and white PNG of about 400 pixels. Raises `ValueError` for more than 2,331 bytes."""
    import segno  # most processes never draw one

    code = segno.make_qr(url, error="m", boost_error=False)
    drawn = BytesIO()
    modules = code.symbol_size(scale=1, border=QUIET_ZONE)[0]
    code.save(drawn, kind="png", scale=max(2, round(QR_PIXELS / modules)), border=QUIET_ZONE)
    return drawn.getvalue()


# Why a build failed.


def log_message(build: BuildView, finding: FindingRow) -> Message:
    verb = "Stopped" if build.build.outcome in STOPPED else "Failed"
    told = why_blocks(finding, verb=verb) or [lines([words(NOTHING_FOUND)])]
    last = " ".join(finding.lines[-1:]) or finding.missing or NOTHING_FOUND
    return message(
        f"{shown.sentence(build)} {quoted(last)}", lines(shown.title_line(build)), *told, *actions(open_button(build))
    )


def why_blocks(finding: FindingRow | None, *, verb: str = "Failed") -> list[Block]:
    """``verb`` is what happened in the step: a build that was stopped in it did not fail there."""
    if finding is None:
        return []
    step: Line = [words(f"{verb} in step "), said(finding.failed_step, 100, bold=True)] if finding.failed_step else []
    missing: Line = [words(finding.missing)] if finding.missing else []
    head = [each for each in (step, _tests(finding.tests), missing) if each]
    return [*([lines(*head)] if head else []), *([_excerpt(finding.lines)] if finding.lines else [])]


def _tests(tests: Sequence[str]) -> Line:
    if not tests:
        return []
    noun = "test" if len(tests) == 1 else "tests"
    more = [words(f" and {len(tests) - TESTS_LISTED} more")] if len(tests) > TESTS_LISTED else []
    return [
        words(f"{len(tests)} failed {noun}: "),
        *separated([coded(test, 120) for test in tests[:TESTS_LISTED]], ", "),
        *more,
    ]


def _excerpt(told: Sequence[str]) -> Block:
    text = "\n".join(outside(each, LINE_CHARACTERS) for each in told)
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[RichTextElementParts.Text(text=text)])])
