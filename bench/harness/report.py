"""Figures as lines on the terminal, as JSON, and as tables and charts in the documentation."""

import json
import pathlib

from harness import plot, versions
from harness.machine import BUILD, ROOT, description
from harness.subject import FLOOR, PEER
from harness.suite import Column, Figure, Results, Suite, best_peer, ours

DOCUMENTS = ROOT / "docs"
COMMITTED = ROOT / "docs/performance"


def tell(suite: Suite, row: str, figures: list[Figure]) -> None:
    """A row's lines on the terminal."""
    judged, *others = suite.columns
    for figure in figures:
        ratios = " ".join(
            f"{name} {ratio:.2f}" for name, ratio in (("×floor", figure.to_floor), ("×peer", figure.to_peer)) if ratio is not None
        )
        rest = ", ".join(f"{column.heading} {column.show(figure.median(column.key))}" for column in others)
        head = f"{row:<18} {figure.subject.name:<22} {spread(judged, figure)}"
        rest = f"FAILED: {figure.failure}" if figure.failure else rest
        print(f"{head:<70} {ratios:<24} {rest}", flush=True)


def head(suite: Suite, results: Results, rounds: int, seconds: float) -> str:
    """What a table was measured on, of what versions, and what it says."""
    figures = next(iter(results.values()), [])
    peers = ", ".join(f"{name} {version}" for name, version in versions.of([f.subject.package for f in figures]).items())
    taken = f"median of {min(rounds, suite.rounds or rounds)} interleaved rounds of {seconds:g} s" if not suite.rounds else "one run"
    return f"{description()}{f'; {peers}' if peers else ''}. {suite.about} ({taken})."


def write_json(name: str, suite: Suite, results: Results, said: str, folder: pathlib.Path) -> None:
    """All figures: medians, ratios, and the judged figure of each round."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {row: {figure.subject.name: record(suite, figure) for figure in figures} for row, figures in results.items()}
    whole = {"suite": name, "about": said, "judged": suite.columns[0].key, "better": suite.better, "rows": rows}
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def record(suite: Suite, figure: Figure) -> dict:
    """A figure for JSON."""
    medians = {column.key: figure.median(column.key) for column in suite.columns}
    ratios = {"to_floor": figure.to_floor, "to_best_peer": figure.to_peer}
    told = {"rounds": figure.rounds, "failure": figure.failure}
    return {"role": figure.subject.role, "about": figure.subject.about, **medians, **ratios, **told}


def write_docs(name: str, suite: Suite, results: Results, said: str) -> None:
    """Lays a suite's chart and tables between its markers in its page of docs/, and JSON and chart beside it."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    document = DOCUMENTS / suite.document
    text = document.read_text()
    if begin not in text or end not in text:
        raise SystemExit(f"docs/{suite.document} has no place for {name}: {begin.strip()} … {end}")
    write_json(name, suite, results, said, COMMITTED)
    plot.draw(suite, results, COMMITTED / f"{name}.svg")
    parts = [
        said,
        f"![{name}: every subject on every row](performance/{name}.svg)",
        "\n".join(judgement(suite, results)),
        f"<details><summary>All figures (also <a href=\"performance/{name}.json\">as JSON</a>)</summary>",
        "\n".join(everything(suite, results)),
        "\n".join(settings(results)),
        "</details>",
        suite.conclude(results),
    ]
    before, rest = text.split(begin)
    document.write_text(before + begin + "\n\n".join(part for part in parts if part) + "\n" + end + rest.split(end, 1)[1])


def judgement(suite: Suite, results: Results) -> list[str]:
    """The short table: the floors, the best peer, and Ropeway's own with their ratios to both."""
    judged = suite.columns[0]
    first = next(iter(results.values()), [])
    if not ours(first):
        return []
    floors = [figure.subject.name for figure in first if figure.subject.role == FLOOR]
    has_peers = any(figure.subject.role == PEER for figure in first)
    headings = ["", *floors, *(["best peer"] if has_peers else [])]
    for figure in ours(first):
        headings += [figure.subject.name, *(["÷ floor"] if floors else []), *(["÷ best peer"] if has_peers else [])]
    lines = table_head(headings)
    for row, figures in results.items():
        by_name = {figure.subject.name: figure for figure in figures}
        cells = [row, *(judged.show(by_name[name].value) for name in floors)]
        if best := best_peer(figures, suite.better):
            cells.append(f"{judged.show(best.value)} {best.subject.name}")
        for figure in ours(figures):
            cells.append(spread(judged, figure))
            cells += [ratio(figure.to_floor)] if floors else []
            cells += [ratio(figure.to_peer)] if has_peers else []
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def everything(suite: Suite, results: Results) -> list[str]:
    """The long table: each subject on each row, with all columns."""
    headings = ["", "", *(column.heading for column in suite.columns), "÷ floor", "÷ best peer"]
    lines = table_head(headings)
    judged, *others = suite.columns
    for row, figures in results.items():
        for figure in figures:
            cells = [row, figure.subject.name, spread(judged, figure)]
            cells += [column.show(figure.median(column.key)) for column in others]
            lines.append(f"| {' | '.join([*cells, ratio(figure.to_floor), ratio(figure.to_peer)])} |")
    return lines


def settings(results: Results) -> list[str]:
    """How each subject was set up, and where it failed."""
    lines = [f"- {figure.subject.name}: {figure.subject.about}" for figure in next(iter(results.values()), [])]
    failed = [(row, figure) for row, figures in results.items() for figure in figures if figure.failure]
    return lines + [f"- {figure.subject.name} failed on {row}: {figure.failure}" for row, figure in failed]


def table_head(headings: list[str]) -> list[str]:
    """A Markdown table's first two lines."""
    return [f"| {' | '.join(headings)} |", "|---|" + "---:|" * (len(headings) - 1)]


def spread(column: Column, figure: Figure) -> str:
    """The judged figure, with its lowest and highest round where there were several."""
    shown = column.show(figure.value)
    return f"{shown} ({column.show(min(figure.rounds))}–{column.show(max(figure.rounds))})" if len(figure.rounds) > 1 else shown


def ratio(value: float | None) -> str:
    """A ratio in bold; a dash where there is none."""
    return "–" if value is None else f"**{value:.2f}**"


def save(name: str, suite: Suite, results: Results, said: str, into_docs: bool) -> None:
    """Lays the results into build/bench, and on demand into the documentation."""
    write_json(name, suite, results, said, BUILD)
    if into_docs:
        write_docs(name, suite, results, said)
