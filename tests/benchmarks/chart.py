"""A chart as SVG, written by hand: bars for who acknowledges how much, a line for what a running build costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, ROW, LEFT = 860, 26, 330
OURS, OTHERS, LIMIT = "#2f6fde", "#9aa7b8", "#3c4654"
STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2733; } .title { font-weight: 600; font-size: 15px; }
    .note { fill: #5b6675; } .axis { stroke: #c5ccd6; }
    @media (prefers-color-scheme: dark) { text { fill: #e6eaf0; } .note { fill: #a3adba; } .axis { stroke: #4a5564; } }
"""


def bars(title: str, shares: Mapping[str, float], *, top: int, unit: str = "of the limit") -> tuple[list[str], int]:
    """One row each, the longest is the limit; returns the drawn lines and where the next chart may begin."""
    drawn = [_text(0, top + 14, title, "title")]
    longest = max(shares.values())
    for place, (name, share) in enumerate(shares.items()):
        y = top + 28 + place * ROW
        width = max(1.0, share / longest * (WIDTH - LEFT - 110))
        fill = OURS if name.startswith("Buildbell") else LIMIT if share == longest else OTHERS
        drawn.append(_text(LEFT - 10, y + 14, name, anchor="end"))
        drawn.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{ROW - 8}" rx="3" fill="{fill}"/>')
        drawn.append(_text(LEFT + width + 8, y + 14, f"{share:.2f} {unit}", "note"))
    return drawn, top + 28 + len(shares) * ROW + 24


def line(title: str, points: Sequence[tuple[float, float]], *, top: int, label: str) -> tuple[list[str], int]:
    """Points over steps of ten; flat means that one more costs no more than the one before."""
    height, width = 120, WIDTH - LEFT - 110
    highest = max(y for _, y in points) * 1.25
    drawn = [_text(0, top + 14, title, "title")]
    base = top + 40 + height
    drawn.append(f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{LEFT + width}" y2="{base}"/>')
    step = width / max(1, len(points) - 1)
    places = [(LEFT + place * step, base - y / highest * height) for place, (_, y) in enumerate(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn.append(f'<polyline points="{path}" fill="none" stroke="{OURS}" stroke-width="2.5"/>')
    for (x, y), (what, value) in zip(places, points, strict=True):
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}"/>')
        drawn.append(_text(x, y - 10, f"{value:,.0f} {label}", "note", anchor="middle"))
        drawn.append(_text(x, base + 18, f"{what:,.0f}", anchor="middle"))
    return drawn, base + 40


def svg(parts: Sequence[str], height: int, title: str) -> str:
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {WIDTH + 20} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>", *parts, "</svg>", "",
    ])  # fmt: skip


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
