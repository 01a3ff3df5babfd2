"""Whose build it is: e-mail addresses that a commit message names. Pure.

Bitrise tells no author. It keeps the commit message, and with it the trailers that Git itself writes: ``Signed-off-by``
(``git commit --signoff``), ``Co-authored-by`` and ``Author`` (https://git-scm.com/docs/git-interpret-trailers).
"""

from __future__ import annotations

import re

_TRAILER = re.compile(
    r"^(?:signed-off-by|co-authored-by|authored-by|author):[^<\n]*<(?P<email>[^<>@\s]+@[^<>@\s]+)>\s*$",
    re.IGNORECASE | re.MULTILINE,
)
READ_CHARACTERS = 20_000


def emails_in(commit_message: str) -> frozenset[str]:
    """The addresses of its authors, lower case."""
    return frozenset(found["email"].lower() for found in _TRAILER.finditer(commit_message[:READ_CHARACTERS]))
