"""`connect`: a client connection."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import ssl as ssl_module
import traceback
import urllib.parse
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

from .. import _loop
from .._ropeway import Closed, __version__
from ..compression import Compression
from ..datastructures import Headers, pairs_of
from ..exceptions import InvalidMessage, InvalidStatus, InvalidURI, NotSupported
from ..http11 import Request
from ..logs import Logger, log_request, log_response
from ..tls import ClientTLS, native_client
from .connection import Connection, cause, options, queue_marks, refuse
from .sockets import connected, connected_unix

__all__ = ["ClientConnection", "backoff", "connect", "process_exception", "unix_connect"]

USER_AGENT = f"Python ropeway/{__version__}"
MAX_REDIRECTS = 10
DIALLING = (
    "host", "port", "family", "proto", "flags", "local_addr", "happy_eyeballs_delay", "interleave", "all_errors"
)  # fmt: skip
"""Keyword arguments of asyncio's `create_connection`."""
REFUSED = {
    "ssl_handshake_timeout": "open_timeout bounds the TLS handshake too",
    "ssl_shutdown_timeout": "close_timeout bounds the end of TLS too",
    "proxy_ssl": "proxies are not there yet",
    "proxy_server_hostname": "proxies are not there yet",
    "proxy_ssl_handshake_timeout": "proxies are not there yet",
    "proxy_ssl_shutdown_timeout": "proxies are not there yet",
}


class ClientConnection(Connection):
    """A client's connection, made by `connect`."""

    _opening: asyncio.Future[None] | None = None

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


def process_exception(error: Exception) -> Exception | None:
    """Says whether reconnecting may help: None for network errors, time-outs and statuses 500, 502, 503 and 504."""
    if isinstance(error, (OSError, asyncio.TimeoutError)) and not isinstance(
        error, ssl_module.SSLCertVerificationError
    ):
        return None
    if isinstance(error, InvalidMessage):
        return None
    if isinstance(error, InvalidStatus) and error.response.status_code in (500, 502, 503, 504):
        return None
    return error


def backoff() -> Generator[float, None, None]:
    """Delays between attempts to reconnect, in seconds: up to 5 at first, then from 3 growing to 90."""
    yield random.random() * 5
    delay = 3.0
    while True:
        yield delay
        delay = min(delay * 1.618, 90.0)


class connect:
    """Connects to a server: `await connect(uri)`, `async with connect(uri)`, or `async for … in connect(uri)`.

    The last connects again whenever the connection has failed, waiting as `reconnect_delays` says; `process_exception`
    decides which errors end it.

    The arguments are those of `websockets`; times are in seconds, None turns one off; sizes are in bytes. What is not
    there (proxies, extensions of one's own) raises `NotSupported`. `uri` may be `ws+unix:/socket:/path` too.
    `compression` is "deflate", a `ropeway.Compression`, or None; by default it is offered. `ssl` is a
    `ropeway.ClientTLS`, or an `ssl.SSLContext` whose settings can be honoured (`NotSupported` says which cannot); by
    default a wss URI trusts the system's authorities. `server_hostname` is looked for in the certificate instead of the
    URI's host. Up to 10 redirects are followed, none from wss to ws; one to another origin takes no credentials along.
    `sock` is a connected stream socket to go on over, which is closed then; `host`, `port`, `family`, `local_addr` and
    the others of asyncio's `create_connection` make the connection as that does; redirects are not followed then.
    `create_connection` is a subclass of `ClientConnection` to make. The `logger`, "ropeway.client" by default, gets the
    opening handshake and each frame, if it takes DEBUG when this is made.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Any = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | Compression | None = "deflate",
        additional_headers: Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = None,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Generator[float, None, None]] = backoff,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
        logger: Logger | None = None,
        ssl: ClientTLS | ssl_module.SSLContext | Literal[True] | None = None,
        server_hostname: str | None = None,
        sock: socket.socket | None = None,
        create_connection: type[ClientConnection] | None = None,
        unix: bool = False,
        path: str | os.PathLike[str] | None = None,
        **rest: Any,
    ) -> None:
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme not in ("ws", "wss", "ws+unix"):
            raise InvalidURI(uri, "its scheme is neither ws nor wss")
        if not parts.hostname and parts.scheme != "ws+unix":
            raise InvalidURI(uri, "it has no host")
        if parts.fragment or "#" in uri:
            raise InvalidURI(uri, "it has a fragment")
        if unix and (path is None) == (sock is None):
            raise ValueError("a Unix socket is either path= or sock=")
        dialling = {name: rest.pop(name) for name in DIALLING if name in rest}
        refuse(rest, REFUSED)
        refuse({"extensions": extensions}, {"extensions": "there are none but compression="})
        if dialling and (unix or sock is not None or parts.scheme == "ws+unix"):
            raise ValueError(f"{next(iter(dialling))}= goes with a connection by TCP that is to be made")
        if parts.scheme != "wss" and (ssl is not None or server_hostname is not None):
            raise ValueError("ssl= and server_hostname= go with a wss:// URI")
        if isinstance(proxy, str) or (proxy is True and _environment_proxy()):
            raise NotSupported("proxies are not there yet; use proxy=None")
        headers = pairs_of(additional_headers)
        if user_agent_header is not None and not any(name.lower() == "user-agent" for name, _ in headers):
            headers.append(("User-Agent", user_agent_header))
        target, host = (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), parts.netloc.rpartition("@")[2]
        if parts.scheme == "ws+unix":
            target, host = target.partition(":")[2] or "/", "localhost"
        self.uri = uri
        self.process_exception = process_exception
        self.reconnect_delays = reconnect_delays
        self.logger = logging.getLogger("ropeway.client") if logger is None else logger
        self._request = Request(target, Headers([("Host", host), *headers]))
        self._class = ClientConnection if create_connection is None else create_connection
        self._sock, self._path, self._dialling, self._parts = sock, path, dialling, parts
        self._open_timeout = open_timeout
        self._marks = queue_marks(max_queue)
        self._tls = native_client(ssl, server_hostname) if parts.scheme == "wss" else None
        self._options = options(
            server=False,
            max_size=max_size,
            write_limit=write_limit,
            compression=compression,
            subprotocols=subprotocols,
            headers=headers,
            origin=origin,
            logger=self.logger,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
        )

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
        connection.logger = self.logger
        connection.request = self._request
        log_request(self.logger, ">", self._request)
        opening = connection._opening = asyncio.get_running_loop().create_future()
        if over is not None:
            connection._addresses = (over.getsockname(), over.getpeername())
            connection._dial(self.uri, self._options, self._tls, over.fileno(), 0)
        else:
            connection._dial(self.uri, self._options, self._tls, None, MAX_REDIRECTS)
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
        delays: Generator[float, None, None] | None = None
        while True:
            try:
                async with self as connection:
                    yield connection
            except Exception as error:
                try:
                    fatal = self.process_exception(error)
                except Exception as raised:
                    fatal = raised
                if fatal is error:
                    raise
                if fatal is not None:
                    raise fatal from error
                if delays is None:
                    delays = self.reconnect_delays()
                delay = next(delays)
                what = traceback.format_exception_only(error)[0].strip()
                self.logger.info("connect failed; reconnecting in %.1f seconds: %s", delay, what)
                await asyncio.sleep(delay)
            else:
                delays = None


def unix_connect(path: str | os.PathLike[str] | None = None, uri: str | None = None, **arguments: Any) -> connect:
    """As `connect`, over the Unix socket at `path`; `uri` is ws://localhost/, or wss://localhost/ with `ssl`."""
    if uri is None:
        uri = "ws://localhost/" if arguments.get("ssl") is None else "wss://localhost/"
    return connect(uri, unix=True, path=path, **arguments)


def _environment_proxy() -> bool:
    names = ("ws_proxy", "socks_proxy", "https_proxy", "http_proxy", "all_proxy")
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in names)
