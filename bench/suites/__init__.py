"""The suites by name, in the order in which they run."""

from harness.suite import Suite
from suites import accept, codec, deflate, echo, fan_out, memory, node, polling, python, scaling, tls

MODULES = (codec, echo, accept, tls, deflate, fan_out, memory, scaling, python, node, polling)
SUITES: dict[str, Suite] = {name: suite for module in MODULES for name, suite in module.SUITES.items()}
