"""Refusals, in every form of error body that Bitrise is known to answer with."""

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
"""Answered by what stands before Bitrise, as a page."""

FORMS = ("message", "error_msg", "error", "errors", "errors_object", "trigger", "html", "text")


class Refused(Exception):
    """The call has no effect and is answered so."""

    def __init__(self, status: int, text: str | None = None, *, form: str = "message", **more: Any) -> None:
        super().__init__(text or STANDARD_TEXTS.get(status, "Error"))
        self.status = status
        self.text = str(self)
        self.form = form
        self.more = more
        """Further fields of the body."""


def not_found() -> Refused:
    """Not there, or not for this token: Bitrise does not tell which."""
    return Refused(404)


def bad_request(text: str, form: str = "message") -> Refused:
    return Refused(400, text, form=form)


def error_body(form: str, text: str, **more: Any) -> Any:
    """The JSON value, or the text of a page, that says ``text`` in this form."""
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
