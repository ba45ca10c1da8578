"""Clients: the processor's time of one round trip with Ropeway's echo server in C, on the same core."""

import dataclasses
import subprocess

from harness.load import bytes_name
from harness.machine import ROOT, SERVER_CORE, pinned
from harness.subject import Failed, Running, Subject
from harness.suite import LESS, Column, Suite
from suites.servers import ropeway_c

SERVER = ropeway_c("ropeway C")
ABOUT = "Microseconds of the client's processor time for one round trip"


@dataclasses.dataclass(frozen=True)
class Message:
    """A message's size in bytes."""

    size: int

    @property
    def name(self) -> str:
        """E.g. 20B."""
        return bytes_name(self.size)


MESSAGES = [Message(size) for size in (20, 256, 8 << 10, 100 << 10, 1 << 20)]


def trip(client: Subject, message: Message, seconds: float) -> dict[str, float]:
    """One window. Between two cores the wake-ups cost more than what is measured, and their cost wanders: hence one."""
    with Running(SERVER) as running:
        uri = f"ws://127.0.0.1:{running.port}/"
        command = pinned(SERVER_CORE, *client.command, uri, message.size, seconds)
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"ended with status {done.returncode}")
    return {"microseconds": float(done.stdout)}


def suite(clients: list[Subject]) -> Suite:
    """These clients side by side."""
    return Suite(clients, MESSAGES, trip, (Column("microseconds", "µs per round trip"),), ABOUT, LESS, needs=("examples",))
