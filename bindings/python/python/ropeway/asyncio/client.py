"""`connect`: a client connection."""

from __future__ import annotations

import asyncio
import logging
import os
import random
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
from ..tls import ClientTLS, native_client
from .connection import Connection, cause, options, queue_marks

__all__ = ["ClientConnection", "backoff", "connect", "process_exception"]

USER_AGENT = f"Python ropeway/{__version__}"


class ClientConnection(Connection):
    """A client's connection, made by `connect`."""

    _opening: asyncio.Future[None] | None = None

    def _on_opened(self, subprotocol: str | None, response: tuple[Any, ...] | None) -> None:
        super()._on_opened(subprotocol, response)
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
    there yet (proxies, a socket of one's own) raises `NotSupported`. `compression` is "deflate", a
    `ropeway.Compression`, or None; by default it is offered. `ssl` is a `ropeway.ClientTLS`, or an `ssl.SSLContext`
    whose settings can be honoured (`NotSupported` says which cannot); by default a wss URI trusts the system's
    authorities. `server_hostname` is looked for in the certificate instead of the URI's host.
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
        logger: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        ssl: ClientTLS | ssl_module.SSLContext | Literal[True] | None = None,
        server_hostname: str | None = None,
        **rest: Any,
    ) -> None:
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme not in ("ws", "wss"):
            raise InvalidURI(uri, "its scheme is neither ws nor wss")
        if not parts.hostname:
            raise InvalidURI(uri, "it has no host")
        if parts.fragment or "#" in uri:
            raise InvalidURI(uri, "it has a fragment")
        if parts.scheme != "wss" and (ssl is not None or server_hostname is not None):
            raise ValueError("ssl= and server_hostname= go with a wss:// URI")
        if isinstance(proxy, str) or (proxy is True and _environment_proxy()):
            raise NotSupported("proxies are not there yet; use proxy=None")
        headers = pairs_of(additional_headers)
        if user_agent_header is not None and not any(name.lower() == "user-agent" for name, _ in headers):
            headers.append(("User-Agent", user_agent_header))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.uri = uri
        self.process_exception = process_exception
        self.reconnect_delays = reconnect_delays
        self.logger = logging.getLogger("ropeway.client") if logger is None else logger
        self._request = Request(path, Headers([("Host", parts.netloc.rpartition("@")[2]), *headers]))
        self._marks = queue_marks(max_queue)
        self._tls = native_client(ssl, server_hostname) if parts.scheme == "wss" else None
        self._options = options(
            server=False,
            max_size=max_size,
            write_limit=write_limit,
            compression=compression,
            extensions=extensions,
            rest=rest,
            subprotocols=subprotocols,
            headers=headers,
            origin=origin,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
        )

    async def connect(self) -> ClientConnection:
        """Connects."""
        connection = ClientConnection(_loop.engine(), 0, *self._marks)
        connection.logger = self.logger
        connection.request = self._request
        opening = connection._opening = asyncio.get_running_loop().create_future()
        try:
            connection._dial(self.uri, self._options, self._tls)
        except ValueError as error:
            raise InvalidURI(self.uri, str(error)) from error
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


def _environment_proxy() -> bool:
    names = ("ws_proxy", "socks_proxy", "https_proxy", "http_proxy", "all_proxy")
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in names)
