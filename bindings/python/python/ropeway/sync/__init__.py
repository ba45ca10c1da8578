"""Client and server for threads, with the names of `websockets.sync`.

with ropeway.sync.connect("ws://127.0.0.1:8080/") as connection:
    connection.send("hello")
    print(connection.recv(timeout=5))
"""

from ..auth import basic_auth
from .client import ClientConnection, connect, reconnect, unix_connect, unix_reconnect
from .connection import broadcast
from .server import Server, ServerConnection, serve, unix_serve

__all__ = [
    "ClientConnection",
    "Server",
    "ServerConnection",
    "basic_auth",
    "broadcast",
    "connect",
    "reconnect",
    "serve",
    "unix_connect",
    "unix_reconnect",
    "unix_serve",
]
