"""``/build artifacts`` and Install: the page to install from first, one per platform; a QR code behind a button."""

from __future__ import annotations

from slack_sdk.models.blocks import Block, ImageBlock
from slack_sdk.models.blocks.basic_components import SlackFile

from bot.bitrise.models import Artifact
from bot.results.install_links import InstallLink, Leftovers, spoken_size
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import actions, button, context, lines, link_button, message, said, section, words
from bot.slack.build_text import ShownBuild
from bot.slack.cards import open_button
from bot.slack.forms import Payload, modal
from bot.slack.text import Message, link, quoted, several, unmarked

PLATFORMS = {"ios": "iOS", "android": "Android"}
FILES_LISTED = 15
PUBLIC = "⚠️ An install page is public: whoever has its address can install the app, without any login."


def artifacts_message(build: ShownBuild, left: Leftovers) -> Message:
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


def _install(build: ShownBuild, install: InstallLink) -> list[Block]:
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
