"""The runner's end of the pipes to Home Assistant; it never blocks."""

import os
import selectors
from collections.abc import Iterator

from .frames import Frame, Frames

_READ_BYTES = 1 << 20


class ClosedError(Exception):
    """Home Assistant is gone."""


class Link:
    """Reads frames from standard input and writes frames to standard output."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._frames = Frames()
        self._left = bytearray()
        for descriptor in (0, 1):
            os.set_blocking(descriptor, False)

    @property
    def stuck(self) -> bool:
        """Whether Home Assistant has not read yet what was sent before."""
        return bool(self._left)

    def receive(self) -> Iterator[Frame]:
        """Yield the frames that have arrived; raises ClosedError and FrameError."""
        try:
            data = os.read(0, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise ClosedError
        yield from self._frames.feed(data)

    def send(self, frame: Frame) -> None:
        """Send a frame, as soon as the pipe takes it; raises ClosedError."""
        self._left += frame.encode()
        self.flush()

    def flush(self) -> None:
        """Write what the pipe takes; raises ClosedError."""
        was_stuck = 1 in self._selector.get_map()
        try:
            while self._left:
                del self._left[: os.write(1, self._left)]
        except BlockingIOError:
            if not was_stuck:
                self._selector.register(1, selectors.EVENT_WRITE, self.flush)
            return
        except BrokenPipeError as err:
            raise ClosedError from err
        if was_stuck:
            self._selector.unregister(1)
