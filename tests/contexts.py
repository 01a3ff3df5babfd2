"""A `Context` for tests of single services: real where given, empty elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any

from bot.apps import AppCache
from bot.context import Context
from storage import Database


def make_context(database: Database, **given: Any) -> Context:
    """Fields that are not given are None: a test that needs one fails where it is used."""
    empty: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(Context))
    state = {"app_cache": AppCache(), "sync_failures": {}, "skip_limits": {}}
    return Context(**(empty | {"db": database} | state | given))
