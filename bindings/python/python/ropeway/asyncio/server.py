"""`serve`: a server."""

from __future__ import annotations

import asyncio
import http
import os
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from .. import _loop
from .._ropeway import Closed
from ..admission import SERVER, Origins, fields_besides, respond
from ..auth import basic_auth
from ..compression import Compression
from ..datastructures import Headers
from ..frames import CloseCode
from ..http11 import Request, Response
from ..limits import Limits
from ..logs import Logger
from ..metrics import Metrics, RelayMetrics, of_engine
from ..serving import ServerSettings, server_settings
from ..settings import DEFAULT_LIMITS, refuse
from ..states import State
from ..tls import ServerTLS, native_server
from .connection import Connection, Data, broadcast
from .listening import Address, ListeningSocket, Places

__all__ = ["Server", "ServerConnection", "basic_auth", "broadcast", "serve", "unix_serve"]

REFUSED = {
    "ssl_handshake_timeout": "open_timeout bounds the TLS handshake too",
    "ssl_shutdown_timeout": "close_timeout bounds the end of TLS too",
    "keep_alive": "ping_interval finds peers that are gone",
}

T = TypeVar("T")
Handler = Callable[["ServerConnection"], Awaitable[None] | None]
ProcessRequest = Callable[["ServerConnection", Request], Awaitable[Response | None] | Response | None]
ProcessResponse = Callable[["ServerConnection", Request, Response], Awaitable[Response | None] | Response | None]
SelectSubprotocol = Callable[["ServerConnection", Sequence[str]], Awaitable[str | None] | str | None]


class ServerConnection(Connection):
    """A server's connection, handed to the handler."""

    server: Server
    username: str
    """Who has authenticated, with `basic_auth`."""
    route: Any
    """The handler and its variables, with `route`."""
    _opening: asyncio.Future[bool] | None = None
    _task: asyncio.Task[None] | None = None

    def respond(self, status: http.HTTPStatus | int, text: str) -> Response:
        """A plain text response, for `process_request`."""
        return respond(status, text)

    def _tell_opened(self) -> None:
        self.server._all.add(self)
        self._decided(True)
        # From now on they are seldom asked for.
        if isinstance(self._kept_request, Request):
            self._kept_request = self._kept_request.packed()
        if isinstance(self._kept_response, Response):
            self._kept_response = self._kept_response.packed()

    def _on_closed(self, closed: Closed) -> None:
        super()._on_closed(closed)
        self.server._all.discard(self)
        if self._task is not None and self.response is None:
            # What decides on the request decides for nobody any more.
            self._task.cancel()
        self._decided(False)

    def _decided(self, opened: bool) -> None:
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(opened)
        self._opening = self._task = None


class Server:
    """A server, made by `serve`. It is closed by `close` or at the end of its `async with` block."""

    def __init__(
        self,
        handler: Handler,
        places: Places,
        settings: ServerSettings[ServerConnection],
    ) -> None:
        self.handler = handler
        self.logger = settings.logger
        self._places = places
        self._settings, self._tls = settings, settings.tls
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
    def addresses(self) -> list[Address]:
        """Host and port, or Unix socket's path, of each listener."""
        return [self._engine.listener_address(listener) for listener in self._listeners]

    @property
    def port(self) -> int:
        """The first TCP listener's port."""
        return next(address[1] for address in self.addresses if not isinstance(address, str))

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
        places = self._places
        port = 0
        try:
            for place in await places.found():
                if isinstance(place, tuple) and place[1] == 0:
                    # All hosts get the port that the first one got.
                    place = (place[0], port)
                listener = self._engine.listen(
                    place,
                    self._settings.options,
                    self,
                    places.backlog,
                    places.reuse_port,
                    places.unix_mode,
                    places.max_per_address,
                    self._tls,
                )
                self._listeners.append(listener)
                if isinstance(place, tuple):
                    port = self.port
        except OSError:
            self._stop_listening()
            raise
        for address in self.addresses:
            where = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
            self.logger.info("server listening on %s", where)

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

    def relay(self, url: str | None, on_message: Callable[[str, str | bytes], object] | None = None) -> None:
        """Connects the topics of this event loop with those of other nodes, over the broker at `url`.

        What is published goes to the subscribers of all nodes from then on: at most once, what one node publishes in
        its order. `redis://HOST/`, `rediss://HOST/` (TLS), `redis+unix:///PATH`, `nats://HOST` or `tls://HOST` (NATS in
        TLS); the broker need not be there yet. None ends it.

        `on_message` is called with the topic and the message that another node has published, once the subscribers here
        have got it: for a server that keeps something of what is said. An exception in it goes to the loop's handler.

        Raises:
            ValueError: the URL is none of a broker.
        """
        self._engine.relay(url, on_message)

    def relay_metrics(self) -> RelayMetrics | None:
        """What the relay has done; None without one."""
        metrics = self._engine.relay_metrics()
        return None if metrics is None else RelayMetrics(*metrics)

    def metrics(self) -> Metrics:
        """What all connections of this event loop have done, those of other servers and of clients included."""
        return of_engine(self._engine.metrics())

    def prometheus(self) -> str:
        """The same as text for Prometheus, to be answered with `text/plain; version=0.0.4`."""
        return self._engine.prometheus()

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
        self._places.close()

    async def _close(self, close_connections: bool, code: int, reason: str) -> None:
        self.logger.info("server closing")
        self._stop_listening()
        if close_connections:
            closing = [self._loop.create_task(one.close(code, reason)) for one in self._all if one.state is State.OPEN]
            if closing:
                await asyncio.wait(closing)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for connection in tuple(self._all):
            await connection.wait_closed()
        self._closed.set_result(None)
        self.logger.info("server closed")

    # A connection's life

    def _on_accept_failed(self, why: str) -> None:
        self.logger.error("cannot accept connections: %s", why)

    def _on_request(self, id_: int, method: str, path: str, headers: list[tuple[str, str]], plain: bool) -> None:
        connection = self._settings.create_connection(self._engine, id_, *self._settings.marks)
        connection.server = self
        connection.logger, connection._max_size = self.logger, self._settings.max_size
        connection.request = Request(path, Headers(headers), method)
        connection._opening = self._loop.create_future()
        if self._places.path is not None:
            connection._known_addresses = (os.fspath(self._places.path), "")
        connection._attach()
        connection._task = task = self._loop.create_task(self._serve(connection, plain))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: ServerConnection, plain: bool) -> None:
        if not await self._admit(connection, plain):
            return
        try:
            if (handling := self.handler(connection)) is None:
                return
            await handling
        except Exception:
            connection.logger.error("connection handler failed", exc_info=True)
            await connection.close(CloseCode.INTERNAL_ERROR)
        else:
            await connection.close()

    async def _admit(self, connection: ServerConnection, plain: bool) -> bool:
        """The opening handshake: whether the connection is open."""
        request, opening = connection.request, connection._opening
        assert request is not None and opening is not None
        deciding = self._settings.rules.decide(
            connection, request, plain=plain, closing=lambda: not self.is_serving(), logger=self.logger
        )
        self._answer(connection, await _settled(deciding))
        return await opening

    def _answer(self, connection: ServerConnection, response: Response) -> None:
        connection.response = response
        try:
            if response.status_code == 101:
                subprotocol = response.headers.get("Sec-WebSocket-Protocol")
                self._engine.accept(connection._id, subprotocol, fields_besides(response))
            else:
                self._engine.refuse(connection._id, response.status_code, fields_besides(response), response.body)
        except ValueError:
            self.logger.error("the response cannot be sent", exc_info=True)
            self._engine.refuse(connection._id, 500, [], b"")


async def _settled(steps: Generator[Any, Any, T]) -> T:
    """The result of a generator that yields what may have to be awaited."""
    try:
        value = next(steps)
        while True:
            try:
                settled = await value if isinstance(value, Awaitable) else value
            except Exception as error:
                value = steps.throw(error)
            else:
                value = steps.send(settled)
    except StopIteration as end:
        result: T = end.value
        return result


class serve:
    """Makes a server: `await serve(handler, host, port)` or `async with serve(…) as server`.

    The arguments are those of `websockets`; times are in seconds, None turns one off; sizes are in bytes. What is not
    there (extensions of one's own) raises `NotSupported`. The `handler` is a coroutine function, at whose end the
    connection is closed, or a plain function that returns None, sets `on_message` say, and leaves the connection open:
    without a task it takes less than half the memory. `compression` is "deflate", a `ropeway.Compression`, or None;
    other than with `websockets` the default is None, because compressing is the server's to pay for. `ssl` is a
    `ropeway.ServerTLS`. `select_subprotocol`, `process_request` and `process_response` are functions or coroutines.
    `sock` is a bound stream socket to listen on, which is closed with the server; `unix_mode` the permissions of a Unix
    socket's file. `max_per_address` is how many connections one address may have at once, those beyond being answered
    503; 0 is any number. `limits` has the rarer limits. `create_connection` is a subclass of `ServerConnection` to
    make. The `logger`, "ropeway.server" by default, gets failures of handlers, and the opening handshake and each
    frame, if it takes DEBUG when this is made.
    """

    def __init__(
        self,
        handler: Handler,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        origins: Origins | None = None,
        extensions: Any = None,
        subprotocols: Sequence[str] | None = None,
        select_subprotocol: SelectSubprotocol | None = None,
        compression: str | Compression | None = None,
        process_request: ProcessRequest | None = None,
        process_response: ProcessResponse | None = None,
        server_header: str | None = SERVER,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
        logger: Logger | None = None,
        limits: Limits = DEFAULT_LIMITS,
        max_per_address: int = 0,
        create_connection: type[ServerConnection] | None = None,
        start_serving: bool = True,
        family: int = socket.AF_UNSPEC,
        flags: int = socket.AI_PASSIVE,
        sock: socket.socket | None = None,
        backlog: int = 1024,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
        ssl: ServerTLS | ssl_module.SSLContext | None = None,
        unix: bool = False,
        path: str | os.PathLike[str] | None = None,
        unix_mode: int | None = None,
        cleanup_socket: bool = True,
        **rest: Any,
    ) -> None:
        refuse(rest, REFUSED)
        if reuse_address is False:
            refuse({"reuse_address": False}, {"reuse_address": "a port that a closed server left is always taken"})
        if not cleanup_socket:
            refuse(
                {"cleanup_socket": False}, {"cleanup_socket": "the file goes with the server; pass sock= to keep it"}
            )
        if unix and (path is None) == (sock is None):
            raise ValueError("a Unix socket is either path= or sock=")
        self._handler, self._start = handler, start_serving
        self._places = Places(
            host=host,
            port=port,
            family=family,
            flags=flags,
            path=path,
            sock=sock,
            backlog=backlog,
            reuse_port=bool(reuse_port),
            unix_mode=unix_mode,
            max_per_address=max_per_address,
        )
        self._settings = server_settings(
            ServerConnection if create_connection is None else create_connection,
            ssl=ssl,
            origins=origins,
            extensions=extensions,
            subprotocols=subprotocols,
            select_subprotocol=select_subprotocol,
            compression=compression,
            process_request=process_request,
            process_response=process_response,
            server_header=server_header,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            write_limit=write_limit,
            limits=limits,
            logger=logger,
        )

    async def _serve(self) -> Server:
        server = Server(self._handler, self._places, self._settings)
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


def unix_serve(
    handler: Handler,
    path: str | os.PathLike[str] | None = None,
    **arguments: Any,
) -> serve:
    """As `serve`, on the Unix socket at `path`."""
    return serve(handler, unix=True, path=path, **arguments)
