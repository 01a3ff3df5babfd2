"""Pages of an installation: install, installed, not installed. No scripts, no external resources."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from html import escape
from urllib.parse import urlencode

from bot.manifest import OPTIONAL_SCOPES, SCOPES
from bot.workspaces.oauth_client import Grant

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the redirect's URL contains a code
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
STYLE = """
:root { color-scheme: light dark; --ground: #f6f4f9; --sheet: #fff; --ink: #1f1a2b; --soft: #5c5470;
  --line: #ddd6e8; --strong: #3c2a5c; --on-strong: #fff; --ring: #7a5cc0 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16121f; --sheet: #211b2e; --ink: #f0ecf7; --soft: #b4aac6; --line: #3a3150;
    --strong: #c9b3f5; --on-strong: #1d1530; --ring: #c9b3f5 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; padding: 2.5rem 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; display: grid; place-items: center }
main { width: 100%; max-width: 38rem; padding: clamp(1.5rem, 5vw, 2.75rem); background: var(--sheet);
  border: 1px solid var(--line); border-radius: 1rem }
svg { display: block; height: 3.25rem; color: var(--strong) }
h1 { margin: 1rem 0 .5rem; font-size: 1.6rem; line-height: 1.25; text-wrap: balance }
h2 { margin: 2rem 0 .5rem; font-size: 1rem }
p { margin: 0 0 1rem }
.soft, dd { color: var(--soft) }
.go { display: inline-flex; align-items: center; min-height: 2.75rem; margin: .75rem 0 .25rem; padding: .5rem 1.4rem;
  border-radius: .6rem; background: var(--strong); color: var(--on-strong); font-weight: 600; text-decoration: none }
.go:hover { filter: brightness(1.12) }
a:focus-visible { outline: 3px solid var(--ring); outline-offset: 3px }
dl { margin: 0; display: grid; gap: .6rem }
dd { margin: 0 }
ol { margin: 0; padding-left: 1.3rem; display: grid; gap: .5rem }
code { padding: .05em .35em; border-radius: .3em; background: var(--ground); font: .92em ui-monospace, monospace;
  overflow-wrap: anywhere }
"""
BELL = """<svg viewBox="8 3 32 44" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="M24 6v4M10 36h28l-3.5-5V22a10.5 10.5 0 0 0-21 0v9z"/>
<path d="M20 41a4.2 4.2 0 0 0 8 0"/><path d="M18.5 24.5l4 4 7-8"/></svg>"""
CODE = re.compile(r"`([^`]+)`")


def headers() -> dict[str, str]:
    return {**HEADERS, "Content-Security-Policy": _policy()}


@functools.cache
def _policy() -> str:
    """Nothing but the one style sheet, known by its digest."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def install(start: str, *, command: str) -> str:
    terms = "".join(
        f"<div><dt><code>{escape(scope)}</code></dt><dd>{escape(_sentence(why))}</dd></div>"
        for scope, why in {**SCOPES, **{scope: f"{why} (optional)" for scope, why in OPTIONAL_SCOPES.items()}}.items()
    )
    return _page(
        "Add Buildbell to Slack",
        f"""
<p>Start, track and stop Bitrise builds from Slack. Type <code>{escape(command)} shop deploy</code> to start a build.
One message tracks it live, announces the result in its thread, and has a button to stop the build with a reason.</p>
<p><a class="go" href="{escape(start)}">Add to Slack</a></p>
<p class="soft">Slack asks for your permission next. To revoke it, remove the app from your workspace. Buildbell then
deletes its tokens immediately.</p>
<h2>Permissions</h2>
<dl>{terms}</dl>
""",
    )


def installed(grant: Grant, *, command: str) -> str:
    if grant.is_for_organization:
        where = f"the workspaces of {grant.enterprise_name or 'your organization'} that an admin adds it to"
    else:
        where = grant.team_name or "your workspace"
    query = {"app": grant.app_id, **({"team": grant.team_id} if grant.team_id else {})}
    return _page(
        "Buildbell is installed",
        f"""
<p>Installed in <strong>{escape(where)}</strong>. Two steps are left, both in Slack:</p>
<ol>
<li>As an admin, run <code>{escape(command)} connect</code> and enter a Bitrise token.</li>
<li>In each channel where you want to see builds, run <code>/invite @Buildbell</code>.</li>
</ol>
<p><a class="go" href="https://slack.com/app_redirect?{escape(urlencode(query))}">Open Slack</a></p>
""",
    )


def failed(sentence: str, start: str) -> str:
    reason = CODE.sub(r"<code>\1</code>", escape(sentence))
    return _page(
        "Buildbell was not installed",
        f"""
<p>{reason}</p>
<p><a class="go" href="{escape(start)}">Try again</a></p>
""",
    )


def _sentence(reason: str) -> str:
    return reason[0].upper() + reason[1:] + "."


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{STYLE}</style></head>
<body><main>{BELL}<h1>{escape(title)}</h1>{content}</main></body>
</html>
"""
