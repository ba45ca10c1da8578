"""With the `websockets` package on the other end."""

from __future__ import annotations

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
