"""A server's side of the opening handshake (RFC 6455 section 4.2): whom it lets in, and by which subprotocol."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import http
import re
from collections.abc import Callable, Generator, Sequence
from typing import Any

from ._ropeway import __version__
from .datastructures import Headers
from .exceptions import InvalidOrigin, NegotiationError
from .http11 import Request, Response
from .logs import Logger, log_request, log_response

__all__ = [
    "SERVER",
    "Origins",
    "Rules",
    "accepting",
    "check_origin",
    "choose_subprotocol",
    "fields_besides",
    "offered",
    "respond",
]

SERVER = f"Python ropeway/{__version__}"
_FAILED = "The request could not be processed. The server's log says why.\n"
Origins = Sequence[str | re.Pattern[str] | None]
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_WRITTEN_BY_CORE = (
    "upgrade", "connection", "content-length", "sec-websocket-accept", "sec-websocket-extensions",
    "sec-websocket-protocol",
)  # fmt: skip


def check_origin(request: Request, origins: Origins | None) -> None:
    """Checks the Origin field (section 10.2) against strings, patterns, and None for a request without one.

    Raises:
        InvalidOrigin: it is none of them, or there is more than one.
    """
    if origins is None:
        return
    values = request.headers.get_all("Origin")
    origin = values[0] if values else None
    if len(values) > 1:
        raise InvalidOrigin(", ".join(values))
    for allowed in origins:
        if allowed == origin:
            return
        if isinstance(allowed, re.Pattern) and origin is not None and allowed.fullmatch(origin):
            return
    raise InvalidOrigin(origin)


def offered(request: Request) -> list[str]:
    """The subprotocols that a client offers, best first."""
    fields = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for field in fields for name in field.split(",") if name.strip()]


def choose_subprotocol(offers: Sequence[str], supported: Sequence[str] | None) -> str | None:
    """The first supported one that is offered; None when one side has none.

    Raises:
        NegotiationError: both have some, and none in common.
    """
    if not supported or not offers:
        return None
    for name in supported:
        if name in offers:
            return name
    raise NegotiationError(f"invalid subprotocol; expected one of {', '.join(supported)}")


def respond(status: http.HTTPStatus | int, text: str) -> Response:
    """A plain text response."""
    status = http.HTTPStatus(status)
    body = text.encode()
    headers = Headers([("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return Response(status.value, status.phrase, headers, body)


def accepting(request: Request, subprotocol: str | None) -> Response:
    """The response that opens the connection, without the extension that the core negotiates."""
    key = request.headers["Sec-WebSocket-Key"] + _GUID
    accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
    headers = Headers([("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)])
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    return Response(101, "Switching Protocols", headers)


def fields_besides(response: Response) -> list[tuple[str, str]]:
    """A response's fields but for those that the core writes itself."""
    return [(name, value) for name, value in response.headers.raw_items() if name.lower() not in _WRITTEN_BY_CORE]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """What a server was told of whom it lets in. The functions may be coroutines where the server is asyncio's."""

    origins: Origins | None
    subprotocols: Sequence[str] | None
    select_subprotocol: Callable[..., Any] | None
    process_request: Callable[..., Any] | None
    process_response: Callable[..., Any] | None
    server_header: str | None

    def decide(
        self, connection: Any, request: Request, *, plain: bool, closing: Callable[[], bool], logger: Logger
    ) -> Generator[Any, Any, Response]:
        """The response to a request, plain HTTP or an upgrade: 101, or one that opens nothing.

        What an application's function returned is yielded, and wanted back once it is there.
        """
        log_request(logger, "<", request)
        try:
            response = None
            if self.process_request is not None:
                response = yield self.process_request(connection, request)
            if response is None:
                response = yield from self._judge(connection, request, plain, closing)
            if self.server_header is not None:
                response.headers["Server"] = self.server_header
            if self.process_response is not None:
                response = (yield self.process_response(connection, request, response)) or response
        except Exception:
            logger.error("opening handshake failed", exc_info=True)
            response = respond(500, _FAILED)
        log_response(logger, ">", response)
        assert isinstance(response, Response)
        return response

    def _judge(
        self, connection: Any, request: Request, plain: bool, closing: Callable[[], bool]
    ) -> Generator[Any, Any, Response]:
        if closing():
            return respond(503, "The server is shutting down.\n")
        if plain:
            response = respond(426, "This is a WebSocket server: a WebSocket client is needed.\n")
            response.headers["Sec-WebSocket-Version"] = "13"
            return response
        offers = offered(request)
        try:
            check_origin(request, self.origins)
            if self.select_subprotocol is None:
                return accepting(request, choose_subprotocol(offers, self.subprotocols))
            chosen = yield self.select_subprotocol(connection, offers)
        except InvalidOrigin as error:
            return respond(403, f"{error}.\n")
        except NegotiationError as error:
            return respond(400, f"{error}.\n")
        if chosen is not None and chosen not in offers:
            raise ValueError(f"select_subprotocol returned {chosen!r}, which was not offered")
        return accepting(request, chosen)
