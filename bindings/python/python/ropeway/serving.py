"""What servers of both sorts are told of their connections: arguments of `serve`."""

from __future__ import annotations

import dataclasses
import logging
import ssl as ssl_module
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from ._ropeway import Options, TlsServer
from .admission import Origins, Rules
from .compression import Compression
from .limits import Limits
from .logs import Logger
from .settings import options, queue_marks, size_limits
from .tls import ServerTLS, native_server

__all__ = ["ServerSettings", "server_settings"]

C = TypeVar("C")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerSettings(Generic[C]):
    """The arguments, checked."""

    create_connection: type[C]
    options: Options
    tls: TlsServer | None
    marks: tuple[int, int]
    max_size: int | None
    rules: Rules
    logger: Logger


def server_settings(
    create_connection: type[C],
    *,
    ssl: ServerTLS | ssl_module.SSLContext | None,
    origins: Origins | None,
    extensions: Any,
    subprotocols: Sequence[str] | None,
    select_subprotocol: Callable[..., Any] | None,
    compression: str | Compression | None,
    process_request: Callable[..., Any] | None,
    process_response: Callable[..., Any] | None,
    server_header: str | None,
    max_size: int | tuple[int | None, int | None] | None,
    max_queue: int | tuple[int | None, int | None] | None,
    write_limit: int | tuple[int, int | None],
    limits: Limits,
    logger: Logger | None,
    **times: float | None,
) -> ServerSettings[C]:
    """Checks the arguments. Those beside these are times, in seconds."""
    if logger is None:
        logger = logging.getLogger("ropeway.server")
    return ServerSettings(
        create_connection=create_connection,
        options=options(
            server=True,
            extensions=extensions,
            max_size=max_size,
            write_limit=write_limit,
            compression=compression,
            subprotocols=subprotocols,
            headers=(),
            origin=None,
            limits=limits,
            logger=logger,
            **times,
        ),
        tls=None if ssl is None else native_server(ssl),
        marks=queue_marks(max_queue),
        max_size=size_limits(max_size)[0],
        rules=Rules(
            origins=origins,
            subprotocols=subprotocols,
            select_subprotocol=select_subprotocol,
            process_request=process_request,
            process_response=process_response,
            server_header=server_header,
        ),
        logger=logger,
    )
