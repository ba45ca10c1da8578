"""The names of the tests in the sources: functions, in JavaScript titles that look like their names."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ["core/**/*.rs", "ffi/**/*.rs", "cli/**/*.rs", "relay/**/*.rs", "tests/**/*.c"]
SOURCES += ["bindings/*/src/**/*.rs", "bindings/*/tests/**/*.py", "bindings/node/test/*.js"]
FUNCTION = re.compile(r"\b(?:(?:fn|def|void)\s+(?:test_)?|test\(')([a-z0-9_]+)(?:\s*\(|')")


def test_names() -> set[str]:
    """All of them, and the names of other functions too."""
    files = (path for pattern in SOURCES for path in ROOT.glob(pattern))
    return {name for path in files for name in FUNCTION.findall(path.read_text())}
