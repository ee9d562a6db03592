"""The pictures that tile jobs paint, put together from their results."""

import struct
import zlib
from dataclasses import dataclass, field

from .picture_tile import HEIGHT, TILE, TILES, WIDTH, Tile, read_pixels, read_tile

_DARK = b"\x14\x11\x10"


@dataclass(slots=True)
class Picture:
    """One picture in the making; a tile that is still missing stays dark."""

    hour: float
    pixels: bytearray = field(default_factory=lambda: bytearray(_DARK * WIDTH * HEIGHT))
    done: set[tuple[int, int]] = field(default_factory=set)

    @property
    def finished(self) -> bool:
        """Whether every tile is in its place."""
        return len(self.done) == TILES

    def place(self, tile: Tile, output: bytes) -> None:
        """Put a tile's checked output in its place."""
        pixels = read_pixels(output)
        for row in range(TILE):
            start = ((tile.top + row) * WIDTH + tile.left) * 3
            self.pixels[start : start + TILE * 3] = pixels[row * TILE * 3 : (row + 1) * TILE * 3]
        self.done.add((tile.left, tile.top))

    def png(self) -> bytes:
        """Return the picture as it is now, as a PNG file."""
        return write_png(WIDTH, HEIGHT, self.pixels)


class Gallery:
    """The picture being painted and the last finished one; rebuilt by adding old results again."""

    def __init__(self) -> None:
        self._pictures: dict[int, Picture] = {}

    def add(self, input_data: bytes, output: bytes) -> None:
        """Add the accepted result of a tile job; in any order, and twice does no harm."""
        tile = read_tile(input_data)
        picture = self._pictures.setdefault(tile.picture, Picture(hour=tile.hour))
        picture.place(tile, output)
        self._forget_old()

    @property
    def current(self) -> Picture | None:
        """The newest picture, finished or not; None before the first tile."""
        return self._pictures[max(self._pictures)] if self._pictures else None

    @property
    def last_finished(self) -> Picture | None:
        """The newest picture that is complete, if there is one."""
        finished = [number for number, picture in self._pictures.items() if picture.finished]
        return self._pictures[max(finished)] if finished else None

    def _forget_old(self) -> None:
        """Drop whatever is older than the last finished picture."""
        finished = [number for number, picture in self._pictures.items() if picture.finished]
        for number in [number for number in self._pictures if number < max(finished, default=0)]:
            del self._pictures[number]


def write_png(width: int, height: int, pixels: bytes | bytearray) -> bytes:
    """Return a PNG file of `pixels`: red, green and blue bytes, row by row from the top."""
    stride = width * 3
    rows = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
