"""TLS settings: `ClientTLS` for `connect`, `ServerTLS` for `serve`, and what of an `ssl.SSLContext` is honoured.

TLS 1.3 and 1.2 are spoken (RFC 8446 and RFC 5246). When the environment variable SSLKEYLOGFILE names a file, the
secrets of all connections are appended to it.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import ssl
import weakref
from collections.abc import Sequence
from typing import Literal

from ._ropeway import TlsClient, TlsServer
from .exceptions import NotSupported

__all__ = ["ClientTLS", "ServerTLS", "TLSInfo", "native_client", "native_server"]

PEM = str | os.PathLike[str] | bytes
"""Where certificates or a key stand: bytes are the PEM text itself, anything else is a file's path."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClientTLS:
    """A client's TLS settings, for `connect(ssl=…)`.

    One object serves any number of connections, which resume each other's sessions. Its files are read once, when it is
    used first; what cannot be used is a ValueError then.
    """

    #: Trust the authorities that the system trusts.
    system_roots: bool = True
    #: Authorities to trust besides.
    roots: Sequence[PEM] = ()
    #: Certificate chain and private key, not encrypted, for a server that asks for a client's certificate.
    identity: tuple[PEM, PEM] | None = None
    #: Application protocols to offer (ALPN, RFC 7301), best first; without any the matter is left aside.
    application_protocols: Sequence[str] = ("http/1.1",)
    #: **Danger.** Take any certificate, of anybody, expired or not: whoever is on the way can then read and change
    #: everything. For tests only.
    danger_accept_invalid_certificates: bool = False
    #: Resume sessions (RFC 8446 section 2.2): a later connection to the same server costs less.
    resumption: bool = True

    @functools.cached_property
    def _native(self) -> TlsClient:
        return TlsClient(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class ServerTLS:
    """A server's TLS settings, for `serve(ssl=…)` and `Server.set_tls`.

    Its files are read once, when it is used first; what cannot be used is a ValueError then.
    """

    #: Certificate chains with their private keys, not encrypted, at least one. A client gets the first whose names
    #: match the one it asks for (SNI, RFC 6066 section 3); one that asks for none of them gets the first of all.
    identities: Sequence[tuple[PEM, PEM]]
    #: Authorities whose certificates are taken of clients. Without any, clients are not asked for certificates.
    client_roots: Sequence[PEM] = dataclasses.field(default=(), kw_only=True)
    #: With `client_roots`: clients without a certificate are served too.
    client_certificate_optional: bool = dataclasses.field(default=False, kw_only=True)
    #: Application protocols that are taken (ALPN, RFC 7301), best first. A client that offers some, but none of these,
    #: is refused; without any the matter is left aside.
    application_protocols: Sequence[str] = dataclasses.field(default=("http/1.1",), kw_only=True)

    @functools.cached_property
    def _native(self) -> TlsServer:
        return TlsServer(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class TLSInfo:
    """What a TLS handshake agreed on: `connection.tls`."""

    #: "TLSv1.3" or "TLSv1.2".
    version: str
    #: The cipher suite's name in the RFCs, such as "TLS13_AES_256_GCM_SHA384".
    cipher_suite: str
    #: The one that was chosen, or None when the peer did not take part in the choice.
    application_protocol: str | None
    #: Whether an earlier session was resumed.
    resumed: bool
    #: The peer's certificate chain in DER, its own certificate first; empty for a client that showed none.
    peer_certificates: list[bytes]


def native_client(
    settings: ClientTLS | ssl.SSLContext | Literal[True] | None, server_hostname: str | None
) -> TlsClient | None:
    """What `ssl=` and `server_hostname=` of `connect` ask for; None for the defaults."""
    if settings is None or settings is True:
        if server_hostname is None:
            return None
        settings = _DEFAULT
    elif isinstance(settings, ssl.SSLContext):
        settings = _of_context(settings)
    elif not isinstance(settings, ClientTLS):
        raise TypeError(f"ssl= of connect takes ClientTLS, ssl.SSLContext or True, not {type(settings).__name__}")
    native = settings._native
    return native if server_hostname is None else native.named(server_hostname)


def native_server(settings: ServerTLS | ssl.SSLContext) -> TlsServer:
    """What `ssl=` of `serve` asks for."""
    if isinstance(settings, ssl.SSLContext):
        raise NotSupported(
            "the certificate and key of an ssl.SSLContext cannot be read back: "
            'pass ssl=ropeway.ServerTLS([("certificate.pem", "key.pem")])'
        )
    if not isinstance(settings, ServerTLS):
        raise TypeError(f"ssl= of serve takes ServerTLS, not {type(settings).__name__}")
    return settings._native


_DEFAULT = ClientTLS()
_translated: weakref.WeakKeyDictionary[ssl.SSLContext, ClientTLS] = weakref.WeakKeyDictionary()


def _of_context(context: ssl.SSLContext) -> ClientTLS:
    """A context's settings, as far as they can be read and honoured; the rest is refused."""
    if why := _refused(context):
        raise NotSupported(f"this ssl.SSLContext {why}: pass ssl=ropeway.ClientTLS(…) instead")
    verifies = context.verify_mode is not ssl.CERT_NONE
    system, roots = _roots(context) if verifies else (False, ())
    translated = ClientTLS(
        system_roots=system,
        roots=roots,
        danger_accept_invalid_certificates=not verifies,
        resumption=not context.options & ssl.OP_NO_TICKET,
    )
    # The same object as before goes on with its sessions.
    if (known := _translated.get(context)) == translated:
        return known
    _translated[context] = translated
    return translated


def _refused(context: ssl.SSLContext) -> str | None:
    """What of a context cannot be honoured."""
    verifies = context.verify_mode is not ssl.CERT_NONE
    versions = ssl.TLSVersion
    checks = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    key_log = os.environ.get("SSLKEYLOGFILE") or None
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        return "is a server's"
    if context.minimum_version is versions.TLSv1_3 or context.options & ssl.OP_NO_TLSv1_2:
        return "forbids TLS 1.2"
    if context.maximum_version not in (versions.MAXIMUM_SUPPORTED, versions.TLSv1_3):
        return "forbids TLS 1.3"
    if context.options & ssl.OP_NO_TLSv1_3:
        return "forbids TLS 1.3"
    if verifies and not context.check_hostname:
        return "verifies certificates but not host names"
    if context.verify_flags & ~checks:
        return f"has verification flags that cannot be honoured ({context.verify_flags & ~checks!r})"
    if context.keylog_filename != key_log:
        return "logs keys to another file than SSLKEYLOGFILE names"
    if context.sni_callback is not None:
        return "has an SNI callback"
    if _ciphers(context) != _usual_ciphers():
        return "has ciphers of its own"
    stored = context.cert_store_stats()
    if stored["crl"]:
        return "has revocation lists"
    if verifies and stored["x509"] != stored["x509_ca"]:
        return "trusts certificates that are no authorities', which cannot be read back"
    if verifies and not stored["x509"] and _system_roots():
        return "trusts no authority that can be read (those of a directory, capath, cannot)"
    if _has_certificate(context):
        return "has a certificate of its own, which cannot be read back"
    return None


def _roots(context: ssl.SSLContext) -> tuple[bool, tuple[bytes, ...]]:
    """Whether a context trusts the system's authorities, and which others.

    Those of `ssl.create_default_context()` are recognised by being all there. Where the system has them in a directory,
    which OpenSSL does not list, a context without any is taken to be such a one.
    """
    trusted, system = set(context.get_ca_certs(binary_form=True)), _system_roots()
    all_of_system = trusted >= system if system else not trusted
    others = trusted - system if all_of_system else trusted
    return all_of_system, tuple(ssl.DER_cert_to_PEM_cert(certificate).encode() for certificate in sorted(others))


@functools.cache
def _system_roots() -> frozenset[bytes]:
    return frozenset(ssl.create_default_context().get_ca_certs(binary_form=True))


def _ciphers(context: ssl.SSLContext) -> list[str]:
    return [cipher["name"] for cipher in context.get_ciphers()]


@functools.cache
def _usual_ciphers() -> list[str]:
    return _ciphers(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _has_certificate(context: ssl.SSLContext) -> bool:
    """Whether `load_cert_chain` was called, which nothing tells: a server that borrows the context shows it."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    server.context = context
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    try:
        server.do_handshake()
    except ssl.SSLWantReadError:
        return True
    except ssl.SSLError:
        pass
    return False
