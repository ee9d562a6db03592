import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.sandbox.frames import (
    MAX_HEADER_BYTES,
    Frame,
    FrameError,
    Frames,
)

HEADERS = st.dictionaries(
    st.text(max_size=4), st.integers() | st.text() | st.none(), max_size=3
).map(lambda header: {key: value for key, value in header.items() if key != "size"})
FRAMES = st.builds(Frame, HEADERS, st.binary(max_size=200))


@given(sent=st.lists(FRAMES, max_size=5), data=st.data())
def test_frames_arrive_whole_however_the_pipe_cuts_them(
    sent: list[Frame], data: st.DataObject
) -> None:
    stream = b"".join(frame.encode() for frame in sent)
    frames = Frames()
    received: list[Frame] = []

    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += frames.feed(stream[:size])
        stream = stream[size:]

    assert received == sent


@given(noise=st.binary(max_size=300))
def test_noise_gives_frames_or_a_frame_error(noise: bytes) -> None:
    frames = Frames()
    try:
        for frame in frames.feed(noise):
            assert isinstance(frame.header, dict)
    except FrameError:
        pass


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[]",
        b"null",
        b"{}",
        b'{"size":-1}',
        b'{"size":1e3}',
        b'{"size":true}',
        b'{"size":"3"}',
        b'{"size":null}',
        b'{"size":NaN}',
        b'{"size":999999999999}',
        b"[" * 60000,
        b"\xff\xfe",
    ],
)
def test_a_header_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(FrameError):
        list(Frames().feed(line + b"\n"))


def test_a_header_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(FrameError):
        list(Frames().feed(b" " * MAX_HEADER_BYTES))


def test_a_body_larger_than_expected_is_refused_before_it_arrives() -> None:
    header = json.dumps({"size": 11}).encode() + b"\n"

    with pytest.raises(FrameError):
        list(Frames(max_body_bytes=10).feed(header))
