"""Settings of connections, from the keyword arguments of `connect` and `serve`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._ropeway import Options
from .compression import Compression
from .exceptions import NotSupported
from .limits import Limits
from .logs import Logger, tracer

__all__ = ["DEFAULT_LIMITS", "options", "queue_marks", "refuse", "size_limits"]

DEFAULT_LIMITS = Limits()


def refuse(given: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Refuses keyword arguments that are not None: those of `reasons` as not supported, others as unknown."""
    for name, value in given.items():
        if name not in reasons:
            raise TypeError(f"unexpected keyword argument {name!r}")
        if value is not None:
            raise NotSupported(f"{name}= is not supported: {reasons[name]}")


def queue_marks(max_queue: int | tuple[int | None, int | None] | None) -> tuple[int, int]:
    """`max_queue` as the high and the low-water mark, in messages."""
    high, low = max_queue if isinstance(max_queue, tuple) else (max_queue, None)
    if high is None:
        high = 1 << 62
    return high, high // 4 if low is None else low


def size_limits(max_size: int | tuple[int | None, int | None] | None) -> tuple[int | None, int | None]:
    """`max_size` as the limits on a message and on each fragment of one, in bytes."""
    limits = max_size if isinstance(max_size, tuple) else (max_size, None)
    if any(limit is not None and limit < 0 for limit in limits):
        raise ValueError("max_size must not be negative")
    return limits


def options(
    *,
    server: bool,
    extensions: Any = None,
    max_size: int | tuple[int | None, int | None] | None,
    write_limit: int | tuple[int, int | None],
    compression: str | Compression | None,
    subprotocols: Sequence[str] | None,
    headers: Sequence[tuple[str, str]],
    origin: str | None,
    limits: Limits = DEFAULT_LIMITS,
    logger: Logger | None = None,
    **times: float | None,
) -> Options:
    """The core's options from the keyword arguments of `connect` and `serve`."""
    refuse({"extensions": extensions}, {"extensions": "there are none but compression="})
    if isinstance(compression, str):
        if compression != "deflate":
            raise ValueError(f"unsupported compression: {compression}")
        compression = Compression()
    elif compression is not None and not isinstance(compression, Compression):
        raise ValueError('compression must be "deflate", a ropeway.Compression, or None')
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a list, not a str")
    max_message_size, max_frame_size = size_limits(max_size)
    high, low = write_limit if isinstance(write_limit, tuple) else (write_limit, None)
    return Options(
        server=server,
        max_size=max_message_size,
        max_frame_size=max_frame_size,
        write_high=high,
        write_low=high // 4 if low is None else low,
        subprotocols=list(subprotocols or ()),
        headers=list(headers),
        origin=origin,
        compression=compression,
        limits=limits,
        trace=None if logger is None else tracer(logger),
        **times,
    )
