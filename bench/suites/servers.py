"""The servers that the suites without an interpreter measure: the floors, Ropeway's own, and its peers."""

import dataclasses

from harness.load import LOAD
from harness.subject import FLOOR, OURS, PEER, Server

SMALL_FLOOR, LARGE_FLOOR = "floor 64 KiB", "floor 512 KiB"
CERTIFICATE, KEY = "build/bench/certificate.pem", "build/bench/key.pem"
GENERATOR = (LOAD,)
"""What the suites under load cannot do without."""
SECURE = (LOAD, CERTIFICATE)
"""The same with TLS."""
TLS, FAN_OUT = ("--tls", CERTIFICATE, KEY), ("--fan-out",)
"""Words that all peers know, as floors do."""
DEFLATE = {"alone": ("--deflate", "alone"), "takeover": ("--deflate", "takeover")}
ROPEWAY_TLS = ("--tls-cert", CERTIFICATE, "--tls-key", KEY)
ROPEWAY_DEFLATE = {"alone": ("--deflate",), "takeover": ("--deflate-takeover",)}
RUST = {
    "tokio-tungstenite": "8 KiB read buffers, messages at hand answered in one write",
    "tokio-websockets": "unlimited frames, SHA-1 by aws-lc, messages at hand answered in one write",
    "fastwebsockets": "over hyper, vectored writes",
    "yawc": "over hyper, SIMD, messages at hand answered in one write",
    "sockudo-ws": "SIMD up to AVX2, messages at hand answered in one write",
    "wtx": "its optimizations, echoed in place; the newest that rustc 1.95 builds",
}
C_AND_CPP = {"libwebsockets": ("libwebsockets.c", "libwebsockets-dev"), "Boost.Beast": ("beast.cpp", "libboost-dev")}
NODE = {"uWebSockets.js": "uwebsockets", "ws": "ws"}
NODE_MODULES = "bench/node/node_modules/.package-lock.json"
COMPRESS = ("yawc", "sockudo-ws", "wtx", "libwebsockets", "Boost.Beast", "uWebSockets.js", "ws")
"""Peers that speak permessage-deflate."""


def floor(name: str, *words: str) -> Server:
    """The bare server, which is sent frames without a handshake and returns them."""
    about = "bare epoll over TCP, no WebSocket"
    return Server(name, ("build/bin/floor", *words), about, FLOOR, ("build/bin/floor",), load=("--raw",))


def floors(*words: str) -> list[Server]:
    """The floors with both sizes of their receive buffer."""
    return [floor(SMALL_FLOOR, *words), floor(LARGE_FLOOR, "--buffer", "524288", *words)]


def ropeway_c(name: str, *words: str) -> Server:
    """examples/c/echo_server on the shared library."""
    command = ("build/bin/echo_server", "--port", "0", *words)
    return Server(name, command, "examples/c/echo_server on the shared library", OURS, ("examples",))


def ropeway_rust() -> Server:
    """core/examples/echo_server."""
    command = ("target/release/examples/echo_server", "0")
    return Server("ropeway Rust", command, "core/examples/echo_server", OURS, ("bench-core-echo_server",))


def rust(name: str, *words: str) -> Server:
    """A peer of bench/peers/rust."""
    command = (f"build/peers/release/peer-{name}", "serve", *words)
    return Server(name, command, RUST[name], PEER, (f"bench-rust-{name}",), f"cargo:{name}")


def c_or_cpp(name: str, *words: str) -> Server:
    """A peer of bench/peers/c."""
    source, package = C_AND_CPP[name]
    program = f"build/bin/peer_{source}"
    return Server(name, (program, *words), "Debian's package", PEER, (program,), f"debian:{package}")


def node(name: str, *words: str) -> Server:
    """A peer of npm's."""
    about = f"the package {NODE[name]}, in Node.js"
    command = ("node", "bench/node/peer.js", name, *words)
    return Server(name, command, about, PEER, (NODE_MODULES,), f"npm:{NODE[name]}", warmup=0.4)


def peers(*words: str, names: tuple[str, ...] = ("uWebSockets.js", *C_AND_CPP, *RUST)) -> list[Server]:
    """Peers with some words more."""
    makers = {**dict.fromkeys(RUST, rust), **dict.fromkeys(C_AND_CPP, c_or_cpp), **dict.fromkeys(NODE, node)}
    return [makers[name](name, *words) for name in names]


def told(servers: list[Server], *load: str) -> list[Server]:
    """The same servers, with something more for the load generator to know."""
    return [dataclasses.replace(server, load=(*server.load, *load)) for server in servers]


PLAIN = [*floors(), ropeway_c("ropeway C"), ropeway_rust(), *peers()]
