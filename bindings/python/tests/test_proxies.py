"""Through proxies, made here: HTTP CONNECT and SOCKS 5, by argument and from the environment."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import ropeway
import trustme
from common import echo
from conftest import Run

BASIC = "Basic " + base64.b64encode(b"ann:secret").decode()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def proxy(port: int, kind: str, asked: list[Any], **settings: Any) -> AsyncIterator[int]:
    """A proxy that connects to `port`, whatever it is asked for, and notes that; the port that it listens at."""

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n", 1)[0].split()
        credentials = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("proxy-auth")]
        asked.append((method, target, *credentials))
        if kind.startswith("http://ann") and not credentials:
            writer.write(b'HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
            return False
        if target.startswith("forbidden"):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return False
        if target.startswith("garbage"):
            writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
            return False
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    async def socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        version, command, _, kind = await reader.readexactly(4)
        assert (version, command, kind) == (5, 1, 3)
        name = await reader.readexactly((await reader.readexactly(1))[0])
        asked.append((name.decode(), int.from_bytes(await reader.readexactly(2))))
        refuses = name.startswith(b"forbidden")
        writer.write(b"\x05" + bytes([5 if refuses else 0]) + b"\x00\x01\x7f\x00\x00\x01\x00\x01")
        return not refuses

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await (http if kind.startswith("http") else socks)(reader, writer):
            onward = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(carry(reader, onward[1]), carry(onward[0], writer))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0, **settings)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def talk(client: ropeway.ClientConnection) -> None:
    await client.send("hello")
    assert await client.recv() == "hello"


def test_http_and_socks_by_argument(run: Run) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            for kind, wanted in [
                ("http://ann:secret@127.0.0.1", ("CONNECT", "far.example:81", BASIC)),
                ("socks5h://127.0.0.1", ("far.example", 81)),
            ]:
                asked: list[Any] = []
                async with proxy(server.port, kind, asked) as port:
                    async with ropeway.connect("ws://far.example:81/", proxy=f"{kind}:{port}") as client:
                        await talk(client)
                assert asked[-1] == wanted

    run(main())


def test_the_environment_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        asked: list[Any] = []
        async with ropeway.serve(echo, "127.0.0.1", 0) as server, proxy(server.port, "http", asked) as port:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            monkeypatch.setenv("no_proxy", "near.invalid")
            async with ropeway.connect("ws://far.example/") as client:
                await talk(client)
            for direct in {"uri": "ws://near.invalid/"}, {"uri": "ws://far.invalid/", "proxy": None}:
                with pytest.raises(OSError):
                    await ropeway.connect(**direct)
            monkeypatch.setenv("http_proxy", "ftp://127.0.0.1")
            with pytest.raises(ropeway.InvalidProxy, match="http_proxy") as caught:
                await ropeway.connect("ws://far.example/")
            assert caught.value.proxy == "http_proxy"
        assert [target for _, target in asked] == ["far.example:80"]

    run(main())


def test_tls_through_a_proxy_in_tls(run: Run) -> None:
    authority = trustme.CA()
    front, back = authority.issue_cert("localhost"), authority.issue_cert("far.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    front.configure_cert(context)
    identity = back.cert_chain_pems[0].bytes(), back.private_key_pem.bytes()
    trusting = ropeway.ClientTLS(roots=[authority.cert_pem.bytes()])

    async def main() -> None:
        asked: list[Any] = []
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=ropeway.ServerTLS([identity])) as server:
            async with proxy(server.port, "http", asked, ssl=context) as port:
                there: dict[str, Any] = {"proxy": f"https://localhost:{port}", "ssl": trusting}
                async with ropeway.connect("wss://far.example/", **there, proxy_ssl=trusting) as client:
                    await talk(client)
                    assert client.tls is not None
                there["proxy"] = f"https://127.0.0.1:{port}"
                named = ropeway.connect(
                    "wss://far.example/", **there, proxy_ssl=trusting, proxy_server_hostname="localhost"
                )
                async with named as client:
                    await talk(client)
                # The proxy of this test is told, and tells its loop.
                asyncio.get_running_loop().set_exception_handler(lambda *_: None)
                with pytest.raises(ropeway.CertificateError):
                    await ropeway.connect("wss://far.example/", **there)
        assert asked[0][1] == "far.example:443"

    run(main())


def test_proxies_that_fail(run: Run) -> None:
    async def main() -> None:
        asked: list[Any] = []
        async with proxy(1, "http", asked) as port:
            through = f"http://127.0.0.1:{port}"
            with pytest.raises(ropeway.InvalidProxyStatus) as caught:
                await ropeway.connect("ws://forbidden.example/", proxy=through)
            assert caught.value.response.status_code == 403
            with pytest.raises(ropeway.InvalidProxyMessage):
                await ropeway.connect("ws://garbage.example/", proxy=through)
        async with proxy(1, "socks5h", asked) as port:
            with pytest.raises(ropeway.ProxyError, match="forbidden"):
                await ropeway.connect("ws://forbidden.example/", proxy=f"socks5h://127.0.0.1:{port}")
        with pytest.raises(ConnectionRefusedError):
            await ropeway.connect("ws://x.example/", proxy="http://127.0.0.1:1")
        with pytest.raises(ropeway.InvalidProxy):
            await ropeway.connect("ws://x.example/", proxy="ftp://user:secret@127.0.0.1:1")

    run(main())
