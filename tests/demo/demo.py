"""The Python half of `make demo`: a Python client talks to the C echo server, and the C client to a Python server.

Each frame that Python sends or receives is shown, as the package logs it at DEBUG. The exit status is 0 when all went
as it should.
"""

import asyncio
import logging
import pathlib
import re
import subprocess
import sys
import time

import ropeway

BIN = pathlib.Path(__file__).resolve().parents[2] / "build/bin"
PATIENCE = 30
COLOURS = {"python server": "\033[33m", "python client": "\033[36m"}
BEGAN = time.monotonic()


class Shown(logging.Handler):
    """Shows frames, with an arrow, and counts them."""

    def __init__(self, who: str) -> None:
        super().__init__()
        self.who, self.sent, self.received = who, 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a frame; the handshake's lines are left out."""
        found = re.fullmatch(r"([<>]) ([A-Z]+ .*\[\d+ bytes.*\])", record.getMessage())
        if found is None:
            return
        if found[1] == ">":
            self.sent += 1
        else:
            self.received += 1
        say(self.who, f"{'→' if found[1] == '>' else '←'}  {found[2]}")


def say(who: str, what: str) -> None:
    """Prints one line: when, who, what."""
    colour, end = (COLOURS[who], "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"{(time.monotonic() - BEGAN) * 1e3:9.3f} ms  {colour}{who}{end}  {what}", flush=True)


def logger_of(who: str) -> tuple[logging.Logger, Shown]:
    """A logger whose frames are shown."""
    logger, shown = logging.getLogger(who), Shown(who)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(shown)
    return logger, shown


async def python_to_c(logger: logging.Logger) -> None:
    """A Python client talks to the C echo server."""
    server = await asyncio.create_subprocess_exec(BIN / "echo_server", "--port", "0", stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        uri = (await server.stdout.readline()).decode().split()[-1]
        async with ropeway.connect(uri, logger=logger, compression=None) as client:
            for message in "hello from Python ⛰", bytes(range(7)):
                await client.send(message)
                assert await client.recv() == message
            await client.send(["in ", "three ", "pieces"])
            assert await client.recv() == "in three pieces"
            await (await client.ping(b"are you there"))
            await client.close(1000, "good night")
    finally:
        server.terminate()
        await server.wait()


async def c_to_python(logger: logging.Logger) -> None:
    """The C client talks to a Python server."""

    async def echo(connection: ropeway.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with ropeway.serve(echo, "127.0.0.1", 0, logger=logger) as server:
        command = BIN / "hello_client", f"ws://127.0.0.1:{server.port}/", "hello from C"
        client = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        said, _ = await client.communicate()
        assert said == b"hello from C\nclosed with 1000\n", said


async def main() -> None:
    """Runs both, and says how many frames went."""
    (client, ours), (server, theirs) = logger_of("python client"), logger_of("python server")
    async with asyncio.timeout(PATIENCE):
        await python_to_c(client)
        await c_to_python(server)
    sent, received = ours.sent + theirs.sent, ours.received + theirs.received
    print(f"All as it should be: Python and C, {sent} frames sent and {received} received by Python.")


asyncio.run(main())
