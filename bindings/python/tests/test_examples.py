"""The programs of examples/python run."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import ropeway

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples/python"


@contextlib.asynccontextmanager
async def running(*words: str, stream: str = "stdout") -> AsyncIterator[str]:
    """A server of the examples; its address, from the line that it prints."""
    pipes: dict[str, Any] = {stream: subprocess.PIPE}
    server = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=EXAMPLES, **pipes)
    try:
        output = getattr(server, stream)
        async with asyncio.timeout(60):
            while (found := re.search(r"(?:ws|http)://(\S+:\d+)", (line := await output.readline()).decode())) is None:
                assert line, "it has ended"
        yield found[1]
    finally:
        server.send_signal(signal.SIGTERM)
        await output.read()
        await server.wait()


def test_the_echo_server_and_the_client() -> None:
    async def main() -> None:
        async with running("echo_server.py", "0") as address:
            command = [sys.executable, "hello_client.py", f"ws://{address}/", "grüß dich"]
            client = await asyncio.create_subprocess_exec(*command, cwd=EXAMPLES, stdout=subprocess.PIPE)
            said, _ = await client.communicate()
            assert said.decode() == "grüß dich\nclosed with 1000\n"

    asyncio.run(main())


def test_the_rooms() -> None:
    async def main() -> None:
        async with running("broadcast_server.py", "0") as address:
            room, other = f"ws://{address}/garden", f"ws://{address}/cellar"
            async with ropeway.connect(room) as ann, ropeway.connect(room) as bob, ropeway.connect(other) as eve:
                for one, text in (ann, "from ann"), (bob, "from bob"), (eve, "from eve"):
                    await one.send(text)
                    # What comes back says that the room knows them.
                    while await one.recv() != text:
                        assert one is not eve
                await ann.send("hello")
                while await bob.recv() != "hello":
                    pass

    asyncio.run(main())


def test_the_web_application() -> None:
    async def main() -> None:
        words = ["-m", "uvicorn", "--port", "0", "--ws", "ropeway.uvicorn:WebSocketProtocol", "web_app:app"]
        async with running(*words, stream="stderr") as address:
            async with ropeway.connect(f"ws://{address}/echo") as client:
                await client.send("hello")
                assert await client.recv() == "hello"

    asyncio.run(main())
