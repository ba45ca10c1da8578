"""A call cancelled at any of its awaits loses nothing, sends nothing twice, and leaves the connection as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import pytest
import ropeway
from common import pair, uri, wait_closed
from conftest import Run

T = TypeVar("T")


class CancelledAt(Generic[T]):
    """An awaitable that is cancelled at its wait number `at`: before it begins, or `late`, when what it waits for is
    there already. `reached` says whether there was such a wait."""

    def __init__(self, awaitable: Awaitable[T], at: int, late: bool) -> None:
        self.awaitable, self.at, self.late, self.reached = awaitable, at, late, False

    def __await__(self) -> Generator[Any, Any, T]:
        inner = self.awaitable.__await__()
        for number in range(1 << 30):
            try:
                wait = next(inner)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if number < self.at:
                yield wait
                continue
            self.reached = True
            if self.late:
                yield wait
            try:
                inner.throw(asyncio.CancelledError())
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            raise AssertionError("it waits on, though it is cancelled")
        raise AssertionError


def every(run: Run, once: Callable[[int], Awaitable[bool]]) -> None:
    """Runs `once(0)`, `once(1)`, … until it says that there was no such wait."""
    for at in range(100):
        if not run(once(at)):  # type: ignore[arg-type]
            assert at > 0, "it never waits"
            return
    raise AssertionError("it waits for ever")


@pytest.fixture(params=["early", "late"])
def late(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "late")


def test_recv(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with pair() as (client, server):

            async def send() -> None:
                for number in range(6):
                    await server.send(str(number))
                    await asyncio.sleep(0)

            sending = asyncio.ensure_future(send())
            got: list[str | bytes] = []

            async def receive() -> None:
                while len(got) < 6:
                    got.append(await client.recv())

            receiving = CancelledAt(receive(), at, late)
            try:
                await receiving
            except asyncio.CancelledError:
                while len(got) < 6:
                    got.append(await client.recv())
            await sending
            assert got == [str(number) for number in range(6)]
            return receiving.reached

    every(run, once)


def test_iteration_and_streaming(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with pair(client={"max_size": None}) as (client, server):
            whole = b"x" * 300_000
            sending = asyncio.ensure_future(server.send([whole[:100_000], whole[100_000:]]))
            got = b""

            async def receive() -> None:
                nonlocal got
                async for piece in client.recv_streaming():
                    assert isinstance(piece, bytes)
                    got += piece

            receiving = CancelledAt(receive(), at, late)
            try:
                await receiving
                assert got == whole
            except asyncio.CancelledError:
                # What was received is the message's beginning, and the rest of it is not taken for another message.
                assert whole.startswith(got)
                with pytest.raises(ropeway.ConcurrencyError):
                    await client.recv()
            await sending
            return receiving.reached

    every(run, once)


def test_send(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with pair(client={"write_limit": 1 << 16}, server={"max_size": None, "max_queue": 2}) as (client, server):
            total, size, begun = 20, 1 << 20, 0

            async def send() -> None:
                nonlocal begun
                for number in range(total):
                    begun = number + 1
                    await client.send(number.to_bytes(4, "big") + bytes(size))

            async def receive() -> list[int]:
                numbers = []
                while (message := await server.recv()) != "end":
                    assert len(message) == 4 + size
                    numbers.append(int.from_bytes(message[:4], "big"))  # type: ignore[arg-type]
                return numbers

            sending = CancelledAt(send(), at, late)
            receiving = asyncio.ensure_future(receive())
            try:
                await sending
            except asyncio.CancelledError:
                pass
            await client.send("end")
            numbers = await receiving
            # The cancelled one had been taken, or had not; each other came, once and in order.
            assert numbers in (list(range(begun)), list(range(begun - 1)))
            return sending.reached

    every(run, once)


def test_ping_and_wait_closed(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with pair() as (client, server):

            async def ping() -> None:
                await (await client.ping(b"1"))
                await (await client.ping(b"2"))

            pinging = CancelledAt(ping(), at, late)
            try:
                await pinging
            except asyncio.CancelledError:
                pass
            assert 0 < await (await client.ping(b"3"))
            await client.send("on")
            assert await server.recv() == "on"
            return pinging.reached

    every(run, once)


def test_close(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with pair() as (client, server):
            closing = CancelledAt(client.close(4000, "why"), at, late)
            try:
                await closing
            except asyncio.CancelledError:
                pass
            await client.close()
            await server.wait_closed()
            assert (client.close_code, server.close_code, server.close_reason) == (4000, 4000, "why")
            return closing.reached

    every(run, once)


def test_connect(run: Run, late: bool) -> None:
    async def once(at: int) -> bool:
        async with ropeway.serve(wait_closed, "127.0.0.1", 0) as server:
            connecting = CancelledAt(ropeway.connect(uri(server)), at, late)
            try:
                await (await connecting).close()
            except asyncio.CancelledError:
                pass
            while server.connections or len(server._engine):
                await asyncio.sleep(0.001)
            return connecting.reached

    every(run, once)
