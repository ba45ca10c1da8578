"""`recv_streaming`, and messages sent in fragments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import ropeway
from common import pair
from conftest import Run


def test_a_message_in_pieces(run: Run) -> None:
    async def main() -> None:
        async with pair(client={"max_size": None}) as (client, server):
            sending = asyncio.ensure_future(server.send([b"a" * 100_000] * 30))
            size = 0
            async for piece in client.recv_streaming():
                assert isinstance(piece, bytes) and len(piece) <= 1 << 17
                size += len(piece)
            assert size == 3_000_000
            await sending
            await server.send("after")
            assert await client.recv() == "after"

    run(main())


def test_a_message_longer_than_memory_should_hold(run: Run) -> None:
    """One frame of 256 MiB passes; what is held of it at a time are a few pieces."""
    total, size = 256 << 20, 1 << 20

    async def main() -> None:
        async with pair(client={"max_size": None}) as (client, server):

            def fragments() -> Iterator[bytes]:
                block = b"x" * size
                for _ in range(total // size):
                    yield block

            sending = asyncio.ensure_future(server.send(fragments()))
            got = 0
            async for piece in client.recv_streaming():
                got += len(piece)
                assert client._queued_messages <= 32 and server._queued_bytes < 8 << 20
            assert got == total
            await sending

    run(main())


def test_text_is_decoded_across_pieces(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            text = "ü€🚠" * 20_000
            await server.send([text[:7], text[7:33_333], text[33_333:]])
            assert "".join([str(piece) async for piece in client.recv_streaming()]) == text
            await server.send(text)
            pieces = [piece async for piece in client.recv_streaming(decode=False)]
            assert b"".join(p if isinstance(p, bytes) else b"?" for p in pieces) == text.encode()
            await server.send(text.encode())
            assert "".join([str(piece) async for piece in client.recv_streaming(decode=True)]) == text

    run(main())


def test_messages_that_were_there_come_first_and_whole(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            for message in ("one", "two", "three"):
                await server.send(message)
            await (await server.ping())
            assert [piece async for piece in client.recv_streaming()] == ["one"]
            assert await client.recv() == "two"
            assert [piece async for piece in client.recv_streaming(decode=False)] == [b"three"]

    run(main())


def test_a_stream_begun_in_the_middle_of_a_message_has_its_beginning(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            half = asyncio.Event()

            async def fragments() -> AsyncIterator[str]:
                yield "the beginning, "
                await half.wait()
                yield "and the end"

            sending = asyncio.ensure_future(server.send(fragments()))
            await (await server.ping())
            stream = client.recv_streaming()
            assert await anext(stream) == "the beginning, "
            with pytest.raises(ropeway.ConcurrencyError):
                await client.recv()
            half.set()
            assert "".join([str(piece) async for piece in stream]) == "and the end"
            await sending

    run(main())


def test_max_size_bounds_a_stream(run: Run) -> None:
    async def main() -> None:
        async with pair(client={"max_size": 100_000}) as (client, server):
            sending = asyncio.ensure_future(server.send([b"x" * 60_000] * 2))
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                async for _ in client.recv_streaming():
                    pass
            assert isinstance(caught.value.__cause__, ropeway.PayloadTooBig)
            assert caught.value.sent is not None and caught.value.sent.code == 1009
            await asyncio.wait([sending])
            sending.exception()

    run(main())


def test_the_end_in_the_middle_of_a_stream(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            server._fragment(b"x", False, False)
            stream = client.recv_streaming()
            assert await anext(stream) == b"x"
            await server.close(1012)
            with pytest.raises(ropeway.ConnectionClosedError):
                await anext(stream)
            with pytest.raises(ropeway.ConnectionClosedError):
                await client.recv()

    run(main())


def test_a_cancelled_fragmented_send_closes_with_1011(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            stuck = asyncio.Event()

            async def fragments() -> AsyncIterator[str]:
                yield "half"
                stuck.set()
                await asyncio.Event().wait()

            sending = asyncio.ensure_future(server.send(fragments()))
            await stuck.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await client.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011

    run(main())


def test_a_send_waits_for_the_fragments_of_another(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            go = asyncio.Event()

            async def fragments() -> AsyncIterator[str]:
                yield "1"
                await go.wait()
                yield "2"

            first = asyncio.ensure_future(server.send(fragments()))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(server.send("3"))
            third = asyncio.ensure_future(server.send(["4", "5"]))
            await asyncio.sleep(0)
            assert not second.done() and not third.done()
            go.set()
            await asyncio.gather(first, second, third)
            assert [await client.recv() for _ in range(3)] == ["12", "3", "45"]

    run(main())
