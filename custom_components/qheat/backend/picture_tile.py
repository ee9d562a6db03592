"""Jobs that render one tile of a picture of a room, hour by hour."""

from dataclasses import dataclass
from typing import Final

from .fields import read_words, write_fields

WIDTH: Final = 480
HEIGHT: Final = 360
TILE: Final = 120
COLUMNS: Final = WIDTH // TILE
TILES: Final = COLUMNS * (HEIGHT // TILE)

_ORDER: Final = (9, 5, 10, 6, 8, 4, 11, 7, 1, 2, 0, 3)
"""Tiles of a picture from the radiator outwards, so that it can soon be recognised."""
_HOURS: Final = (18.0, 21.0, 8.0, 10.5, 13.0, 16.0)
_YAWS: Final = (8.0, -4.0, 3.0, 12.0, -8.0, 0.0, 6.0)
_SAMPLES: Final = 260


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile of a picture; `left` and `top` in pixels."""

    picture: int
    left: int
    top: int


def make(number: int) -> bytes:
    """Return the input of the tile job with this number, from 0 on."""
    picture, turn = divmod(number, TILES)
    tile = _ORDER[turn]
    return write_fields(
        [
            ("width", WIDTH),
            ("height", HEIGHT),
            ("left", tile % COLUMNS * TILE),
            ("top", tile // COLUMNS * TILE),
            ("columns", TILE),
            ("rows", TILE),
            ("samples", _SAMPLES),
            ("hour", _HOURS[picture % len(_HOURS)]),
            ("yaw", _YAWS[picture % len(_YAWS)]),
            ("seed", picture),
        ]
    )


def check(input_data: bytes, output: bytes) -> str | None:
    """Return why this output is not the picture of the tile, or None if it can be."""
    header = b"P6\n%d %d\n255\n" % (TILE, TILE)
    if not output.startswith(header):
        return "not a picture of the right size"
    pixels = output[len(header) :]
    if len(pixels) != TILE * TILE * 3:
        return f"{len(pixels)} bytes of pixels, not {TILE * TILE * 3}"
    if len({pixels[at : at + 3] for at in range(0, len(pixels), 3)}) < TILE:
        return "a flat picture; the room is nowhere of one colour"
    return None


def read_tile(input_data: bytes) -> Tile:
    """Return which tile the input of a tile job asks for."""
    words = {key: values[0] for key, values in read_words(input_data).items()}
    return Tile(
        picture=int(words["seed"]),
        left=int(words["left"]),
        top=int(words["top"]),
    )


def read_pixels(output: bytes) -> bytes:
    """Return a checked tile's pixels, three bytes each, row by row from the top."""
    return output[-TILE * TILE * 3 :]
