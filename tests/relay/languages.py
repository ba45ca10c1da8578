"""Nodes in C, Python and Node.js over a Redis of the test's own: all hear what is said at each, once and in order."""

import asyncio
import contextlib
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator

import ropeway

HERE = pathlib.Path(__file__).parent
MESSAGES = 50


@contextlib.asynccontextmanager
async def program(*command: str) -> AsyncIterator[str]:
    """A node of its own process; its address."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        yield line.removeprefix("listening on ").strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def python_node(broker: str) -> AsyncIterator[str]:
    """A node of this process; its address."""

    async def news(connection: ropeway.ServerConnection) -> None:
        connection.subscribe("news")
        async for message in connection:
            server.publish("news", message)

    async with ropeway.serve(news, "127.0.0.1", 0) as server:
        try:
            server.relay("nonsense")
        except ValueError as error:
            assert "redis://" in str(error)
        assert server.relay_metrics() is None
        server.relay(broker)
        while not server.relay_metrics().connected:
            await asyncio.sleep(0.01)
        yield f"ws://127.0.0.1:{server.port}/"
        # The broker's answers come behind what it passes on.
        while (metrics := server.relay_metrics()).sent < MESSAGES:
            await asyncio.sleep(0.01)
        counts = metrics.sent, metrics.received, metrics.dropped, metrics.lost
        assert counts == (MESSAGES, 2 * MESSAGES, 0, 0), metrics
        server.relay(None)
        assert server.relay_metrics() is None


async def talk(broker: str, c_node: str) -> None:
    """All say something at all nodes."""
    async with contextlib.AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(node)
            for node in (program(c_node, broker), program("node", str(HERE / "node.js"), broker), python_node(broker))
        ]
        clients = [await stack.enter_async_context(ropeway.connect(node)) for node in nodes]
        for number in range(MESSAGES):
            for who, client in enumerate(clients):
                await client.send(f"{who} {number}" if number % 2 else f"{who} {number}".encode())
        for client in clients:
            heard: dict[str, list[int]] = {"0": [], "1": [], "2": []}
            for _ in range(MESSAGES * len(clients)):
                message = await asyncio.wait_for(client.recv(), 30)
                who, number = (message if isinstance(message, str) else message.decode()).split()
                assert isinstance(message, str) == bool(int(number) % 2)
                heard[who].append(int(number))
            assert all(numbers == list(range(MESSAGES)) for numbers in heard.values()), heard
    print(f"relay: {len(clients)} nodes in 3 languages, {MESSAGES} messages of each, all heard by all")


def main() -> None:
    """Runs a broker, and talks over it."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/broker.sock"
        command = ["redis-server", "--port", "0", "--save", "", "--dir", folder, "--unixsocket", socket]
        broker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            asyncio.run(talk(f"redis+unix://{socket}", sys.argv[1]))
        finally:
            broker.kill()
            broker.wait()


if __name__ == "__main__":
    main()
