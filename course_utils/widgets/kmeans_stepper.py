"""K-means, step by step, on points that you place, and a figure of a whole run."""

from typing import NamedTuple

import anywidget
import numpy as np
import traitlets
from matplotlib import pyplot as plt
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances_argmin

from course_utils import plots
from course_utils.widgets import base


class Plane(anywidget.AnyWidget):
    """Points, centres and inertia; `on_place` is called with x and y of a click."""

    _esm, _css = base.FRONT / "plane.js", base.FRONT / "style.css"
    state = traitlets.Dict().tag(sync=True)
    extent = traitlets.List().tag(sync=True)  # left, right, lower, upper

    def __init__(self, on_place, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: on_place(*message["placed"]))


class KMeansStepper(base.Explorer):
    """Place points, choose k and a start, and step through assignment and update.

    A click on the plane places a point; with the start "placed by me" it places a
    centre. `steps` holds the steps that were taken.

    Parameters
    ----------
    points : array (n, 2), optional
        The points at first, with coordinates from 0 to 10. Default: three groups.
    k : int
        Number of centres, 1 to 8.

    Raises
    ------
    ValueError
        For points or a k that are not possible.
    """

    text = "k-means step by step: points, centres, and the inertia after each step"

    def __init__(self, points=None, k=3):
        most = len(plots.PALETTE)
        if k not in range(1, most + 1):
            raise ValueError(f"k={k!r}: a whole number from 1 to {most} is needed.")
        self.given = None if points is None else checked_points(points)
        names = [*PRESETS] if points is None else ["given", *PRESETS]
        self.preset = base.dropdown("Points", names)
        self.start = base.dropdown("Start", STARTS)
        self.k = base.whole_number("k", k, most)
        self.step = self.button("Step", self._step)
        self.run = self.button("To the end", self._run)
        self.back = self.button("Back to the start", self._begin)
        self.new = self.button("New start", self._new_start)
        self.clear = self.button("Remove all points", self._clear)
        self.plane = Plane(lambda x, y: self.attempt(self.place, x, y))
        buttons = [self.step, self.run, self.back, self.new, self.clear]
        settings = base.line([self.preset, self.k, self.start])
        self.assemble(settings, base.line(buttons), self.plane)
        self.watch(self._load, self.preset)
        self.watch(self._begin, self.k, self.start)
        self.seed = 6  # a start from which the three groups take 17 steps
        self._load()

    def place(self, x, y):
        """What a click does: place a point, or a centre where these are by hand."""
        if self.start.value != BY_HAND:
            self.points = np.vstack([self.points, [x, y]])
            self._begin()
        elif len(self.centres) < self.k.value:
            self.centres = np.vstack([self.centres, [x, y]])
            self._show()
        else:
            raise ValueError(
                f"All {self.k.value} centres stand: take a step, go back to the start, "
                "or choose another start to place points."
            )

    def static(self):
        """The run from this start: its first steps, the last, and the inertia."""
        complete = not missing(self.points, self.centres, self.k.value)
        extent = self.plane.extent
        return figure_of_run(self.points, self.centres, extent, complete)

    def _load(self):
        given = self.preset.value == "given"
        self.points = self.given if given else PRESETS[self.preset.value]()
        here = given and len(self.points)
        self.plane.extent = extent_of(self.points) if here else [0, 10, 0, 10]
        self._begin()

    def _clear(self):
        self.points = np.empty((0, 2))
        self._begin()

    def _new_start(self):
        self.seed += 1
        self._begin()

    def _begin(self):
        self.steps, self.coming = [], None
        self.centres = first_centres(
            self.points, self.k.value, self.start.value, self.seed
        )
        self._show()

    def _step(self):
        reason = missing(self.points, self.centres, self.k.value)
        if reason:
            raise ValueError(reason)
        if self.steps and not self.steps[-1].n_changed:
            raise ValueError(f"{self._sentence()} Go back to the start, or change it.")
        self.coming = self.coming or k_means(self.points, self.centres)
        self.steps.append(next(self.coming))
        self._show()

    def _run(self):
        self._step()
        while self.steps[-1].n_changed:
            self._step()

    def _sentence(self):
        if self.steps:
            return sentence(len(self.steps), self.steps[-1])
        ready = (
            f"{base.count(len(self.points), 'point')} and "
            f"{base.count(self.k.value, 'centre')}: take the first step, or click on "
            "the plane to add a point."
        )
        return missing(self.points, self.centres, self.k.value) or ready

    def _show(self):
        last = self.steps[-1] if self.steps else None
        self.plane.state = {
            "points": self.points.tolist(),
            "labels": last.labels.tolist() if last else [],
            "centres": (last.centres if last else self.centres).tolist(),
            "history": [{"name": s.name, "inertia": s.inertia} for s in self.steps],
        }
        self.status.text = self._sentence()


# A colour and a marker for each cluster; front/plane.js has the same
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
            style = {"marker": MARKERS[cluster], "color": plots.PALETTE[cluster]}
            panel.scatter(*points[step.labels == cluster].T, s=20, **style)
    for number, centre in enumerate(step.centres):
        panel.scatter(*centre, s=110, marker="X", color="black", ec="white", zorder=3)
        panel.annotate(
            number, centre, (9, 4), textcoords="offset points", weight="bold"
        )
