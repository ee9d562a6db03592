"""Who asks: a home, which pulls jobs, or the submitter, who brings them."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from .. import wire

_TOKEN: Final = re.compile(r"[!-~]{1,512}")


class AccessError(ValueError):
    """Who may ask is not clear; the text names no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The tokens: one for each home by its id, and the submitter's; None: nobody submits."""

    homes: Mapping[str, str] = field(repr=False)
    submitter: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raise AccessError for ids and tokens that cannot be told apart or sent."""
        tokens = [*self.homes.values(), *([] if self.submitter is None else [self.submitter])]
        if not all(map(wire.is_name, self.homes)) or not all(map(_TOKEN.fullmatch, tokens)):
            raise AccessError("a home's id or a token is of the wrong form")
        if len(set(tokens)) != len(tokens):
            raise AccessError("two tokens are the same")

    def caller(self, authorization: str) -> Caller | None:
        """Return whose token an Authorization header holds."""
        scheme, _, told = authorization.partition(" ")
        given = told.encode(errors="surrogateescape")
        found = None
        # All are compared, so that the time taken tells nothing.
        for home_id, token in ((None, self.submitter), *self.homes.items()):
            if token is not None and hmac.compare_digest(given, token.encode()):
                found = Caller(home_id=home_id)
        return found if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A home, or the submitter (None)."""

    home_id: str | None


_CALLER: Final = web.RequestKey("caller", Caller)


def admit(request: web.Request, access: Access) -> None:
    """Note who asks; raises HTTPUnauthorized."""
    caller = access.caller(request.headers.get(hdrs.AUTHORIZATION, ""))
    if caller is None:
        raise web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
    request[_CALLER] = caller


def home_of(request: web.Request) -> str:
    """Return the id of the home that asks; raises HTTPForbidden."""
    home_id = request[_CALLER].home_id
    if home_id is None:
        raise web.HTTPForbidden
    return home_id


def check_submitter(request: web.Request) -> None:
    """Raise HTTPForbidden if a home asks."""
    if request[_CALLER].home_id is not None:
        raise web.HTTPForbidden
