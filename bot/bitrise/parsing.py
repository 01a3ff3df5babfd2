"""Parse Bitrise's JSON into models. Nothing in a response raises here.

The reference declares every field as never null, yet any can be null, empty, missing or of another type: a field that
can't be read is None. An item without a slug can be neither shown nor fetched again, so it is dropped and logged.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.bitrise.models import (
    App,
    Build,
    EnvironmentVariable,
    Owner,
    Page,
    RequestedParams,
    TriggeredBuild,
    Webhook,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

PIPELINE_STATUSES: Mapping[str, int] = {"succeeded": 1, "failed": 2, "aborted": 3, "succeeded_with_abort": 4}
"""A pipeline's status as a build's number; any other word is 0, not finished."""
MAX_INTEGER = 2**53
"""Beyond it a JSON number is no longer exact, and beyond 2**63 no database takes it."""
MAX_DIGITS = 19
YEARS = range(1971, 9999)
"""``0001-01-01T00:00:00Z`` means "never" in some places, ``9999-12-31`` in others."""


# Values.


def parse_json(raw: bytes) -> object:
    """Return the JSON value in ``raw``, or the text when it is plain text, or None."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "replace").strip()
        return text if text and not text.startswith(("<", "{", "[", '"')) else None
    return value


def as_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def clean(text: str) -> str:
    """Replace what databases and sockets refuse: NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def as_text(value: object) -> str | None:
    """Blank counts as missing: Bitrise sends null, an empty string or nothing for the same thing."""
    if not isinstance(value, str) or not value.strip():
        return None
    is_clean = value.isascii() and "\x00" not in value  # nearly all, at a third of the cost
    return value if is_clean else clean(value)


def as_integer(value: object) -> int | None:
    """Some fields are untyped in the reference, so a number in quotes is accepted."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= MAX_INTEGER else None


def as_boolean(value: object) -> bool:
    return value is True


def as_time(value: object) -> datetime | None:
    """An RFC 3339 time in UTC; a time without a zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not UTC:
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None


def as_variable(value: object) -> str:
    """An environment variable's value: a string, or a number or boolean from somebody's YAML."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, float) or as_integer(value) is not None else ""


# Items.

FIELD_PARSERS: Mapping[str, tuple[Callable[[object], Any], Any]] = {
    "str": (as_text, None),
    "str | None": (as_text, None),
    "int": (lambda value: as_integer(value) or 0, 0),
    "int | None": (as_integer, None),
    "bool": (as_boolean, False),
    "datetime | None": (as_time, None),
}
"""The parser of a field's type, and the value of a field that is missing."""


class ItemParser(Generic[T]):
    """Parse fields of a model by type, under their own name or the JSON name given here. The call adds the others."""

    def __init__(self, model: type[T], item: str, /, **json_names: str) -> None:
        fields = dataclasses.fields(model)  # type: ignore[arg-type]
        self._model, self._item = model, item
        self._required = [field.name for field in fields if field.type == "str"]
        self._fields = [
            (field.name, json_names.get(field.name, field.name), *FIELD_PARSERS[str(field.type)])
            for field in fields
            if field.type in FIELD_PARSERS
        ]

    def __call__(self, item: Mapping[str, Any], **values: Any) -> T | None:
        """``values`` replace what the item says. Returns None if a required text is missing."""
        for name, json_name, parse, missing in self._fields:
            if name not in values:
                value = item.get(json_name)
                values[name] = missing if value is None else parse(value)
        if None in map(values.get, self._required):
            log.warning("Bitrise sent something without a slug; it is left out", extra={"kind": self._item})
            return None
        return self._model(**values)


_app = ItemParser(App, "app")
_webhook = ItemParser(Webhook, "webhook")
_PARSED = frozenset(["branch", "tag", "commit_hash", "workflow_id", "pipeline_id", "environments"])
_requested = ItemParser(RequestedParams, "parameters")
_build = ItemParser(
    Build,
    "build",
    number="build_number",
    workflow="triggered_workflow",
    started_at="started_on_worker_at",
    machine_type="machine_type_id",
    stack="stack_identifier",
    is_utility="utility",
)
_pipeline = ItemParser(
    Build, "pipeline", slug="id", number="number_in_app_scope", status_text="status", is_utility="utility"
)
_listed_pipeline = ItemParser(
    Build, "pipeline", number="build_number", pipeline="triggered_workflow", is_utility="utility"
)
_triggered = ItemParser(
    TriggeredBuild, "trigger", number="build_number", workflow="triggered_workflow", pipeline="triggered_pipeline"
)
_CODE = "branch", "tag", "commit_hash", "commit_message", "commit_view_url", "pull_request_id", "pull_request_view_url"


def parse_data(body: object) -> object:
    """Take an item out of its envelope. Pipelines come without one, although some sources say otherwise."""
    fields = as_mapping(body)
    return fields["data"] if isinstance(fields.get("data"), dict) else fields


def parse_page(body: object, parse: Callable[[Any], T | None]) -> Page[T] | None:
    """Return None if it isn't a list. ``null`` is an empty one, unless the response counts more than none."""
    fields = as_mapping(body)
    paging = as_mapping(fields.get("paging"))
    total = as_integer(paging.get("total_item_count"))
    is_empty = "data" in fields and fields["data"] is None and not total
    if not is_empty and not isinstance(fields.get("data"), list):
        return None
    parsed = [parse(item) for item in as_list(fields.get("data"))]
    return Page(tuple(item for item in parsed if item is not None), next=as_text(paging.get("next")), total=total)


def parse_owner(value: object) -> Owner:
    fields = as_mapping(value)
    return Owner(username=as_text(fields.get("username")), slug=as_text(fields.get("slug")))


def parse_app(value: object) -> App | None:
    fields = as_mapping(value)
    return _app(fields, owner_name=as_text(as_mapping(fields.get("owner")).get("name")))


def parse_build(value: object, app_slug: str | None = None) -> Build | None:
    """In the list of all apps' builds each names its app under ``repository``."""
    fields = as_mapping(value)
    repository = as_mapping(fields.get("repository"))
    return _build(
        fields,
        app_slug=app_slug or as_text(repository.get("slug")),
        app_title=as_text(repository.get("title")),
        is_pipeline=False,
        pipeline=None,
        pull_request_id=as_integer(fields.get("pull_request_id")) or None,  # 0 without a pull request
        requested=parse_requested(fields.get("original_build_params")),
    )


def parse_pipeline(value: object, app_slug: str) -> Build | None:
    """Parse the detail of a pipeline, whose branch and commit are in its trigger parameters."""
    fields = as_mapping(value)
    status, params = as_text(fields.get("status")), as_mapping(fields.get("trigger_params"))
    return _pipeline(
        {**fields, **{name: params.get(name) for name in _CODE}},
        app_slug=app_slug,
        is_pipeline=True,
        status=PIPELINE_STATUSES.get(status or "", 0),
        is_on_hold=status == "on_hold",
        pipeline=as_text(fields.get("name")) or as_text(params.get("pipeline_id")),
        pull_request_id=as_integer(params.get("pull_request_id")) or None,
        requested=parse_requested(params),
    )


def parse_listed_pipeline(value: object, app_slug: str) -> Build | None:
    """Parse an item of the pipeline list. None for a standalone build, which that list holds as well."""
    fields = as_mapping(value)
    pipeline = _listed_pipeline(
        fields,
        app_slug=app_slug,
        status_text=None,
        pull_request_id=as_integer(fields.get("pull_request_id")) or None,
        requested=parse_requested(fields.get("trigger_params")),
    )
    return pipeline if pipeline and pipeline.is_pipeline else None


def _variable(key: str, item: Mapping[str, Any]) -> EnvironmentVariable:
    return EnvironmentVariable(key, as_variable(item.get("value")), item.get("is_expand") is not False)


def parse_requested(value: object) -> RequestedParams | None:
    """Return None if nothing is set: the object often holds nothing but nulls."""
    fields = as_mapping(value)
    items = [as_mapping(item) for item in as_list(fields.get("environments"))]
    named = [(as_text(item.get("key")) or as_text(item.get("mapped_to")), item) for item in items]  # the old name
    variables = [_variable(key, item) for key, item in named if key]
    others = {name: value for name, value in fields.items() if value and name not in _PARSED}
    requested = _requested(fields, environments=tuple(variables), others=others)
    return requested if requested != RequestedParams() else None


def parse_trigger_items(body: object) -> list[Mapping[str, Any]]:
    """Return ``results``, or the deprecated fields beside it. ``slug`` at the top is the app, not a build."""
    fields = as_mapping(body)
    items = [as_mapping(item) for item in as_list(fields.get("results"))]
    has_slug = any(as_text(item.get("build_slug")) for item in items)
    return items if has_slug or (items and not as_text(fields.get("build_slug"))) else [*items, fields]


def parse_triggered(item: Mapping[str, Any]) -> TriggeredBuild | None:
    """An item with a slug has started, even if it reports an error."""
    slug = as_text(item.get("build_slug"))
    return _triggered(item, slug=slug) if slug else None


def parse_webhook(value: object) -> Webhook | None:
    fields = as_mapping(value)
    events = tuple(event for event in map(as_text, as_list(fields.get("events"))) if event)
    return _webhook(fields, events=events)
