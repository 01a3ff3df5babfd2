"""The QR code of an install page: a PNG with exactly the modules of the library."""

from __future__ import annotations

import struct
import zlib

import pytest
import segno

from bot.results.messages import QUIET_ZONE, qr_png

URL = "https://app.bitrise.io/artifact/0123456789abcdef/p/fedcba9876543210"


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pixels_of(png: bytes) -> list[list[int]]:
    """Rows of a PNG with one bit a pixel, each as it is or as the change to the one above: 1 is white."""
    width, _ = size_of(png)
    data, place = b"", 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    raw, row, above, rows = zlib.decompress(data), 1 + (width + 7) // 8, bytes((width + 7) // 8), []
    for start in range(0, len(raw), row):
        kind, line = raw[start], raw[start + 1 : start + row]
        assert kind in (0, 2)
        above = bytes((byte + up) % 256 for byte, up in zip(line, above, strict=True)) if kind == 2 else line
        rows.append([above[x // 8] >> (7 - x % 8) & 1 for x in range(width)])
    return rows


@pytest.mark.parametrize("url", ["https://a.io", URL, URL * 8])
def test_code_is_a_square_of_about_400_pixels(url: str) -> None:
    png = qr_png(url)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = size_of(png)
    assert width == height
    assert 330 <= width <= 470


def test_code_has_the_address_and_a_blank_margin() -> None:
    matrix = segno.make_qr(URL, error="m", boost_error=False).matrix
    pixels = pixels_of(qr_png(URL))
    scale = len(pixels) // (len(matrix) + 2 * QUIET_ZONE)
    assert len(pixels) == scale * (len(matrix) + 2 * QUIET_ZONE)
    modules = [[1 - pixel for pixel in row[::scale]] for row in pixels[::scale]]
    inner = [row[QUIET_ZONE:-QUIET_ZONE] for row in modules[QUIET_ZONE:-QUIET_ZONE]]
    assert inner == [list(row) for row in matrix]
    assert sum(map(sum, modules)) == sum(map(sum, inner))


def test_too_long_address_is_refused() -> None:
    with pytest.raises(ValueError, match="Data too large"):
        qr_png("https://a.io/" + "x" * 3_000)
