"""Memory per idle connection, fresh from the handshake and after one echo."""

from harness.load import HELD, Idle, hold
from harness.suite import LESS, Suite
from suites.servers import GENERATOR, PLAIN

COUNTS = [Idle(5000), Idle(15000)]
ABOUT = "Bytes of the server's memory added per connection, resident (Rss), fresh and after one echo of 1 KiB on each"

SUITES = {"memory": Suite(PLAIN, COUNTS, hold, HELD, ABOUT, better=LESS, needs=GENERATOR, rounds=1)}
