"""What a connection of any sort knows of itself, and how its end is told by exceptions."""

from __future__ import annotations

import logging
import socket
import uuid
from typing import Any

from ._ropeway import Closed
from .datastructures import Headers
from .exceptions import (
    CertificateError,
    ConnectionClosedError,
    ConnectionClosedOK,
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    SecurityError,
    TLSError,
    TooManyFragments,
    TooManyHeaders,
)
from .frames import Close, CloseCode
from .http11 import Request, Response
from .logs import Logger
from .metrics import ConnectionMetrics, of_connection
from .states import State
from .tls import TLSInfo

__all__ = ["Facts", "cause", "response_of"]

_OK = (1000, 1001, 1005)
_STATES = (State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED)


class Facts:
    """What does not depend on how a connection is driven."""

    _kept_request: Request | bytes | None = None
    _kept_response: Response | bytes | None = None
    subprotocol: str | None = None
    """The subprotocol agreed on."""
    logger: Logger = logging.getLogger("ropeway")
    """Where what happens on the connection is logged."""
    _uuid: uuid.UUID | None = None
    _max_size: int | None = None
    _known_addresses: tuple[Any, Any] = (None, None)
    """What is said of the two ends where the core knows no host and port."""

    def _ending(self) -> Closed | None:
        raise NotImplementedError

    @property
    def request(self) -> Request | None:
        """The opening handshake's request; a client's without the fields that the core adds."""
        return Request.unpacked(self._kept_request) if isinstance(self._kept_request, bytes) else self._kept_request

    @request.setter
    def request(self, request: Request | None) -> None:
        self._kept_request = request

    @property
    def response(self) -> Response | None:
        """The opening handshake's response."""
        return Response.unpacked(self._kept_response) if isinstance(self._kept_response, bytes) else self._kept_response

    @response.setter
    def response(self, response: Response | None) -> None:
        self._kept_response = response

    @property
    def id(self) -> uuid.UUID:
        """A number for logs, made when it is asked for first."""
        if self._uuid is None:
            self._uuid = uuid.uuid4()
        return self._uuid

    @property
    def local_address(self) -> Any:
        """This end's host and port, or its Unix socket's path."""
        return self._addresses[0] or self._known_addresses[0]  # type: ignore[attr-defined]

    @property
    def remote_address(self) -> Any:
        """The other end's host and port, or its Unix socket's path."""
        return self._addresses[1] or self._known_addresses[1]  # type: ignore[attr-defined]

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return _STATES[self._phase]  # type: ignore[attr-defined]

    @property
    def tls(self) -> TLSInfo | None:
        """What the TLS handshake agreed on; None for a plain connection, and once the connection is closed."""
        known: tuple[Any, ...] | None = self._tls  # type: ignore[attr-defined]
        return None if known is None else TLSInfo(*known)

    def metrics(self) -> ConnectionMetrics:
        """What the connection has done, to its end once it is closed."""
        return of_connection(self._metrics)  # type: ignore[attr-defined]

    @property
    def close_code(self) -> int | None:
        """The code that the connection was closed with (RFC 6455 section 7.1.5); None before."""
        if (ended := self._ending()) is None:
            return None
        return ended.received[0] if ended.received else CloseCode.ABNORMAL_CLOSURE

    @property
    def close_reason(self) -> str | None:
        """The reason received; None before the connection is closed."""
        if (ended := self._ending()) is None:
            return None
        return ended.received[1] if ended.received else ""

    def _closed_ok(self) -> bool:
        closed = self._ending()
        if closed is None or closed.received is None or closed.sent is None or closed.kind is not None:
            return False
        return closed.received[0] in _OK and closed.sent[0] in _OK

    def _closed_error(self) -> Exception:
        closed = self._ending()
        if closed is None:
            # Closing: this side has sent its Close frame, or is not open yet.
            return ConnectionClosedError(None, None, None)
        received = Close(*closed.received) if closed.received else None
        sent = Close(*closed.sent) if closed.sent else None
        order = None if received is None or sent is None else not closed.by_us
        error = (ConnectionClosedOK if self._closed_ok() else ConnectionClosedError)(received, sent, order)
        error.__cause__ = cause(closed)
        return error


def response_of(parts: tuple[Any, ...]) -> Response:
    """A response from what the core tells of one."""
    status, reason, headers, body = parts
    return Response(status, reason, Headers(headers), body)


def cause(closed: Closed) -> Exception | None:
    """The exception for what ended a connection, or kept it from opening."""
    message, details = closed.message, closed.details
    match closed.kind:
        case None | "aborted" | "lost":
            return None
        case "protocol":
            return ProtocolError(message)
        case "size":
            size, limit = details
            return PayloadTooBig(size, limit, message)
        case "fragments":
            return TooManyFragments(message)
        case "timeout":
            return TimeoutError(message)
        case "open_timeout":
            return TimeoutError("timed out during opening handshake")
        case "os":
            return OSError(message) if details is None else OSError(details, message)
        case "resolve":
            return socket.gaierror(socket.EAI_NONAME, message)
        case "certificate":
            return CertificateError(details, message)
        case "tls":
            return TLSError(message)
        case "status":
            return InvalidStatus(response_of(details))
        case "header":
            return (InvalidUpgrade if details[0] in ("Upgrade", "Connection") else InvalidHeader)(*details)
        case "security":
            return SecurityError(message)
        case "proxy":
            return ProxyError(message)
        case "proxy_status":
            return InvalidProxyStatus(response_of(details))
        case "proxy_message":
            return InvalidProxyMessage(message)
        case "negotiation":
            return NegotiationError(message)
        case "head_size":
            return HeaderLineTooLong(message)
        case "head_fields":
            return TooManyHeaders(message)
        case "header_value":
            return ValueError(message)
        case "message":
            return InvalidMessage(message)
    return InvalidHandshake(message) if closed.received is None and closed.sent is None else ProtocolError(message)
