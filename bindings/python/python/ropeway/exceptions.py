"""The exceptions, with the names and the hierarchy of the `websockets` package."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .frames import Close
    from .http11 import Response

__all__ = [
    "CertificateError",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DuplicateParameter",
    "HeaderLineTooLong",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidMethod",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProtocol",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "NotSupported",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "RequestLineTooLong",
    "SecurityError",
    "StatusLineTooLong",
    "TLSError",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
]


class WebSocketException(Exception):
    """The base of all exceptions here."""


class ConnectionClosed(WebSocketException):
    """The connection has ended.

    `rcvd` and `sent` are the Close frames received and sent, or None; `rcvd_then_sent` says in which order, when both
    were. `__cause__` is the error that ended the connection, if one did.
    """

    def __init__(self, rcvd: Close | None, sent: Close | None, rcvd_then_sent: bool | None = None) -> None:
        super().__init__(rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        received = f"received {self.rcvd}" if self.rcvd else "no close frame received"
        sent = f"sent {self.sent}" if self.sent else "no close frame sent"
        if self.rcvd is None and self.sent is None:
            return "no close frame received or sent"
        if self.rcvd is not None and (self.sent is None or self.rcvd_then_sent):
            return f"{received}; then {sent}" if self.sent else f"{received}; {sent}"
        return f"{sent}; then {received}" if self.rcvd else f"{sent}; {received}"


class ConnectionClosedOK(ConnectionClosed):
    """Both sides closed with 1000, 1001 or without a code."""


class ConnectionClosedError(ConnectionClosed):
    """The closing handshake did not take place, or a code tells of an error."""


class InvalidURI(WebSocketException):
    """The URI cannot be connected to."""

    def __init__(self, uri: str, msg: str) -> None:
        super().__init__(uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.uri} is no WebSocket URI: {self.msg}"


class InvalidProxy(WebSocketException):
    """The proxy's URI cannot be used. `proxy` is the environment variable that holds it; None for an argument."""

    def __init__(self, proxy: str | None, msg: str) -> None:
        super().__init__(proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        where = "proxy=" if self.proxy is None else f"the environment variable {self.proxy}"
        return f"{where} holds no proxy that can be used: {self.msg}"


class InvalidHandshake(WebSocketException):
    """The opening handshake failed."""


class SecurityError(InvalidHandshake):
    """The handshake's request or response passes a limit."""


class HeaderLineTooLong(SecurityError):
    """The handshake's head is too long."""


class TooManyHeaders(SecurityError):
    """The handshake has too many header fields."""


class ProxyError(InvalidHandshake):
    """The proxy could not be connected through."""


class InvalidProxyStatus(ProxyError):
    """The proxy refused; `response` is its answer, as far as it is known."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"the proxy refused to connect: HTTP {self.response.status_code} {self.response.reason_phrase}".rstrip()


class InvalidProxyMessage(ProxyError):
    """What the proxy answered is no HTTP."""


class InvalidMessage(InvalidHandshake):
    """The handshake's request or response is malformed."""


class InvalidStatus(InvalidHandshake):
    """The server answered with another status than 101; `response` is its whole answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"the server rejected the WebSocket connection: HTTP {self.response.status_code}"


class InvalidHeader(InvalidHandshake):
    """A header field is missing (`value` is None) or has a value that cannot be."""

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing {self.name} header"
        return f"invalid {self.name} header: {self.value}" if self.value else f"empty {self.name} header"


class InvalidHeaderValue(InvalidHeader):
    """A header field has a wrong value."""


class InvalidOrigin(InvalidHeader):
    """The request's origin is not among those allowed."""

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)


class InvalidUpgrade(InvalidHeader):
    """Upgrade or Connection is not as it has to be."""


class NegotiationError(InvalidHandshake):
    """The peers agree on no subprotocol or extension."""


class ProtocolError(WebSocketException):
    """A frame breaks the protocol."""


class PayloadTooBig(WebSocketException):
    """A message of `size` bytes passes `max_size`."""

    def __init__(self, size: int | None, max_size: int, message: str = "") -> None:
        super().__init__(size, max_size)
        self.size = size
        self.max_size = max_size
        self.message = message

    def __str__(self) -> str:
        return self.message or f"message of {self.size} bytes passes max_size, {self.max_size} bytes"


class InvalidState(WebSocketException, AssertionError):
    """The connection is in no state for that."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Another task is doing the same already."""


class NotSupported(NotImplementedError):
    """Something that `websockets` or `ssl` has and Ropeway has not; the text names it."""


class TLSError(ssl.SSLError):
    """TLS failed, on this side or by an alert of the peer's (RFC 8446 section 6.2)."""

    def __init__(self, message: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, message)


class CertificateError(ssl.SSLCertVerificationError):
    """This side does not accept the peer's certificate, which the peer has been told.

    `problem` says why: "unknown_issuer", "wrong_name", "expired", "not_yet_valid", "revoked", "missing" or "other";
    `verify_message` says it in words and `verify_code` by OpenSSL's number.
    """

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, message)
        self.problem = problem
        self.verify_code = _VERIFY_CODES.get(problem, 1)
        self.verify_message = message
        self.reason = "CERTIFICATE_VERIFY_FAILED"
        self.library = "SSL"


_VERIFY_CODES = {"unknown_issuer": 20, "wrong_name": 62, "expired": 10, "not_yet_valid": 9, "revoked": 23}
"""X509_V_ERR_…; 1 is the unspecified one."""


class TooManyFragments(WebSocketException):
    """A message has come in more fragments than are taken."""


# What `websockets` tells by these, the core tells by their bases: they are here for the `except` clauses of programs
# that name them.


class RequestLineTooLong(SecurityError):
    """Never raised; `SecurityError` is."""


class StatusLineTooLong(SecurityError):
    """Never raised; `SecurityError` is."""


class InvalidMethod(InvalidHandshake):
    """Never raised; `InvalidHandshake` is."""


class InvalidProtocol(InvalidHandshake):
    """Never raised; `InvalidHandshake` is."""


class InvalidHeaderFormat(InvalidHeader):
    """Never raised; `InvalidHeader` is."""


class DuplicateParameter(NegotiationError):
    """Never raised; `NegotiationError` is."""


class InvalidParameterName(NegotiationError):
    """Never raised; `NegotiationError` is."""


class InvalidParameterValue(NegotiationError):
    """Never raised; `NegotiationError` is."""
