"""Unix sockets, sockets of one's own, and where else connections come from and go to."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import stat
from typing import Any

import pytest
import ropeway
from common import echo, uri
from conftest import Run


async def talk(client: ropeway.ClientConnection) -> None:
    await client.send("hello")
    assert await client.recv() == "hello"


def test_a_unix_socket(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.sock"

    async def main() -> None:
        seen: list[ropeway.ServerConnection] = []

        async def handler(connection: ropeway.ServerConnection) -> None:
            seen.append(connection)
            await echo(connection)

        async with ropeway.unix_serve(handler, path, unix_mode=0o600) as server:
            assert server.addresses == [str(path)] and server.sockets[0].getsockname() == str(path)
            assert server.sockets[0].family == socket.AF_UNIX
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            async with ropeway.unix_connect(path) as client:
                await talk(client)
                assert client.request is not None and client.request.headers["Host"] == "localhost"
                assert client.remote_address == str(path)
            async with ropeway.unix_connect(str(path), uri="ws://example.org/chat") as client:
                await talk(client)
            async with ropeway.connect(f"ws+unix:{path}:/chat?x=1") as client:
                await talk(client)
                assert client.request is not None and client.request.path == "/chat?x=1"
        hosts = [(one.request.headers["Host"], one.request.path) for one in seen if one.request is not None]
        assert hosts == [("localhost", "/"), ("example.org", "/chat"), ("localhost", "/chat?x=1")]
        assert seen[0].local_address == str(path)
        assert not path.exists()
        with pytest.raises(FileNotFoundError):
            await ropeway.unix_connect(path)
        with pytest.raises(FileNotFoundError):
            await ropeway.connect(f"ws+unix:{path}:/")

    run(main())


def test_a_connected_socket_is_gone_on_over(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            own = socket.create_connection(("127.0.0.1", server.port))
            address = own.getsockname()
            async with ropeway.connect("ws://example.org/chat", sock=own) as client:
                assert client.local_address == address
                await talk(client)
            assert own.fileno() == -1
            with pytest.raises(OSError, match="Bad file descriptor"):
                await ropeway.connect("ws://example.org/chat", sock=own)
            with socket.socket() as unconnected, pytest.raises(OSError):
                await ropeway.connect("ws://example.org/chat", sock=unconnected)

    run(main())


def test_a_listening_socket_is_taken_over(run: Run, tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        own = socket.create_server(("127.0.0.1", 0))
        port = own.getsockname()[1]
        async with ropeway.serve(echo, sock=own) as server:
            assert server.addresses == [("127.0.0.1", port)]
            async with ropeway.connect(uri(server)) as client:
                await talk(client)
        assert own.fileno() == -1
        with pytest.raises(ConnectionRefusedError):
            await ropeway.connect(f"ws://127.0.0.1:{port}/")
        path = str(tmp_path / "own.sock")
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(path)
        async with ropeway.unix_serve(echo, sock=bound), ropeway.unix_connect(path) as client:
            await talk(client)
        assert os.path.exists(path)

    run(main())


def test_the_connection_goes_elsewhere_than_the_uri_says(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            there: dict[str, Any] = {"host": "127.0.0.1", "port": server.port}
            async with ropeway.connect("ws://example.org:1/", **there, local_addr=("127.0.0.2", 0)) as client:
                await talk(client)
                assert client.local_address[0] == "127.0.0.2"
                assert client.request is not None and client.request.headers["Host"] == "example.org:1"
            async with ropeway.connect(f"ws://localhost:{server.port}/", family=socket.AF_INET) as client:
                await talk(client)
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError, match="opening handshake"):
            port = silent.getsockname()[1]
            await ropeway.connect("ws://example.org/", host="127.0.0.1", port=port, open_timeout=0.05)

    run(main())


def test_several_hosts_have_one_port(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, ["127.0.0.1", "127.0.0.2"], 0) as server:
            (first, port), (second, same) = (one.getsockname() for one in server.sockets)
            assert (first, second) == ("127.0.0.1", "127.0.0.2") and port == same
            for host in first, second:
                async with ropeway.connect(f"ws://{host}:{port}/") as client:
                    await talk(client)

    run(main())


def test_two_servers_share_a_port(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, reuse_port=True) as first:
            async with ropeway.serve(echo, "127.0.0.1", first.port, reuse_port=True) as second:
                assert second.port == first.port
            with pytest.raises(OSError, match="in use"):
                await ropeway.serve(echo, "127.0.0.1", first.port)

    run(main())


def test_serving_begins_when_it_is_told_to(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, start_serving=False) as server:
            assert not server.is_serving() and server.sockets == ()
            forever = asyncio.get_running_loop().create_task(server.serve_forever())
            while not server.is_serving():
                await asyncio.sleep(0)
            async with ropeway.connect(uri(server)) as client:
                await talk(client)
            server.close(code=4000, reason="over")
            await forever
            assert not server.is_serving() and server.get_loop() is asyncio.get_running_loop()

    run(main())


@pytest.mark.parametrize(
    "arguments",
    [
        {"unix": True},
        {"unix": True, "path": "/x", "sock": socket.socket(fileno=None)},
        {"sock": socket.socket(fileno=None), "host": "x"},
    ],
)
def test_arguments_that_do_not_go_together(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ropeway.connect("ws://localhost/", **arguments)
    with pytest.raises(ValueError):
        ropeway.serve(echo, **arguments)
    if (sock := arguments.get("sock")) is not None:
        sock.close()


def test_connections_of_classes_of_ones_own(run: Run) -> None:
    class Mine(ropeway.ClientConnection):
        async def greet(self) -> Any:
            await self.send("hello")
            return await self.recv()

    class Theirs(ropeway.ServerConnection):
        async def shout(self, message: Any) -> None:
            await self.send(message.upper())

    async def handler(connection: ropeway.ServerConnection) -> None:
        assert isinstance(connection, Theirs)
        async for message in connection:
            await connection.shout(message)

    async def main() -> None:
        async with ropeway.serve(handler, "127.0.0.1", 0, create_connection=Theirs) as server:
            async with ropeway.connect(uri(server), create_connection=Mine) as client:
                assert isinstance(client, Mine)
                assert await client.greet() == "HELLO"

    run(main())
