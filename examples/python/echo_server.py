"""Sends every message back.

python echo_server.py [PORT]
"""

import asyncio
import signal
import sys

import ropeway


async def echo(connection: ropeway.ServerConnection) -> None:
    """Runs for each connection, until it ends."""
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    """Serves until it is interrupted."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ropeway.serve(echo, "127.0.0.1", port, compression="deflate") as server:
        print(f"listening on ws://127.0.0.1:{server.port}/", flush=True)
        await stopped.wait()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
