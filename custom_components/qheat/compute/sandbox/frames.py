"""Frames between Home Assistant and the runner: one line of JSON, then raw bytes.

The line is an object; its `size` is the count of bytes behind it. Both are bounded, and whatever
else arrives is a FrameError.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_HEADER_BYTES = 1 << 20
MAX_BODY_BYTES = 128 << 20


class FrameError(ValueError):
    """The other side sent something that is no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    header: dict[str, Any]
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes that `Frames` reads back."""
        line = json.dumps({**self.header, "size": len(self.body)}, separators=(",", ":"))
        return b"".join((line.encode(), b"\n", self.body))


class Frames:
    """Cuts a stream of bytes into frames, however the bytes arrive."""

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._data = bytearray()
        self._header: dict[str, Any] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes; raises FrameError."""
        self._data += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        if self._header is None:
            end = self._data.find(b"\n", 0, MAX_HEADER_BYTES)
            if end < 0:
                if len(self._data) >= MAX_HEADER_BYTES:
                    raise FrameError("header too long")
                return None
            self._header = self._parse(bytes(self._data[:end]))
            del self._data[: end + 1]
        if len(self._data) < self._size:
            return None
        frame = Frame(self._header, bytes(self._data[: self._size]))
        del self._data[: self._size]
        self._header = None
        return frame

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            header = json.loads(line)
        except (ValueError, RecursionError) as err:
            raise FrameError("header is not JSON") from err
        if not isinstance(header, dict):
            raise FrameError("header is not an object")
        size = header.pop("size", None)
        if type(size) is not int or not 0 <= size <= self._max_body_bytes:
            raise FrameError("size out of bounds")
        self._size = size
        return header
