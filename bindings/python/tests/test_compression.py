"""Compression: what is agreed, and that messages pass it, among ourselves and with `websockets`."""

from __future__ import annotations

from typing import Any

import pytest
import ropeway
import websockets.asyncio.client
import websockets.asyncio.server
from common import echo, pair, uri
from conftest import Run
from ropeway import Compression

MESSAGES: list[str | bytes] = ["x", "Zeppelin " * 4000, b"", bytes(range(256)) * 300, "Zeppelin " * 4000]


def agreed(connection: Any) -> str | None:
    value = connection.response.headers.get("Sec-WebSocket-Extensions")
    assert value is None or isinstance(value, str)
    return value


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [
        ({}, {}, None),
        ({"compression": None}, {"compression": "deflate"}, None),
        ({}, {"compression": "deflate"}, {"server_no_context_takeover", "client_no_context_takeover"}),
        (
            {},
            {"compression": Compression(server_no_context_takeover=False, client_no_context_takeover=False)},
            set(),
        ),
        (
            {"compression": Compression(server_max_window_bits=10)},
            {"compression": Compression(server_no_context_takeover=False, client_no_context_takeover=False)},
            {"server_max_window_bits=10"},
        ),
    ],
)
def test_what_is_agreed(run: Run, client: dict[str, Any], server: dict[str, Any], expected: set[str] | None) -> None:
    async def main() -> None:
        async with pair(client, server) as (own, peer):
            value = agreed(own)
            if expected is None:
                assert value is None
            else:
                assert value is not None
                name, *parameters = (part.strip() for part in value.split(";"))
                assert name == "permessage-deflate"
                assert set(parameters) == expected
            for message in MESSAGES:
                await own.send(message)
                assert await peer.recv() == message
                await peer.send(message)
                assert await own.recv() == message

    run(main())


def test_an_inflated_message_counts_against_the_limit(run: Run) -> None:
    async def main() -> None:
        server = {"compression": "deflate", "max_size": 10_000}
        async with pair({}, server) as (own, _):
            await own.send("0" * 10_001)
            with pytest.raises(ropeway.ConnectionClosedError):
                await own.recv()
            assert own.close_code == 1009

    run(main())


@pytest.mark.parametrize("takeover", [False, True])
def test_a_client_of_websockets(run: Run, takeover: bool) -> None:
    settings = Compression(server_no_context_takeover=not takeover, client_no_context_takeover=not takeover)

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, compression=settings) as server:
            async with websockets.asyncio.client.connect(uri(server)) as client:
                assert client.response is not None
                assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message

    run(main())


def test_a_server_of_websockets(run: Run) -> None:
    async def handler(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> None:
        async with websockets.asyncio.server.serve(handler, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with ropeway.connect(f"ws://127.0.0.1:{port}/") as client:
                assert (agreed(client) or "").startswith("permessage-deflate")
                for message in MESSAGES:
                    await client.send(message)
                    assert await client.recv() == message

    run(main())


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("gzip", ValueError),
        (3, ValueError),
        (Compression(level=0), ValueError),
        (Compression(memory_level=300), ValueError),
        (Compression(client_max_window_bits=8), ValueError),
    ],
)
def test_what_cannot_be_had(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"compression|level|window"):
        ropeway.connect("ws://127.0.0.1/", compression=value)
