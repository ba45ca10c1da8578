"""What client and server connections have in common."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from .._ropeway import Closed, Options, _broadcast
from .._ropeway import Connection as NativeConnection
from ..compression import Compression
from ..datastructures import Headers
from ..exceptions import (
    CertificateError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    NotSupported,
    PayloadTooBig,
    ProtocolError,
    SecurityError,
    TLSError,
    TooManyHeaders,
)
from ..frames import Close, CloseCode
from ..http11 import Request, Response
from ..logs import Logger, tracer
from ..protocol import State
from ..tls import TLSInfo

__all__ = ["Connection", "broadcast"]

Data = str | bytes | bytearray | memoryview
_OK = (1000, 1001, 1005)
_STATES = (State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED)


class Connection(NativeConnection):
    """A WebSocket connection.

    `recv`, `send`, `async for`, `subscribe` and `on_message` are native; here stands what is not on the data path.
    """

    request: Request | None
    """The opening handshake's request; a client's without the fields that the core adds."""
    response: Response | None
    """The opening handshake's response; None on a server, where the core writes it."""
    subprotocol: str | None
    """The subprotocol agreed on."""

    def __init__(self, *_arguments: Any) -> None:
        self.request = None
        self.response = None
        self.subprotocol = None
        self.logger: Logger = logging.getLogger("ropeway")
        self._ended: Closed | None = None
        self._closed_waiters: list[asyncio.Future[None]] = []
        self._addresses: tuple[Any, Any] = (None, None)
        self._uuid: uuid.UUID | None = None

    # State

    @property
    def id(self) -> uuid.UUID:
        """A number for logs, made when it is asked for first."""
        if self._uuid is None:
            self._uuid = uuid.uuid4()
        return self._uuid

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return _STATES[self._phase]

    @property
    def local_address(self) -> Any:
        """This end's host and port, or its Unix socket's path."""
        return self._local_address or self._addresses[0]

    @property
    def remote_address(self) -> Any:
        """The other end's host and port, or its Unix socket's path."""
        return self._remote_address or self._addresses[1]

    @property
    def tls(self) -> TLSInfo | None:
        """What the TLS handshake agreed on; None for a plain connection, and once the connection is closed."""
        return None if (known := self._tls) is None else TLSInfo(*known)

    @property
    def close_code(self) -> int | None:
        """The code that the connection was closed with (RFC 6455 section 7.1.5); None before."""
        if self._ended is None:
            return None
        return self._ended.received[0] if self._ended.received else CloseCode.ABNORMAL_CLOSURE

    @property
    def close_reason(self) -> str | None:
        """The reason received; None before the connection is closed."""
        if self._ended is None:
            return None
        return self._ended.received[1] if self._ended.received else ""

    # Sending

    async def _send_fragments(self, message: Any, text: bool | None) -> None:
        if isinstance(message, Mapping):
            raise TypeError("a message is no dict-like object")
        if isinstance(message, AsyncIterable):
            fragments: Any = message.__aiter__()
        elif isinstance(message, Iterable):
            fragments = _each(message)
        else:
            raise TypeError("a message is str, bytes-like, iterable or async iterable")
        first: Data
        try:
            first = await anext(fragments)
        except StopAsyncIteration:
            return
        while self._fragmenting:
            await self._after_fragments()
        is_text = isinstance(first, str) if text is None else text
        kind: Any = (str,) if isinstance(first, str) else (bytes, bytearray, memoryview)
        if not isinstance(first, (str, bytes, bytearray, memoryview)):
            raise TypeError("a fragment is str or bytes-like")
        self._fragmenting = True
        try:
            if (wait := self._fragment(first, is_text, False)) is not None:
                await wait
            async for fragment in fragments:
                if not isinstance(fragment, kind):
                    raise TypeError("all fragments of a message are of one type")
                if (wait := self._fragment(fragment, is_text, False)) is not None:
                    await wait
            self._fragmenting = False
            if (wait := self._fragment("" if is_text else b"", is_text, True)) is not None:
                await wait
        except ConnectionClosed:
            raise
        except BaseException:
            # Half a message is out and cannot be taken back.
            if self._fragmenting and self.state is State.OPEN:
                self._close(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self._fragmenting = False

    _fragmenting = False

    async def ping(self, data: Data | None = None) -> asyncio.Future[float]:
        """Sends a ping. The future returned is done when the pong comes, with the round trip in seconds.

        Raises:
            ConnectionClosed: the connection has ended.
            ConcurrencyError: a ping with the same data is under way.
        """
        if data is None:
            data = random.getrandbits(32).to_bytes(4, "big")
        return self._ping(data.encode() if isinstance(data, str) else bytes(data))

    async def pong(self, data: Data = b"") -> None:
        """Sends a pong that nobody asked for. Pings are answered without it."""
        self._pong(data.encode() if isinstance(data, str) else bytes(data))

    # Closing

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Closes the connection, and waits until it is closed, for `close_timeout` at most. Again it does nothing."""
        if self.state is State.CLOSED:
            return
        if code == CloseCode.NO_STATUS_RCVD:
            raise ProtocolError("the close code 1005 must not be sent")
        self._close(int(code), reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Waits until the connection is closed."""
        if self.state is State.CLOSED:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed_waiters.append(waiter)
        await waiter

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    # What the engine tells

    def _on_opened(self, subprotocol: str | None, response: tuple[Any, ...] | None) -> None:
        self.subprotocol = subprotocol
        local, remote = self._addresses
        self._addresses = (self._local_address or local, self._remote_address or remote)
        if response is not None:
            self.response = _response(response)
        self._tell_opened()
        # After the task that has been told: what it does first, such as setting on_message, comes before any message.
        asyncio.get_running_loop().call_soon(self._begin)

    def _tell_opened(self) -> None:
        """The connection is open: who waits for that is woken."""

    def _on_closed(self, closed: Closed) -> None:
        self._ended = closed
        waiters, self._closed_waiters = self._closed_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _listener_failed(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        self.logger.error("on_message failed", exc_info=error)
        if self.state is State.OPEN:
            self._close(CloseCode.INTERNAL_ERROR, "")

    def _closed_ok(self) -> bool:
        closed = self._ended
        if closed is None or closed.received is None or closed.sent is None or closed.kind is not None:
            return False
        return closed.received[0] in _OK and closed.sent[0] in _OK

    def _closed_error(self) -> Exception:
        closed = self._ended
        if closed is None:
            # Closing: this side has sent its Close frame, or is not open yet.
            return ConnectionClosedError(None, None, None)
        received = Close(*closed.received) if closed.received else None
        sent = Close(*closed.sent) if closed.sent else None
        order = None if received is None or sent is None else not closed.by_us
        error = (ConnectionClosedOK if self._closed_ok() else ConnectionClosedError)(received, sent, order)
        error.__cause__ = cause(closed)
        return error


async def _each(fragments: Iterable[Data]) -> Any:
    for fragment in fragments:
        yield fragment


def _response(parts: tuple[Any, ...]) -> Response:
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
            return InvalidStatus(_response(details))
        case "header":
            return (InvalidUpgrade if details[0] in ("Upgrade", "Connection") else InvalidHeader)(*details)
        case "security":
            return SecurityError(message)
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


def broadcast(connections: Iterable[Connection], message: Data, raise_exceptions: bool = False) -> None:
    """Sends a message to connections without waiting for any; those that are not open are left out.

    What a connection does not take, its send queue being full, is logged on it; with `raise_exceptions` all such are
    raised together as an ExceptionGroup.
    """
    if not isinstance(message, (str, bytes, bytearray, memoryview)):
        raise TypeError("data must be str or bytes")
    failed = _broadcast(list(connections), message)
    if failed and raise_exceptions:
        raise ExceptionGroup("skipped broadcast", [RuntimeError(why) for _, why in failed])
    for connection, why in failed:
        assert isinstance(connection, Connection)
        connection.logger.warning("skipped broadcast: %s", why)


def refuse(given: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Refuses keyword arguments that are not None: those of `reasons` as not supported, others as unknown."""
    for name, value in given.items():
        if name not in reasons:
            raise TypeError(f"unexpected keyword argument {name!r}")
        if value is not None:
            raise NotSupported(f"{name}= is not supported: {reasons[name]}")


def queue_marks(max_queue: int | tuple[int | None, int | None] | None) -> tuple[int, int]:
    """`max_queue` as the high and the low-water mark, in messages."""
    high, low = max_queue if isinstance(max_queue, tuple) else (max_queue, None)
    if high is None:
        high = 1 << 62
    return high, high // 4 if low is None else low


def options(
    *,
    server: bool,
    max_size: int | tuple[int | None, int | None] | None,
    write_limit: int | tuple[int, int | None],
    compression: str | Compression | None,
    subprotocols: Sequence[str] | None,
    headers: Sequence[tuple[str, str]],
    origin: str | None,
    logger: Logger | None = None,
    **times: float | None,
) -> Options:
    """The core's options from the keyword arguments of `connect` and `serve`."""
    if isinstance(compression, str):
        if compression != "deflate":
            raise ValueError(f"unsupported compression: {compression}")
        compression = Compression()
    elif compression is not None and not isinstance(compression, Compression):
        raise TypeError('compression must be "deflate", a ropeway.Compression, or None')
    if isinstance(max_size, tuple):
        max_size, fragment = max_size
        refuse({"max_size": fragment}, {"max_size": "there is no limit on a fragment's size"})
    if max_size is not None and max_size < 0:
        raise ValueError("max_size must not be negative")
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a list, not a str")
    high, low = write_limit if isinstance(write_limit, tuple) else (write_limit, None)
    return Options(
        server=server,
        max_size=max_size,
        write_high=high,
        write_low=high // 4 if low is None else low,
        subprotocols=list(subprotocols or ()),
        headers=list(headers),
        origin=origin,
        compression=compression,
        trace=None if logger is None else tracer(logger),
        **times,
    )
