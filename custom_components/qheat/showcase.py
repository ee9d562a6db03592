"""What the embedded backend's jobs have found: to be looked at, and to see that they are real."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .backend import EmbeddedBackend
from .backend.catalogue import describe
from .backend.gallery import Gallery

PICTURE_TILE: Final = "picture_tile"
LINES: Final = ("option_price", "docking")

# Tiles of the picture in the making and of the one before it.
_TILES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Showcase:
    """The picture as far as it is painted (PNG), and a line on the last result of other kinds."""

    picture_png: bytes | None = None
    lines: Mapping[str, str] = field(default_factory=dict)


async def read_showcase(backend: EmbeddedBackend) -> Showcase:
    """Collect what accepted jobs have given so far."""
    tiles = await backend.latest_results(PICTURE_TILE, _TILES)
    lines = {}
    for kind in LINES:
        for input_data, output in await backend.latest_results(kind, 1):
            lines[kind] = describe(kind, input_data, output)
    return Showcase(picture_png=await asyncio.to_thread(_paint, tiles), lines=lines)


def _paint(tiles: list[tuple[bytes, bytes]]) -> bytes | None:
    gallery = Gallery()
    for input_data, output in reversed(tiles):
        gallery.add(input_data, output)
    return None if gallery.current is None else gallery.current.png()
