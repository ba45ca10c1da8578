#!/usr/bin/env python3
"""Measures Ropeway and its peers side by side, suite by suite, and prints a table of each. See bench/README.md."""

import argparse
import fnmatch
import functools
import os
import subprocess
import sys

from harness import machine, subject

VENV = machine.BUILD / "venv"


def enter_venv() -> None:
    """Goes on in the harness's own virtual environment, which is made on first use."""
    if sys.prefix != str(VENV):
        subject.require(str((VENV / ".made").relative_to(machine.ROOT)))
        os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])


def main() -> int:
    """Runs the suites asked for."""
    from harness import report, suite
    from suites import SUITES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=SUITES, action="append", help="one suite (repeatable; all)")
    parser.add_argument("--rows", default="", help="only rows like these, e.g. '20Bx100 16KiB*'; for memory, the counts")
    parser.add_argument("--server", action="append", default=[], help="a subject's name, or NAME=COMMAND (repeatable; all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of each measured window (1.5)")
    parser.add_argument("--write-docs", action="store_true", help="lay tables, charts and JSON into docs/")
    arguments = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        parser.error("two cores are needed: one for the server, one for the load")
    machine.raise_limits()
    subprocess.run([machine.ROOT / "tools/need", "taskset"], check=True)
    patterns = arguments.rows.split() or ["*"]
    for name in arguments.suite or SUITES:
        chosen = SUITES[name]
        subject.require(*chosen.needs)
        subjects = subject.ready(subject.chosen(arguments.server, chosen.subjects))
        rows = [row for row in chosen.rows if any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]
        if not subjects or not rows:
            print(f"suite {name}: nothing to measure", flush=True)
            continue
        if os.getloadavg()[0] > 0.5:
            print(f"note: load average {os.getloadavg()[0]:.1f}: on a busy machine figures are low and wide", flush=True)
        seconds = max(arguments.seconds, chosen.least_seconds)
        tell = functools.partial(report.tell, chosen)
        results = suite.run(chosen, subjects, rows, arguments.rounds, seconds, tell)
        said = report.head(chosen, results, arguments.rounds, seconds)
        print(f"suite {name}: {said}\n", flush=True)
        report.save(name, chosen, results, said, arguments.write_docs)
    return 0


if __name__ == "__main__":
    enter_venv()
    sys.exit(main())
