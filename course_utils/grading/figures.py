"""Figures of the overview: how the points lie, what wins, where points are lost."""

import base64
import io
import re
import statistics

import numpy as np
import seaborn
from matplotlib.figure import Figure

from course_utils import features, plots
from course_utils.grading import rubric
from course_utils.grading.lms import short

MOST_SHOWN = 20  # representations
PARTS = {  # of the rubric, as a reader understands them
    "purity": "Own function: purity",
    "nmi": "Own function: NMI",
    "fowlkes_mallows": "Own function: FM",
    "best_nmi": "Best NMI",
    "answers": "Written answers",
}
BLUE, ORANGE = "#0072B2", "#D55E00"


def figures(graded):
    """The figures that there is something to show in: dictionaries with title, data
    (PNG in base64), alt and caption. The same class gives the same bytes.
    """
    scored = [student for student in graded.students if student.points is not None]
    if not scored:
        return []
    made = [_points(scored, rubric.most_points(graded.rubric)), _winners(scored)]
    return [figure for figure in (*made, _lost(scored)) if figure]


def part_title(name):
    """A part of the rubric in words."""
    return PARTS.get(name, name.capitalize())


def _axes(height):
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def _made(figure, title, alt, caption):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"title": title, "data": data, "alt": alt, "caption": caption}


def _points(scored, most):
    points = [student.points for student in scored]
    middle = statistics.median(points)
    figure, axes = _axes(2.8)
    edges = np.linspace(0, max(most, *points, 1), 21)
    seaborn.histplot(
        x=points, bins=edges, color=BLUE, edgecolor="white", alpha=1, ax=axes
    )
    axes.axvline(middle, color="black", ls="--", lw=1.5)
    place = {"xy": (middle, 1), "xycoords": ("data", "axes fraction")}
    side = "right" if middle > most / 2 else "left"
    offset = {
        "xytext": (-5 if side == "right" else 5, 4),
        "textcoords": "offset points",
    }
    axes.annotate(f"median {short(middle)}", ha=side, **place, **offset)
    axes.set(
        xlabel=f"points (of {short(most)})", ylabel="students", xlim=(0, edges[-1])
    )
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color="#dddddd")
    alt = (
        f"Histogram of the points of {len(points)} students, from {short(min(points))} "
        f"to {short(max(points))}, median {short(middle)}."
    )
    return _made(
        figure, "How the points lie", alt, "After lateness; dashed: the median."
    )


def _winners(scored):
    """Each student's best NMI by each representation that the course knows."""
    best = {}
    for number, student in enumerate(scored):
        found = student.counted.review
        for run in () if found.self_supplied else found.runs:
            if run.counts and _known(run.representation):
                by_student = best.setdefault(run.representation, {})
                nmi = run.scores["nmi"]
                by_student[number] = max(nmi, by_student.get(number, nmi))
    if not best:
        return None
    values = {name: [*by_student.values()] for name, by_student in best.items()}
    order = sorted(values, key=lambda n: (-statistics.median(values[n]), n))
    order, n_left_out = order[:MOST_SHOWN], len(order) - MOST_SHOWN
    figure, axes = _axes(1.1 + 0.3 * len(order))
    generator = np.random.default_rng(0)
    for height, name in enumerate(order):
        colour, marker = plots.KINDS[plots.kind(name)]
        offset = generator.uniform(-0.22, 0.22, len(values[name]))
        look = {"color": colour, "alpha": 0.45, "ms": 4, "mec": "none"}
        axes.plot(values[name], height + offset, marker, **look)
        low, middle, high = np.quantile(values[name], (0.25, 0.5, 0.75))
        box = {"fill": False, "edgecolor": "black", "zorder": 3}
        axes.barh(height, high - low, 0.62, left=low, **box)
        axes.plot([middle] * 2, [height - 0.31, height + 0.31], "k", lw=2.5, zorder=3)
    axes.set(xlabel="best NMI of a student", ylabel="", xlim=(-0.02, 1.02))
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.4, -0.6)  # the best on top
    axes.grid(axis="x", color="#dddddd")
    kinds = dict.fromkeys(plots.kind(name) for name in order)
    for kind in kinds:
        colour, marker = plots.KINDS[kind]
        axes.plot([], [], marker, color=colour, label=kind)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    alt = "Best NMI by representation, medians of the class: " + ", ".join(
        f"{name} {statistics.median(values[name]):.2f}" for name in order
    )
    caption = (
        "A mark is a student's best counted run; the box spans the middle half of "
        "the class, its thick line is the median."
    )
    if n_left_out > 0:
        caption += f" The {n_left_out} representations below these are left out."
    return _made(figure, "Which representations win", f"{alt}.", caption)


def _known(representation):
    try:
        features.parse(representation)
    except ValueError:
        return False
    # A layer is the student's word: what is no name has no place on an axis.
    return bool(re.fullmatch("[A-Za-z0-9_.:-]{1,40}", representation))


def _lost(scored):
    """Mean points that are lost in each part, of those that were given."""
    lost, most = {}, {}
    for student in scored:
        for name, part in student.parts.items():
            if part.points is not None:
                lost.setdefault(name, []).append(part.most - part.points)
                most[name] = part.most
        given = sum(p.points for p in student.parts.values() if p.points is not None)
        lost.setdefault("lateness", []).append(given - student.points)
    means = {name: statistics.fmean(values) for name, values in lost.items()}
    order = sorted(means, key=lambda name: (-means[name], name))
    titles = [part_title(name) for name in order]
    figure, axes = _axes(0.8 + 0.32 * len(order))
    heights = [means[name] for name in order]
    seaborn.barplot(x=heights, y=titles, color=ORANGE, saturation=1, width=0.7, ax=axes)
    words = [
        f" {short(means[n])}" + (f" of {short(most[n])}" if n in most else "")
        for n in order
    ]
    axes.bar_label(axes.containers[0], words)
    axes.set(xlabel="mean points lost", ylabel="", xlim=(0, 1.18 * max(heights) or 1))
    alt = "Mean points lost: " + ", ".join(
        f"{title}{word}" for title, word in zip(titles, words, strict=True)
    )
    caption = "Mean over the class; written answers only where they are marked."
    return _made(figure, "Where points are lost", f"{alt}.", caption)
