"""Examples and hypothesis strategies of typed text."""

from __future__ import annotations

from hypothesis import strategies as st

VERBS = frozenset({"status", "list", "abort", "again", "help", "connect"})
SLUG = "a851343a3121eadf"
UUID = "0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a"
PAGE = f"https://app.bitrise.io/build/{SLUG}"


def escaped(text: str) -> str:
    """Escape a text as Slack sends it: https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


PIECES = st.sampled_from(
    [
        *(
            "shop",
            "deploy",
            "release/3.2",
            "#812",
            "812",
            '"two words"',
            "'a b'",
            'A="b c"',
            "B=it's",
            "x--y",
            "--",
            "-x",
        ),
        *(
            "workflow:a",
            "branch: main",
            "message: hi & <b> c",
            "a|b: c",
            "|",
            '"',
            "'",
            "a&b",
            "<",
            ">",
            "a<b",
            "\\",
            '\\"',
        ),
    ]
)
TYPED = st.lists(st.one_of(PIECES, st.text(st.characters(codec="ascii"), max_size=6)), max_size=12).map(" ".join)

ANY_TEXT = st.one_of(st.text(), TYPED, st.lists(st.one_of(PIECES, st.text(max_size=5))).map("".join))

# Any text that reading leaves as it is.
TYPOGRAPHIC = "“”„‟«»″‘’‚‛′–‐‑‒−—―"
PLAIN = st.text(
    st.characters(
        exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" \\\"'|:=#-", exclude_characters=TYPOGRAPHIC
    ),
    max_size=20,
)
