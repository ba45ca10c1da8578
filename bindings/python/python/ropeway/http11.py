"""The opening handshake's request and response."""

from __future__ import annotations

import dataclasses

from .datastructures import Headers

__all__ = ["Request", "Response"]


@dataclasses.dataclass
class Request:
    """A request. `path` includes the query."""

    path: str
    headers: Headers
    method: str = "GET"


@dataclasses.dataclass
class Response:
    """A response."""

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = b""
