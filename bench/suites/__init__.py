"""The suites by name, in the order in which they run."""

from harness.suite import Suite
from suites import echo, memory, node, polling, python

SUITES: dict[str, Suite] = {**echo.SUITES, **memory.SUITES, **python.SUITES, **node.SUITES, **polling.SUITES}
