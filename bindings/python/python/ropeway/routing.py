"""How a request's path chooses a handler, by the maps of the package `werkzeug`."""

from __future__ import annotations

import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .http11 import Request, Response

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ["Routes", "scheme_of"]


def scheme_of(ssl: object) -> str:
    """The scheme that redirects lead to: anything for `ssl`, a proxy's TLS said by True too, means wss."""
    return "ws" if ssl is None else "wss"


class Routes:
    """What `route` serves by, apart from running the handler."""

    def __init__(self, url_map: Map, server_name: str | None = None, url_scheme: str = "ws") -> None:
        self.url_map, self.server_name, self.url_scheme = url_map, server_name, url_scheme
        for rule in url_map.iter_rules():
            rule.websocket = True

    def get_server_name(self, connection: Any, request: Request) -> str:
        """The name that redirects lead to."""
        return request.headers["Host"] if self.server_name is None else self.server_name

    def redirect(self, connection: Any, url: str) -> Response:
        """The answer where the map redirects."""
        response: Response = connection.respond(HTTPStatus.FOUND, f"Found at {url}\n")
        response.headers["Location"] = url
        return response

    def not_found(self, connection: Any) -> Response:
        """The answer where the map has no rule."""
        response: Response = connection.respond(HTTPStatus.NOT_FOUND, "Not Found\n")
        return response

    def route_request(self, connection: Any, request: Request) -> Response | None:
        """Chooses the connection's handler, or answers the request."""
        from werkzeug.exceptions import NotFound
        from werkzeug.routing import RequestRedirect

        parts = urllib.parse.urlsplit(request.path)
        names = self.url_map.bind(self.get_server_name(connection, request), url_scheme=self.url_scheme)
        try:
            connection.route = names.match(path_info=parts.path, query_args=parts.query)
        except RequestRedirect as redirect:
            return self.redirect(connection, redirect.new_url)
        except NotFound:
            return self.not_found(connection)
        return None
