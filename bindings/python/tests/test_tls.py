"""TLS: certificates made here by trustme, Ropeway on both ends and `ssl` (OpenSSL) on one."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import ssl
from typing import Any

import pytest
import ropeway
import trustme
from common import echo
from conftest import Run
from ropeway import ClientTLS, ServerTLS
from ropeway.asyncio.client import process_exception


@dataclasses.dataclass
class Papers:
    """An authority, a server's certificate of it and a client's."""

    authority: trustme.CA
    server: trustme.LeafCert
    client: trustme.LeafCert
    roots: bytes


@pytest.fixture(scope="module")
def papers() -> Papers:
    authority = trustme.CA()
    server, client = authority.issue_cert("localhost", "127.0.0.1"), authority.issue_cert("client@example.org")
    return Papers(authority, server, client, authority.cert_pem.bytes())


def identity(certificate: trustme.LeafCert) -> tuple[bytes, bytes]:
    return b"".join(blob.bytes() for blob in certificate.cert_chain_pems), certificate.private_key_pem.bytes()


def secure(server: ropeway.Server, host: str = "localhost") -> str:
    return f"wss://{host}:{server.port}/"


def test_what_the_handshake_agreed_on(run: Run, papers: Papers) -> None:
    async def main() -> None:
        seen: list[ropeway.TLSInfo | None] = []

        async def handler(connection: ropeway.ServerConnection) -> None:
            seen.append(connection.tls)
            await echo(connection)

        settings = ServerTLS([identity(papers.server)], client_roots=[papers.roots])
        ours = ClientTLS(roots=[papers.roots], identity=identity(papers.client))
        async with ropeway.serve(handler, "127.0.0.1", 0, ssl=settings) as server:
            for resumed in False, True:
                async with ropeway.connect(secure(server), ssl=ours) as client:
                    for message in "text", b"\0" * 300_000:
                        await client.send(message)
                        assert await client.recv() == message
                    assert client.tls is not None
                    assert client.tls.version == "TLSv1.3" and client.tls.application_protocol == "http/1.1"
                    assert client.tls.resumed is resumed
                    assert len(client.tls.peer_certificates) == 1
                assert client.tls is None
        known = seen[0]
        assert known is not None and b"client@example.org" in known.peer_certificates[0]

    run(main())


def test_files_and_names(run: Run, papers: Papers, tmp_path: pathlib.Path) -> None:
    roots, chain, key = tmp_path / "roots.pem", tmp_path / "chain.pem", tmp_path / "key.pem"
    papers.authority.cert_pem.write_to_path(str(roots))
    chain.write_bytes(identity(papers.server)[0])
    key.write_bytes(identity(papers.server)[1])
    other = papers.authority.issue_cert("other.example.org")

    async def main() -> None:
        settings = ServerTLS([(chain, str(key)), identity(other)])
        ours = ClientTLS(system_roots=False, roots=[roots])
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=settings) as server:
            async with ropeway.connect(secure(server), ssl=ours) as client:
                first = client.tls
            named = ropeway.connect(secure(server), ssl=ours, server_hostname="other.example.org")
            async with named as client:
                second = client.tls
            assert first is not None and second is not None
            assert first.peer_certificates != second.peer_certificates
            with pytest.raises(ropeway.CertificateError) as caught:
                await ropeway.connect(secure(server), ssl=ours, server_hostname="third.example.org")
            assert caught.value.problem == "wrong_name" and caught.value.verify_code == 62
            # Renewed certificates are for connections accepted from then on.
            server.set_tls(ServerTLS([identity(papers.authority.issue_cert("third.example.org"))]))
            async with ropeway.connect(secure(server), ssl=ours, server_hostname="third.example.org"):
                pass

    run(main())


def test_what_is_not_trusted_is_an_error_of_ssl(run: Run, papers: Papers) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=ServerTLS([identity(papers.server)])) as server:
            for settings in None, True, ssl.create_default_context(), ClientTLS():
                with pytest.raises(ssl.SSLCertVerificationError) as caught:
                    await ropeway.connect(secure(server), ssl=settings)
                assert isinstance(caught.value, ropeway.CertificateError)
                assert caught.value.problem == "unknown_issuer" and caught.value.verify_code == 20
                assert process_exception(caught.value) is caught.value
            careless = ClientTLS(danger_accept_invalid_certificates=True)
            async with ropeway.connect(secure(server, "127.0.0.1"), ssl=careless) as client:
                await client.send("x")
                assert await client.recv() == "x"

    run(main())


def test_a_client_without_a_certificate_is_refused_where_one_is_wanted(run: Run, papers: Papers) -> None:
    async def main() -> None:
        ours = ClientTLS(roots=[papers.roots])
        strict = ServerTLS([identity(papers.server)], client_roots=[papers.roots])
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=strict) as server:
            with pytest.raises(ropeway.TLSError, match="certificate_required"):
                await ropeway.connect(secure(server), ssl=ours)
        mild = dataclasses.replace(strict, client_certificate_optional=True)
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=mild) as server:
            async with ropeway.connect(secure(server), ssl=ours) as client:
                await client.send("x")
                assert await client.recv() == "x"

    run(main())


def test_application_protocols(run: Run, papers: Papers) -> None:
    async def main() -> None:
        settings = ServerTLS([identity(papers.server)], application_protocols=["chat", "http/1.1"])
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=settings) as server:
            for offers, chosen in ((), None), (("http/1.1",), "http/1.1"), (("http/1.1", "chat"), "chat"):
                ours = ClientTLS(roots=[papers.roots], application_protocols=offers)
                async with ropeway.connect(secure(server), ssl=ours) as client:
                    assert client.tls is not None and client.tls.application_protocol == chosen
            with pytest.raises(ropeway.TLSError, match="no_application_protocol"):
                other = ClientTLS(roots=[papers.roots], application_protocols=["other"])
                await ropeway.connect(secure(server), ssl=other)

    run(main())


def test_plain_and_tls_do_not_meet(run: Run, papers: Papers) -> None:
    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=ServerTLS([identity(papers.server)])) as server:
            with pytest.raises(ropeway.InvalidStatus) as caught:
                await ropeway.connect(f"ws://localhost:{server.port}/")
            assert caught.value.response.status_code == 400
        async with ropeway.serve(echo, "127.0.0.1", 0) as server:
            with pytest.raises(ropeway.TLSError):
                await ropeway.connect(secure(server))
            with pytest.raises(RuntimeError, match="does not speak TLS"):
                server.set_tls(ServerTLS([identity(papers.server)]))

    run(main())


def test_a_context_that_can_be_honoured(run: Run, papers: Papers) -> None:
    only = ssl.create_default_context(cadata=papers.roots.decode())
    besides = ssl.create_default_context()
    papers.authority.configure_trust(besides)
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    stranger = ssl.create_default_context(cadata=trustme.CA().cert_pem.bytes().decode())

    async def main() -> None:
        async with ropeway.serve(echo, "127.0.0.1", 0, ssl=ServerTLS([identity(papers.server)])) as server:
            for context in only, besides, careless:
                for resumed in False, True:
                    async with ropeway.connect(secure(server), ssl=context) as client:
                        await client.send("x")
                        assert await client.recv() == "x"
                        assert client.tls is not None and client.tls.resumed is resumed
            with pytest.raises(ssl.SSLCertVerificationError):
                await ropeway.connect(secure(server), ssl=stranger)
            # What the context trusts later counts too.
            papers.authority.configure_trust(stranger)
            async with ropeway.connect(secure(server), ssl=stranger):
                pass

    run(main())


def refused_contexts() -> list[tuple[str, Any]]:
    def with_certificate(context: ssl.SSLContext) -> None:
        trustme.CA().issue_cert("client").configure_cert(context)

    def without_names(context: ssl.SSLContext) -> None:
        context.check_hostname = False

    def only_new(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3

    def only_old(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    def not_new(context: ssl.SSLContext) -> None:
        with pytest.warns(DeprecationWarning):
            context.options |= ssl.OP_NO_TLSv1_3

    def revocation(context: ssl.SSLContext) -> None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF

    def logging(context: ssl.SSLContext) -> None:
        context.keylog_filename = "/dev/null"

    return [
        ("has a certificate of its own", with_certificate),
        ("verifies certificates but not host names", without_names),
        ("forbids TLS 1.2", only_new),
        ("forbids TLS 1.3", only_old),
        ("forbids TLS 1.3", not_new),
        ("verification flags", revocation),
        ("has ciphers of its own", lambda context: context.set_ciphers("ECDHE+AESGCM")),
        ("logs keys to another file", logging),
    ]


@pytest.mark.parametrize(("why", "change"), refused_contexts())
def test_what_a_context_cannot_say_is_refused(why: str, change: Any) -> None:
    context = ssl.create_default_context()
    change(context)
    with pytest.raises(ropeway.NotSupported, match=why):
        ropeway.connect("wss://localhost/", ssl=context)


def test_settings_that_cannot_be_used() -> None:
    with pytest.raises(ropeway.NotSupported, match="trusts no authority"):
        ropeway.connect("wss://localhost/", ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(ropeway.NotSupported, match="is a server's"):
        ropeway.connect("wss://localhost/", ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    with pytest.raises(ropeway.NotSupported, match="ServerTLS"):
        ropeway.serve(echo, "127.0.0.1", 0, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    with pytest.raises(ValueError, match="wss"):
        ropeway.connect("ws://localhost/", ssl=True)
    with pytest.raises(ValueError, match="no server name"):
        ropeway.connect("wss://localhost/", server_hostname="no name")
    with pytest.raises(ValueError, match=r"missing\.pem"):
        ropeway.connect("wss://localhost/", ssl=ClientTLS(roots=["missing.pem"]))
    with pytest.raises(ValueError, match="needs a certificate"):
        ropeway.serve(echo, "127.0.0.1", 0, ssl=ServerTLS([]))
    with pytest.raises(TypeError):
        ropeway.connect("wss://localhost/", ssl=ServerTLS([]))  # type: ignore[arg-type]


def test_cutting_the_stream_short_is_told(run: Run, papers: Papers) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    papers.server.configure_cert(context)

    async def main() -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()

        listening = await asyncio.start_server(cut, "127.0.0.1", 0, ssl=context)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            with pytest.raises(ropeway.TLSError, match="cut short"):
                await ropeway.connect(f"wss://localhost:{port}/", ssl=ClientTLS(roots=[papers.roots]))

    run(main())
