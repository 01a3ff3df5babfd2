"""Compare recorded exchanges with Bitrise's API description, if that file is available.

In responses every field may be null, as at Bitrise. A field missing in the description is a problem.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from playground.wire import Entry

FACTS = Path(__file__).resolve().parents[4] / "shared" / "facts" / "data"
OPENAPI = FACTS / "bitrise-openapi.json"
LOG_SUMMARY = FACTS / "bitrise-log-summary.json"
WHY_SKIPPED = f"the description of the Bitrise API is not at hand ({OPENAPI})"

UNDESCRIBED_FIELDS = {"triggered_by"}
"""Fields beside ``build_params`` that Bitrise accepts, but its description lacks."""
UNDESCRIBED_QUERY = {"after_timestamp", "before_timestamp"}
UNDESCRIBED = {"builds.log-summary", "builds.step-log"}
"""Operations that the official MCP server uses, but the description lacks."""
MISDESCRIBED = {"webhooks.deliveries"}
"""A paged list that is described as one item."""
ERROR_FIELDS = ("message", "error_msg", "error", "errors")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

Schema = dict[str, Any]


def is_at_hand() -> bool:
    return OPENAPI.exists()


@cache
def described() -> OpenApi:
    """Return the description, read once. Check `is_at_hand` first."""
    return OpenApi()


class OpenApi:
    """Bitrise's API description. Responses changed by a fault are not checked."""

    def __init__(self, path: Path = OPENAPI) -> None:
        self._spec: dict[str, Any] = json.loads(path.read_text())
        self._base: str = self._spec["basePath"]
        self._definitions = {
            nullable: {name: self._strict(each, nullable) for name, each in self._spec["definitions"].items()}
            for nullable in (True, False)
        }
        self._enums = set(_enum_values(self._spec))
        self._valid: set[object] = set()
        """Schemas with the shapes of values that matched: the same few shapes come in every test."""
        self._places = [(_pattern(template), template) for template in self._spec["paths"]]

    def problems(self, entries: Iterable[Entry], *, requests: bool = True) -> list[str]:
        """Return the differences. ``requests=False`` checks the responses only, for tests of invalid requests."""
        return [
            f"{entry.name}: {problem}"
            for entry in entries
            if entry.direction == "in"
            for problem in self._entry_problems(entry, requests)
        ]

    def _entry_problems(self, entry: Entry, requests: bool) -> Iterator[str]:
        operation = self._operation(entry.request)
        if operation is None:
            yield from () if entry.name in UNDESCRIBED else (f"no such operation: {entry.request['path']}",)
            return
        if requests:
            yield from self._request_problems(operation, entry.request)
        if entry.name not in MISDESCRIBED and "status" in entry.response and "fault" not in entry.response:
            yield from self._answer_problems(operation, entry.response)

    def _operation(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        path = request["path"].removeprefix(self._base)
        for pattern, template in self._places:
            if pattern.fullmatch(path) and request["method"].lower() in self._spec["paths"][template]:
                operation: dict[str, Any] = self._spec["paths"][template][request["method"].lower()]
                return operation
        return None

    def _request_problems(self, operation: dict[str, Any], request: Mapping[str, Any]) -> Iterator[str]:
        described = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
        for name, value in request["query"].items():
            if name in described:
                yield from _query_problems(described[name], value)
            elif name not in UNDESCRIBED_QUERY:
                yield f"unknown query argument {name}"
        for each in operation.get("parameters", ()):
            if each["in"] == "body":
                body = request["body"]
                sent = (
                    {k: v for k, v in body.items() if k not in UNDESCRIBED_FIELDS} if isinstance(body, dict) else body
                )
                yield from self._mismatches(each["schema"], sent, nullable=False)

    def _answer_problems(self, operation: dict[str, Any], response: Mapping[str, Any]) -> Iterator[str]:
        status, body = response["status"], response["body"]
        if status >= 400:
            yield from () if _is_error(body) else (f"no text of an error in {body}",)
        elif 300 <= status < 400 or not (schema := operation["responses"].get(str(status), {}).get("schema")):
            return
        else:
            yield from self._mismatches(schema, body, nullable=True)
            yield from _bad_times(body)

    def _mismatches(self, schema: Schema, value: Any, *, nullable: bool) -> list[str]:
        match = (json.dumps(schema), nullable, self._shape(value))
        if match in self._valid:
            return []
        whole = self._strict(schema, nullable) | {"definitions": self._definitions[nullable]}
        errors = list(jsonschema.Draft7Validator(whole).iter_errors(value))
        if not errors:
            self._valid.add(match)
        return [f"{'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message}" for error in errors]

    def _shape(self, value: Any) -> object:
        """Return all that the description looks at: fields, types, and values that are one of a few."""
        if isinstance(value, dict):
            return frozenset((key, self._shape(inner)) for key, inner in value.items())
        if isinstance(value, list):
            return ("list", frozenset(self._shape(inner) for inner in value))
        return value if isinstance(value, str) and value in self._enums else type(value)

    def _strict(self, schema: Schema, nullable: bool) -> Schema:
        """Return the schema without unknown fields, and with null allowed everywhere or nowhere."""
        if "$ref" in schema:
            return {"anyOf": [schema, {"type": "null"}]} if nullable else schema
        if "allOf" in schema:
            return self._strict(schema["allOf"][0], nullable)
        strict = dict(schema)
        if "type" in schema and nullable:
            strict["type"] = [schema["type"], "null"]
        if "items" in schema:
            strict["items"] = self._strict(schema["items"], nullable)
        if "properties" in schema:
            strict["properties"] = {key: self._strict(each, nullable) for key, each in schema["properties"].items()}
            strict["additionalProperties"] = False
        return strict


def log_summary_mismatches(body: Any) -> list[str]:
    """Check the summary of a log, which has its own description."""
    schema = json.loads(LOG_SUMMARY.read_text())
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(body)]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))


def _query_problems(parameter: Mapping[str, Any], value: str) -> Iterator[str]:
    name, kind = parameter["name"], parameter["type"]
    if kind == "integer" and not re.fullmatch(r"-?\d+", value):
        yield f"{name} should be a whole number: {value}"
    elif kind == "boolean" and value not in ("true", "false"):
        yield f"{name} should be true or false: {value}"
    elif value not in parameter.get("enum", [value]):
        yield f"{name} should be one of {parameter['enum']}: {value}"
    elif kind == "integer" and int(value) > parameter.get("maximum", int(value)):
        yield f"{name} should be at most {parameter['maximum']}: {value}"


def _enum_values(spec: Any) -> Iterator[Any]:
    if isinstance(spec, dict):
        yield from spec["enum"] if isinstance(spec.get("enum"), list) else ()
        for inner in spec.values():
            yield from _enum_values(inner)
    elif isinstance(spec, list):
        for inner in spec:
            yield from _enum_values(inner)


def _is_error(body: Any) -> bool:
    return isinstance(body, dict) and any(body.get(field) for field in ERROR_FIELDS)


def _bad_times(value: Any, name: str = "") -> Iterator[str]:
    """Return build times that aren't RFC 3339 in UTC."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _bad_times(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _bad_times(inner, name)
    elif isinstance(value, str) and name.endswith("_at") and not TIME.fullmatch(value):
        yield f"{name} is no time: {value}"
