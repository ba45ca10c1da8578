"""A cancelled call loses no message and sends none twice."""

from __future__ import annotations

import asyncio

import pytest
from common import pair
from conftest import Run


def test_a_cancelled_recv_leaves_the_message(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            receiving = asyncio.ensure_future(server.recv())
            await (await server.ping())
            receiving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receiving
            await client.send("kept")
            assert await server.recv() == "kept"

    run(main())


def test_recv_right_behind_a_cancelled_one(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            for number in range(3):
                receiving = asyncio.ensure_future(server.recv())
                await asyncio.sleep(0)
                receiving.cancel()
                await client.send(str(number))
                # The cancelled task does not know yet.
                assert not receiving.done()
                assert await server.recv() == str(number)
                with pytest.raises(asyncio.CancelledError):
                    await receiving

    run(main())


def test_recv_cancelled_before_it_began(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            receiving = asyncio.create_task(server.recv())
            receiving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receiving
            await client.send("kept")
            assert await server.recv() == "kept"

    run(main())


def test_recv_under_time_outs_of_every_length_gets_each_message_once(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            total = 300
            got: list[str] = []

            async def receive() -> None:
                turn = 0
                while len(got) < total:
                    turn += 1
                    try:
                        async with asyncio.timeout(turn % 5 * 1e-4):
                            got.append(str(await server.recv()))
                    except TimeoutError:
                        await asyncio.sleep(0)

            receiving = asyncio.create_task(receive())
            for number in range(total):
                await client.send(str(number))
                if number % 3 == 0:
                    await asyncio.sleep(0)
            await receiving
            assert got == [str(number) for number in range(total)]

    run(main())


def test_a_message_and_a_cancellation_at_the_same_time(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            for number in range(200):
                receiving = asyncio.ensure_future(server.recv())
                await asyncio.sleep(0)
                await client.send(str(number))
                for _ in range(number % 4):
                    await asyncio.sleep(0)
                receiving.cancel()
                try:
                    got = await receiving
                except asyncio.CancelledError:
                    got = await server.recv()
                assert got == str(number)

    run(main())


def test_a_send_cancelled_above_high_water_has_been_sent_once(run: Run) -> None:
    async def main() -> None:
        async with pair(client={"write_limit": 1 << 16}) as (client, server):
            message, total = b"x" * (1 << 16), 0
            while True:
                sending = asyncio.ensure_future(client.send(message))
                total += 1
                await asyncio.sleep(0)
                if not sending.done():
                    break
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await asyncio.gather(client.send("end"), drain(server, total))

    async def drain(server: object, total: int) -> None:
        for _ in range(total):
            assert len(await server.recv()) == 1 << 16  # type: ignore[attr-defined]
        assert await server.recv() == "end"  # type: ignore[attr-defined]

    run(main())


def test_a_send_cancelled_before_it_began_is_not_sent(run: Run) -> None:
    async def main() -> None:
        async with pair() as (client, server):
            sending = asyncio.create_task(client.send("never"))
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await client.send("ever")
            assert await server.recv() == "ever"

    run(main())


def test_a_cancelled_connect_leaves_nothing(run: Run) -> None:
    async def main() -> None:
        import ropeway
        from common import raw_server

        gone = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()
            gone.set()

        async with raw_server(silent) as uri:
            connecting = asyncio.ensure_future(ropeway.connect(uri).connect())
            await asyncio.sleep(0)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await gone.wait()

    run(main())
