"""Read the names of workflows and pipelines from a bitrise.yml."""

from __future__ import annotations

import re

from bot.bitrise.parsing import clean

MAX_NAMES = 1_000
"""Of one section of a bitrise.yml."""
_YAML_KEY = re.compile(
    r"""(?P<indent> *)(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<plain>[\w.][^:#]*?)) *:(?= |$)"""
)


def parse_names(text: str, section: str) -> tuple[str, ...]:
    """Return the names directly under a top-level key of a bitrise.yml, without those that can't be started.

    Only the layout that Bitrise's editor and its documentation write is read: one key a line, indented under its
    section. A name that begins with an underscore is a part of other workflows.
    """
    names: list[str] = []
    is_inside, indent = False, 0
    for line in text.splitlines():
        match = _YAML_KEY.match(line)
        if match is None:
            continue
        name = match["double"] or match["single"] or match["plain"]
        if not match["indent"]:
            is_inside, indent = name == section, 0
        elif is_inside:
            indent = indent or len(match["indent"])
            if len(match["indent"]) == indent and not name.startswith("_"):
                names.append(clean(name))
    return tuple(dict.fromkeys(names[:MAX_NAMES]))
