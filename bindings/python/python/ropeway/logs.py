"""What is logged: at DEBUG the opening handshake and each frame, `>` sent and `<` received."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .http11 import Request, Response

__all__ = ["Logger", "log_request", "log_response", "tracer"]

Logger = logging.Logger | logging.LoggerAdapter[Any]
_OPCODES = {0: "CONT", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}
_SHOWN = 75
"""Characters of a payload that are shown."""


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


def tracer(logger: Logger) -> Callable[[bool, bool, bool, int, int, bytes], None] | None:
    """What logs each frame; None when nobody would see it, so that frames cost nothing."""
    if not logger.isEnabledFor(logging.DEBUG):
        return None

    def told(sent: bool, fin: bool, compressed: bool, opcode: int, length: int, payload: bytes) -> None:
        marks = ("" if fin else ", continued") + (", compressed" if compressed else "")
        shown = _shown(opcode, compressed, payload, length)
        logger.debug("%s %s %s[%d bytes%s]", ">" if sent else "<", _OPCODES[opcode], shown, length, marks)

    return told


def _shown(opcode: int, compressed: bool, payload: bytes, length: int) -> str:
    if not payload:
        return ""
    if opcode == 8 and len(payload) >= 2:
        text = f"{int.from_bytes(payload[:2])} {payload[2:].decode(errors='replace')}".rstrip()
    elif opcode == 1 and not compressed:
        # The payload may be cut within a character.
        text = repr(payload.decode(errors="ignore"))
    else:
        text = payload.hex(" ")
    whole = len(text) <= _SHOWN and len(payload) == length
    return f"{text} " if whole else f"{text[:_SHOWN]}… "
