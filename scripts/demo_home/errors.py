"""The one error that the person at the terminal gets to read."""


class DemoError(Exception):
    """Something that stops the demo; its text says what, and what to do about it."""
