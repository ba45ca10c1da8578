"""Limits beside `max_size`, `max_queue` and `write_limit`."""

from __future__ import annotations

import dataclasses

__all__ = ["Limits"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What `limits=` of `connect` and `serve` takes. A negative number is a ValueError."""

    #: Frames of one received message. Passing it closes the connection with 1009.
    max_fragments: int = 65_536
    #: Bytes of the peer's opening handshake.
    max_head_size: int = 16 << 10
    #: Header fields of the peer's opening handshake.
    max_head_fields: int = 100
    #: Bytes kept of the body of a response that refuses a client.
    max_refused_body: int = 64 << 10
    #: Bytes queued to be sent that a further message may not pass; `send` waits then. A message that finds nothing
    #: queued is taken whatever its size.
    max_send_queue: int = 64 << 20
    #: Seconds without a message of the peer's after which the connection is closed with 1001; None: for ever.
    idle_timeout: float | None = None

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value is not None and value < 0:
                raise ValueError(f"{name} of {value}")
