"""Composable checks of JSON values, with the messages that Slack would return.

The wording follows ``response_metadata.messages`` of Slack's Web API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """A message about the value at a JSON pointer."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


Findings = list[Finding]
Check = Callable[[Any, str, Findings], None]
Rule = Callable[[Mapping[str, Any], str, Findings], None]

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")


def string(most: int | None = None, least: int = 0) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.append(Finding(at, "must be a string"))
        elif most is not None and len(value) > most:
            findings.append(Finding(at, f"must be less than {most + 1} characters"))
        elif len(value) < least:
            findings.append(Finding(at, f"must be more than {least - 1} characters"))

    return check


def url(most: int | None = None) -> Check:
    sized = string(most, least=1)

    def check(value: Any, at: str, findings: Findings) -> None:
        sized(value, at, findings)
        if isinstance(value, str) and value and not URL.fullmatch(value):
            findings.append(Finding(at, "must be a valid URL"))

    return check


def flag(value: Any, at: str, findings: Findings) -> None:
    if not isinstance(value, bool):
        findings.append(Finding(at, "must be a boolean"))


def whole(least: int | None = None, most: int | None = None) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            findings.append(Finding(at, "must be an integer"))
        elif least is not None and value < least:
            findings.append(Finding(at, f"must be greater than or equal to {least}"))
        elif most is not None and value > most:
            findings.append(Finding(at, f"must be less than or equal to {most}"))

    return check


def number(above: float | None = None) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            findings.append(Finding(at, "must be a number"))
        elif above is not None and value <= above:
            findings.append(Finding(at, f"must be greater than {above:g}"))

    return check


def choice(*values: str) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if value not in values:
            findings.append(Finding(at, f"must be one of: {', '.join(values)}"))

    return check


def matching(pattern: str) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            findings.append(Finding(at, f"must match pattern: {pattern}"))

    return check


def listing(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.append(Finding(at, "must be an array"))
            return
        if most is not None and len(value) > most:
            findings.append(Finding(at, f"no more than {most} items allowed"))
        if len(value) < least:
            findings.append(Finding(at, f"no less than {least} items allowed"))
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", findings)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    """Check an object with these fields and no others; ``null`` means a missing optional field."""
    fields = {**required, **(optional or {})}

    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.append(Finding(at, "must be an object"))
            return
        findings.extend(Finding(at, f"missing required field: {name}") for name in required if value.get(name) is None)
        for name, each in value.items():
            if name not in fields:
                findings.append(Finding(at, f"invalid additional property: {name}"))
            elif each is not None:
                fields[name](each, f"{at}/{name}", findings)
        for rule in rules:
            rule(value, at, findings)

    return check


def by_type(table: Mapping[str, Check]) -> Check:
    """Check an object by its ``type``."""

    def check(value: Any, at: str, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.append(Finding(at, "must be an object"))
        elif "type" not in value:
            findings.append(Finding(at, "missing required field: type"))
        elif not isinstance(value["type"], str) or value["type"] not in table:
            findings.append(Finding(f"{at}/type", f"unsupported type: {value['type']}"))
        else:
            table[value["type"]](value, at, findings)

    return check


def anything(value: Any, at: str, findings: Findings) -> None:
    """Accept every value, where Slack's documentation is too loose to refuse any."""


def needs_one_of(*names: str) -> Rule:
    def rule(value: Mapping[str, Any], at: str, findings: Findings) -> None:
        if not any(value.get(name) for name in names):
            findings.append(Finding(at, f"one of these fields is required: {', '.join(names)}"))

    return rule


def not_together(*names: str) -> Rule:
    def rule(value: Mapping[str, Any], at: str, findings: Findings) -> None:
        if sum(value.get(name) is not None for name in names) > 1:
            findings.append(Finding(at, f"only one of these fields is allowed: {', '.join(names)}"))

    return rule
