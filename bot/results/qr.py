"""A QR code of an install page, drawn here, so that no other service learns what is installed."""

from __future__ import annotations

from io import BytesIO

QUIET_ZONE = 4
"""Blank modules around it; with less, cameras do not find it."""
PIXELS = 400


def qr_png(url: str) -> bytes:
    """A black and white PNG of about 400 pixels. Raises `ValueError` for more than 2,331 bytes."""
    import segno  # most processes never draw one

    code = segno.make_qr(url, error="m", boost_error=False)
    drawn = BytesIO()
    modules = code.symbol_size(scale=1, border=QUIET_ZONE)[0]
    code.save(drawn, kind="png", scale=max(2, round(PIXELS / modules)), border=QUIET_ZONE)
    return drawn.getvalue()
