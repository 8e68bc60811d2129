"""K-means, step by step, on points that you place, and a figure of a whole run."""

from typing import NamedTuple

import anywidget
import numpy as np
import traitlets
from matplotlib import colors, patheffects
from matplotlib import pyplot as plt
from sklearn.cluster import kmeans_plusplus
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import pairwise_distances_argmin

from course_utils import plots
from course_utils.widgets import base

MOST = 8  # clusters: each has a colour and a marker of its own

GRID = 200  # pixels of the shaded plane in the static figure


class Plane(anywidget.AnyWidget):
    """Points, centres and inertia, drawn by the front-end.

    `on_place` is called with x and y of a click, `on_move` with a centre and where it
    was dragged, `on_tick` with the number of the step shown while `playing`.
    """

    _esm = base.script("elements", "marks", "regions", "inertia", "plane")
    _css = base.STYLE
    state = traitlets.Dict().tag(sync=True)
    extent = traitlets.List().tag(sync=True)  # left, right, lower, upper
    looks = traitlets.List().tag(sync=True)  # colour and marker of each cluster
    playing = traitlets.Bool(False).tag(sync=True)

    def __init__(self, *, on_place, on_move, on_tick, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: self._tell(message))
        self.told = {"placed": on_place, "moved": on_move, "tick": on_tick}

    def _tell(self, message):
        for name, value in message.items():
            values = value if isinstance(value, list) else [value]
            self.told[name](*values)


class KMeansStepper(base.Explorer):
    """Place points, choose k and a start, and step through assignment and update.

    The plane is shaded by the nearest centre. A click places a point; with the start
    "placed by me" it places a centre. A centre can be dragged to another place, where
    the run then starts. An arrow shows how each centre moved last, a ring marks points
    that are now nearer to another centre than to their own.

    Parameters
    ----------
    points : array (n, 2), default=None
        The points at first; None draws three groups on a plane from 0 to 10.
    k : int, default=3
        Number of centres, 1 to 8.

    Attributes
    ----------
    steps : list of Step
        The steps that were computed from this start.
    at : int
        How many of them are shown; *Back* takes one off.
    centres : array (k, 2)
        The start.

    Raises
    ------
    ValueError
        For points or a k that are not possible.
    """

    text = "k-means step by step: points, centres, and the inertia after each step"

    def __init__(self, points=None, k=3):
        if k not in range(1, MOST + 1):
            raise ValueError(f"k must be a whole number from 1 to {MOST}, got {k!r}.")
        self.given = None if points is None else checked_points(points)
        names = [*PRESETS] if points is None else ["given", *PRESETS]
        self.preset = base.dropdown("Points", names)
        self.start = base.dropdown("Start", STARTS)
        self.k = base.whole_number("k", k, MOST)
        self.new = self.button("New start", self._new_start)
        self.clear = self.button("Remove all points", self._clear, kind="danger")
        self.back = self.button("Back", self._back)
        self.step = self.button("Step", self._step, kind="primary")
        self.play = self.button("Play", self._play)
        self.run = self.button("To the end", self._run)
        self.again = self.button("Start over", self._rewind)
        self.plane = Plane(
            on_place=lambda x, y: self.attempt(self.place, x, y),
            on_move=lambda *move: self.attempt(self.move, *move),
            on_tick=lambda number: self.attempt(self._tick, number),
            looks=base.looks(range(MOST)),
        )
        self.plane.observe(self._name_play, "playing")
        settings = [self.preset, self.k, self.start, self.new, self.clear]
        buttons = [self.back, self.step, self.play, self.run, self.again]
        self.assemble(base.line(settings), base.line(buttons), self.plane)
        self.watch(self._load, self.preset)
        self.watch(self._begin, self.k, self.start)
        self.seed = 6  # a start from which the three groups take 17 steps
        self._load()

    def place(self, x, y):
        """What a click does: place a point, or a centre where these are by hand."""
        if self.start.value != BY_HAND:
            self.points = np.vstack([self.points, [x, y]])
            if len(self.centres) == self.k.value:  # a dragged one stays where it is
                self._rewind()
            else:
                self._begin()
        elif len(self.centres) < self.k.value:
            self.centres = np.vstack([self.centres, [x, y]])
            self._rewind()
        else:
            raise ValueError(
                f"All {self.k.value} centres are placed: take a step, drag a centre, "
                "or choose another start to place points."
            )

    def move(self, cluster, x, y):
        """Put a centre elsewhere: the run starts from the centres as they are now."""
        centres = self._shown_centres().copy()
        if cluster not in range(len(centres)):
            raise ValueError(f"There is no centre {cluster}.")
        centres[cluster] = x, y
        self.centres = centres
        self._rewind()
        if not missing(self.points, self.centres, self.k.value):
            self.status.text = f"Centre {cluster} moved: the run starts from here."

    def static(self):
        """The run from this start: its first steps, the last, and the inertia."""
        complete = not missing(self.points, self.centres, self.k.value)
        extent = self.plane.extent
        return figure_of_run(self.points, self.centres, extent, complete)

    @property
    def alt(self):
        """How the run from this start goes, in numbers."""
        if missing(self.points, self.centres, self.k.value):
            return self.text
        run = list(k_means(self.points, self.centres))
        return (
            f"{self.text}. {base.count(len(self.points), 'point')}, "
            f"{base.count(self.k.value, 'centre')}: in {len(run)} steps the inertia "
            f"falls from {run[0].inertia:.4g} to {run[-1].inertia:.4g}."
        )

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
        self.centres = first_centres(
            self.points, self.k.value, self.start.value, self.seed
        )
        self._rewind()

    def _rewind(self):
        self.plane.playing = False
        self.steps, self.at, self.coming = [], 0, None
        self._show()

    def _back(self):
        self.plane.playing = False
        if not self.at:
            raise ValueError("This is the start: there is no step to take back.")
        self.at -= 1
        self._show()

    def _step(self):
        self.plane.playing = False
        self._advance()

    def _advance(self):
        reason = missing(self.points, self.centres, self.k.value)
        if reason:
            raise ValueError(reason)
        if self._finished():
            raise ValueError(f"{self._sentence()} Start over, or change the start.")
        if self.at == len(self.steps):
            self.coming = self.coming or k_means(self.points, self.centres)
            self.steps.append(next(self.coming))
        self.at += 1
        self._show()

    def _run(self):
        self._step()
        while not self._finished():
            self._advance()

    def _play(self):
        if self.plane.playing:
            self.plane.playing = False
            return
        if self._finished():
            self._rewind()
        self._advance()
        self.plane.playing = not self._finished()

    def _tick(self, number):
        # Each view of the widget ticks: a step that was taken is not taken twice
        if self.plane.playing and number == self.at:
            self._advance()
            self.plane.playing = not self._finished()

    def _name_play(self, change):
        self.play.description = "Pause" if change["new"] else "Play"

    def _finished(self):
        return bool(self.at) and not self.steps[self.at - 1].n_changed

    def _shown_centres(self):
        return self.steps[self.at - 1].centres if self.at else self.centres

    def _sentence(self):
        if self.at:
            last = self.steps[self.at - 1]
            return sentence(self.at, last, len(restless(self.points, last)))
        ready = (
            f"{base.count(len(self.points), 'point')} and "
            f"{base.count(self.k.value, 'centre')}. Take the first step; or click on "
            "the plane to add a point, or drag a centre."
        )
        return missing(self.points, self.centres, self.k.value) or ready

    def _show(self):
        last = self.steps[self.at - 1] if self.at else None
        self.plane.state = {
            "points": self.points.tolist(),
            "labels": last.labels.tolist() if last else [],
            "restless": restless(self.points, last) if last else [],
            "centres": self._shown_centres().tolist(),
            "trails": trails(self.centres, self.steps[: self.at]),
            "history": [{"name": s.name, "inertia": s.inertia} for s in self.steps],
            "at": self.at,
        }
        self.status.text = self._sentence()


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
        return f"{k} clusters need at least {k} points, got {len(points)}."
    if len(centres) < k:
        return f"Click to place centre {len(centres)} of 0 to {k - 1}."
    return ""


def restless(points, step):
    """Indices of the points that are now nearer to another centre than to their own."""
    nearest = pairwise_distances_argmin(points, step.centres)
    return np.flatnonzero(nearest != step.labels).tolist()


def trails(start, steps):
    """The places where each centre was before, the start first: a list per centre."""
    if not steps:
        return []
    past = [start, *(step.centres for step in steps if step.name == "update")]
    return np.array(past[:-1]).reshape(-1, *start.shape).swapaxes(0, 1).tolist()


def sentence(number, step, n_restless):
    """What this step did, in words; n_restless: how many points will change next."""
    if step.name == "update":
        what = "each centre moved to the mean of its points."
        if n_restless:
            are = "point is" if n_restless == 1 else "points are"
            what += f" {n_restless} {are} now nearer to another centre (ringed)."
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
    numbers = [*range(min(3, len(run))), *range(3, len(run))[-1:]]
    figure, panels = plt.subplots(2, 3, figsize=(9.6, 6.6), layout="constrained")
    panels = panels.ravel()
    for panel in panels[:5]:
        panel.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:], aspect=1)
        panel.set_visible(False)
    panels[0].set_visible(True)
    panels[0].set_title("start", loc="left", fontsize=10)
    _draw(panels[0], points, Step("", None, centres, 0, 0), [])
    for panel, number in zip(panels[1:], numbers, strict=False):
        panel.set_visible(True)
        title = f"step {number + 1}: {run[number].name}"
        if number > 3:
            title += f", the last\n(steps 4 to {number} are not shown)"
        panel.set_title(title, loc="left", fontsize=10)
        _draw(panel, points, run[number], trails(centres, run[: number + 1]))
    _draw_inertia(panels[5], [step.inertia for step in run])
    return figure


def checked_points(points):
    """The points as float array (n, 2); raises ValueError if they are not."""
    points = np.array(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(
            f"points must be finite numbers of shape (n, 2), got shape {points.shape}."
        )
    return points


def extent_of(points):
    """A square with some room around the points: [left, right, lower, upper]."""
    lower, upper = points.min(axis=0), points.max(axis=0)
    reach = 0.6 * (upper - lower).max() or 1.0
    return [float(m + side * reach) for m in (lower + upper) / 2 for side in (-1, 1)]


def _inertia(points, labels, centres):
    return float(((points - centres[labels]) ** 2).sum())


def _draw(panel, points, step, past):
    left, right, lower, upper = panel.get_xlim() + panel.get_ylim()
    if len(step.centres):
        across = np.linspace(left, right, GRID), np.linspace(lower, upper, GRID)
        spots = np.stack(np.meshgrid(*across), axis=-1).reshape(-1, 2)
        nearest = pairwise_distances_argmin(spots, step.centres).reshape(GRID, GRID)
        colours = [colors.to_rgba(plots.look(i)[0], 0.13) for i in range(MOST)]
        place = {"extent": (left, right, lower, upper), "origin": "lower", "zorder": 0}
        panel.imshow(np.array(colours)[nearest], **place)
        for cluster in range(len(step.centres)):
            own = nearest == cluster
            if own.any() and not own.all():
                panel.contour(*across, own, [0.5], colors="#767676", linewidths=0.5)
    if step.labels is None:
        panel.scatter(*points.T, s=22, c="white", ec=plots.OUTLINE, lw=0.9)
    else:
        threads = np.stack([points, step.centres[step.labels]])
        panel.plot(*threads.T.swapaxes(1, 2), color="#999999", lw=0.5, zorder=1)
        for cluster in set(step.labels.tolist()):
            colour, marker = plots.look(cluster)
            style = {"marker": marker, "color": colour, "ec": plots.OUTLINE, "lw": 0.6}
            panel.scatter(*points[step.labels == cluster].T, s=24, **style)
    for places, centre in zip(past, step.centres, strict=False):
        if not places:
            continue
        panel.plot(*np.array([*places, centre]).T, color="black", lw=0.8, ls=":")
        move = {"arrowstyle": "->", "color": "black", "lw": 1.4, "shrinkB": 5}
        panel.annotate("", centre, places[-1], arrowprops=move)
    for number, centre in enumerate(step.centres):
        panel.scatter(*centre, s=110, marker="X", color="black", ec="white", zorder=3)
        halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
        more = {"weight": "bold", "path_effects": halo, "zorder": 4}
        panel.annotate(number, centre, (8, 3), textcoords="offset points", **more)


def _draw_inertia(panel, values):
    panel.set_title("inertia after each step", loc="left", fontsize=10)
    if not values:
        panel.set_axis_off()
        panel.text(0, 0.9, "no step yet", transform=panel.transAxes, va="top")
        return
    panel.plot(range(1, len(values) + 1), values, "o-", color=plots.PALETTE[0])
    panel.set(xlabel="step", ylim=(0, 1.12 * max(values)))
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.spines[["top", "right"]].set_visible(False)
    for number, side in {1: "left", len(values): "right"}.items():
        text, place = f"{values[number - 1]:.4g}", (number, values[number - 1])
        panel.annotate(text, place, (5, 6), textcoords="offset points", ha=side)
