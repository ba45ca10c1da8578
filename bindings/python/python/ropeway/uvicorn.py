"""WebSockets of ASGI applications under uvicorn: `uvicorn --ws ropeway.uvicorn:WebSocketProtocol`.

Written to version 2.5 of the ASGI specification for WebSockets, the denial response included. uvicorn's HTTP protocol
sees the upgrade coming and hands over its transport with the request's head. The engine takes the socket itself; of a
transport in TLS it gets one end of a `Bridge`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import urllib.parse
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from uvicorn.server import ServerState

from . import _loop
from ._ropeway import Closed, Options
from .admission import fields_besides, offered
from .asyncio.bridge import Bridge
from .asyncio.connection import Connection
from .datastructures import Headers
from .exceptions import ConnectionClosed, InvalidState
from .frames import CloseCode
from .http11 import Request, Response
from .settings import options, queue_marks
from .states import State

__all__ = ["WebSocketProtocol"]


class _Connection(Connection):
    """The engine's connection of one protocol."""

    _owner: WebSocketProtocol

    def _on_request(self, _id: int, _method: str, path: str, headers: list[tuple[str, str]], _plain: bool) -> None:
        self._owner._asked(Request(path, Headers(headers)))

    def _on_closed(self, closed: Closed) -> None:
        super()._on_closed(closed)
        self._owner._ended()


class WebSocketProtocol(asyncio.Protocol):
    """One connection: what uvicorn expects of a WebSocket protocol."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        if not config.loaded:
            config.load()
        self._config, self._server_state, self._app_state = config, server_state, app_state
        self._logger = logging.getLogger("uvicorn.error")
        self._bridge: Bridge | None = None
        self._begun = False
        self._request: Request | None = None
        #: The application has been told of the connection; has answered it; closes it with this.
        self._told = False
        self._answered = False
        self._closing: tuple[int, str] | None = None
        #: A denial's status and fields, then its body.
        self._denial: tuple[int, Headers] | None = None
        self._body = b""

    # What uvicorn and the transport tell

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A transport with an upgrade is there."""
        # uvloop's are of no class of asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._addresses = get_local_addr(transport), get_remote_addr(transport)
        self._scheme = "wss" if is_ssl(transport) else "ws"

    def data_received(self, data: bytes) -> None:
        """The request's head at first; later, over a bridge, what the client sends."""
        if self._bridge is not None:
            self._bridge.feed(data)
        elif not self._begun:
            self._begin(data)

    def _begin(self, head: bytes) -> None:
        self._begun = True
        self._head = head
        config = self._config
        settings = _options(
            config.ws_max_size, config.ws_ping_interval, config.ws_ping_timeout, config.ws_per_message_deflate
        )
        self._connection = connection = _Connection(_loop.engine(), 0, *queue_marks(config.ws_max_queue))
        connection._owner = self
        socket = self._transport.get_extra_info("socket")
        if self._scheme == "wss" or socket is None:
            self._bridge = Bridge(self._transport)
            connection._adopt(self._bridge.far.fileno(), head, settings)
            self._bridge.far.close()
        else:
            connection._adopt(socket.fileno(), head, settings)
            # The engine has a descriptor of its own.
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """The transport has ended."""
        if self._bridge is not None:
            self._bridge.close()

    def pause_writing(self) -> None:
        """The transport takes no more for now."""
        if self._bridge is not None:
            self._bridge.pause()

    def resume_writing(self) -> None:
        """The transport takes bytes again."""
        if self._bridge is not None:
            self._bridge.resume()

    def shutdown(self) -> None:
        """uvicorn ends: clients are told to come again (1012)."""
        if self._request is None:
            self._connection._abort()
        elif not self._answered:
            self._refuse(Response(503, "", Headers(), b"The server is shutting down.\n"))
        elif self._connection.state < State.CLOSING:
            self._close(CloseCode.SERVICE_RESTART, "")

    # What the engine tells

    def _asked(self, request: Request) -> None:
        self._request = request
        task = asyncio.get_running_loop().create_task(self._run(request))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    def _ended(self) -> None:
        self._server_state.connections.discard(self)

    # The application

    async def _run(self, request: Request) -> None:
        self._scope = self._make_scope(request)
        try:
            result = await self._config.loaded_app(self._scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self._connection._abort()
            raise
        except Exception:
            self._logger.exception("Exception in ASGI application\n")
            self._fail()
        else:
            if not self._answered:
                self._logger.error("ASGI callable returned without completing handshake.")
                self._fail()
            elif result is not None:
                self._logger.error("ASGI callable should return None, but returned '%s'.", result)
            self._close(CloseCode.NORMAL_CLOSURE, "")

    def _make_scope(self, request: Request) -> dict[str, Any]:
        start, *lines = self._head.partition(b"\r\n\r\n")[0].split(b"\r\n")
        self._head = b""
        raw_path, _, query = start.split(b" ")[1].partition(b"?")
        root = self._config.root_path
        fields = [line.partition(b": ") for line in lines]
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.5"},
            "http_version": "1.1",
            "scheme": self._scheme,
            "server": self._addresses[0],
            "client": self._addresses[1],
            "root_path": root,
            "path": root + urllib.parse.unquote(raw_path.decode("ascii")),
            "raw_path": root.encode("ascii") + raw_path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, _, value in fields],
            "subprotocols": offered(request),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }

    async def _receive(self) -> dict[str, Any]:
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        connection = self._connection
        try:
            if self._closing is not None:
                # The application is past its close: what the client still sends is for nobody.
                await connection.wait_closed()
            else:
                message = await connection.recv()
                if isinstance(message, str):
                    return {"type": "websocket.receive", "text": message}
                return {"type": "websocket.receive", "bytes": message}
        except ConnectionClosed:
            pass
        code, reason = self._closing or (connection.close_code, connection.close_reason)
        return {"type": "websocket.disconnect", "code": code, "reason": reason}

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if self._connection.state is State.CLOSED:
            raise ClientDisconnected
        if not self._answered:
            self._answer(kind, message)
        elif self._closing is not None:
            raise RuntimeError(f"Unexpected ASGI message '{kind}', after sending 'websocket.close' or a response.")
        elif kind == "websocket.send":
            data = message.get("bytes")
            try:
                await self._connection.send(message["text"] if data is None else data)
            except ConnectionClosed:
                raise ClientDisconnected from None
        elif kind == "websocket.close":
            self._close(message.get("code", 1000), message.get("reason") or "")
        else:
            raise RuntimeError(f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'.")

    def _answer(self, kind: str, message: dict[str, Any]) -> None:
        """What an application sends before the connection is open."""
        if self._denial is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"Expected ASGI message 'websocket.http.response.body', but got '{kind}'.")
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                status, headers = self._denial
                self._refuse(Response(status, "", headers, self._body))
        elif kind == "websocket.accept":
            headers = _fields([*self._server_state.default_headers, *message.get("headers", ())])
            accepted = Response(101, "", headers)
            connection = self._connection
            try:
                connection._engine.accept(connection._id, message.get("subprotocol"), fields_besides(accepted))
            except InvalidState:
                raise ClientDisconnected from None
            self._answered = True
            self._log("[accepted]")
        elif kind == "websocket.close":
            self._log("403")
            self._refuse(Response(HTTPStatus.FORBIDDEN, "", _fields(self._server_state.default_headers)))
        elif kind == "websocket.http.response.start":
            self._log(str(message["status"]))
            self._denial = message["status"], _fields(message.get("headers", ()))
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' or 'websocket.http.response.start' "
                f"but got '{kind}'."
            )

    def _refuse(self, response: Response) -> None:
        self._answered = True
        self._closing = (CloseCode.ABNORMAL_CLOSURE, "")
        connection = self._connection
        connection._engine.refuse(connection._id, response.status_code, fields_besides(response), response.body)

    def _fail(self) -> None:
        """The application has failed."""
        if not self._answered:
            self._refuse(Response(500, "", Headers(), b"Internal Server Error"))
        else:
            self._close(CloseCode.INTERNAL_ERROR, "")

    def _close(self, code: int, reason: str) -> None:
        if self._closing is None and self._connection.state < State.CLOSING:
            self._closing = (int(code), reason)
            self._connection._close(int(code), reason)

    def _log(self, what: str) -> None:
        scope: Any = self._scope
        self._logger.info('%s - "WebSocket %s" %s', get_client_addr(scope), get_path_with_query_string(scope), what)


def _fields(fields: Iterable[tuple[bytes, bytes]]) -> Headers:
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields])


@functools.cache
def _options(max_size: int, ping_interval: float | None, ping_timeout: float | None, deflate: bool) -> Options:
    return options(
        server=True,
        max_size=max_size,
        write_limit=2**15,
        compression="deflate" if deflate else None,
        subprotocols=None,
        headers=(),
        origin=None,
        open_timeout=None,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=10,
    )
