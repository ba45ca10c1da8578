"""TLS 1.3: the echo rows over wss, and handshakes."""

from harness.load import SERVED, Row, serve
from harness.suite import Suite
from suites import echo
from suites.accept import CONNECTS
from suites.servers import ROPEWAY_TLS, SECURE, TLS, floor, peers, ropeway_c, told

ROWS = [Row(size, 100, depth) for size in (20, 1 << 10, 16 << 10) for depth in (1, 16)] + [Row(1 << 20, 1)]
FLOOR = floor("floor TLS", *TLS)
SERVERS = told([FLOOR, ropeway_c("ropeway C", *ROPEWAY_TLS), *peers(*TLS)], "--tls")
ABOUT = f"{echo.ABOUT}, over TLS 1.3 (TLS_AES_128_GCM_SHA256); the floor is a bare echo over OpenSSL"

SUITES = {
    "tls": Suite(SERVERS, ROWS, serve, SERVED, ABOUT, needs=SECURE),
    "tls-accept": Suite(
        SERVERS,
        CONNECTS,
        serve,
        SERVED,
        "Thousands of connections opened, past TLS and the WebSocket handshake, and closed per second of the server's CPU time",
        needs=SECURE,
    ),
}
