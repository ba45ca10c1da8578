"""The client that a fuzzing server drives through Autobahn's cases, as tests/conformance/check says."""

import asyncio
import contextlib
import sys

import ropeway
from settings import PARALLEL, SETTINGS


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
