"""The figure of scale.py: one row of panels per part, time and memory."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

from course_utils.plots import look

GREY, PALE = "#666666", "#c4c4c4"
WIDTH, DPI = 8.3, 200  # inches, and twice the pixels at which the README shows it
GAP = 0.085  # between two names, in heights of a panel


def draw(table, exponents, limit):
    """Seconds and peak memory against n, both logarithmic.

    Up to four methods of each part have a colour, a marker and their name with the
    exponent of their time: the fastest and the slowest at the largest size, and those
    whose time grows most. All others are grey.

    table, exponents: as scale.py makes them. Returns: the matplotlib Figure.
    """
    measured = table[table["seconds"].notna()]
    parts = list(dict.fromkeys(measured["part"]))
    figure, panels = plt.subplots(
        max(len(parts), 1),
        2,
        squeeze=False,
        figsize=(WIDTH, 0.3 + 2.7 * max(len(parts), 1)),
        dpi=DPI,
        layout="constrained",
    )
    for part, (time, memory) in zip(parts, panels, strict=False):
        runs = measured[measured["part"] == part]
        growth = exponents[exponents["part"] == part].set_index("method")
        coloured = named(runs, growth)
        ends = {time: {}, memory: {}}
        for method, points in runs.groupby("method", sort=False):
            style = {"color": PALE, "lw": 1, "zorder": 1}
            if method in coloured:
                colour, marker = look(coloured.index(method))
                style = {"color": colour, "marker": marker, "ms": 4.5, "lw": 1.6}
            for panel, column in ((time, "seconds"), (memory, "peak_gb")):
                panel.plot(points["n"], points[column], **style)
                if method in coloured:
                    end = points["n"].iloc[-1], points[column].iloc[-1]
                    ends[panel][method] = end, style["color"]
        memory.axhline(runs["start_gb"].min(), color=GREY, lw=1, ls=(0, (1, 3)))
        time.axhline(limit, color=GREY, lw=1, ls=(0, (1, 3)))
        time.set_title(f"{part}: seconds (dotted: the limit)", loc="left", fontsize=9)
        title = f"{part}: peak memory, GB (dotted: at the start)"
        memory.set_title(title, loc="left", fontsize=9)
        for panel in (time, memory):
            _logarithmic(panel, sorted(set(runs["n"])))
        memory.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        low, high = runs["start_gb"].min(), runs["peak_gb"].max()
        memory.set_ylim(low / 1.3, max(high, 4 * low) * 1.3)
        _name(time, ends[time], lambda name, growth=growth: _exponent(growth, name))
        _name(memory, ends[memory], lambda name: name)
    for row in panels[len(parts) :]:
        for panel in row:
            panel.axis("off")
    return figure


def named(runs, growth):
    """The methods that the figure names, four at most."""
    last = runs[runs["n"] == runs["n"].max()].sort_values("seconds")["method"].tolist()
    steep = growth.sort_values("seconds_exponent", ascending=False, na_position="last")
    found = dict.fromkeys([*last[:1], *last[-1:], *steep.index])
    return [method for method in found if method in set(runs["method"])][:4]


def _name(panel, ends, text):
    """Write the names beside the panel, near the heights of their ends.

    ends: {method: ((x, y), colour)}. text: what to write, by method.
    """
    low, high = np.log(panel.get_ylim())
    heights = {m: (np.log(y) - low) / (high - low) for m, ((_, y), _) in ends.items()}
    order = sorted(heights, key=heights.get)
    steps = GAP * np.arange(len(order))
    places = np.maximum.accumulate([heights[m] for m in order] - steps) + steps
    places = np.minimum(places, 0.98 - steps[::-1])
    for method, place in zip(order, places, strict=True):
        end, colour = ends[method]
        panel.annotate(
            text(method),
            end,
            (1.04, place),
            textcoords="axes fraction",
            color=colour,
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5, "shrinkA": 1},
        )


def _exponent(growth, method):
    exponent = growth.loc[method, "seconds_exponent"]
    if np.isnan(exponent):
        return method
    return f"{method}, $n^{{{exponent:.1f}}}$"


def _logarithmic(panel, sizes):
    panel.set_xscale("log")
    panel.set_yscale("log")
    names = [f"{n // 1000}k" if n >= 10_000 else f"{n:,}" for n in sizes]
    panel.set_xticks(sizes, names)
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.tick_params(labelsize=8)
    panel.set_xlabel("images", fontsize=8)
    panel.grid(color="#e4e4e4", lw=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
