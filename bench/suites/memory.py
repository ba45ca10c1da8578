"""Memory per idle connection, fresh from the handshake and after one echo: plain, and with TLS."""

from harness.load import HELD, Idle, hold
from harness.suite import LESS, Suite
from suites import tls
from suites.servers import GENERATOR, PLAIN, SECURE

ABOUT = "Bytes of the server's memory added per connection, resident (Rss), fresh and after one echo of 1 KiB on each"

SUITES = {
    "memory": Suite(PLAIN, [Idle(5000), Idle(15000)], hold, HELD, ABOUT, LESS, GENERATOR, rounds=1),
    "memory-tls": Suite(tls.SERVERS, [Idle(5000), Idle(15000)], hold, HELD, f"{ABOUT}, over TLS 1.3", LESS, SECURE, rounds=1),
}
