"""The client that a fuzzing server drives through Autobahn's cases, as tests/conformance/check says."""

import asyncio
import contextlib
import sys

import ropeway

PARALLEL = 4
"""Cases that run at once; some wait for seconds."""
NO_TAKEOVER = True if "--no-takeover" in sys.argv else None
SETTINGS = {
    "max_size": 64 << 20,
    "compression": ropeway.Compression(
        threshold=0,
        server_no_context_takeover=NO_TAKEOVER,
        client_no_context_takeover=NO_TAKEOVER,
    ),
    "ping_interval": None,
}


async def run_case(uri: str, places: asyncio.Semaphore) -> None:
    """Sends every message back until the connection ends, in whatever way."""
    async with places:
        with contextlib.suppress(ropeway.WebSocketException, OSError):
            async with ropeway.connect(uri, **SETTINGS) as connection:
                async for message in connection:
                    await connection.send(message)


async def main(uri: str) -> None:
    """Asks for the number of cases, runs them, and has the reports written."""
    async with ropeway.connect(f"{uri}/getCaseCount") as connection:
        count = int(await connection.recv())
    places = asyncio.Semaphore(PARALLEL)
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, count + 1):
            tasks.create_task(run_case(f"{uri}/runCase?case={number}&agent=ropeway", places))
    with contextlib.suppress(ropeway.WebSocketException, OSError):
        await ropeway.connect(f"{uri}/updateReports?agent=ropeway")


asyncio.run(main(sys.argv[-1]))
