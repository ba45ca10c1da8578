"""permessage-deflate (RFC 7692) of JSON, nothing kept between messages ("alone") and with windows ("takeover")."""

from harness.load import HELD, SERVED, Idle, Row, hold, serve
from harness.suite import LESS, Column, Suite
from suites.servers import COMPRESS, DEFLATE, GENERATOR, ROPEWAY_DEFLATE, peers, ropeway_c, told

ROWS = [Row(size, 100, depth, "json") for size in (128, 1 << 10, 16 << 10) for depth in (1, 16)]
COLUMNS = (SERVED[0], Column("made_each", "bytes made of a message"), *SERVED[1:])
ABOUT = (
    "Thousands of messages per second of the server's CPU time, distinct JSON on 100 connections, and the bytes that the "
    "server made of each"
)
LEVELS = {"ropeway C": (), "ropeway C level 1": ("--deflate-level", "1")}
"""Some peers' messages are larger than those that Ropeway makes by default; its level 1 is to be compared with them."""
WITH_WINDOWS = tuple(name for name in COMPRESS if name != "wtx")
"""wtx keeps none."""


def servers(mode: str, names: tuple[str, ...]) -> list:
    """Ropeway, as it is by default and as fast as it can, and the peers that speak it."""
    ours = [ropeway_c(name, *ROPEWAY_DEFLATE[mode], *words) for name, words in LEVELS.items()]
    return told([*ours, *peers(*DEFLATE[mode], names=names)], *DEFLATE[mode])


def compress(server, row: Row, seconds: float) -> dict[str, float]:
    """One window; what the server made of a message is counted too."""
    window = serve(server, row, seconds)
    return {**window, "made_each": window["made_bytes"] / window["messages"]}


def suites(mode: str, names: tuple[str, ...], idle: list[Idle]) -> dict[str, Suite]:
    """Speed, and memory of idle connections."""
    subjects = servers(mode, names)
    memory = f"Bytes of the server's memory added per connection with compression ({mode}), fresh and after one echo of 1 KiB of JSON"
    return {
        f"deflate-{mode}": Suite(subjects, ROWS, compress, COLUMNS, ABOUT, needs=GENERATOR),
        f"deflate-{mode}-memory": Suite(subjects, idle, hold, HELD, memory, LESS, GENERATOR, rounds=1),
    }


IDLE = [Idle(5000, "json"), Idle(15000, "json")]
SUITES = {**suites("alone", COMPRESS, IDLE), **suites("takeover", WITH_WINDOWS, IDLE[:1])}
"""The windows of 15,000 connections take more memory than the machine may have."""
