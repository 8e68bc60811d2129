"""K-means in single steps, and a figure of a whole run: what the stepper shows."""

from typing import NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances_argmin

# A colour and a marker for each cluster; front/plane.js has the same
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
COLOURS += ("#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "os^DvPXh"
MIDDLES = [[2.5, 2.8], [7, 3.2], [4.6, 7.4]]
PRESETS = {  # on a plane from 0 to 10
    "three groups": lambda: make_blobs(
        60, centers=MIDDLES, cluster_std=1.0, random_state=1
    )[0],
    "two moons": lambda: 2.6 * make_moons(60, noise=0.06, random_state=1)[0] + [3.7, 4],
    "none": lambda: np.empty((0, 2)),
}
RANDOM, PLUS_PLUS, BY_HAND = STARTS = ("random points", "k-means++", "placed by me")


class Step(NamedTuple):
    """What a step left: its name, "assignment" or "update", and the state after it."""

    name: str
    labels: np.ndarray
    centres: np.ndarray
    inertia: float
    n_changed: int


def k_means(points, centres):
    """Yield a Step after each assignment and each update, until no label changes.

    points (n, 2), centres (k, 2). A centre without points stays where it is, as in
    lesson 1.
    """
    labels = np.full(len(points), -1)
    while True:
        old_labels, labels = labels, pairwise_distances_argmin(points, centres)
        n_changed = int((labels != old_labels).sum())
        yield Step(
            "assignment", labels, centres, _inertia(points, labels, centres), n_changed
        )
        if not n_changed:
            return
        centres = centres.copy()
        for cluster in set(labels.tolist()):
            centres[cluster] = points[labels == cluster].mean(axis=0)
        yield Step(
            "update", labels, centres, _inertia(points, labels, centres), n_changed
        )


def first_centres(points, k, start, seed):
    """Centres (k, 2) to begin with; none where they are by hand or points are few."""
    if start == BY_HAND or len(points) < k:
        return np.empty((0, 2))
    if start == PLUS_PLUS:
        return kmeans_plusplus(points, k, random_state=seed)[0]
    chosen = np.random.default_rng(seed).choice(len(points), k, replace=False)
    return points[chosen]


def missing(points, centres, k):
    """What has to be placed before the first step, in words; empty if nothing."""
    if len(points) < k:
        return f"{k} clusters need {k} points or more; there are {len(points)}."
    if len(centres) < k:
        return f"Click to place centre {len(centres)} of 0 to {k - 1}."
    return ""


def sentence(number, step):
    """What this step did, in words."""
    if step.name == "update":
        what = "each centre moved to the mean of its points."
    elif step.n_changed:
        what = f"{step.n_changed} labels changed."
    else:
        what = "no label changed, so k-means has finished."
    return f"Step {number}, {step.name}: {what} Inertia {step.inertia:.4g}."


def figure_of_run(points, centres, extent, complete):
    """Start, first steps, end and inertia: the matplotlib Figure.

    extent: left, right, lower, upper. complete: whether a run can begin.
    """
    run = list(k_means(points, centres)) if complete else []
    shown = [(f"{n}: {step.name}", step) for n, step in enumerate(run, 1)]
    shown = [*shown[:3], *shown[3:][-1:]]
    figure, panels = plt.subplots(2, 3, figsize=(9.6, 6.4), layout="constrained")
    panels = panels.ravel()
    panels[5].plot(range(1, len(run) + 1), [step.inertia for step in run], "o-")
    panels[5].set(xlabel="step", ylabel="inertia", ylim=(0, None))
    for panel in panels[:5]:
        panel.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:])
        panel.set_visible(False)
    states = [("start", Step("", None, centres, 0, 0)), *shown]
    for panel, (title, step) in zip(panels, states, strict=False):
        panel.set_visible(True)
        panel.set_title(title, loc="left", fontsize=10)
        _draw(panel, points, step)
    return figure


def checked_points(points):
    """The points as float array (n, 2); raises ValueError if they are not."""
    points = np.array(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(
            f"points have shape {points.shape}: (n, 2) of finite numbers is needed."
        )
    return points


def extent_of(points):
    """A square with some room around the points: [left, right, lower, upper]."""
    lower, upper = points.min(axis=0), points.max(axis=0)
    reach = 0.6 * (upper - lower).max() or 1.0
    return [float(m + side * reach) for m in (lower + upper) / 2 for side in (-1, 1)]


def _inertia(points, labels, centres):
    return float(((points - centres[labels]) ** 2).sum())


def _draw(panel, points, step):
    if step.labels is None:
        panel.scatter(*points.T, s=22, c="white", ec="#222222", lw=0.9)
    else:
        threads = np.stack([points, step.centres[step.labels]])
        panel.plot(*threads.T.swapaxes(1, 2), color="#bbbbbb", lw=0.6, zorder=0)
        for cluster in set(step.labels.tolist()):
            style = {"marker": MARKERS[cluster], "color": COLOURS[cluster]}
            panel.scatter(*points[step.labels == cluster].T, s=20, **style)
    for number, centre in enumerate(step.centres):
        panel.scatter(*centre, s=110, marker="X", color="black", ec="white", zorder=3)
        panel.annotate(
            number, centre, (9, 4), textcoords="offset points", weight="bold"
        )
