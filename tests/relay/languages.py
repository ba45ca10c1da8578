"""Nodes in C, Python and Node.js over brokers of the test's own, in plain and in TLS: all hear what is said at each, once and in order."""

import asyncio
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator

import ropeway
import trustme

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
            if message == "told?":
                await connection.send(f"told {told}")
            else:
                server.publish("news", message)

    told = 0

    def hear(topic: str, message: str | bytes) -> None:
        nonlocal told
        number = int(message.split()[-1])
        told += topic == "news" and isinstance(message, str) == bool(number % 2)

    async with ropeway.serve(news, "127.0.0.1", 0) as server:
        try:
            server.relay("nonsense")
        except ValueError as error:
            assert "redis://" in str(error)
        assert server.relay_metrics() is None
        server.relay(broker, hear)
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

        async def hear(client: ropeway.ClientConnection) -> tuple[int, int]:
            message = await asyncio.wait_for(client.recv(), 30)
            who, number = map(int, (message if isinstance(message, str) else message.decode()).split())
            assert isinstance(message, str) == bool(number % 2)
            return who, number

        # Who hears itself has subscribed.
        for who, client in enumerate(clients):
            await client.send(f"{who} 0".encode())
            while await hear(client) != (who, 0):
                pass
        for number in range(1, MESSAGES):
            for who, client in enumerate(clients):
                await client.send(f"{who} {number}" if number % 2 else f"{who} {number}".encode())
        for client in clients:
            heard: dict[int, list[int]] = {0: [], 1: [], 2: []}
            while sum(map(len, heard.values())) < (MESSAGES - 1) * len(clients):
                who, number = await hear(client)
                if number > 0:
                    heard[who].append(number)
            assert all(numbers == list(range(1, MESSAGES)) for numbers in heard.values()), heard
        for client in clients:
            await client.send("told?")
            answer = await client.recv()
            assert answer == f"told {2 * MESSAGES}", answer


@contextlib.contextmanager
def running(*command: object) -> Iterator[int]:
    """A broker; the number of its process."""
    words = [str(word) for word in command]
    broker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield broker.pid
    finally:
        broker.kill()
        broker.wait()


@contextlib.contextmanager
def redis(folder: pathlib.Path, tls: list[str]) -> Iterator[str]:
    """A Redis on a Unix socket, or with TLS on a port; its URL."""
    common = ["redis-server", "--port", 0, "--save", "", "--dir", folder]
    if not tls:
        with running(*common, "--unixsocket", folder / "socket"):
            yield f"redis+unix://{folder}/socket"
        return
    with socket.create_server(("127.0.0.1", 0)) as free:  # it takes no 0
        port = free.getsockname()[1]
    certificate, key, authority = tls
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority]
    with running(*common, "--bind", "127.0.0.1", "--tls-port", port, "--tls-auth-clients", "no", *files):
        yield f"rediss://localhost:{port}/"


@contextlib.contextmanager
def nats(folder: pathlib.Path, tls: list[str]) -> Iterator[str]:
    """A NATS server, which finds a free port itself; its URL."""
    options = ["--tls", "--tlscert", tls[0], "--tlskey", tls[1]] if tls else []
    address = ["--addr", "127.0.0.1", "--port", -1, "--ports_file_dir", folder]
    with running("nats-server", *address, "--user", "ann", "--pass", "b:c", *options) as process:
        ports = folder / f"nats-server_{process}.ports"
        while not ports.exists() or not ports.read_text():
            time.sleep(0.01)
        port = json.loads(ports.read_text())["nats"][0].rpartition(":")[2]
        yield f"{'tls' if tls else 'nats'}://ann:b%3Ac@localhost:{port}"


def main() -> None:
    """Talks over each broker."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        authority = trustme.CA()  # made at test time, so that none expires in the tree
        certificate = authority.issue_cert("localhost")
        files = [str(folder / file) for file in ("certificate.pem", "key.pem", "authority.pem")]
        certificate.cert_chain_pems[0].write_to_path(files[0])
        certificate.private_key_pem.write_to_path(files[1])
        authority.cert_pem.write_to_path(files[2])
        # Takes the place of the system's authorities.
        os.environ["SSL_CERT_FILE"] = files[2]
        for broker in redis, nats:
            for tls in [], files:
                with broker(folder, tls) as url:
                    asyncio.run(talk(url, sys.argv[1]))
                print(f"relay: nodes in 3 languages over {url.partition(':')[0]}, {MESSAGES} messages of each, all heard by all")


if __name__ == "__main__":
    main()
