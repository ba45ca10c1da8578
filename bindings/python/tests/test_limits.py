"""Limits beside max_size: each is passed here, and says so."""

from __future__ import annotations

import threading

import pytest
import ropeway
import ropeway.sync
from common import echo, pair, uri
from conftest import Run
from ropeway import Limits


def test_fragments_of_a_message(run: Run) -> None:
    async def main() -> None:
        # The last fragment is an empty one.
        async with pair(server={"limits": Limits(max_fragments=3)}) as (client, server):
            await client.send(["a", "b"])
            assert await server.recv() == "ab"
            await client.send(["a", "b", "c"])
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await client.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1009

    run(main())


@pytest.mark.parametrize(
    ("fragments", "reason"),
    [
        (["x" * 11], "frame of 11 bytes passes this server's max_frame_size, 10 bytes"),
        (["x" * 10] * 3, "message of 30 bytes passes this server's max_message_size, 20 bytes"),
    ],
)
def test_a_message_and_its_fragments(run: Run, fragments: list[str], reason: str) -> None:
    async def main() -> None:
        async with pair(server={"max_size": (20, 10)}) as (client, server):
            await client.send(["x" * 10, "y" * 10])
            assert await server.recv() == "x" * 10 + "y" * 10
            await client.send(fragments)
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await server.recv()
            assert caught.value.sent is not None and caught.value.sent.code == 1009
            assert isinstance(caught.value.__cause__, ropeway.PayloadTooBig)
            assert str(caught.value.__cause__) == reason

    run(main())


def test_the_opening_handshake(run: Run) -> None:
    async def main() -> None:
        for limits, status in (Limits(max_head_size=300), 431), (Limits(max_head_fields=8), 431):
            async with ropeway.serve(echo, "127.0.0.1", 0, limits=limits) as server:
                fields = [(f"X-{number}", "x" * 40) for number in range(10)]
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(uri(server), additional_headers=fields)
                assert caught.value.response.status_code == status

        def refuse(connection: ropeway.ServerConnection, _: ropeway.Request) -> ropeway.Response:
            return connection.respond(404, "x" * 100)

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(uri(server), limits=Limits(max_refused_body=10))
            assert caught.value.response.body == b"x" * 10

    run(main())


def test_silence(run: Run) -> None:
    async def main() -> None:
        async with pair(server={"limits": Limits(idle_timeout=0.02)}) as (client, _):
            await client.wait_closed()
            assert client.close_code == 1001

    run(main())


def test_connections_of_one_address(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, max_per_address=1) as server:
            async with ropeway.connect(uri(server)):
                with pytest.raises(ropeway.InvalidStatus) as caught:
                    await ropeway.connect(uri(server))
                assert caught.value.response.status_code == 503
                async with ropeway.connect(uri(server), local_addr=("127.0.0.2", 0)) as client:
                    await client.send("x")
                    assert await client.recv() == "x"

    run(main())


def test_numbers_that_are_none() -> None:
    for name in "max_fragments", "max_send_queue", "idle_timeout":
        with pytest.raises(ValueError, match=name):
            Limits(**{name: -1})
    for max_size in -1, (-1, None), (None, -1):
        with pytest.raises(ValueError, match="max_size"):
            ropeway.connect("ws://127.0.0.1/", max_size=max_size)


def test_threads_have_them_too() -> None:
    limits = Limits(max_head_size=300)
    with ropeway.sync.serve(lambda server: server.send("x" * 11), "127.0.0.1", 0, limits=limits) as server:
        threading.Thread(target=server.serve_forever).start()
        with pytest.raises(ropeway.InvalidStatus) as caught:
            port = server.socket.getsockname()[1]
            ropeway.sync.connect(f"ws://127.0.0.1:{port}/{'x' * 300}", limits=Limits(max_refused_body=0))
        assert caught.value.response.status_code == 414 and caught.value.response.body == b""
        with ropeway.sync.connect(f"ws://127.0.0.1:{port}/", max_size=(None, 10)) as client:
            with pytest.raises(ropeway.ConnectionClosedError) as ended:
                client.recv()
            assert str(ended.value.__cause__) == "frame of 11 bytes passes this client's max_frame_size, 10 bytes"
        server.shutdown()
