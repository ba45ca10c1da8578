"""`connect`: a client connection."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Generator
from types import TracebackType
from typing import Any

from .. import _loop
from .._ropeway import Closed
from ..client import ClientSettings, backoff, process_exception
from ..datastructures import Headers
from ..exceptions import InvalidMessage
from ..facts import cause
from ..http11 import Request
from ..logs import log_request, log_response
from .connection import Connection
from .sockets import connected, connected_unix

__all__ = ["ClientConnection", "backoff", "connect", "process_exception", "unix_connect"]

DIALLING = (
    "host", "port", "family", "proto", "flags", "local_addr", "happy_eyeballs_delay", "interleave", "all_errors"
)  # fmt: skip
"""Keyword arguments of asyncio's `create_connection`."""
REFUSED = {
    "ssl_handshake_timeout": "open_timeout bounds the TLS handshake too",
    "ssl_shutdown_timeout": "close_timeout bounds the end of TLS too",
    "proxy_ssl_handshake_timeout": "open_timeout bounds it too",
    "proxy_ssl_shutdown_timeout": "close_timeout bounds it too",
}


class ClientConnection(Connection):
    """A client's connection, made by `connect`."""

    _opening: asyncio.Future[None] | None = None

    def _on_redirect(self, path: str, headers: list[tuple[str, str]]) -> None:
        self.request = Request(path, Headers(headers))
        log_request(self.logger, ">", self.request)

    def _tell_opened(self) -> None:
        if self.response is not None:
            log_response(self.logger, "<", self.response)
        if self._opening is not None and not self._opening.done():
            self._opening.set_result(None)

    def _on_closed(self, closed: Closed) -> None:
        super()._on_closed(closed)
        if self._opening is not None and not self._opening.done():
            error = cause(closed)
            if error is None:
                error = InvalidMessage("the server closed the connection during the opening handshake")
            self._opening.set_exception(error)


class connect(ClientSettings[ClientConnection]):
    """Connects to a server: `await connect(uri)`, `async with connect(uri)`, or `async for … in connect(uri)`.

    The last connects again whenever the connection has failed, waiting as `reconnect_delays` says; `process_exception`
    decides which errors end it.

    The arguments are those of `websockets`; times are in seconds, None turns one off; sizes are in bytes. What is not
    there (extensions of one's own) raises `NotSupported`. `uri` may be `ws+unix:/socket:/path` too.
    `compression` is "deflate", a `ropeway.Compression`, or None; by default it is offered. `ssl` is a
    `ropeway.ClientTLS`, or an `ssl.SSLContext` whose settings can be honoured (`NotSupported` says which cannot); by
    default a wss URI trusts the system's authorities. `server_hostname` is looked for in the certificate instead of the
    URI's host. `proxy` is a proxy's URI (http, https, socks5, socks5h), None for no proxy, or True for the one that the
    environment names; `proxy_ssl` and `proxy_server_hostname` are for TLS with an https proxy. Up to 10 redirects are
    followed, none from wss to ws; one to another origin takes no credentials along. `sock` is a connected stream socket
    to go on over, which is closed then; `host`, `port`, `family`, `local_addr` and the others of asyncio's
    `create_connection` make the connection as that does; there is no proxy then, and redirects are not followed.
    `create_connection` is a subclass of `ClientConnection` to make. The `logger`, "ropeway.client" by default, gets the
    opening handshake and each frame, if it takes DEBUG when this is made.
    """

    _class = ClientConnection
    _dialling_names = DIALLING
    _refused = REFUSED

    async def connect(self) -> ClientConnection:
        """Connects."""
        if self._sock is None and self._path is None and not self._dialling:
            return await self._open(None)
        try:
            async with asyncio.timeout(self._open_timeout):
                with await self._socket() as made:
                    return await self._open(made)
        except TimeoutError:
            raise TimeoutError("timed out during opening handshake") from None

    async def _socket(self) -> socket.socket:
        if self._sock is not None:
            return self._sock
        if self._path is not None:
            return await connected_unix(self._path)
        port = self._parts.port or (443 if self._parts.scheme == "wss" else 80)
        where = {"host": self._parts.hostname, "port": port}
        return await connected(**(where | self._dialling))

    async def _open(self, over: socket.socket | None) -> ClientConnection:
        connection = self._class(_loop.engine(), 0, *self._marks)
        connection.logger, connection._max_size = self.logger, self._max_size
        connection.request = self._request
        log_request(self.logger, ">", self._request)
        opening = connection._opening = asyncio.get_running_loop().create_future()
        if over is not None:
            connection._known_addresses = (over.getsockname(), over.getpeername())
        connection._dial(self.uri, self._options, self._route, None if over is None else over.fileno())
        try:
            await opening
        except asyncio.CancelledError:
            connection._abort()
            raise
        finally:
            connection._opening = None
            # An exception holds its frames, and they would hold it.
            del opening
        return connection

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self.connect().__await__()

    async def __aenter__(self) -> ClientConnection:
        if hasattr(self, "connection"):
            raise RuntimeError("connect() is not reentrant")
        self.connection = await self
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.connection.__aexit__(kind, error, traceback)
        finally:
            del self.connection

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        self._delays = None
        while True:
            try:
                async with self as connection:
                    yield connection
            except Exception as error:
                await asyncio.sleep(self._delay_after(error))
            else:
                self._delays = None


def unix_connect(path: str | os.PathLike[str] | None = None, uri: str | None = None, **arguments: Any) -> connect:
    """As `connect`, over the Unix socket at `path`; `uri` is ws://localhost/, or wss://localhost/ with `ssl`."""
    if uri is None:
        uri = "ws://localhost/" if arguments.get("ssl") is None else "wss://localhost/"
    return connect(uri, unix=True, path=path, **arguments)
