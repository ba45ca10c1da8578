"""The states of a connection (RFC 6455 section 4.1)."""

import enum

__all__ = ["State"]


class State(enum.IntEnum):
    """Where a connection stands."""

    CONNECTING, OPEN, CLOSING, CLOSED = range(4)
