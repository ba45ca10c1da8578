"""Memory stays flat over many connections."""

from __future__ import annotations

import asyncio
import gc
import pathlib
import tracemalloc

import ropeway
from common import echo, uri
from conftest import Run

CONNECTIONS = 5000
WARM_UP = 1000


def resident() -> int:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_connections_leave_nothing_behind(run: Run) -> None:
    async def one(address: str) -> None:
        async with ropeway.connect(address) as client:
            await client.send("x")
            assert await client.recv() == "x"

    async def batch(address: str, count: int) -> None:
        for _ in range(count // 20):
            await asyncio.gather(*(one(address) for _ in range(20)))
        gc.collect()

    async def main() -> None:
        # In debug mode asyncio keeps a traceback for every handle, which takes minutes here.
        asyncio.get_running_loop().set_debug(False)
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            await batch(uri(server), WARM_UP)
            tracemalloc.start()
            try:
                await batch(uri(server), 200)
                traced, before = tracemalloc.get_traced_memory()[0], resident()
                await batch(uri(server), CONNECTIONS)
                assert tracemalloc.get_traced_memory()[0] - traced < 64 << 10
                assert resident() - before < 4 << 20
            finally:
                tracemalloc.stop()
            assert not server.connections

    run(main())
