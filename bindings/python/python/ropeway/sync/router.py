"""`route` for threads: a server whose handlers are chosen by the request's path."""

from __future__ import annotations

import os
import ssl as ssl_module
from typing import TYPE_CHECKING, Any, Literal

from ..http11 import Request, Response
from ..routing import Routes, scheme_of
from ..tls import ServerTLS
from .server import ProcessRequest, Server, ServerConnection, serve

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ["Router", "route", "unix_route"]


def route(
    url_map: Map,
    *arguments: Any,
    server_name: str | None = None,
    ssl: ServerTLS | ssl_module.SSLContext | Literal[True] | None = None,
    create_router: type[Router] | None = None,
    process_request: ProcessRequest | None = None,
    **settings: Any,
) -> Server:
    """As `serve`, with a `werkzeug.routing.Map` in place of the handler; the arguments are those of `ropeway.route`."""
    router = (Router if create_router is None else create_router)(url_map, server_name, scheme_of(ssl))

    def decide(connection: ServerConnection, request: Request) -> Response | None:
        decision = None if process_request is None else process_request(connection, request)
        return router.route_request(connection, request) if decision is None else decision

    if ssl is not True:
        settings["ssl"] = ssl
    return serve(router.handler, *arguments, process_request=decide, **settings)


def unix_route(url_map: Map, path: str | os.PathLike[str] | None = None, **settings: Any) -> Server:
    """As `route`, on the Unix socket at `path`."""
    return route(url_map, unix=True, path=path, **settings)


class Router(Routes):
    """What `route` serves by; a subclass may answer otherwise."""

    def handler(self, connection: ServerConnection) -> None:
        """Runs the handler that was chosen."""
        chosen, variables = connection.route
        chosen(connection, **variables)
