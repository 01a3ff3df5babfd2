"""Escape typed text as Slack does: entities, ids of people and channels, links that Slack recognizes.

https://docs.slack.dev/interactivity/implementing-slash-commands. Slack also makes links of bare domains and e-mail
addresses, and of file names that look like one (``deploy.sh``).
"""

from __future__ import annotations

import re

from playground.slack.world import Team, World

TOP_LEVEL_DOMAINS = (
    "ai app biz cc cloud co com de dev edu es eu fr gov in info io is it me md net nl org pl pm pro py rs sh so "
    "team tech to tv uk us ws xyz zip"
)
"""Some of those that Slack makes links of, with those that are also suffixes of files."""
_REST = r"(?:(?!&[gl]t;)[^\s<>])*(?<![.,;:!?)'\"])"
"""The rest of a link, without the punctuation of its sentence."""
_HOST = rf"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{TOP_LEVEL_DOMAINS.replace(' ', '|')})(?![\w-]|\.\w)"
_SPECIAL = re.compile(
    rf"""\[(?P<label>[^\[\]]+)\]\((?P<labelled>https?://[^\s()<>]+)\)
    | (?P<link>https?://{_REST})
    | (?P<email>(?<![\w.+/-])[\w.+-]*\w@(?:[\w-]+\.)+[a-z]{{2,}}(?![\w-]))
    | (?P<domain>(?<![\w./@\#-]){_HOST}(?:[/?\#]{_REST})?)
    | (?<![\w/<@])@(?P<person>[\w.-]*\w)
    | (?<![\w/<&\#])\#(?P<channel>[\w-]+)""",
    re.VERBOSE | re.IGNORECASE,
)


def escaped(world: World, team: Team, text: str) -> str:
    """Return the text as ``should_escape`` sends it. ``[label](https://…)`` is a labelled link, as in the composer."""
    users = [user for user in world.users.values() if user.team is team]
    people = {user.display_name: user for user in users} | {user.name: user for user in users}
    channels = {channel.name: channel for channel in world.channels.values() if channel.reaches(team)}

    def special(match: re.Match[str]) -> str:
        typed = match[0]
        match match.lastgroup:
            case "labelled":
                return f"<{match['labelled']}|{match['label']}>"
            case "link":
                return f"<{typed}>"
            case "email":
                return f"<mailto:{typed}|{typed}>"
            case "domain":
                return f"<http://{typed}|{typed}>"
            case "person" if user := people.get(match["person"]):
                return f"<@{user.id}|{user.name}>"
            case "channel" if channel := channels.get(match["channel"]):
                return f"<#{channel.id}|{'' if channel.is_private else channel.name}>"
        return typed

    return _SPECIAL.sub(special, text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
