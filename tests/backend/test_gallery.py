import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.backend import picture_tile
from custom_components.qheat.backend.gallery import newest_picture, write_png
from custom_components.qheat.backend.work import Result

SIDE = picture_tile.TILE


def tile_result(number: int) -> Result:
    """Return the job with this number and a tile of which every pixel tells where it is."""
    job = picture_tile.make(number)
    tile = picture_tile.read_tile(job)
    pixels = bytes(
        byte
        for row in range(tile.top, tile.top + SIDE)
        for column in range(tile.left, tile.left + SIDE)
        for byte in (column // 2, row // 2, tile.picture % 256)
    )
    return Result(
        input_data=job,
        output=b"P6\n%d %d\n255\n" % (SIDE, SIDE) + pixels,
        settled_at=1000.0 + number,
    )


def read_png(png: bytes) -> tuple[int, int, bytes]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        chunks[name] = png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(name + chunks[name])
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    rows, stride = zlib.decompress(chunks[b"IDAT"]), width * 3 + 1
    assert len(rows) == stride * height
    return (
        width,
        height,
        b"".join(rows[row * stride + 1 : (row + 1) * stride] for row in range(height)),
    )


@given(width=st.integers(1, 9), height=st.integers(1, 9), data=st.data())
def test_a_png_holds_the_pixels_it_was_given(width: int, height: int, data: st.DataObject) -> None:
    size = width * height * 3
    pixels = data.draw(st.binary(min_size=size, max_size=size))
    assert read_png(write_png(width, height, pixels)) == (width, height, pixels)


def test_the_tiles_of_one_picture_cover_it_exactly_in_any_order_and_it_is_as_old_as_the_last() -> (
    None
):
    tiles = [tile_result(number) for number in range(picture_tile.TILES)]
    for results in (tiles, [*reversed(tiles), tiles[3], tiles[3]]):
        picture = newest_picture(results)
        assert picture is not None
        assert picture.painted_at == 1000.0 + picture_tile.TILES - 1
        assert read_png(picture.png) == (
            480,
            360,
            bytes(b for row in range(360) for col in range(480) for b in (col // 2, row // 2, 0)),
        )


def test_a_missing_tile_stays_dark() -> None:
    picture = newest_picture([tile_result(0)])
    assert picture is not None
    _, _, pixels = read_png(picture.png)
    assert pixels.count(b"\x14\x11\x10") >= 480 * 360 - SIDE * SIDE


def test_there_is_no_picture_before_the_first_tile() -> None:
    assert newest_picture([]) is None


def test_a_new_picture_begins_with_its_first_tile_also_if_the_last_of_the_one_before_is_late() -> (
    None
):
    number = picture_tile.TILES
    late = replace(tile_result(number - 1), settled_at=9000.0)
    picture = newest_picture([tile_result(number), late])
    assert picture == newest_picture([tile_result(number)])
    assert picture is not None
    assert picture.painted_at == 1000.0 + number


@pytest.mark.parametrize(
    "spoil",
    [
        lambda output: output[:-1],
        lambda output: output + b"\0",
        lambda output: b"P5" + output[2:],
        lambda output: output.replace(b"120 120", b"120 121"),
        lambda output: output[:15] + bytes(len(output) - 15),
        lambda _: b"",
    ],
)
def test_a_tile_that_is_not_a_picture_of_the_room_is_refused(spoil: object) -> None:
    tile = tile_result(0)
    assert picture_tile.check(tile.input_data, tile.output) is None
    assert callable(spoil)
    assert picture_tile.check(tile.input_data, spoil(tile.output))
