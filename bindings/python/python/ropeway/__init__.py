"""WebSocket client and server for asyncio, over a core in Rust, with the names of the `websockets` package.

async with ropeway.connect("ws://127.0.0.1:8080/") as connection:
    await connection.send("hello")
    print(await connection.recv())
"""

from ._ropeway import __version__
from .asyncio.client import ClientConnection, connect, unix_connect
from .asyncio.connection import broadcast
from .asyncio.router import Router, route, unix_route
from .asyncio.server import Server, ServerConnection, serve, unix_serve
from .auth import basic_auth
from .compression import Compression
from .datastructures import Headers, MultipleValuesError
from .exceptions import *  # noqa: F403
from .exceptions import __all__ as _exceptions
from .frames import Close, CloseCode, Frame, Opcode
from .http11 import Request, Response
from .limits import Limits
from .metrics import ConnectionMetrics, Metrics, RelayMetrics, Traffic
from .protocol import ClientProtocol, Protocol, ServerProtocol
from .states import State
from .tls import ClientTLS, ServerTLS, TLSInfo
from .typing import Data, HeadersLike, LoggerLike, Origin, StatusLike, Subprotocol

__all__ = [
    "ClientConnection",
    "ClientProtocol",
    "ClientTLS",
    "Close",
    "CloseCode",
    "Compression",
    "ConnectionMetrics",
    "Data",
    "Frame",
    "Headers",
    "HeadersLike",
    "Limits",
    "LoggerLike",
    "Metrics",
    "MultipleValuesError",
    "Opcode",
    "Origin",
    "Protocol",
    "RelayMetrics",
    "Request",
    "Response",
    "Router",
    "Server",
    "ServerConnection",
    "ServerProtocol",
    "ServerTLS",
    "State",
    "StatusLike",
    "Subprotocol",
    "TLSInfo",
    "Traffic",
    "__version__",
    "basic_auth",
    "broadcast",
    "connect",
    "route",
    "serve",
    "unix_connect",
    "unix_route",
    "unix_serve",
    *_exceptions,
]
