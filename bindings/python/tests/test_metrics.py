"""What is counted, of an event loop and of each connection."""

from __future__ import annotations

import asyncio
import http
import threading
import urllib.request

import ropeway
import ropeway.sync
from common import echo, pair, uri
from conftest import Run
from ropeway import Traffic


def test_connections_are_counted_to_their_end(run: Run) -> None:
    async def main() -> None:
        async with pair(server={"compression": "deflate"}) as (client, server):
            opened = client.metrics()
            assert (opened.sent.messages, opened.queued, opened.round_trip) == (0, 0, None)
            await client.send("x" * 10_000)
            await client.send([b"a", b"b"])
            assert len(await server.recv()) == 10_000
            assert await server.recv() == b"ab"
            received, sent = server.metrics().received, client.metrics().sent
            assert received == sent
            assert (received.messages, received.payload, received.pings) == (2, 10_002, 0)
            # Compressed.
            assert opened.sent.bytes < received.bytes < 1000
            await (await client.ping())
        for connection in (client, server):
            assert connection.metrics().sent.bytes > opened.sent.bytes
        assert server.metrics().received == client.metrics().sent
        assert client.metrics().sent.pings == 1

    run(main())


def test_an_event_loop_is_counted(run: Run) -> None:
    async def main() -> None:
        def refuse(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "") if request.path == "/no" else None

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
            before = server.metrics()
            async with ropeway.connect(uri(server)) as client:
                await client.send("hello")
                assert await client.recv() == "hello"
                now = server.metrics()
                assert (now.connections, now.queued) == (2, 0)
                assert (now.sent.messages, now.sent.payload) == (2, 10)
            try:
                await ropeway.connect(uri(server, "/no"))
            except ropeway.InvalidStatus:
                pass
            await client.wait_closed()
            metrics = server.metrics()
            assert (before.accepted, metrics.accepted, metrics.dialled, metrics.opened) == (0, 2, 2, 2)
            assert metrics.close_codes == {"1000": 2}
            assert {reason: count for reason, count in metrics.refused.items() if count} == {
                "application": 1,
                "handshake": 1,
            }
            assert before.received == Traffic(0, 0, 0, 0)

    run(main())


def test_prometheus(run: Run) -> None:
    async def main() -> None:
        def metrics(connection: ropeway.ServerConnection, request: ropeway.Request) -> ropeway.Response | None:
            if request.path != "/metrics":
                return None
            response = connection.respond(http.HTTPStatus.OK, server.prometheus())
            response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
            return response

        async with ropeway.serve(echo, "127.0.0.1", 0, process_request=metrics) as server:

            def scrape() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as response:
                    return str(response.read().decode())

            async with ropeway.connect(uri(server)):
                page = await asyncio.to_thread(scrape)
        assert "\nropeway_opened_total 2\n" in page

    run(main())


def test_threads() -> None:
    with ropeway.sync.serve(lambda connection: connection.send(connection.recv()), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        with ropeway.sync.connect(f"ws://127.0.0.1:{port}/") as client:
            client.send("hello")
            assert client.recv() == "hello"
            metrics = client.metrics()
            assert (metrics.sent.messages, metrics.received.payload) == (1, 5)
        assert client.metrics().sent.bytes > metrics.sent.bytes
        server.shutdown()
        thread.join()
