"""Types of arguments and results, for annotations."""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping

from .datastructures import Headers
from .logs import Logger

__all__ = ["Data", "HeadersLike", "LoggerLike", "Origin", "StatusLike", "Subprotocol"]

Data = str | bytes
"""A message, text or binary."""
HeadersLike = Headers | Mapping[str, str] | Iterable[tuple[str, str]]
LoggerLike = Logger
Origin = str
"""What an Origin field holds (RFC 6455 section 10.2)."""
StatusLike = http.HTTPStatus | int
Subprotocol = str
