"""What is logged: at DEBUG the opening handshake and each frame, `>` sent and `<` received."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .http11 import Request, Response

__all__ = ["Logger", "log_request", "log_response", "tracer"]

Logger = logging.Logger | logging.LoggerAdapter[Any]


def log_request(logger: Logger, arrow: str, request: Request) -> None:
    """Logs a request."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s %s %s HTTP/1.1", arrow, request.method, request.path)
        for name, value in request.headers.raw_items():
            logger.debug("%s %s: %s", arrow, name, value)


def log_response(logger: Logger, arrow: str, response: Response) -> None:
    """Logs a response."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s HTTP/1.1 %d %s", arrow, response.status_code, response.reason_phrase)
        for name, value in response.headers.raw_items():
            logger.debug("%s %s: %s", arrow, name, value)


def tracer(logger: Logger) -> Callable[[str], None] | None:
    """What logs each frame; None when nobody would see it, so that frames cost nothing."""
    return logger.debug if logger.isEnabledFor(logging.DEBUG) else None
