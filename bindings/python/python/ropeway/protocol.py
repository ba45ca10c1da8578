"""The sans-I/O protocol: one end of a connection, client or server, without its transport and without a clock.

    bytes received ──▶ receive_data ──▶ events_received ──▶ the application
     bytes to send ◀── data_to_send ◀── send_text, send_close, … ◀──┘

The names are those of `websockets`. After every call send what `data_to_send` returns, an empty item of which ends this
side's direction of the stream; when `close_expected` says so, wait for the peer to end its own, and close. Other than
with `websockets` the time-outs are in here too: call `on_deadline` at `next_deadline`. Times are `time.monotonic()`
unless another clock's are given. An object is used by one thread at a time.
"""

from __future__ import annotations

import http
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from ._ropeway import Closed, Options, SansIo
from .admission import Origins, accepting, check_origin, choose_subprotocol, fields_besides, offered, respond
from .compression import Compression
from .datastructures import Headers
from .exceptions import ConnectionClosed, InvalidMessage, InvalidOrigin, InvalidState, InvalidURI, NegotiationError
from .facts import Facts, cause, response_of
from .frames import CloseCode, Frame, Opcode
from .http11 import Request, Response
from .logs import Logger
from .settings import options
from .states import State

__all__ = ["ClientProtocol", "Event", "Protocol", "ServerProtocol", "State"]

Event = Request | Response | Frame
Data = bytes | bytearray | memoryview
_CONTROL = {"ping": Opcode.PING, "pong": Opcode.PONG}
_WRITTEN_BY_CORE = (
    "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
    "sec-websocket-extensions", "origin",
)  # fmt: skip


class Protocol(Facts):
    """What clients and servers have in common."""

    def __init__(self, settings: dict[str, Any], logger: Logger | None) -> None:
        self._settings = settings
        if logger is not None:
            self.logger = logger
        self._core: SansIo | None = None
        self._phase = State.CONNECTING
        self._closed: Closed | None = None
        self._events: list[Event] = []
        self._ends = False
        self.handshake_exc: Exception | None = None
        """Why the opening handshake failed; None before, and when it did not."""

    def _made(self, *, server: bool, headers: Sequence[tuple[str, str]] = ()) -> Options:
        return options(server=server, headers=headers, write_limit=2**15, logger=self.logger, **self._settings)

    def _running(self) -> SansIo:
        if self._core is None:
            raise InvalidState("the request has not been sent")
        return self._core

    def _ending(self) -> Closed | None:
        return self._closed

    @property
    def close_exc(self) -> ConnectionClosed:
        """The exception for a connection that has ended.

        Raises:
            InvalidState: it has not.
        """
        error = self._closed_error()
        if self._closed is None or not isinstance(error, ConnectionClosed):
            raise InvalidState("the connection has not ended")
        return error

    # Receiving

    def receive_data(self, data: Data, now: float | None = None) -> None:
        """Takes bytes of the peer's; `events_received` and `data_to_send` say what comes of them."""
        core = self._running()
        core.receive(bytes(data))
        self._drain(core, now)

    def receive_eof(self, now: float | None = None) -> None:
        """The peer has ended its direction of the stream. Again it does nothing."""
        core = self._running()
        core.receive_eof(_clock(now))
        self._drain(core, now)

    def events_received(self) -> list[Event]:
        """What has happened since the last call: a server's `Request`, a client's `Response`, frames."""
        events, self._events = self._events, []
        return events

    def stream_message(self) -> None:
        """Has the message under way, or else the next one, come in pieces: frames without `fin` but for the last."""
        self._running().stream_message()

    # Sending

    def send_text(self, data: Data, fin: bool = True) -> None:
        """Sends UTF-8 text: a message, or without `fin` its first fragment.

        Raises:
            ProtocolError: the bytes are no UTF-8, or a fragmented message is under way.
            InvalidState: the connection is not open.
        """
        self._send(data, True, fin)

    def send_binary(self, data: Data, fin: bool = True) -> None:
        """Sends binary data, as `send_text`."""
        self._send(data, False, fin)

    def send_continuation(self, data: Data, fin: bool) -> None:
        """Sends a further fragment, with `fin` the last."""
        self._running().send_data(bytes(data), self._sending_text, fin)

    def send_close(self, code: CloseCode | int | None = None, reason: str = "", now: float | None = None) -> None:
        """Begins the closing handshake."""
        core = self._running()
        core.close(int(CloseCode.NORMAL_CLOSURE if code is None else code), reason, _clock(now))
        self._phase = State.CLOSING
        self._drain(core, now)

    def send_ping(self, data: Data) -> None:
        """Sends a ping, of at most 125 bytes."""
        self._running().ping(bytes(data))

    def send_pong(self, data: Data) -> None:
        """Sends a pong that nobody asked for. Pings are answered without it."""
        self._running().pong(bytes(data))

    def fail(self, code: CloseCode | int, reason: str = "", now: float | None = None) -> None:
        """Closes the connection because of an error of the application's."""
        if self.state is State.OPEN:
            self.send_close(code, reason, now)

    def data_to_send(self) -> list[bytes]:
        """What is to be sent, in order; an empty item ends this side's direction of the stream."""
        core = self._running()
        data = core.data_to_send()
        pieces = [data] if data else []
        if core.shutdown() not in ("no", "await end") and not self._ends:
            self._ends = True
            pieces.append(b"")
        return pieces

    # Time and the end

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`; None: not at all, as things are."""
        return None if self._core is None else self._core.next_deadline()

    def on_deadline(self, now: float | None = None) -> None:
        """Does what the time asks for: a ping, or the end of a wait."""
        core = self._running()
        core.on_deadline(_clock(now))
        self._drain(core, now)

    def close_expected(self) -> bool:
        """Whether the peer should end its direction of the stream soon, and the transport be closed then."""
        return self._core is not None and self._core.shutdown() != "no"

    # Inside

    _sending_text = False

    def _send(self, data: Data, is_text: bool, fin: bool) -> None:
        self._running().send_data(bytes(data), is_text, None if fin else False)
        self._sending_text = is_text

    def _drain(self, core: SansIo, now: float | None) -> None:
        at = _clock(now)
        while (told := core.next_event(at)) is not None:
            name, *rest = told
            match name:
                case "request":
                    method, path, headers, plain = rest
                    self._asked(Request(path, Headers(headers), method), plain)
                case "opened":
                    self.subprotocol, response = rest
                    self._phase = State.OPEN
                    if response is not None:
                        self.response = response_of(response)
                        self._events.append(self.response)
                case "message" | "fragment":
                    data, is_text, first, last = rest
                    opcode = (Opcode.TEXT if is_text else Opcode.BINARY) if first else Opcode.CONT
                    self._events.append(Frame(opcode, data, last))
                case "closed":
                    self._ended(rest[0])
                case _:
                    self._events.append(Frame(_CONTROL[name], rest[0]))

    def _ended(self, closed: Closed) -> None:
        opening = self._phase is State.CONNECTING
        self._closed = closed
        self._phase = State.CLOSED
        if closed.received is not None:
            code, reason = closed.received
            data = b"" if code == CloseCode.NO_STATUS_RCVD else code.to_bytes(2, "big") + reason.encode()
            self._events.append(Frame(Opcode.CLOSE, data))
        elif opening:
            self.handshake_exc = cause(closed) or InvalidMessage("the connection was closed in the opening handshake")
            if (response := getattr(self.handshake_exc, "response", None)) is not None:
                self.response = response
                self._events.append(response)

    def _asked(self, request: Request, plain: bool) -> None:
        raise NotImplementedError


class ClientProtocol(Protocol):
    """A client's end: `connect` makes the request, `send_request` sends it, and a `Response` comes as an event."""

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | Compression | None = "deflate",
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        logger: Logger | None = None,
    ) -> None:
        super().__init__(
            {
                "origin": origin,
                "subprotocols": subprotocols,
                "compression": compression,
                "max_size": max_size,
                "open_timeout": open_timeout,
                "ping_interval": ping_interval,
                "ping_timeout": ping_timeout,
                "close_timeout": close_timeout,
            },
            logging.getLogger("ropeway.client") if logger is None else logger,
        )
        if not uri.lower().startswith(("ws://", "wss://")):
            raise InvalidURI(uri, "its scheme is neither ws nor wss")
        self.uri = uri

    def connect(self) -> Request:
        """The request, to which header fields may be added; the handshake's own fields are written when it is sent."""
        _, _, rest = self.uri.partition("://")
        host, _, path = rest.partition("/")
        return Request(f"/{path}", Headers([("Host", host)]))

    def send_request(self, request: Request, now: float | None = None) -> None:
        """Sends the request: the opening handshake begins, and `open_timeout` with it.

        Raises:
            InvalidURI: the URI cannot be connected to.
        """
        fields = [(name, value) for name, value in request.headers.raw_items() if name.lower() not in _WRITTEN_BY_CORE]
        self.request = request
        self._core = SansIo(self.uri, self._made(server=False, headers=fields), _clock(now))


class ServerProtocol(Protocol):
    """A server's end: a `Request` comes as an event; `accept` or `reject` makes the response, and
    `send_response` sends it."""

    def __init__(
        self,
        *,
        origins: Origins | None = None,
        subprotocols: Sequence[str] | None = None,
        select_subprotocol: Callable[[ServerProtocol, Sequence[str]], str | None] | None = None,
        compression: str | Compression | None = None,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        logger: Logger | None = None,
        now: float | None = None,
    ) -> None:
        super().__init__(
            {
                "origin": None,
                "subprotocols": subprotocols,
                "compression": compression,
                "max_size": max_size,
                "open_timeout": open_timeout,
                "ping_interval": ping_interval,
                "ping_timeout": ping_timeout,
                "close_timeout": close_timeout,
            },
            logging.getLogger("ropeway.server") if logger is None else logger,
        )
        self._origins, self._subprotocols, self._select = origins, subprotocols, select_subprotocol
        self._plain = False
        self._core = SansIo(None, self._made(server=True), _clock(now))

    def accept(self, request: Request) -> Response:
        """The response that opens the connection, or one that says why it is not opened."""
        if self._plain:
            response = self.reject(426, "This is a WebSocket server: a WebSocket client is needed.\n")
            response.headers["Sec-WebSocket-Version"] = "13"
            return response
        offers = offered(request)
        try:
            check_origin(request, self._origins)
            chosen = (
                choose_subprotocol(offers, self._subprotocols) if self._select is None else self._select(self, offers)
            )
        except InvalidOrigin as error:
            self.handshake_exc = error
            return self.reject(403, f"{error}.\n")
        except NegotiationError as error:
            self.handshake_exc = error
            return self.reject(400, f"{error}.\n")
        return accepting(request, chosen)

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        """A plain text response that opens nothing."""
        return respond(status, text)

    def send_response(self, response: Response, now: float | None = None) -> None:
        """Sends the response. With status 101 the connection is open."""
        core, fields = self._running(), fields_besides(response)
        self.response = response
        if response.status_code == 101:
            core.accept(response.headers.get("Sec-WebSocket-Protocol"), fields, _clock(now))
        else:
            core.refuse(response.status_code, fields, response.body, _clock(now))
        self._drain(core, now)

    def _asked(self, request: Request, plain: bool) -> None:
        self.request, self._plain = request, plain
        self._events.append(request)


def _clock(now: float | None) -> float:
    return time.monotonic() if now is None else now
