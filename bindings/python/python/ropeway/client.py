"""What clients of all sorts are told: the arguments of `connect`, and when it is worth to connect again."""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import socket
import ssl as ssl_module
import traceback
import urllib.parse
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ._ropeway import TlsClient, __version__
from .compression import Compression
from .datastructures import Headers, pairs_of
from .exceptions import InvalidMessage, InvalidStatus, InvalidURI
from .http11 import Request
from .limits import Limits
from .logs import Logger
from .settings import DEFAULT_LIMITS, options, queue_marks, refuse, size_limits
from .tls import ClientTLS, native_client

__all__ = ["ClientSettings", "Route", "backoff", "process_exception"]

MAX_REDIRECTS = 10
USER_AGENT = f"Python ropeway/{__version__}"
C = TypeVar("C")


def process_exception(error: Exception) -> Exception | None:
    """Says whether reconnecting may help: None for network errors, time-outs and statuses 500, 502, 503 and 504."""
    if isinstance(error, OSError) and not isinstance(error, ssl_module.SSLCertVerificationError):
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


@dataclasses.dataclass(frozen=True)
class Route:
    """How a client gets to its server."""

    tls: TlsClient | None
    #: A proxy's URI, None for none, or True for the one that the environment names.
    proxy: str | Literal[True] | None
    proxy_tls: TlsClient | None
    max_redirects: int


class ClientSettings(Generic[C]):
    """The arguments of `connect`, checked."""

    _class: type[C]
    _dialling_names: ClassVar[Sequence[str]]
    """Arguments for a connection by TCP that is to be made in another way than the engine's."""
    _refused: ClassVar[Mapping[str, str]]
    """Arguments that are not supported, and why."""
    _delays: Generator[float, None, None] | None = None
    """Those still to come in an iteration that has failed."""

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
        proxy: str | Literal[True] | None = True,
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
        limits: Limits = DEFAULT_LIMITS,
        proxy_ssl: ClientTLS | ssl_module.SSLContext | Literal[True] | None = None,
        proxy_server_hostname: str | None = None,
        sock: socket.socket | None = None,
        create_connection: type[C] | None = None,
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
        dialling = {name: rest.pop(name) for name in self._dialling_names if name in rest}
        refuse(rest, self._refused)
        if dialling and (unix or sock is not None or parts.scheme == "ws+unix"):
            raise ValueError(f"{next(iter(dialling))}= goes with a connection by TCP that is to be made")
        if parts.scheme != "wss" and (ssl is not None or server_hostname is not None):
            raise ValueError("ssl= and server_hostname= go with a wss:// URI")
        if proxy_ssl is not None and isinstance(proxy, str) and not proxy.startswith("https:"):
            raise ValueError("proxy_ssl= goes with an https proxy")
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
        if create_connection is not None:
            self._class = create_connection
        self._sock, self._path, self._dialling, self._parts = sock, path, dialling, parts
        self._open_timeout = open_timeout
        self._marks = queue_marks(max_queue)
        self._max_size = size_limits(max_size)[0]
        over_socket = sock is not None or path is not None or bool(dialling)
        self._route = Route(
            tls=native_client(ssl, server_hostname) if parts.scheme == "wss" else None,
            proxy=None if over_socket else proxy,
            proxy_tls=native_client(proxy_ssl, proxy_server_hostname),
            max_redirects=0 if over_socket else MAX_REDIRECTS,
        )
        self._options = options(
            server=False,
            extensions=extensions,
            max_size=max_size,
            write_limit=write_limit,
            compression=compression,
            subprotocols=subprotocols,
            headers=headers,
            origin=origin,
            limits=limits,
            logger=self.logger,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
        )

    def _delay_after(self, error: Exception) -> float:
        """Seconds to wait, after a failure, before the next attempt of an iteration; called while it is handled.

        Raises:
            Exception: what `process_exception` says ends the iteration.
        """
        try:
            fatal = self.process_exception(error)
        except Exception as raised:
            fatal = raised
        if fatal is error:
            raise error
        if fatal is not None:
            raise fatal from error
        if self._delays is None:
            self._delays = self.reconnect_delays()
        delay = next(self._delays)
        what = traceback.format_exception_only(error)[0].strip()
        self.logger.info("connect failed; reconnecting in %.1f seconds: %s", delay, what)
        return delay
