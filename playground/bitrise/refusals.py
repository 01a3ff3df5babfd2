"""Error responses in every form that Bitrise is known to use."""

from __future__ import annotations

from typing import Any

STANDARD_TEXTS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
GATEWAY_STATUSES = frozenset({502, 503, 504})
"""Statuses of the gateway before Bitrise, with an HTML page as body."""

FORMS = ("message", "error_msg", "error", "errors", "errors_object", "trigger", "html", "text")


class Refused(Exception):
    """Refuse a call, without an effect."""

    def __init__(self, status: int, text: str | None = None, *, form: str = "message", **more: Any) -> None:
        super().__init__(text or STANDARD_TEXTS.get(status, "Error"))
        self.status = status
        self.text = str(self)
        self.form = form
        self.more = more
        """Further fields of the body."""


def not_found() -> Refused:
    """Return the error for a missing object and for one the token can't see."""
    return Refused(404)


def bad_request(text: str, form: str = "message") -> Refused:
    return Refused(400, text, form=form)


def error_body(form: str, text: str, **more: Any) -> Any:
    """Return the JSON value or page that contains ``text`` in this form."""
    match form:
        case "message" | "error_msg" | "error":
            return {form: text, **more}
        case "errors":
            return {"errors": [text], **more}
        case "errors_object":
            return {"errors": {"base": [text]}, **more}
        case "trigger":
            return {"status": "error", "message": text, "service": "bitrise", **more}
        case "html":
            return f"<!DOCTYPE html>\n<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n"
        case "text":
            return text
        case _:
            raise ValueError(f"no such form of error: {form} (there are {', '.join(FORMS)})")
