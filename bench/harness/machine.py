"""This machine: where the repository is, which core is whose, and a description for the tables."""

import datetime
import os
import pathlib
import platform
import re
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/bench"
SERVER_CORE, LOAD_CORE = "0", "1"
BOTH_CORES = f"{SERVER_CORE},{LOAD_CORE}"


def pinned(core: str, *command: object) -> list[str]:
    """A command on one core."""
    return ["taskset", "--cpu-list", core, *map(str, command)]


def raise_limits() -> None:
    """As many descriptors as this user may have: fan-out and memory open thousands of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def output(*command: str) -> str:
    """What a command prints, or nothing when it fails or is not there."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def description() -> str:
    """A sentence on the machine, the day and the versions."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    rustc = output("rustc", "--version").split()[1:2]
    compiler = output("cc", "-dumpfullversion") or "unknown"
    commit = output("git", "rev-parse", "--short=10", "HEAD") or "unknown"
    return (
        f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, loopback; "
        f"{datetime.date.today().isoformat()}; rustc {''.join(rustc) or 'unknown'}, cc {compiler}; commit {commit}"
    )
