"""What the embedded backend's jobs have found: to be looked at, and to see that they are real."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .backend import EmbeddedBackend
from .backend.docking import energy_kj_mol
from .backend.gallery import Picture, newest_picture
from .backend.option_price import price

PICTURE_TILE: Final = "picture_tile"
FIGURES: Final[Mapping[str, Callable[[bytes], float]]] = {
    "option_price": price,
    "docking": energy_kj_mol,
}

# Tiles of the picture in the making and of the one before it.
_TILES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Showcase:
    """The picture as far as it is painted, and the last figure of other kinds."""

    picture: Picture | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


async def read_showcase(backend: EmbeddedBackend) -> Showcase:
    """Collect what accepted jobs have given so far."""
    tiles = await backend.latest_results(PICTURE_TILE, _TILES)
    figures = {}
    for kind, figure in FIGURES.items():
        for result in await backend.latest_results(kind, 1):
            figures[kind] = figure(result.output)
    return Showcase(picture=await asyncio.to_thread(newest_picture, tiles), figures=figures)
