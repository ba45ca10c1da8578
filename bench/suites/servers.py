"""The servers without an interpreter: the floors and Ropeway's own."""

from harness.load import LOAD
from harness.subject import FLOOR, OURS, Server

FLOOR_PROGRAM = "build/bin/floor"
SMALL_FLOOR, LARGE_FLOOR = "floor 64 KiB", "floor 512 KiB"
ROPEWAY = ("build/bin/echo_server", "--port", "0")


def floor(name: str, about: str, *words: str) -> Server:
    """The bare server, which is sent the bytes of masked frames and returns them."""
    return Server(name, (FLOOR_PROGRAM, *words), about, FLOOR, ("build/bin/floor",), load=("--raw",))


def ropeway_c(name: str, *words: str, load: tuple[str, ...] = ()) -> Server:
    """examples/c/echo_server on the shared library."""
    return Server(name, (*ROPEWAY, *words), "examples/c/echo_server on the shared library", OURS, ("examples",), load=load)


FLOORS = [
    floor(SMALL_FLOOR, "bare epoll TCP echo, receive buffer of 64 KiB"),
    floor(LARGE_FLOOR, "the same with 512 KiB", "--buffer", "524288"),
]
OURS_PLAIN = [ropeway_c("ropeway C")]
PLAIN = [*FLOORS, *OURS_PLAIN]
GENERATOR = (LOAD,)
"""What the suites under load cannot do without."""
