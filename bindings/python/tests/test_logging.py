"""What is logged."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
import ropeway
from common import echo, uri
from conftest import Run


def test_the_handshake_and_each_frame_at_debug(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ropeway")

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server, "/x"), compression=None) as client:
                await client.send("gruß")
                assert await client.recv() == "gruß"
                await client.send(b"\x00\x01" * 200)
                assert await client.recv() == b"\x00\x01" * 200
                await client.send(["a", "b"])
                assert await client.recv() == "ab"
                await (await client.ping(b"hi"))
                await client.close(1000, "bye")

    run(main())
    client = [record.getMessage() for record in caplog.records if record.name == "ropeway.client"]
    server = [record.getMessage() for record in caplog.records if record.name == "ropeway.server"]
    assert client[0] == "> GET /x HTTP/1.1" and "< HTTP/1.1 101 Switching Protocols" in client
    binary = " ".join(["00 01"] * 13)[:75] + "…"
    frames = [
        "> TEXT 'gruß' [5 bytes]",
        "< TEXT 'gruß' [5 bytes]",
        f"> BINARY {binary} [400 bytes]",
        f"< BINARY {binary} [400 bytes]",
        "> TEXT 'a' [1 bytes, continued]",
        "> CONT 62 [1 bytes, continued]",
        "> CONT [0 bytes]",
        "< TEXT 'ab' [2 bytes]",
        "> PING 68 69 [2 bytes]",
        "< PONG 68 69 [2 bytes]",
        "> CLOSE 1000 bye [5 bytes]",
    ]
    shown = [line for line in client if re.match(r"[<>] [A-Z]+ .*\[", line)]
    assert shown[: len(frames)] == frames and shown[-1].startswith("< CLOSE 1000")
    mirrored = [line.translate(str.maketrans("<>", "><")) for line in frames]
    assert [line for line in server if line in mirrored] == mirrored


def test_nothing_is_told_without_debug(run: Run) -> None:
    told: list[Any] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record)

    mine = logging.getLogger("mine")
    mine.setLevel(logging.INFO)
    mine.addHandler(Handler())

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, logger=mine) as server:
            async with ropeway.connect(uri(server), logger=logging.LoggerAdapter(mine, {})) as client:
                await client.send("x")
                assert await client.recv() == "x"

    run(main())
    assert [record.getMessage().split(" on ")[0] for record in told] == [
        "server listening",
        "server closing",
        "server closed",
    ]


def test_logging_may_use_connections(run: Run) -> None:
    class Handler(logging.Handler):
        """Sends what is logged to somebody, as far as it is not about that."""

        client: ropeway.ClientConnection | None = None

        def emit(self, record: logging.LogRecord) -> None:
            if self.client is not None and "logged" not in record.getMessage():
                self.client.send_nowait(f"logged {record.getMessage()}")

    handler = Handler()
    mine = logging.getLogger("sending")
    mine.setLevel(logging.DEBUG)
    mine.addHandler(handler)

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            async with ropeway.connect(uri(server)) as log, ropeway.connect(uri(server), logger=mine) as client:
                handler.client = log
                await client.send("x")
                assert await log.recv() == "logged > TEXT 'x' [1 bytes]"
                handler.client = None

    run(main())
