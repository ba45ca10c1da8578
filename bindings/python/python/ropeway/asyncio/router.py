"""`route`: a server whose handlers are chosen by the request's path, with the maps of the package `werkzeug`."""

from __future__ import annotations

import os
import ssl as ssl_module
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from ..http11 import Request, Response
from ..routing import Routes, scheme_of
from ..tls import ServerTLS
from .server import ServerConnection, serve

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ["Router", "route", "unix_route"]

Decision = Awaitable[Response | None] | Response | None


def route(
    url_map: Map,
    *arguments: Any,
    server_name: str | None = None,
    ssl: ServerTLS | ssl_module.SSLContext | Literal[True] | None = None,
    create_router: type[Router] | None = None,
    process_request: Callable[[ServerConnection, Request], Decision] | None = None,
    **settings: Any,
) -> serve:
    """As `serve`, with a `werkzeug.routing.Map` in place of the handler.

    Each rule's endpoint is a handler, which gets the rule's variables by name beside the connection. `server_name` is
    the name that redirects of the map lead to; by default that of the request's Host field. `ssl=True` says that a
    proxy in front speaks TLS, so that they lead to wss. `process_request` is asked before the map.
    """
    router = (Router if create_router is None else create_router)(url_map, server_name, scheme_of(ssl))

    def decide(connection: ServerConnection, request: Request) -> Decision:
        decision = None if process_request is None else process_request(connection, request)
        if isinstance(decision, Awaitable):
            return later(decision, connection, request)
        return router.route_request(connection, request) if decision is None else decision

    async def later(
        decision: Awaitable[Response | None], connection: ServerConnection, request: Request
    ) -> Response | None:
        settled = await decision
        return router.route_request(connection, request) if settled is None else settled

    if ssl is not True:
        settings["ssl"] = ssl
    return serve(router.handler, *arguments, process_request=decide, **settings)


def unix_route(url_map: Map, path: str | os.PathLike[str] | None = None, **settings: Any) -> serve:
    """As `route`, on the Unix socket at `path`."""
    return route(url_map, unix=True, path=path, **settings)


class Router(Routes):
    """What `route` serves by; a subclass may answer otherwise."""

    async def handler(self, connection: ServerConnection) -> None:
        """Runs the handler that was chosen."""
        chosen, variables = connection.route
        await chosen(connection, **variables)
