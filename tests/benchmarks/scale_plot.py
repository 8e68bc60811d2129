"""The figure of scale.py: one row of panels a part, time, memory and the legend."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

# Okabe and Ito's palette without its yellow; then again with other marks and dashes
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vPX"
DASHES = ("-", "--", ":")
GREY = "#666666"


def draw(table, exponents, limit):
    """Seconds and peak memory against n, both logarithmic.

    table, exponents: as scale.py makes them. The legend orders the methods by their
    seconds at the largest size, slowest first, and gives their exponents. Returns: the
    matplotlib Figure.
    """
    measured = table[table["seconds"].notna()]
    parts = list(dict.fromkeys(measured["part"]))
    figure, panels = plt.subplots(
        max(len(parts), 1),
        3,
        squeeze=False,
        figsize=(15, 0.6 + 4.6 * max(len(parts), 1)),
        width_ratios=(1, 1, 0.75),
        layout="constrained",
    )
    figure.suptitle(
        "Time and memory against the number of pictures; in brackets the exponent "
        "of the time",
        x=0.01,
        ha="left",
        fontsize=12,
    )
    for part, (time, memory, legend) in zip(parts, panels, strict=False):
        runs = measured[measured["part"] == part]
        growth = exponents[exponents["part"] == part].set_index("method")
        lines, styles = {}, _styles(list(dict.fromkeys(runs["method"])))
        for method, points in runs.groupby("method", sort=False):
            style = {"ms": 5, "lw": 1.5, **styles[method]}
            lines[method] = time.plot(points["n"], points["seconds"], **style)[0]
            memory.plot(points["n"], points["peak_gb"], **style)
        memory.axhline(runs["start_gb"].min(), color=GREY, lw=1, ls=(0, (1, 3)))
        time.axhline(limit, color=GREY, lw=1, ls=(0, (1, 3)))
        order = growth.sort_values(
            ["largest_n", "seconds_there"], ascending=[True, False]
        ).index
        labels = [f"{name}  ({_exponent(growth, name)})" for name in order]
        legend.legend(
            [lines[name] for name in order],
            labels,
            loc="center left",
            frameon=False,
            fontsize=9,
            handlelength=3,
        )
        legend.axis("off")
        time.set_title(f"{part}: seconds (dotted: the limit)", loc="left", fontsize=11)
        memory.set_title(
            f"{part}: peak memory, GB (dotted: before the call)",
            loc="left",
            fontsize=11,
        )
        for panel in (time, memory):
            _logarithmic(panel, sorted(set(runs["n"])))
        memory.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        low, high = runs["start_gb"].min(), runs["peak_gb"].max()
        memory.set_ylim(low / 1.3, max(high, 4 * low) * 1.3)
    for row in panels[len(parts) :]:
        for panel in row:
            panel.axis("off")
    return figure


def _styles(methods):
    """{method: its line}: one colour and mark a family, dashes for its variants.

    `l2+pca50+ward` is a variant of ward, `hog: plain loops` of hog, and the ways of
    extraction have one variant a network.
    """
    families, variants, found = [], {}, {}
    networks = any(method.endswith("bare forward") for method in methods)
    for method in methods:
        if ": " in method:
            variant, family = method.split(": ")
            if not networks:
                variant, family = family, variant
        else:
            *_, family = method.split("+")
            variant = method
        if family not in families:
            families.append(family)
        turn, place = divmod(families.index(family), len(COLOURS))
        seen = variants.setdefault(family, [])
        seen.append(variant)
        found[method] = {
            "color": COLOURS[place],
            "marker": MARKERS[(place + 3 * turn) % len(MARKERS)],
            "ls": DASHES[(len(seen) - 1) % len(DASHES)],
            "mfc": "white" if len(seen) % 2 == 0 else COLOURS[place],
        }
    return found


def _exponent(growth, method):
    exponent = growth.loc[method, "seconds_exponent"]
    return "one size" if np.isnan(exponent) else f"{exponent:.2f}"


def _logarithmic(panel, sizes):
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.set_xlabel("pictures")
    panel.grid(color="#e4e4e4", lw=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
