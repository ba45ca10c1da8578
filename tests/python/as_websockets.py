"""Puts Ropeway's names in the place of those of the `websockets` package, for websockets_suite."""

import importlib
import types

import ropeway
import ropeway.datastructures
import ropeway.exceptions
import ropeway.frames
import ropeway.http11
import ropeway.sync

PLACES = {
    "websockets.exceptions": ropeway.exceptions,
    "websockets.frames": ropeway.frames,
    "websockets.datastructures": ropeway.datastructures,
    "websockets.http11": ropeway.http11,
    "websockets.asyncio.client": ropeway,
    "websockets.asyncio.server": ropeway,
    "websockets.asyncio.router": ropeway,
    "websockets.sync.client": ropeway.sync,
    "websockets.sync.server": ropeway.sync,
    "websockets.sync.router": ropeway.sync,
}


def insides(server: ropeway.Server) -> types.SimpleNamespace:
    """The asyncio server below one of `websockets`, as far as its tests ask for it: whether there is TLS."""
    return types.SimpleNamespace(_ssl_context=server._settings.tls)


def uri_of(server: ropeway.sync.Server, secure: bool | None = None) -> str:
    """A server's address, as their tests of threads have it, which know TLS by the kind of socket."""
    secure = server._settings.tls is not None if secure is None else secure
    return "{}://{}:{}".format("wss" if secure else "ws", *server.socket.getsockname())


def install() -> None:
    """Gives each module of `websockets` in PLACES Ropeway's object for each public name that both have.

    The tests look at connections through their sans-I/O protocol, which here is the connection itself, and speak TLS by
    `ssl.SSLContext` with a certificate, which here are Ropeway's own settings.
    """
    modules = {importlib.import_module(name): ours for name, ours in PLACES.items()}
    for module, ours in modules.items():
        for name in [name for name in vars(module) if not name.startswith("_") and hasattr(ours, name)]:
            setattr(module, name, getattr(ours, name))
    for package in (ropeway, ropeway.sync):
        for kind in (package.ClientConnection, package.ServerConnection):
            kind.protocol = property(lambda connection: connection)
    ropeway.Server.server = property(insides)
    importlib.import_module("tests.sync.server").get_uri = uri_of
    utils = importlib.import_module("tests.utils")
    certificate = str(utils.CERTIFICATE)
    utils.SERVER_CONTEXT = ropeway.ServerTLS([(certificate, certificate)])
    utils.CLIENT_CONTEXT = ropeway.ClientTLS(roots=[certificate])
