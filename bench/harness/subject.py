"""What is measured: its name, how it is built and started, and whose it is."""

import dataclasses
import functools
import pathlib
import re
import subprocess
import threading

from harness.machine import BUILD, ROOT, SERVER_CORE, pinned

OURS, PEER, FLOOR = "ours", "peer", "floor"


class Failed(Exception):
    """A subject did not do what a row asks of it; the reason."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A server, a client or a codec under measurement."""

    name: str
    command: tuple[str, ...]
    about: str
    role: str = PEER
    """OURS, PEER, or FLOOR: what a program that knows no WebSocket does."""
    needs: tuple[str, ...] = ()
    """Make targets that build it. When one fails the subject is left out, and the reason is told."""
    package: str = ""
    """REGISTRY:NAME of what is measured, whose version is told: cargo, debian, npm or pypi."""


@dataclasses.dataclass(frozen=True)
class Server(Subject):
    """A server. Port 0 stands in its command, so each start gets a free one."""

    load: tuple[str, ...] = ()
    """What the load generator has to be told of this server: --raw, for one that speaks no WebSocket."""
    warmup: float = 0.15
    """Seconds of load before a window; more for what compiles as it runs."""
    listening: str = r"listening on \w+://[\d.]+:(\d+)"
    """The line on standard output that ends its start; its first group is the port."""


class Running:
    """A started server, pinned to the first core (or to `core`); ends with the `with` block."""

    def __init__(self, server: Server, core: str = SERVER_CORE):
        self.server, self.core = server, core

    def __enter__(self) -> "Running":
        command = pinned(self.core, *self.server.command)
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(20, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                if found := re.search(self.server.listening, line):
                    self.port = int(found[1])
                    threading.Thread(target=self.process.stdout.read, daemon=True).start()
                    return self
        finally:
            watchdog.cancel()
        self.process.wait()
        raise Failed(f"ended before it listened (status {self.process.returncode})")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory(self) -> dict[str, int]:
        """The process's memory in bytes, as /proc/PID/smaps_rollup counts it: Rss, Pss and private dirty pages."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.M))
        return {key: int(fields[key]) * 1024 for key in ("Rss", "Pss", "Private_Dirty")}


@functools.cache
def build(target: str) -> str:
    """Makes a target; returns why it failed, in its last line of output, or nothing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    log = BUILD / f"make-{target.replace('/', '-')}.log"
    with log.open("w") as file:
        command = ["make", "--no-print-directory", target]
        status = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT).returncode
    lines = [line for line in log.read_text().splitlines() if line.strip() and not re.match(r"make.* Error \d+$", line)]
    return "" if status == 0 else f"make {target}: {lines[-1] if lines else f'status {status}'}"


def require(*targets: str) -> None:
    """Makes what a suite cannot do without."""
    for target in targets:
        if reason := build(target):
            raise SystemExit(reason)


def ready(subjects: list[Subject]) -> list[Subject]:
    """Builds the subjects; those that cannot be built are named, each with the reason, and left out."""
    kept = []
    for subject in subjects:
        reason = next(filter(None, map(build, subject.needs)), "")
        if reason:
            print(f"{subject.name} is left out: {reason}", flush=True)
        else:
            kept.append(subject)
    return kept


def chosen(names: list[str], known: list[Subject]) -> list[Subject]:
    """Those of the known subjects with these names, or all; one given as NAME=COMMAND is added for this run alone."""
    if not names:
        return known
    subjects = []
    for name in names:
        if "=" in name:
            label, command = name.split("=", 1)
            subjects.append(Server(label, tuple(command.split()), "given on the command line"))
        elif found := [subject for subject in known if subject.name == name]:
            subjects += found
        else:
            raise SystemExit(f"nothing named {name!r}; there are: {', '.join(subject.name for subject in known)}")
    return subjects
