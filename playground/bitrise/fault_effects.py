"""Apply a fault to a call: prevent its effect, or change its response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playground.bitrise.calls import Answer
from playground.bitrise.refusals import GATEWAY_STATUSES, STANDARD_TEXTS, error_body
from playground.wire import Fault

KINDS = frozenset({"status", "body", "html", "broken_json", "nulls", "all_nulls", "slow", "cut_before", "cut_after"})
REPLACING = frozenset({"status", "body", "html"})
"""Kinds that prevent the effect, unless the fault keeps it."""

SOLID = frozenset({"slug", "build_slug", "status", "id"})
"""Required fields, which ``nulls`` keeps and ``all_nulls`` clears."""

ENVELOPES = frozenset({"data", "paging", "results"})
"""Containers of items; nulls go inside, not in their place."""


def keeps_effect(fault: Fault | None) -> bool:
    """Return whether the call still takes effect."""
    if fault is None or fault.effect:
        return True
    return fault.kind not in REPLACING and fault.kind != "cut_before"


def is_cut(fault: Fault | None) -> bool:
    return fault is not None and fault.kind in ("cut_before", "cut_after")


def spoil(fault: Fault | None, answer: Answer | None) -> Answer:
    """Return the response to send; ``answer`` is the original, ``None`` if the call had no effect."""
    if fault is not None and (answer is None or fault.kind in REPLACING):
        return _replacement(fault)
    assert answer is not None
    match fault.kind if fault is not None else "":
        case "broken_json":
            return replace(answer, body=answer.text[: len(answer.text) // 2], content_type="application/json; broken")
        case "nulls":
            return replace(answer, body=nulled(answer.body, SOLID))
        case "all_nulls":
            return replace(answer, body=nulled(answer.body, frozenset()))
        case _:
            return answer


def _replacement(fault: Fault) -> Answer:
    if fault.kind == "body":
        return _typed(fault.body, fault.status or 200, fault)
    status = fault.status or (502 if fault.kind == "html" else 500)
    form = "html" if fault.kind == "html" else fault.form or _usual_form(status)
    text = fault.error or STANDARD_TEXTS.get(status, "Error")
    return _typed(error_body(form, text), status, fault, page=form == "html")


def _usual_form(status: int) -> str:
    return "html" if status in GATEWAY_STATUSES else "message"


def _typed(body: Any, status: int, fault: Fault, page: bool = False) -> Answer:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    plain = "text/html" if page else "text/plain"
    return Answer(body, status, plain if isinstance(body, str) else "application/json", headers)


def nulled(value: Any, solid: frozenset[str]) -> Any:
    """Return the value with null in every field except ``solid`` ones; lists keep their length."""
    if isinstance(value, list):
        return [nulled(inner, solid) for inner in value]
    if isinstance(value, dict):
        return {key: _nulled_field(key, inner, solid) for key, inner in value.items()}
    return None


def _nulled_field(key: str, value: Any, solid: frozenset[str]) -> Any:
    if key in ENVELOPES:
        return nulled(value, solid)
    return value if key in solid else None
