"""coverage_report.py LCOV MISSED: the share of lines that were run, by file, without those of tests; the others go to MISSED.
With RECORD in the environment the sum is laid into docs/reliability.md."""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def test_begins(source: list[str]) -> int:
    """The line on which a file's own tests begin, which stand at its end."""
    for number, line in enumerate(source, 1):
        if line.startswith("#[cfg(test)]") and source[number].startswith("mod ") and source[number].endswith("{"):
            return number
    return len(source) + 1


def counts(lcov: pathlib.Path) -> dict[pathlib.Path, dict[int, int]]:
    """How often each line of each file was run, files of tests left out."""
    files: dict[pathlib.Path, dict[int, int]] = {}
    for line in lcov.read_text().splitlines():
        if line.startswith("SF:"):
            path = pathlib.Path(line[3:]).resolve()
            lines = files.setdefault(path, {})
        elif line.startswith("DA:"):
            number, count = map(int, line[3:].split(",")[:2])
            lines[number] = max(count, lines.get(number, 0))
    test = re.compile(r"/(tests|simulation)(/|\.rs$)")
    return {path: lines for path, lines in files.items() if path.exists() and not test.search(str(path.relative_to(ROOT)))}


def main() -> None:
    """Prints the table."""
    total = run = 0
    missed = []
    for path, lines in sorted(counts(pathlib.Path(sys.argv[1])).items()):
        source = path.read_text().splitlines()
        own = {number: count for number, count in lines.items() if number < test_begins(source)}
        reached = sum(count > 0 for count in own.values())
        total, run = total + len(own), run + reached
        name = path.relative_to(ROOT)
        if own:
            print(f"{100 * reached / len(own):6.2f}%  {reached:5} of {len(own):5}  {name}")
        missed += [f"{name}:{number}: {source[number - 1].strip()}" for number, count in sorted(own.items()) if not count]
    pathlib.Path(sys.argv[2]).write_text("\n".join(missed) + "\n")
    print(f"{100 * run / total:6.2f}%  {run:5} of {total:5}  in all")
    if os.environ.get("RECORD"):
        page = ROOT / "docs/reliability.md"
        begin, end = "<!-- coverage: begin -->", "<!-- coverage: end -->"
        head, rest = page.read_text().split(begin)
        share = f"{100 * run / total:.2f}% ({run:,} of {total:,})"
        page.write_text(head + begin + share + end + rest.split(end, 1)[1])


if __name__ == "__main__":
    main()
