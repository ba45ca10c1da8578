"""The states of a connection (RFC 6455 section 4.1). The sans-I/O client and server are to come here."""

import enum

__all__ = ["State"]


class State(enum.IntEnum):
    """Where a connection stands."""

    CONNECTING, OPEN, CLOSING, CLOSED = range(4)
