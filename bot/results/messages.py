"""Messages about a build's results: why it failed, what can be installed, which files it has."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from bot.bitrise.models import Artifact
from bot.domain.builds import STOPPED
from bot.results.install_links import BuildFiles, InstallLink, format_size
from bot.slack import build_text, ids, rich
from bot.slack.blocks import Block, actions, button, context, image, lines, link_button, message, preformatted, section
from bot.slack.build_text import BuildView
from bot.slack.cards import open_button
from bot.slack.forms import Payload, modal
from bot.slack.rich import Line
from bot.slack.text import Message, clean, isolate, link, plural, quoted, unmarked
from storage.results import ResultRow

PLATFORMS = {"ios": "iOS", "android": "Android"}
FILES_LISTED = 15
TESTS_LISTED = 10
LOG_LINE_LIMIT = 300
QR_PIXELS = 400
QUIET_ZONE = 4
"""Blank modules around a QR code; with fewer, cameras do not find it."""
NO_LOG = "No log output yet."
PUBLIC = "⚠️ Install pages are public: anyone with the link can install the app, without a login."


# Why it failed.


def log_message(view: BuildView, finding: ResultRow) -> Message:
    verb = "Stopped" if view.build.outcome in STOPPED else "Failed"
    last = " ".join(finding.lines[-1:]) or finding.missing or NO_LOG
    return message(
        f"{build_text.sentence(view)} {quoted(last)}",
        lines(build_text.title_line(view)),
        failure_blocks(finding, verb=verb) or lines(NO_LOG),
        actions(open_button(view)),
    )


def failure_blocks(finding: ResultRow, *, verb: str = "Failed") -> list[Block]:
    """Failed step, failed tests, log lines. ``verb`` is what happened in the step: a stopped build did not fail."""
    step: Line = [f"{verb} in step ", rich.bold(finding.failed_step, 100)] if finding.failed_step else None
    head: list[Line] = [line for line in (step, _failed_tests(finding.tests), finding.missing) if line]
    log = "\n".join(clean(line, LOG_LINE_LIMIT) for line in finding.lines)
    return [*([lines(*head)] if head else []), *([preformatted(log)] if finding.lines else [])]


def _failed_tests(tests: Sequence[str]) -> Line:
    if not tests:
        return None
    listed = rich.join(", ", [rich.code(test, 120) for test in tests[:TESTS_LISTED]])
    more = f" and {len(tests) - TESTS_LISTED} more" if len(tests) > TESTS_LISTED else None
    return [f"{len(tests)} failed {'test' if len(tests) == 1 else 'tests'}: ", listed, more]


# Artifacts.


def artifacts_message(view: BuildView, files: BuildFiles) -> Message:
    """Install pages first, one per platform, then the other files."""
    name = unmarked(build_text.name(view), 150)
    if not files.installs and not files.files:
        text = f"{name} has no artifacts, or Bitrise no longer stores them."
        return message(text, section(text), actions(open_button(view)))
    return message(
        _artifacts_text(name, files),
        section(f"*{name}*"),
        *(_install_blocks(view, install) for install in files.installs),
        context(PUBLIC) if any(install.page_url for install in files.installs) else None,
        _file_list(files.files) if files.files else None,
        actions(open_button(view)),
    )


def _artifacts_text(name: str, files: BuildFiles) -> str:
    pages = [f"{PLATFORMS.get(each.platform, each.platform)} {each.page_url or 'no page'}" for each in files.installs]
    if not pages:
        return f"{plural(len(files.files), 'file')} of {name}."
    text = f"To install from {name}: {quoted('; '.join(pages), 1_500)}."
    return f"{text} {plural(len(files.files), 'other file')}." if files.files else text


def _install_blocks(view: BuildView, install: InstallLink) -> list[Block]:
    platform = PLATFORMS.get(install.platform, install.platform)
    facts = [isolate(install.title), format_size(install.size_bytes), install.version and f"version {install.version}"]
    text = f"*{platform}*  {unmarked(' · '.join(filter(None, facts)), 300)}"
    if install.page_url is None:
        off = "Its public install page is off; it can be switched on at Bitrise, under the build's artifacts."
        return [section(f"{text}\n{off}")]
    value = f"{view.build.build_slug} {install.platform}"
    return [
        section(f"{text}\n{link(install.page_url, install.page_url)}"),
        *actions(
            link_button(ids.BUILD_OPEN, "Install page", url=install.page_url, label=f"Install page for {platform}"),
            button(ids.numbered(ids.ARTIFACT_QR, 1), "QR code", value=value, label=f"QR code of the {platform} page"),
        ),
    ]


def _file_list(files: Sequence[Artifact]) -> Block:
    rows: list[Line] = [
        ["• ", rich.text(file.title or "file", 120), f"  {format_size(file.size_bytes) or ''}"]
        for file in files[:FILES_LISTED]
    ]
    more = f"and {len(files) - FILES_LISTED} more" if len(files) > FILES_LISTED else None
    return lines(rich.bold("Files, to be fetched at Bitrise:"), *rows, more)


def qr_view(install: InstallLink, file_id: str) -> Payload:
    """The QR code as an image, with the same URL below it."""
    platform = PLATFORMS.get(install.platform, install.platform)
    picture = image(file_id, alt_text=f"QR code of the install page for {platform}")
    address = section(f"{link(install.page_url or '', install.page_url or '')}\n{PUBLIC}")
    return modal(ids.MESSAGE_CLOSED, f"Install on {platform}", [picture, address], close="Close")


def qr_png(url: str) -> bytes:
    """Render a QR code as a PNG of about 400 pixels, locally. Raises `ValueError` for more than 2,331 bytes."""
    import segno  # most processes never render one

    code = segno.make_qr(url, error="m", boost_error=False)
    png = BytesIO()
    modules = code.symbol_size(scale=1, border=QUIET_ZONE)[0]
    code.save(png, kind="png", scale=max(2, round(QR_PIXELS / modules)), border=QUIET_ZONE)
    return png.getvalue()
