"""With the `websockets` package on the other end."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import socket
from typing import Any

import pytest
import ropeway
import websockets.asyncio.client
import websockets.asyncio.server
import websockets.exceptions
from common import echo, uri
from conftest import Run

MESSAGES: list[Any] = ["text", "", b"", b"\x00" * 70_000, "ü" * 300, "x" * 500_000]


def test_a_client_of_websockets(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
            async with websockets.asyncio.client.connect(uri(server), subprotocols=["chat"]) as client:  # type: ignore[list-item]
                assert client.subprotocol == "chat"
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message
                await client.send(["frag", "ments"])
                assert await client.recv() == "fragments"
                await (await client.ping())
                await client.close(4001, "done")
            assert client.close_code == 4001

    run(main())


def test_a_server_of_websockets(run: Run) -> None:
    async def handler(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> None:
        async with websockets.asyncio.server.serve(handler, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with ropeway.connect(f"ws://127.0.0.1:{port}/") as client:
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message
                await client.send(iter([b"frag", b"ments"]))
                assert await client.recv() == b"fragments"
                await (await client.ping())
            assert client.close_code == 1000

    run(main())


def test_the_exceptions_have_the_same_names_and_bases() -> None:
    for name in ropeway.exceptions.__all__:
        if name in ("CertificateError", "NotSupported", "TLSError"):
            continue
        theirs, ours = getattr(websockets.exceptions, name), getattr(ropeway, name)
        bases = {base.__name__ for base in theirs.__mro__}
        assert bases <= {base.__name__ for base in ours.__mro__}, name


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_of_websockets(run: Run, status: int) -> None:
    def refuse(connection: Any, _: Any) -> Any:
        return connection.respond(status, "no\n")

    async def main() -> None:
        async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, process_request=refuse) as server:  # type: ignore[arg-type]
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(f"ws://127.0.0.1:{port}/")
            assert caught.value.response.status_code == status
            assert caught.value.response.body == b"no\n"

    run(main())


def sample(name: str) -> Any:
    """A value that says something else than the default."""
    known: dict[str, Any] = {
        "extensions": ["x"], "create_connection": None, "max_size": 5, "subprotocols": ["a"], "origins": ["http://a"],
        "origin": "http://a", "server_hostname": "localhost", "ssl": None, "family": socket.AF_INET, "flags": 0,
        "local_addr": ("127.0.0.1", 0), "host": "127.0.0.1", "port": 1, "proto": 0, "interleave": 1, "all_errors": True,
        "happy_eyeballs_delay": 0.1, "compression": None, "additional_headers": {"A": "b"}, "user_agent_header": None,
        "proxy": None, "reuse_address": True, "reuse_port": True, "backlog": 10, "start_serving": False,
        "keep_alive": True,
        "write_limit": 100, "max_queue": 4, "process_exception": lambda error: error,
        "reconnect_delays": lambda: iter([]),
        "server_header": None, "logger": logging.getLogger("x"), "ssl_handshake_timeout": 1, "ssl_shutdown_timeout": 1,
        "proxy_ssl": None, "proxy_server_hostname": None,
    }  # fmt: skip
    return known.get(name, 7.0 if name.endswith(("timeout", "interval")) else print)


def keywords(*functions: Any) -> set[str]:
    parameters = [parameter for function in functions for parameter in inspect.signature(function).parameters.values()]
    return {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def test_every_argument_is_taken_or_refused_by_name() -> None:
    """Those of `websockets`, and those of asyncio that it hands on."""
    loop = asyncio.BaseEventLoop
    theirs = keywords(websockets.asyncio.client.connect, loop.create_connection) | {"host", "port", "proxy_ssl"}
    for name in theirs - {"sock"}:
        with contextlib.suppress(ropeway.NotSupported):
            ropeway.connect("wss://localhost/", **{name: sample(name)})
    refused = {"extensions", "ssl_handshake_timeout", "ssl_shutdown_timeout"}
    for name in refused:
        with pytest.raises(ropeway.NotSupported, match=name):
            ropeway.connect("wss://localhost/", **{name: sample(name)})
    theirs = keywords(websockets.asyncio.server.serve, loop.create_server)
    for name in theirs - {"sock"}:
        with contextlib.suppress(ropeway.NotSupported):
            ropeway.serve(echo, **{name: sample(name)})
    for name in refused:
        with pytest.raises(ropeway.NotSupported, match=name):
            ropeway.serve(echo, **{name: sample(name)})
