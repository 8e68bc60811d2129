"""K-means, step by step, on points that you place."""

import anywidget
import numpy as np
import traitlets

from course_utils.widgets import kmeans, parts


class Plane(anywidget.AnyWidget):
    """Points, centres and inertia; `on_place` is called with x and y of a click."""

    _esm, _css = parts.FRONT / "plane.js", parts.FRONT / "style.css"
    state = traitlets.Dict().tag(sync=True)
    extent = traitlets.List().tag(sync=True)  # left, right, lower, upper

    def __init__(self, on_place, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: on_place(*message["placed"]))


class KMeansStepper(parts.Explorer):
    """Place points, choose k and a start, and step through assignment and update.

    points: array (n, 2) to begin with, or three groups; k: 1 to 8. A click on the plane
    places a point; with the start "placed by me" it places a centre. `steps` holds the
    steps taken. Raises ValueError for points or k that will not do.
    """

    text = "k-means step by step: points, centres, and the inertia after each step"

    def __init__(self, points=None, k=3):
        most = len(kmeans.COLOURS)
        if k not in range(1, most + 1):
            raise ValueError(f"k={k!r}: a whole number from 1 to {most} is needed.")
        self.given = None if points is None else kmeans.checked_points(points)
        names = [*kmeans.PRESETS] if points is None else ["given", *kmeans.PRESETS]
        self.preset = parts.dropdown("Points", names)
        self.start = parts.dropdown("Start", kmeans.STARTS)
        self.k = parts.whole_number("k", k, most)
        self.step = self.button("Step", self._step)
        self.run = self.button("To the end", self._run)
        self.back = self.button("Back to the start", self._begin)
        self.new = self.button("New start", self._new_start)
        self.clear = self.button("Remove all points", self._clear)
        self.plane = Plane(lambda x, y: self.attempt(self.place, x, y))
        buttons = [self.step, self.run, self.back, self.new, self.clear]
        settings = parts.line([self.preset, self.k, self.start])
        self.assemble(settings, parts.line(buttons), self.plane)
        self.watch(self._load, self.preset)
        self.watch(self._begin, self.k, self.start)
        self.seed = 6  # a start from which the three groups take 17 steps
        self._load()

    def place(self, x, y):
        """What a click does: place a point, or a centre where these are by hand."""
        if self.start.value != kmeans.BY_HAND:
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
        complete = not kmeans.missing(self.points, self.centres, self.k.value)
        extent = self.plane.extent
        return kmeans.figure_of_run(self.points, self.centres, extent, complete)

    def _load(self):
        given = self.preset.value == "given"
        self.points = self.given if given else kmeans.PRESETS[self.preset.value]()
        here = given and len(self.points)
        self.plane.extent = kmeans.extent_of(self.points) if here else [0, 10, 0, 10]
        self._begin()

    def _clear(self):
        self.points = np.empty((0, 2))
        self._begin()

    def _new_start(self):
        self.seed += 1
        self._begin()

    def _begin(self):
        self.steps, self.coming = [], None
        self.centres = kmeans.first_centres(
            self.points, self.k.value, self.start.value, self.seed
        )
        self._show()

    def _step(self):
        missing = kmeans.missing(self.points, self.centres, self.k.value)
        if missing:
            raise ValueError(missing)
        if self.steps and not self.steps[-1].n_changed:
            raise ValueError(f"{self._sentence()} Go back to the start, or change it.")
        self.coming = self.coming or kmeans.k_means(self.points, self.centres)
        self.steps.append(next(self.coming))
        self._show()

    def _run(self):
        self._step()
        while self.steps[-1].n_changed:
            self._step()

    def _sentence(self):
        if self.steps:
            return kmeans.sentence(len(self.steps), self.steps[-1])
        ready = (
            f"{parts.count(len(self.points), 'point')} and "
            f"{parts.count(self.k.value, 'centre')}: take the first step, or click on "
            "the plane to add a point."
        )
        return kmeans.missing(self.points, self.centres, self.k.value) or ready

    def _show(self):
        last = self.steps[-1] if self.steps else None
        self.plane.state = {
            "points": self.points.tolist(),
            "labels": last.labels.tolist() if last else [],
            "centres": (last.centres if last else self.centres).tolist(),
            "history": [{"name": s.name, "inertia": s.inertia} for s in self.steps],
        }
        self.status.text = self._sentence()
