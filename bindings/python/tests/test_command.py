"""`python -m ropeway`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import ropeway
import trustme

COMMAND = [sys.executable, "-m", "ropeway"]


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """An echo server; the URI that it prints. It must end well."""
    server = subprocess.Popen([*COMMAND, "serve", "--echo", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("listening on "), line
        yield line.removeprefix("listening on ").rstrip("\n")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def talk(uri: str, *options: str) -> None:
    """The client sends two lines, one by one, and shows what comes back; then its input ends."""
    client = subprocess.Popen([*COMMAND, *options, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdin is not None and client.stdout is not None
        assert client.stdout.readline() == f"connected to {uri}\n"
        for line in "hello", "grüße":
            client.stdin.write(f"{line}\n")
            client.stdin.flush()
            assert client.stdout.readline() == f"< {line}\n"
        client.stdin.close()
        assert client.stdout.read() == "connection closed: 1000\n"
        assert client.wait(30) == 0
    finally:
        client.kill()
        client.wait()
        for stream in client.stdin, client.stdout:
            if stream is not None:
                stream.close()


def client(uri: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The client without any input."""
    command = [*COMMAND, *options, uri]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


def test_the_echo_server_and_the_client() -> None:
    with serving("--port", "0", "--deflate") as uri:
        assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/", uri)
        talk(uri)


def test_lines_of_a_file(tmp_path: pathlib.Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("one\ntwo")
    received: list[str | bytes] = []

    async def keep(connection: ropeway.ServerConnection) -> None:
        async for message in connection:
            received.append(message)

    async def main() -> None:
        async with ropeway.serve(keep, "127.0.0.1", 0) as server:
            with lines.open() as file:
                command = [*COMMAND, f"ws://127.0.0.1:{server.port}/"]
                process = await asyncio.create_subprocess_exec(*command, stdin=file, stdout=subprocess.DEVNULL)
                assert await process.wait() == 0

    asyncio.run(main())
    assert received == ["one", "two"]


def test_tls_and_unix_sockets(tmp_path: pathlib.Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    roots, chain, key = (str(tmp_path / name) for name in ("roots.pem", "chain.pem", "key.pem"))
    authority.cert_pem.write_to_path(roots)
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    with serving("--port", "0", "--tls-cert", chain, "--tls-key", key) as uri:
        assert uri.startswith("wss://")
        talk(uri, "--ca", roots)
        refused = client(uri)
        assert refused.returncode == 1 and "certificate is not accepted" in refused.stderr
    path = tmp_path / "x.sock"
    with serving("--unix", str(path)) as uri:
        assert uri == f"ws+unix:{path}"
        talk(f"{uri}:/")


def test_a_terminal_shows_messages_above_the_prompt() -> None:
    with serving("--port", "0") as uri:
        ours, theirs = pty.openpty()
        process = subprocess.Popen([*COMMAND, uri], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b""

        def until(text: bytes) -> None:
            nonlocal seen
            while text not in seen:
                assert select.select([ours], [], [], 30)[0], seen
                seen += os.read(ours, 65536)

        try:
            until(b"> ")
            os.write(ours, b"hello\n")
            until(b"\x1b[L< hello\x1b8\x1b[B")
            os.write(ours, b"\x04")
            until(b"connection closed: 1000")
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
            os.close(ours)


def test_a_client_without_a_server_says_why() -> None:
    done = client("ws://127.0.0.1:1/")
    assert done.returncode == 1 and "Connection refused" in done.stderr
    done = client("http://127.0.0.1/")
    assert done.returncode == 1 and "neither ws nor wss" in done.stderr


def test_the_version() -> None:
    assert client("--version").stdout == f"ropeway {ropeway.__version__}\n"


@pytest.mark.parametrize(
    "options", [["--tls-cert", "missing.pem", "--tls-key", "missing.pem"], ["--host", "192.0.2.1"]]
)
def test_a_server_that_cannot_listen_says_why(options: list[str]) -> None:
    done = subprocess.run([*COMMAND, "serve", "--echo", *options], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stderr.startswith("cannot listen: ")
