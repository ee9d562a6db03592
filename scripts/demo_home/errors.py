"""What the person at the terminal gets to read."""

from collections.abc import Mapping


class DemoError(Exception):
    """Something that stops the demo; its text says what, and what to do about it."""


class RefusedError(DemoError):
    """A form of Home Assistant does not take its answers; `errors` says why, by field."""

    def __init__(self, step_id: str, errors: Mapping[str, str]) -> None:
        super().__init__(f"the form {step_id!r} says {errors}")
        self.errors = errors
