"""`connect`: a client connection for threads; `reconnect`: one after another."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, ClassVar

from ..client import ClientSettings
from ..datastructures import Headers
from ..exceptions import InvalidMessage
from ..facts import cause, response_of
from ..http11 import Request
from ..logs import log_request, log_response
from .connection import Connection
from .keeper import keeper

__all__ = ["ClientConnection", "connect", "reconnect", "unix_connect", "unix_reconnect"]


class ClientConnection(Connection):
    """A client's connection, made by `connect`."""


class reconnect(ClientSettings[ClientConnection]):
    """Connects to a server: `for connection in reconnect(uri)` connects again whenever the connection has failed.

    It waits as `reconnect_delays` says; `process_exception` decides which errors end it. Each connection is closed at
    the end of its round. `with reconnect(uri) as connection` connects once. The arguments are those of
    `ropeway.connect`; times are in seconds. `address`, `source_address` and `all_errors` make the connection by
    `socket.create_connection`.
    """

    _class = ClientConnection
    _dialling_names = ("address", "source_address", "all_errors")
    _refused: ClassVar[Mapping[str, str]] = {}

    def connect(self) -> ClientConnection:
        """Connects once."""
        if self._sock is None and self._path is None and not self._dialling:
            return self._open(None)
        with self._socket() as made:
            return self._open(made)

    def _socket(self) -> socket.socket:
        if self._sock is not None:
            return self._sock
        if self._path is None:
            port = self._parts.port or (443 if self._parts.scheme == "wss" else 80)
            where = {"address": (self._parts.hostname, port), "timeout": self._open_timeout}
            return socket.create_connection(**(where | self._dialling))
        made = socket.socket(socket.AF_UNIX)
        try:
            made.settimeout(self._open_timeout)
            made.connect(os.fspath(self._path))
        except BaseException:
            made.close()
            raise
        return made

    def _open(self, over: socket.socket | None) -> ClientConnection:
        connection = self._class(*self._marks)
        connection.logger, connection.request = self.logger, self._request
        connection._max_size = self._max_size
        if over is not None:
            connection._known_addresses = (over.getsockname(), over.getpeername())
        log_request(self.logger, ">", self._request)
        connection._dial(self.uri, self._options, self._route, None if over is None else over.fileno())
        try:
            opened = connection._open()
        except BaseException:
            connection._abort()
            raise
        if opened is None:
            ending = connection._ending()
            error = None if ending is None else cause(ending)
            raise error or InvalidMessage("the server closed the connection during the opening handshake")
        connection.subprotocol, response, led_to = opened
        if led_to is not None:
            connection.request = Request(led_to[0], Headers(led_to[1]))
            log_request(self.logger, ">", connection.request)
        if response is not None:
            connection.response = response_of(response)
            log_response(self.logger, "<", connection.response)
        if over is None:
            connection._known_addresses = connection._addresses
        keeper.keep(connection)
        return connection

    def __enter__(self) -> ClientConnection:
        self._connection = self.connect()
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[ClientConnection]:
        self._delays = None
        while True:
            try:
                with self.connect() as connection:
                    yield connection
            except Exception as error:
                time.sleep(self._delay_after(error))
            else:
                self._delays = None


def connect(uri: str, *, legacy: bool | None = None, **arguments: Any) -> ClientConnection | reconnect:
    """Connects to a server, and returns the open connection: `with connect(uri) as connection: …`.

    The arguments are those of `ropeway.connect`; times are in seconds. `legacy` false returns a `reconnect`, as
    `websockets` will do one day; the program of today gets the connection itself.

    Raises:
        OSError: the server cannot be reached.
        InvalidHandshake: it answered in another way.
        InvalidURI: the URI cannot be connected to.
        TimeoutError: `open_timeout` has passed.
    """
    reconnecting = reconnect(uri, **arguments)
    return reconnecting if legacy is False else reconnecting.connect()


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, *, legacy: bool | None = None, **arguments: Any
) -> ClientConnection | reconnect:
    """Connects to a server at a Unix socket; `uri` says what is asked for, ws://localhost/ by default."""
    reconnecting = unix_reconnect(path, uri, **arguments)
    return reconnecting if legacy is False else reconnecting.connect()


def unix_reconnect(path: str | os.PathLike[str] | None = None, uri: str | None = None, **arguments: Any) -> reconnect:
    """As `reconnect`, at a Unix socket."""
    if uri is None:
        uri = "ws://localhost/" if arguments.get("ssl") is None else "wss://localhost/"
    return reconnect(uri, unix=True, path=path, **arguments)
