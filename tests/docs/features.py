"""Holds docs/features.md against the tests: each row names one or more, functions of the sources or files."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from sources import ROOT, test_names


def main() -> int:
    """Prints what is amiss, or how many rows there are."""
    page = (ROOT / "docs/features.md").read_text()
    table = page.split("<!-- features: begin -->")[1].split("<!-- features: end -->")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")][2:]
    there = test_names()
    amiss = 0
    for row in rows:
        named = re.findall(r"`([^`]+)`", row[2])
        missing = [name for name in named if not ((ROOT / name).is_file() if "/" in name else name in there)]
        if missing or not named:
            print(f"docs/features.md: {row[1].strip()}: no test {', '.join(missing) or 'named'}")
            amiss += 1
    print(f"features: {len(rows)} rows, each with a test")
    return 1 if amiss or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
