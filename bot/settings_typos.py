"""Names that look like settings and are none: a slip of the pen would go unnoticed otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches

from dotenv import dotenv_values

from bot.settings import PREFIX, Settings, env_name


def names_in_use() -> set[str]:
    """The names of all variables in the environment and in ``.env``."""
    return {*os.environ, *dotenv_values(".env", encoding="utf-8")}


def unknown_names(names: Iterable[str]) -> list[str]:
    """A sentence for each name that begins like a setting and is none: a slip would go unnoticed otherwise."""
    known = {env_name(field) for field in Settings.model_fields}
    slips = sorted(name.upper() for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)
    return [f"{slip} is no setting.{_nearest(slip, known)}" for slip in slips]


def _nearest(slip: str, known: set[str]) -> str:
    near = get_close_matches(slip, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
