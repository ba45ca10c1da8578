"""Versions of the peers, each from where it was installed."""

import json
import re

from harness.machine import ROOT, output

PYTHON = ROOT / "build/venv/bin/python"


def version(package: str) -> str:
    """The version of REGISTRY:NAME, or "unknown"."""
    registry, name = package.split(":", 1)
    if registry == "cargo":
        lock = (ROOT / "bench/peers/rust/Cargo.lock").read_text()
        found = re.search(rf'^name = "{re.escape(name)}"\nversion = "([^"]+)"', lock, re.M)
        return found[1] if found else "unknown"
    if registry == "npm":
        packages = json.loads((ROOT / "bench/node/package-lock.json").read_text())["packages"]
        return packages.get(f"node_modules/{name}", {}).get("version", "unknown")
    if registry == "debian":
        return output("dpkg-query", "--show", "--showformat=${Version}", name) or "unknown"
    if registry == "pypi":
        code = f"import importlib.metadata as m; print(m.version({name!r}))"
        return output(str(PYTHON), "-c", code) or "unknown"
    raise ValueError(f"no registry {registry!r}")


def of(packages: list[str]) -> dict[str, str]:
    """The versions of several packages by their plain names, each once."""
    return {package.split(":", 1)[1]: version(package) for package in dict.fromkeys(filter(None, packages))}
