"""Memory stays flat over many connections."""

from __future__ import annotations

import asyncio
import gc
import os
import pathlib
import sys
import threading
import tracemalloc

import ropeway
import ropeway.sync
from common import echo, uri
from conftest import Run
from ropeway.sync import ServerConnection

CONNECTIONS = int(os.environ.get("ROPEWAY_LEAK_CONNECTIONS", "5000"))
"""How many; 100,000 shows smaller leaks, and needs a ROPEWAY_TEST_LIMIT of 1,000 s."""
WARM_UP = 1000


def resident() -> int:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096


def tidy() -> None:
    """Nothing but what is held: CPython's cache of looked-up methods keeps up to 4,096 names."""
    gc.collect()
    sys._clear_type_cache()


def test_connections_leave_nothing_behind(run: Run) -> None:
    async def one(address: str) -> None:
        async with ropeway.connect(address) as client:
            await client.send("x")
            assert await client.recv() == "x"

    async def batch(address: str, count: int) -> None:
        for _ in range(count // 20):
            await asyncio.gather(*(one(address) for _ in range(20)))
        tidy()

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


def test_connections_of_threads_leave_nothing_behind() -> None:
    def handler(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    def batch(address: str, count: int) -> None:
        for _ in range(count):
            with ropeway.sync.connect(address) as client:
                assert isinstance(client, ropeway.sync.ClientConnection)
                client.send("x")
                assert client.recv() == "x"
        tidy()

    with ropeway.sync.serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"ws://127.0.0.1:{server.port}/"
        batch(address, WARM_UP // 5)
        tracemalloc.start()
        try:
            batch(address, 100)
            traced, before = tracemalloc.get_traced_memory()[0], resident()
            batch(address, CONNECTIONS // 10)
            assert tracemalloc.get_traced_memory()[0] - traced < 64 << 10
            assert resident() - before < 4 << 20
        finally:
            tracemalloc.stop()
        server.shutdown()
        thread.join()
