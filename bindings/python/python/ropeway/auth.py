"""HTTP Basic Authentication of clients (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .admission import respond
from .http11 import Request, Response

__all__ = ["basic_auth"]

Check = Callable[[str, str], Awaitable[bool] | bool]


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Check | None = None,
) -> Callable[[Any, Request], Awaitable[Response | None] | Response | None]:
    """A `process_request` that wants a user name and password.

    They are compared with `credentials`, a pair or several, in a time that tells nothing of them, or shown to
    `check_credentials`, a function or a coroutine. Who has none, or wrong ones, gets 401. The connection has the user's
    name as `username` then.
    """
    if (credentials is None) == (check_credentials is None):
        raise ValueError("provide either credentials or check_credentials")
    check = _checker(credentials) if check_credentials is None else check_credentials

    def refusal(why: str) -> Response:
        response = respond(401, f"{why}\n")
        quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
        response.headers["WWW-Authenticate"] = f'Basic realm="{quoted}", charset="UTF-8"'
        return response

    def decided(connection: Any, user: str, valid: bool) -> Response | None:
        if not valid:
            return refusal("Invalid credentials")
        connection.username = user
        return None

    async def later(connection: Any, user: str, valid: Awaitable[bool]) -> Response | None:
        return decided(connection, user, await valid)

    def process_request(connection: Any, request: Request) -> Awaitable[Response | None] | Response | None:
        values = request.headers.get_all("Authorization")
        if not values:
            return refusal("Missing credentials")
        if len(values) > 1 or (known := _decoded(values[0])) is None:
            return refusal("Unsupported credentials")
        valid = check(*known)
        if isinstance(valid, Awaitable):
            return later(connection, known[0], valid)
        return decided(connection, known[0], valid)

    return process_request


def _decoded(authorization: str) -> tuple[str, str] | None:
    """User name and password of an Authorization field (RFC 7617 section 2)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def _checker(credentials: Any) -> Callable[[str, str], bool]:
    def is_pair(pair: Any) -> bool:
        return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)

    if is_pair(credentials):
        credentials = [credentials]
    pairs = list(credentials)
    if not all(is_pair(pair) for pair in pairs):
        raise TypeError("credentials is a (user, password) pair, or several")
    known = dict(pairs)

    def check(user: str, password: str) -> bool:
        # An unknown user's password is compared too, so that the time does not tell who is known.
        same = hmac.compare_digest(known.get(user, "").encode(), password.encode())
        return same and user in known

    return check
