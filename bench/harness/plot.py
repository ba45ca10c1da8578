"""A suite's chart: one line for each row, one mark for each subject, as SVG that is the same for the same figures."""

import pathlib

import matplotlib

from harness.subject import FLOOR, OURS, PEER
from harness.suite import Column, Figure, Results, Suite

matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402

MARKS = "sDv^<>phdXP8"
OURS_COLOURS = ("#c2185b", "#f06292", "#8e24aa", "#5e35b1")


def draw(suite: Suite, results: Results, path: pathlib.Path) -> None:
    """Draws ratios to the floor, or the figures themselves where there is none; of several columns beside each other."""
    matplotlib.rcParams["svg.hashsalt"] = "ropeway"
    columns = [column for column in suite.columns if column.key in suite.charted] or [suite.columns[0]]
    size = (9, 1.4 + 0.34 * len(results))
    figure, panels = pyplot.subplots(ncols=len(columns), sharey=True, squeeze=False, figsize=size, layout="constrained")
    for column, axes in zip(columns, panels[0], strict=True):
        draw_panel(suite, results, column, axes)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside right upper", fontsize="small", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    pyplot.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def draw_panel(suite: Suite, results: Results, column: Column, axes: pyplot.Axes) -> None:
    """Draws one column."""
    rows = list(results)
    subjects = [figure.subject for figure in results[rows[0]]]
    floored = column is suite.columns[0] and any(f.to_floor is not None for figures in results.values() for f in figures)
    styles = style_of([(subject.name, subject.role) for subject in subjects])
    for at, subject in enumerate(subjects):
        points = [(shown(results[row][at], column, floored), -line) for line, row in enumerate(rows)]
        points = [(x, y) for x, y in points if x is not None and x > 0]
        axes.plot(*zip(*points, strict=True) if points else ([], []), linestyle="none", label=subject.name, **styles[subject.name])
    axes.set_xlabel(f"{column.heading}{', ratio to the floor' if floored else ''} ({suite.better} is better)")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.set_yticks([-line for line in range(len(rows))], rows)
    axes.grid(alpha=0.3)
    if floored:
        axes.axvline(1, color="black", linewidth=0.8)


def shown(figure: Figure, column: Column, floored: bool) -> float | None:
    """The place of a mark; the floor that the ratios are to stands at 1."""
    if not floored:
        value = figure.median(column.key)
        return None if value is None else value / column.scale
    return 1.0 if figure.subject.role == FLOOR and figure.to_floor is None else figure.to_floor


def style_of(subjects: list[tuple[str, str]]) -> dict[str, dict]:
    """How each subject is marked: Ropeway's own filled and on top, peers in colours of their own, floors black."""
    styles = {}
    colours = matplotlib.colormaps["tab20"]
    peers = [name for name, role in subjects if role == PEER]
    own = [name for name, role in subjects if role == OURS]
    for name, role in subjects:
        if role == OURS:
            styles[name] = {"marker": "o", "markersize": 8, "color": OURS_COLOURS[own.index(name) % len(OURS_COLOURS)], "zorder": 3}
        elif role == FLOOR:
            styles[name] = {"marker": "|", "markersize": 11, "color": "black", "zorder": 1}
        else:
            at = peers.index(name)
            styles[name] = {"marker": MARKS[at % len(MARKS)], "markersize": 5, "color": colours((2 * at + (at > 9)) % 20), "zorder": 2}
    return styles
