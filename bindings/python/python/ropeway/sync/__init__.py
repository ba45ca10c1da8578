"""Client and server for threads, with the names of `websockets.sync`.

with ropeway.sync.connect("ws://127.0.0.1:8080/") as connection:
    connection.send("hello")
    print(connection.recv(timeout=5))
"""

from ..auth import basic_auth
from .client import ClientConnection, connect, reconnect, unix_connect, unix_reconnect
from .connection import broadcast
from .router import Router, route, unix_route
from .server import Server, ServerConnection, serve, unix_serve

__all__ = [
    "ClientConnection",
    "Router",
    "Server",
    "ServerConnection",
    "basic_auth",
    "broadcast",
    "connect",
    "reconnect",
    "route",
    "serve",
    "unix_connect",
    "unix_reconnect",
    "unix_route",
    "unix_serve",
]
