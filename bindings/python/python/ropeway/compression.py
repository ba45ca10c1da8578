"""Settings of permessage-deflate (RFC 7692)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Compression"]


@dataclass(frozen=True, kw_only=True)
class Compression:
    """What `compression=` of `connect` and `serve` takes beside "deflate", which stands for the defaults, and None.

    None for one of the first two leaves the choice to the side: a server wants no history kept between messages, so
    that idle connections cost no memory, a client does not ask for that. A value out of range is a ValueError.
    """

    #: The server forgets what it compressed after each message (RFC 7692 section 7.1.1.1).
    server_no_context_takeover: bool | None = None
    #: The client forgets what it compressed after each message (RFC 7692 section 7.1.1.2).
    client_no_context_takeover: bool | None = None
    #: Bits of the server's window, 9 to 15 on a server, 8 to 15 on a client.
    server_max_window_bits: int = 15
    #: Bits of the client's window, 9 to 15 on a client, 8 to 15 on a server.
    client_max_window_bits: int = 15
    #: Messages below so many bytes are sent as they are.
    threshold: int = 128
    #: From 1, fast, to 9, small.
    level: int = 2
    #: Memory for gathering a block, from 1, little, to 9, much.
    memory_level: int = 6
