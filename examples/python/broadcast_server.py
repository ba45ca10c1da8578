"""Rooms: who connects to ws://…/ROOM gets what anybody in that room says.

python broadcast_server.py [PORT]
"""

import asyncio
import signal
import sys

import ropeway


async def share(connection: ropeway.ServerConnection) -> None:
    """One person. What is published is framed once for all, and a slow reader holds up nobody."""
    assert connection.request is not None
    room = connection.request.path
    connection.subscribe(room)
    async for message in connection:
        connection.server.publish(room, message)


async def main(port: int) -> None:
    """Serves until it is interrupted."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ropeway.serve(share, "127.0.0.1", port) as server:
        print(f"listening on ws://127.0.0.1:{server.port}/", flush=True)
        await stopped.wait()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9000))
