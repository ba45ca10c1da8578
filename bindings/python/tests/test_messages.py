"""Sending and receiving."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import ropeway
from common import echo, pair, serving, uri
from conftest import Run


def test_types_survive(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            for sent, received in [
                ("grüß 🚡", "grüß 🚡"),
                ("", ""),
                (b"\x00\xff", b"\x00\xff"),
                (bytearray(b"ab"), b"ab"),
                (memoryview(b"abcdef")[::2], b"ace"),
                (memoryview(b"abcdefgh").cast("I"), b"abcdefgh"),
            ]:
                await client.send(sent)
                got = await server.recv()
                assert got == received and type(got) is type(received)

    run(main())


def test_a_connection_that_is_busy_alone_is_watched_by_the_loop_itself() -> None:
    class Loop(asyncio.SelectorEventLoop):
        """Keeps the descriptors that it watches for reading."""

        def __init__(self) -> None:
            self.watched: list[int] = []
            super().__init__()

        def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
            self.watched.append(fd)
            super().add_reader(fd, callback, *args)

        def remove_reader(self, fd: Any) -> bool:
            self.watched.remove(fd)
            return super().remove_reader(fd)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)

        async def trips(connection: ropeway.ClientConnection, count: int) -> None:
            for number in range(count):
                await connection.send(str(number))
                assert await connection.recv() == str(number)

        with serving() as server:
            address = f"ws://127.0.0.1:{server.port}/"
            async with ropeway.connect(address) as one, ropeway.connect(address, max_queue=2) as other:
                before = list(loop.watched)
                await trips(one, 200)
                assert len(loop.watched) == len(before) + 1
                # Another one takes its place.
                await trips(other, 200)
                assert len(loop.watched) == len(before) + 1
                await asyncio.gather(trips(one, 200), trips(other, 200))
                await trips(other, 200)
                # It is held back when nobody takes its messages, and loses none.
                for number in range(20):
                    await other.send(f"held {number}")
                await trips(one, 10)
                assert [await other.recv() for _ in range(20)] == [f"held {number}" for number in range(20)]
                await trips(other, 200)
            assert loop.watched == before

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


def test_text_and_decode_override_the_types(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            await client.send(b"text", text=True)
            assert await server.recv() == "text"
            await client.send("bytes", text=False)
            assert await server.recv() == b"bytes"
            await client.send("text")
            assert await server.recv(decode=False) == b"text"
            await client.send(b"bytes")
            assert await server.recv(decode=True) == "bytes"

    run(main())


def test_iterables_are_fragments_of_one_message(run: Run) -> None:
    async def numbers() -> AsyncIterator[bytes]:
        for number in range(3):
            yield bytes([number])

    async def main() -> None:
        async with pair() as (client, server):
            await client.send(["a", "b", "c"])
            assert await server.recv() == "abc"
            await client.send(numbers())
            assert await server.recv() == b"\x00\x01\x02"
            await client.send([])
            await client.send("after nothing")
            assert await server.recv() == "after nothing"

    run(main())


def test_a_message_waits_for_the_end_of_a_fragmented_one(run: Run) -> None:
    async def main() -> None:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[str]:
            yield "a"
            begun.set()
            await goes_on.wait()
            yield "b"

        async with pair() as (client, server):
            fragmented = asyncio.create_task(client.send(slow()))
            await begun.wait()
            whole = asyncio.create_task(client.send("whole"))
            pong = await client.ping()
            await pong
            assert not whole.done()
            goes_on.set()
            await fragmented
            await whole
            assert [await server.recv(), await server.recv()] == ["ab", "whole"]

    run(main())


def test_an_error_in_an_iterable_closes_with_1011(run: Run) -> None:
    def broken() -> object:
        yield "a"
        raise ZeroDivisionError

    async def main() -> None:
        async with pair() as (client, server):
            with pytest.raises(ZeroDivisionError):
                await client.send(broken())
            with pytest.raises(ropeway.ConnectionClosedError) as caught:
                await server.recv()
            assert caught.value.rcvd is not None and caught.value.rcvd.code == 1011

    run(main())


@pytest.mark.parametrize("message", [1, None, {"a": "b"}, ["a", b"b"], [1]])
def test_what_is_no_message_is_refused(run: Run, message: object) -> None:
    async def main() -> None:
        async with pair() as (client, _):
            with pytest.raises(TypeError):
                await client.send(message)

    run(main())


def test_text_that_is_not_utf8_is_refused(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            with pytest.raises(UnicodeError):
                await client.send(b"\xff", text=True)
            with pytest.raises(UnicodeError):
                await client.send("\ud800")
            await client.send("fine")
            assert await server.recv() == "fine"

    run(main())


def test_iteration_ends_with_a_good_close_and_raises_after_a_bad_one(run: Run) -> None:
    async def main() -> None:
        for code, ends in [(1000, True), (1001, True), (1011, False)]:
            async with pair() as (client, server):
                await client.send("last")
                await client.close(code)
                got = []
                try:
                    async for message in server:
                        got.append(message)
                    assert ends
                except ropeway.ConnectionClosedError:
                    assert not ends
                assert got == ["last"]

    run(main())


def test_a_second_recv_at_the_same_time_is_refused(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            first = asyncio.ensure_future(server.recv())
            await (await server.ping())
            with pytest.raises(ropeway.ConcurrencyError):
                await server.recv()
            await client.send("for the first")
            assert await first == "for the first"

    run(main())


def test_recv_does_not_suspend_when_a_message_waits(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            await client.send("there")
            await (await client.ping())
            with pytest.raises(StopIteration) as caught:
                server.recv().send(None)
            assert caught.value.value == "there"
            with pytest.raises(StopIteration):
                server.send("x").send(None)

    run(main())


def test_large_messages_one_behind_the_other_are_objects_of_their_own(run: Run) -> None:
    async def main() -> None:
        sent = [os.urandom(size) for size in (200_000, 10, 200_000, 2 << 20, 70_000, 9_000, 1 << 20, 40_000) * 3]
        async with (
            ropeway.serve(echo, "127.0.0.1", 0, max_size=None) as server,
            ropeway.connect(uri(server), max_size=None) as client,
        ):

            async def send() -> None:
                for message in sent:
                    await client.send(message)

            sending = asyncio.create_task(send())
            assert [await client.recv() for _ in sent] == sent
            await sending

    run(main())


def test_a_large_message_passes_both_ways(run: Run) -> None:
    async def main() -> None:
        message = bytes(range(256)) * 4096 * 8
        async with ropeway.serve(echo, "127.0.0.1", 0, max_size=None) as server:
            async with ropeway.connect(uri(server), max_size=None) as client:
                await client.send(message)
                assert await client.recv() == message

    run(main())


def test_many_messages_in_flight_keep_their_order(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server)) as client:

                async def send() -> None:
                    for number in range(5000):
                        await client.send(str(number))

                sending = asyncio.create_task(send())
                assert [int(await client.recv()) for _ in range(5000)] == list(range(5000))
                await sending

    run(main())


def test_a_slow_reader_bounds_what_is_queued(run: Run) -> None:
    async def main() -> None:
        async with pair(server={"max_queue": 4}, client={"write_limit": 1 << 16}) as (client, server):
            message = b"x" * (1 << 16)
            total = 400

            async def send() -> None:
                for _ in range(total):
                    await client.send(message)

            sending = asyncio.create_task(send())
            while client._queued_bytes <= 1 << 16:
                await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert not sending.done()
            assert client._queued_bytes < 4 << 16
            assert server._queued_messages <= 4
            for _ in range(total):
                assert len(await server.recv()) == len(message)
            await sending

    run(main())


def test_a_listener_gets_every_message_and_answers_within_the_turn(run: Run) -> None:
    async def main() -> None:
        async def handler(connection: ropeway.ServerConnection) -> None:
            connection.on_message = lambda connection, data, is_text: connection.send_nowait(data, is_text)
            await connection.wait_closed()

        async with ropeway.serve(handler, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server)) as client:
                for message in ["text", b"binary"]:
                    await client.send(message)
                    assert await client.recv() == message

    run(main())


def test_a_plain_function_as_handler_leaves_the_connection_open(run: Run) -> None:
    async def main() -> None:
        def handler(connection: ropeway.ServerConnection) -> None:
            connection.on_message = lambda connection, data, is_text: connection.send_nowait(data)
            kept.append(connection)

        kept: list[ropeway.ServerConnection] = []
        async with ropeway.serve(handler, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server, "/chat?1")) as client:
                for message in ["once", b"twice"]:
                    await client.send(message)
                    assert await client.recv() == message
                [connection] = server.connections
                assert connection is kept[0]
                # What was said in the opening handshake is known on, and no task is kept.
                assert connection.request is not None and connection.request.path == "/chat?1"
                assert connection.request.headers["Upgrade"].lower() == "websocket"
                assert connection.response is not None and connection.response.status_code == 101
                assert connection.remote_address[0] == "127.0.0.1"
                assert not server._tasks
            await connection.wait_closed()
            assert connection.remote_address == client.local_address
            assert not server.connections and not server._all
            # A server's end waits for those too that it has not closed.
            async with ropeway.connect(uri(server)) as client:
                server.close(close_connections=False)
                ending = asyncio.ensure_future(server.wait_closed())
                await client.send("still there")
                assert await client.recv() == "still there" and not ending.done()
            await ending

    run(main())


def test_a_plain_function_that_fails_closes_with_1011(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        def handler(connection: ropeway.ServerConnection) -> None:
            raise ValueError("no")

        async with ropeway.serve(handler, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server)) as client:
                await client.wait_closed()
                assert client.close_code == 1011

    run(main())
    assert "connection handler failed" in caplog.text


def test_a_failing_listener_closes_with_1011(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with pair() as (client, server):

            def fail(*_: object) -> None:
                raise ZeroDivisionError

            server.on_message = fail
            await client.send("x")
            await client.wait_closed()
            assert client.close_code == 1011

    run(main())
    assert "on_message failed" in caplog.text


def test_broadcast_reaches_open_connections_only(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server), pair() as (other, other_server):
            await other.close()
            ropeway.broadcast([server, other_server], "news")
            assert await client.recv() == "news"
            with pytest.raises(TypeError):
                ropeway.broadcast([server], ["news"])  # type: ignore[arg-type]

    run(main())


def test_published_messages_reach_subscribers(run: Run) -> None:
    async def main() -> None:
        async def handler(connection: ropeway.ServerConnection) -> None:
            assert connection.subscribe("news") and not connection.subscribe("news")
            await connection.send("subscribed")
            async for message in connection:
                connection.server.publish("news", message, exclude=connection)

        async with ropeway.serve(handler, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server)) as one, ropeway.connect(uri(server)) as two:
                assert await one.recv() == await two.recv() == "subscribed"
                await one.send("from one")
                assert await two.recv() == "from one"
                assert server.publish("news", b"to all") == 2
                assert await one.recv() == await two.recv() == b"to all"
                assert server.publish("nothing", b"") == 0

    run(main())
