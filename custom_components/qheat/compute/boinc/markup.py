"""Read the XML that a BOINC client sends: bounded, without entities, mending what it gets wrong."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from .errors import BoincError, BoincFault

MAX_REPLY_BYTES: Final = 4 * 1024 * 1024
"""Enough for some 5000 tasks."""
MAX_TAGS: Final = 250_000
"""Of 5000 tasks a client sends 200 000; more cost a loop in the same process its time."""
_MAX_DEPTH: Final = 100
"""No client nests so deep; to free tags 20,000 deep overflows the stack of a thread on musl."""
_PIECE: Final = 2**12
"""Between two pieces of a long reply a thread lets others go on."""
MAX_TEXT: Final = 256
YEARS_S: Final = 1e10
_HEAD: Final = b"<boinc_gui_rpc_reply>"

# Copied by the client from a project's answer as it stands, well-formed or not; of no use to us.
_FOREIGN: Final = "<gui_urls>"
_FOREIGN_END: Final = "</gui_urls>"
# A client sends no attributes, comments or long names: thousands of them hold up the parser.
_STRANGE_TAG: Final = re.compile(r"<(?!/?[A-Za-z_][\w.-]{0,99}\s?/?>)")
_EMPTY_TAG: Final = re.compile("<[^<>]*/>")
# Names of projects and URLs are printed without escaping.
_LONGEST_ENTITY: Final = len("&#1234567;")
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7});)")
_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))
_ILLEGAL: Final = "\ufffe\uffff"


def parse(reply: bytes) -> Element:
    """Return the root element of a GUI RPC reply; raise BoincError for anything else."""
    if len(reply) > MAX_REPLY_BYTES:
        raise BoincError(BoincFault.BROKEN_REPLY, "The reply is too long")
    if not reply.lstrip().startswith(_HEAD):
        raise BoincError(BoincFault.NOT_BOINC, "The reply does not come from a BOINC client")
    # Most replies have nothing to mend, and to find that is much cheaper than to mend them.
    text = reply.translate(None, _CONTROLS).decode(errors="replace")
    if not text.isascii():
        for character in _ILLEGAL:
            text = text.replace(character, "")
    own, *parts = text.split(_FOREIGN)
    text = own + "".join(part.partition(_FOREIGN_END)[2] for part in parts)
    if text.count("<") > MAX_TAGS or _STRANGE_TAG.search(text):
        raise BoincError(BoincFault.BROKEN_REPLY, "The reply holds tags that no client sends")
    # Behind the root's begin no document type may follow, so there are no entities to expand.
    parser = XMLParser()  # noqa: S314
    depth = 0
    try:
        for piece in _pieces(text):
            depth += piece.count("<") - 2 * piece.count("</") - len(_EMPTY_TAG.findall(piece))
            if depth > _MAX_DEPTH:
                raise BoincError(BoincFault.BROKEN_REPLY, "The reply is too deep")
            parser.feed(_BARE_AMPERSAND.sub("&amp;", piece) if "&" in piece else piece)
        return parser.close()
    except ParseError as error:
        raise BoincError(BoincFault.BROKEN_REPLY, f"The reply is broken XML: {error}") from error


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces, none of them within a tag or an entity."""
    begin = 0
    while begin < len(text):
        end = begin + _PIECE
        if end < len(text):
            last = end - _LONGEST_ENTITY + 1
            cut = max(text.rfind("<", begin + 1, end), text.rfind("&", last, end))
            end = end if cut < 0 else cut
        yield text[begin:end]
        begin = end


def text_of(node: Element, tag: str) -> str:
    """Return the text of a child, cut to 256 characters; empty where there is none."""
    text = (node.findtext(tag) or "").strip()
    if not text.isascii():
        with suppress(UnicodeError):
            # The client escapes UTF-8 byte by byte.
            text = text.encode("latin-1").decode()
    text = text[:MAX_TEXT]
    # The ledger takes no name that cannot be printed.
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def number_of(node: Element, tag: str, low: float, high: float) -> float | None:
    """Return a child's number, brought between `low` and `high`; None if it is not a number."""
    return number_in(node.findtext(tag), low, high)


def number_in(text: str | None, low: float, high: float) -> float | None:
    """Return the number that a text is, as `number_of` does."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    if low <= number <= high:
        return number
    return min(max(number, low), high) if math.isfinite(number) else None


def integer_of(node: Element, tag: str, low: int, high: int) -> int:
    """Return a child's whole number; raise BoincError unless it lies in `low`...`high`."""
    number = number_of(node, tag, -1e18, 1e18)
    if number is None or number != int(number) or not low <= number <= high:
        raise BoincError(BoincFault.BROKEN_REPLY, f"The reply has no good <{tag}>")
    return int(number)


def flag_of(node: Element, tag: str) -> bool:
    """Tell whether a flag is there and not zero: `<tag/>` and `<tag>1</tag>` are set."""
    text = node.findtext(tag)
    return text is not None and text.strip() != "0"
