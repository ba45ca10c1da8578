"""`serve`: a server with a thread for each connection."""

from __future__ import annotations

import contextlib
import errno
import http
import os
import selectors
import socket
import ssl as ssl_module
import threading
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from ..admission import SERVER, Origins, fields_besides, respond
from ..compression import Compression
from ..datastructures import Headers
from ..frames import CloseCode
from ..http11 import Request, Response
from ..limits import Limits
from ..logs import Logger
from ..serving import ServerSettings, server_settings
from ..settings import DEFAULT_LIMITS
from ..states import State
from ..tls import ServerTLS
from .connection import Connection
from .keeper import keeper

__all__ = ["Server", "ServerConnection", "serve", "unix_serve"]

_ACCEPT_AGAIN = 1.0
"""Seconds to wait when the system has no descriptor left for a connection."""


class ServerConnection(Connection):
    """A server's connection, handed to the handler in a thread of its own."""

    server: Server
    username: str
    """Who has authenticated, with `basic_auth`."""
    route: Any
    """The handler and its variables, with `route`."""

    def respond(self, status: http.HTTPStatus | int, text: str) -> Response:
        """A plain text response, for `process_request`."""
        return respond(status, text)


T = TypeVar("T")
ProcessRequest = Callable[[ServerConnection, Request], Response | None]
ProcessResponse = Callable[[ServerConnection, Request, Response], Response | None]
SelectSubprotocol = Callable[[ServerConnection, Sequence[str]], str | None]


class Server:
    """A server, made by `serve`. `shutdown`, or the end of its `with` block, closes it."""

    def __init__(
        self,
        sock: socket.socket,
        handler: Callable[[ServerConnection], None],
        settings: ServerSettings[ServerConnection],
        file: str | None = None,
    ) -> None:
        self.socket = sock
        self.handler = handler
        self.logger = settings.logger
        self._settings = settings
        self._file = file
        self._lock = threading.Lock()
        self._all: set[ServerConnection] = set()
        self._threads: set[threading.Thread] = set()
        self._watched, self._notify = socket.socketpair()
        self._accepting = threading.Lock()
        self._closing = False

    @property
    def connections(self) -> set[ServerConnection]:
        """The open connections."""
        with self._lock:
            return {connection for connection in self._all if connection.state is State.OPEN}

    @property
    def port(self) -> int:
        """The port listened on."""
        return int(self.socket.getsockname()[1])

    def fileno(self) -> int:
        """The listening socket's descriptor."""
        return self.socket.fileno()

    def serve_forever(self) -> None:
        """Serves until another thread calls `shutdown`."""
        with self._accepting, selectors.DefaultSelector() as selector:
            if self._closing:
                return
            self.logger.info("server listening on %s", _name(self.socket))
            self.socket.setblocking(False)
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._watched, selectors.EVENT_READ)
            while not self._closing:
                selector.select()
                try:
                    sock, _ = self.socket.accept()
                except (BlockingIOError, ConnectionError):
                    continue
                except OSError as error:
                    if self._closing:
                        return
                    self.logger.error("cannot accept connections: %s", error)
                    if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                        raise
                    selector.unregister(self.socket)
                    selector.select(_ACCEPT_AGAIN)
                    selector.register(self.socket, selectors.EVENT_READ)
                    continue
                # Those who shut the server down wait for the handlers.
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=False)
                with self._lock:
                    self._threads.add(thread)
                thread.start()

    def shutdown(
        self, close_connections: bool = True, code: CloseCode | int = CloseCode.GOING_AWAY, reason: str = ""
    ) -> None:
        """Stops listening, and waits until every handler has returned. Again it only waits.

        With `close_connections` the open connections are closed with `code`, and those in their opening handshake are
        answered 503.
        """
        self.logger.info("server closing")
        if not self._closing:
            self._closing = True
            self._notify.send(b"x")
        with self._accepting:
            self.socket.close()
            self._notify.close()
            self._watched.close()
            if self._file is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._file)
        while True:
            with self._lock:
                threads = list(self._threads)
            if not threads:
                break
            if close_connections:
                for connection in self.connections:
                    connection._close(int(code), reason)
            threads[0].join(0.1)
        self.logger.info("server closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()

    # A connection's life, in its thread

    def _serve(self, sock: socket.socket) -> None:
        try:
            connection = self._opened(sock)
            if connection is not None:
                self._handle(connection)
        except Exception:
            self.logger.error("opening handshake failed", exc_info=True)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _opened(self, sock: socket.socket) -> ServerConnection | None:
        known = self._settings
        connection = known.create_connection(*known.marks)
        connection.server, connection.logger, connection._max_size = self, self.logger, known.max_size
        with sock:
            connection._known_addresses = (sock.getsockname(), sock.getpeername())
            connection._adopt(sock.fileno(), known.options, known.tls)
        asked = connection._request()
        if asked is None:
            return None
        method, path, headers, plain = asked
        connection.request = request = Request(path, Headers(headers), method)
        deciding = known.rules.decide(
            connection, request, plain=plain, closing=lambda: self._closing, logger=self.logger
        )
        connection.response = response = _settled(deciding)
        try:
            if response.status_code == 101:
                connection._accept(response.headers.get("Sec-WebSocket-Protocol"), fields_besides(response))
            else:
                connection._refuse(response.status_code, fields_besides(response), response.body)
        except ValueError:
            self.logger.error("the response cannot be sent", exc_info=True)
            connection._refuse(500, [], b"")
        opened = connection._open()
        if opened is None:
            connection.wait_closed()
            return None
        connection.subprotocol = opened[0]
        return connection

    def _handle(self, connection: ServerConnection) -> None:
        with self._lock:
            self._all.add(connection)
        keeper.keep(connection)
        try:
            with connection:
                self.handler(connection)
        except Exception:
            connection.logger.error("connection handler failed", exc_info=True)
        finally:
            with self._lock:
                self._all.discard(connection)


def _settled(steps: Generator[Any, Any, T]) -> T:
    """The result of a generator, which gets back what it yields."""
    try:
        value = next(steps)
        while True:
            value = steps.send(value)
    except StopIteration as end:
        result: T = end.value
        return result


def _name(sock: socket.socket) -> str:
    address = sock.getsockname()
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


def serve(
    handler: Callable[[ServerConnection], None],
    host: str | None = None,
    port: int | None = None,
    *,
    sock: socket.socket | None = None,
    ssl: ServerTLS | ssl_module.SSLContext | None = None,
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
    limits: Limits = DEFAULT_LIMITS,
    logger: Logger | None = None,
    create_connection: type[ServerConnection] | None = None,
    unix: bool = False,
    path: str | os.PathLike[str] | None = None,
    **arguments: Any,
) -> Server:
    """Makes a server: `with serve(handler, host, port) as server: server.serve_forever()`.

    Each connection's handler runs in a thread of its own. The arguments are those of `websockets.sync.server.serve`;
    times are in seconds, None turns one off; sizes are in bytes. `compression` is off by default, because compressing
    is the server's to pay for; `ssl` is a `ropeway.ServerTLS`. `sock` is a listening socket, which is closed with the
    server. Further arguments go to `socket.create_server`.
    """
    settings = server_settings(
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
        write_limit=2**15,
        limits=limits,
        logger=logger,
    )
    if unix and (path is None) == (sock is None):
        raise ValueError("a Unix socket is either path= or sock=")
    if sock is not None and (host, port) != (None, None):
        raise ValueError("sock= goes with no host or port")
    file = None
    if sock is not None:
        pass
    elif unix and path is not None:
        file = os.fspath(path)
        sock = socket.create_server(file, family=socket.AF_UNIX, **arguments)
    else:
        sock = socket.create_server((host or "", port or 0), **arguments)
    return Server(sock, handler, settings, file)


def unix_serve(
    handler: Callable[[ServerConnection], None], path: str | os.PathLike[str] | None = None, **arguments: Any
) -> Server:
    """As `serve`, at a Unix socket, whose file is removed with the server."""
    return serve(handler, unix=True, path=path, **arguments)
