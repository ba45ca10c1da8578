"""`serve`: a server."""

from __future__ import annotations

import asyncio
import http
import logging
import re
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Generator, Sequence
from types import TracebackType
from typing import Any

from .. import _loop
from .._ropeway import Options, TlsServer, __version__
from ..compression import Compression
from ..datastructures import Headers
from ..exceptions import InvalidOrigin, NegotiationError
from ..frames import CloseCode
from ..http11 import Request, Response
from ..protocol import State
from ..tls import ServerTLS, native_server
from .connection import Connection, Data, options, queue_marks

__all__ = ["Server", "ServerConnection", "serve"]

SERVER = f"Python ropeway/{__version__}"
_CREDENTIALS_FAILED = "The request could not be processed. The server's log says why.\n"

ProcessRequest = Callable[["ServerConnection", Request], Awaitable[Response | None] | Response | None]


class ServerConnection(Connection):
    """A server's connection, handed to the handler."""

    server: Server

    def respond(self, status: http.HTTPStatus | int, text: str) -> Response:
        """A plain text response, for `process_request`."""
        status = http.HTTPStatus(status)
        headers = Headers([("Content-Type", "text/plain; charset=utf-8")])
        return Response(status.value, status.phrase, headers, text.encode())

    def _on_opened(self, subprotocol: str | None, response: tuple[Any, ...] | None) -> None:
        super()._on_opened(subprotocol, response)
        self.server._start_handler(self)


class Server:
    """A server, made by `serve`. It is closed by `close` or at the end of its `async with` block."""

    def __init__(
        self,
        handler: Callable[[ServerConnection], Awaitable[None]],
        host: str | Sequence[str] | None,
        port: int | None,
        settings: Options,
        marks: tuple[int, int],
        backlog: int,
        reuse_port: bool,
        tls: TlsServer | None,
        origins: Sequence[str | re.Pattern[str] | None] | None,
        subprotocols: Sequence[str] | None,
        select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None,
        process_request: ProcessRequest | None,
        server_header: str | None,
        logger: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self.handler = handler
        self.logger = logger
        self._host, self._port = host, port or 0
        self._options, self._marks = settings, marks
        self._backlog, self._reuse_port, self._tls = backlog, reuse_port, tls
        self._origins, self._subprotocols = origins, subprotocols
        self._select_subprotocol, self._process_request = select_subprotocol, process_request
        self._server_header = server_header
        self._loop = asyncio.get_running_loop()
        self._engine = _loop.engine()
        self._listeners: list[int] = []
        self._all: set[ServerConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._close_task: asyncio.Task[None] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()

    @property
    def connections(self) -> set[ServerConnection]:
        """The open connections."""
        return {connection for connection in self._all if connection.state is State.OPEN}

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each listener."""
        return [self._engine.listener_address(listener) for listener in self._listeners]

    @property
    def port(self) -> int:
        """The first listener's port."""
        return self.addresses[0][1]

    @property
    def sockets(self) -> tuple[ListeningSocket, ...]:
        """The listeners, as far as `getsockname` goes."""
        return tuple(ListeningSocket(address) for address in self.addresses)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return bool(self._listeners)

    async def start_serving(self) -> None:
        """Begins to accept connections. Again it does nothing."""
        if self._listeners or self._close_task is not None:
            return
        hosts: Sequence[str | None] = [self._host or None] if isinstance(self._host, str | None) else self._host
        port = self._port
        addresses: dict[str, None] = {}
        for host in hosts:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            addresses |= {str(info[4][0]): None for info in found}
        try:
            for address in addresses:
                listener = self._engine.listen(
                    address, port, self._options, self, self._backlog, self._reuse_port, self._tls
                )
                self._listeners.append(listener)
                port = port or self.port
        except OSError:
            self._stop_listening()
            raise
        for host, port in self.addresses:
            self.logger.info("server listening on %s:%d", host, port)

    def set_tls(self, settings: ServerTLS) -> None:
        """Takes other TLS settings, renewed certificates for instance, for connections accepted from now on.

        Raises:
            RuntimeError: the server does not speak TLS.
        """
        if self._tls is None:
            raise RuntimeError("the server does not speak TLS")
        self._tls = native_server(settings)
        for listener in self._listeners:
            self._engine.set_tls(listener, self._tls)

    async def serve_forever(self) -> None:
        """Serves until the server is closed, or this is cancelled, which closes it."""
        try:
            await self.start_serving()
            await self.wait_closed()
        except asyncio.CancelledError:
            try:
                self.close()
                await self.wait_closed()
            finally:
                raise

    def close(
        self, close_connections: bool = True, code: CloseCode | int = CloseCode.GOING_AWAY, reason: str = ""
    ) -> None:
        """Stops listening, and with `close_connections` closes the connections with `code`. Again it does nothing."""
        if self._close_task is None:
            self._close_task = self._loop.create_task(self._close(close_connections, int(code), reason))

    async def wait_closed(self) -> None:
        """Waits until the server is closed and every handler has returned."""
        await asyncio.shield(self._closed)

    def publish(
        self, topic: str, message: Data, text: bool | None = None, exclude: ServerConnection | None = None
    ) -> int:
        """Sends a message to every connection of this event loop that has subscribed to `topic`, except `exclude`.

        A subscriber above its high-water mark is left out. How many subscribers there are, those left out included.
        """
        return self._engine.publish(topic, message, text, exclude)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        await self.wait_closed()

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            self._engine.close_listener(listener)
        self._listeners.clear()

    async def _close(self, close_connections: bool, code: int, reason: str) -> None:
        self.logger.info("server closing")
        self._stop_listening()
        if close_connections:
            closing = [self._loop.create_task(one.close(code, reason)) for one in self._all if one.state is State.OPEN]
            if closing:
                await asyncio.wait(closing)
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._closed.set_result(None)
        self.logger.info("server closed")

    # What the engine tells

    def _on_accept_failed(self, why: str) -> None:
        self.logger.error("cannot accept connections: %s", why)

    def _on_request(self, id_: int, method: str, path: str, headers: list[tuple[str, str]], plain: bool) -> None:
        connection = ServerConnection(self._engine, id_, *self._marks)
        connection.server = self
        connection.logger = self.logger
        connection.request = Request(path, Headers(headers), method)
        connection._attach()
        try:
            response = None if self._process_request is None else self._process_request(connection, connection.request)
        except Exception:
            self.logger.error("process_request failed", exc_info=True)
            response = connection.respond(500, _CREDENTIALS_FAILED)
        if isinstance(response, Awaitable):
            task = self._loop.create_task(self._decide_later(connection, response, plain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._decide(connection, response, plain)

    async def _decide_later(
        self, connection: ServerConnection, response: Awaitable[Response | None], plain: bool
    ) -> None:
        try:
            decided = await response
        except Exception:
            self.logger.error("process_request failed", exc_info=True)
            decided = connection.respond(500, _CREDENTIALS_FAILED)
        if connection.state is State.CONNECTING:
            self._decide(connection, decided, plain)

    def _decide(self, connection: ServerConnection, response: Response | None, plain: bool) -> None:
        subprotocol: str | None = None
        headers: list[tuple[str, str]] = []
        if response is None:
            if not self.is_serving():
                response = connection.respond(503, "The server is shutting down.\n")
            elif plain:
                response = connection.respond(426, "This is a WebSocket server: a WebSocket client is needed.\n")
                response.headers["Sec-WebSocket-Version"] = "13"
            else:
                try:
                    self._check_origin(connection)
                    subprotocol = self._choose_subprotocol(connection)
                except InvalidOrigin as error:
                    response = connection.respond(403, f"{error}.\n")
                except NegotiationError as error:
                    response = connection.respond(400, f"{error}.\n")
                except Exception:
                    self.logger.error("select_subprotocol failed", exc_info=True)
                    response = connection.respond(500, _CREDENTIALS_FAILED)
        if self._server_header is not None:
            headers.append(("Server", self._server_header))
        try:
            if response is None:
                self._engine.accept(connection._id, subprotocol, headers)
            else:
                headers += response.headers.raw_items()
                self._engine.refuse(connection._id, response.status_code, headers, response.body)
        except ValueError:
            self.logger.error("the response cannot be sent", exc_info=True)
            self._engine.refuse(connection._id, 500, [], b"")

    def _check_origin(self, connection: ServerConnection) -> None:
        if self._origins is None:
            return
        assert connection.request is not None
        values = connection.request.headers.get_all("Origin")
        origin = values[0] if len(values) == 1 else None
        for allowed in self._origins:
            if allowed == origin or (
                isinstance(allowed, re.Pattern) and origin is not None and allowed.fullmatch(origin)
            ):
                if len(values) < 2:
                    return
        raise InvalidOrigin(origin)

    def _choose_subprotocol(self, connection: ServerConnection) -> str | None:
        assert connection.request is not None
        fields = connection.request.headers.get_all("Sec-WebSocket-Protocol")
        offered = [name.strip() for field in fields for name in field.split(",") if name.strip()]
        if self._select_subprotocol is not None:
            chosen = self._select_subprotocol(connection, offered)
            if chosen is not None and chosen not in offered:
                raise ValueError(f"select_subprotocol returned {chosen!r}, which was not offered")
            return chosen
        if not self._subprotocols or not offered:
            return None
        for name in self._subprotocols:
            if name in offered:
                return name
        raise NegotiationError(f"invalid subprotocol; expected one of {', '.join(self._subprotocols)}")

    def _start_handler(self, connection: ServerConnection) -> None:
        self._all.add(connection)
        task = self._loop.create_task(self._handle(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, connection: ServerConnection) -> None:
        try:
            await self.handler(connection)
        except Exception:
            self.logger.error("connection handler failed", exc_info=True)
            await connection.close(CloseCode.INTERNAL_ERROR)
        else:
            await connection.close()
        finally:
            self._all.discard(connection)


class ListeningSocket:
    """A listener's address; the descriptor itself belongs to the engine."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET

    def getsockname(self) -> tuple[str, int]:
        """Host and port."""
        return self._address


class serve:
    """Makes a server: `await serve(handler, host, port)` or `async with serve(…) as server`.

    The arguments are those of `websockets`; times are in seconds, None turns one off; sizes are in bytes. What is not
    there yet (process_response, a socket of one's own) raises `NotSupported`. `compression` is "deflate", a
    `ropeway.Compression`, or None; other than with `websockets` the default is None, because compressing is the
    server's to pay for. `ssl` is a `ropeway.ServerTLS`.
    """

    def __init__(
        self,
        handler: Callable[[ServerConnection], Awaitable[None]],
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        origins: Sequence[str | re.Pattern[str] | None] | None = None,
        extensions: Any = None,
        subprotocols: Sequence[str] | None = None,
        select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None = None,
        compression: str | Compression | None = None,
        process_request: ProcessRequest | None = None,
        server_header: str | None = SERVER,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
        logger: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        start_serving: bool = True,
        backlog: int = 1024,
        reuse_port: bool = False,
        ssl: ServerTLS | ssl_module.SSLContext | None = None,
        **rest: Any,
    ) -> None:
        settings = options(
            server=True,
            max_size=max_size,
            write_limit=write_limit,
            compression=compression,
            extensions=extensions,
            rest=rest,
            subprotocols=subprotocols,
            headers=(),
            origin=None,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
        )
        self._start = start_serving
        self._arguments = (
            handler,
            host,
            port,
            settings,
            queue_marks(max_queue),
            backlog,
            reuse_port,
            None if ssl is None else native_server(ssl),
            origins,
            subprotocols,
            select_subprotocol,
            process_request,
            server_header,
            logging.getLogger("ropeway.server") if logger is None else logger,
        )

    async def _serve(self) -> Server:
        server = Server(*self._arguments)
        if self._start:
            await server.start_serving()
        return server

    def __await__(self) -> Generator[Any, None, Server]:
        return self._serve().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self
        return self._server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, traceback)
