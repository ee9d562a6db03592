"""The picture that tile jobs paint, put together from their results."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from .picture_tile import HEIGHT, TILE, WIDTH, read_pixels, read_tile
from .work import Result

_DARK = b"\x14\x11\x10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as far as it is painted, as a PNG file."""

    png: bytes
    painted_at: float
    """When its last tile was settled (epoch seconds)."""


def newest_picture(results: Iterable[Result]) -> Picture | None:
    """Return the newest picture of which there is a tile; None without any.

    `results` are those of tile jobs, in any order. A missing tile stays dark.
    """
    tiles = [(read_tile(result.input_data), result) for result in results]
    if not tiles:
        return None
    newest = max(tile.picture for tile, _ in tiles)
    painted_at, picture = 0.0, bytearray(_DARK * WIDTH * HEIGHT)
    for tile, result in tiles:
        if tile.picture == newest:
            painted_at = max(painted_at, result.settled_at)
            pixels = read_pixels(result.output)
            for row in range(TILE):
                start = ((tile.top + row) * WIDTH + tile.left) * 3
                picture[start : start + TILE * 3] = pixels[row * TILE * 3 : (row + 1) * TILE * 3]
    return Picture(png=write_png(WIDTH, HEIGHT, picture), painted_at=painted_at)


def write_png(width: int, height: int, pixels: bytes | bytearray) -> bytes:
    """Return a PNG file of `pixels`: red, green and blue bytes, row by row from the top."""
    stride = width * 3
    rows = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
