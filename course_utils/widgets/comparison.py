"""A results table as a chart of the scores and runs that you pick."""

import math

import anywidget
import ipywidgets
import numpy as np
import pandas as pd
import traitlets

from course_utils import plots
from course_utils.clustering import representatives
from course_utils.representations import extraction
from course_utils.widgets import base, cluster_browser

SHOWN_FIRST = ("purity", "nmi", "fowlkes_mallows")

LONGEST = 44  # characters of a name in the static chart

N_PICTURES = 10  # of a cluster

NOTHING = (
    "Nothing to draw: tick a score, a representation and an algorithm that were run "
    "together."
)


class Choice(anywidget.AnyWidget):
    """Check boxes. options: [[text, value]]; value: what is ticked, a list."""

    _esm, _css = base.script("elements", "choices"), base.STYLE
    description = traitlets.Unicode().tag(sync=True)
    options = traitlets.List().tag(sync=True)
    value = traitlets.List().tag(sync=True)


class Board(anywidget.AnyWidget):
    """Lines with a strip and a number per score; the front-end sorts them.

    lines: [{id, names, look, n, cells: [{mean, low, high, chance} or None]}], where
    chance may be None; scores: [{key, title, low, high, ticks}]; legend: [[name,
    look]]; sort: the key of a score; chosen: the id of a line. `on_click` is called
    with the id of a line.
    """

    _esm, _css = base.script("elements", "marks", "board"), base.STYLE
    lines = traitlets.List().tag(sync=True)
    scores = traitlets.List().tag(sync=True)
    legend = traitlets.List().tag(sync=True)
    sort = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    clickable = traitlets.Bool(False).tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)

    def __init__(self, on_click, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: on_click(message["clicked"]))


class ComparisonExplorer(base.Explorer):
    """Tick scores, representations and algorithms of a table of results, as a chart.

    A mark is the mean over the seeds, its bar goes from the worst to the best seed. A
    click on a score sorts by it. With the image set and the labels, a click on a line
    shows the clusters of its first run.

    Parameters
    ----------
    results : DataFrame
        As `experiments.run` returns it.
    chance : DataFrame, default=None
        The chance level of each run, as `plots.chance_of_runs` returns it; each line
        has a mark at its mean.
    image_set : ImageSet, default=None
        The images of the runs; needs labels.
    labels : dict of {str: int array}, default=None
        The cluster labels of each run, as `experiments.run` returns them; needs
        image_set.

    Raises
    ------
    ValueError
        If the table has no runs, columns or scores to compare, or only one of image_set
        and labels is given.

    See Also
    --------
    course_utils.plots.score_chart : The chart as a figure.
    """

    text = "chart of the scores of each representation and algorithm"

    def __init__(self, results, chance=None, *, image_set=None, labels=None):
        missing = {"representation", "algorithm"} - set(results.columns)
        scores = [s for s in plots.TITLES if s in results and results[s].notna().any()]
        if missing or results.empty or not scores:
            raise ValueError(
                "There is nothing to compare: results need runs with representation, "
                "algorithm and a score, as `results, labels = experiments.run(…)` has "
                f"them. These have {base.count(len(results), 'run')} and the columns "
                f"{', '.join(map(str, results.columns)) or 'none'}."
            )
        if (image_set is None) != (labels is None):
            raise ValueError("To show clusters, give both image_set and labels.")
        self.results, self.chance = results, chance
        self.image_set, self.labels = image_set, labels
        first = [score for score in scores if score in SHOWN_FIRST] or scores
        names = [[plots.TITLES[score], score] for score in scores]
        self.scores = Choice(description="Scores", options=names, value=first)
        self.representations = _choice("Representations", results["representation"])
        self.algorithms = _choice("Algorithms", results["algorithm"])
        pairs = results[["representation", "algorithm"]].drop_duplicates()
        self.pairs = list(pairs.itertuples(index=False, name=None))
        self.board = Board(
            lambda line: self.attempt(self.choose, line),
            clickable=image_set is not None,
            sort="nmi" if "nmi" in first else first[0],
        )
        self.pictures = base.Pictures(lambda index: self.attempt(self.tell, index))
        self.pager = base.Pager("clusters", lambda: self.attempt(self._show_page))
        self.pager.layout.display, self.clusters = "none", []
        controls = [self.scores, self.representations, self.algorithms]
        shown = ipywidgets.VBox([self.board, self.pager, self.pictures])
        self.assemble(base.line(controls), shown)
        self.watch(self.show, *controls)
        self.board.observe(lambda _: self.attempt(self._say), "sort")
        self.attempt(self.show)

    def show(self):
        """Draw what is ticked, and say which line is highest."""
        runs, scores = self._picked()
        self._close_clusters()
        if runs.empty or not scores:
            self.board.lines = []
            raise ValueError(NOTHING)
        kinds = {name: plots.kind(name) for name in runs["representation"]}
        pairs = [runs["representation"], runs["algorithm"]]
        grouped = runs.groupby(pairs, sort=False)[scores]
        table = grouped.agg(["mean", "min", "max"])
        chance = pd.DataFrame(self.chance, index=runs.index, columns=scores)
        chance = chance.astype(float).groupby(pairs, sort=False).mean()
        sizes = grouped.size()
        self.board.scores = [_score(score, runs[score]) for score in scores]
        self.board.legend = [
            [kind, list(look)]
            for kind, look in plots.KINDS.items()
            if kind in kinds.values()
        ]
        if self.board.sort not in scores:
            self.board.sort = scores[0]
        self.board.lines = [
            {
                "id": self.pairs.index(pair),
                "names": list(pair),
                "look": list(plots.KINDS[kinds[pair[0]]]),
                "n": int(sizes[pair]),
                "cells": [
                    _cell(table.loc[pair, score], chance.loc[pair, score])
                    for score in scores
                ],
            }
            for pair in table.index
        ]
        self._say()

    def choose(self, line):
        """Show the clusters of the first run of a line."""
        if self.image_set is None:
            raise ValueError(
                "To show clusters, give the widget image_set=… and labels=…."
            )
        name, algorithm = self.pairs[line]
        own = self.results["representation"].eq(name)
        run = self.results.loc[own & self.results["algorithm"].eq(algorithm), "run"]
        run = run.iloc[0]
        if run not in self.labels:
            raise ValueError(f"The labels have no run {run!r}.")
        self.status.text = f"{run}: its clusters …"
        vectors = extraction.extract(self.image_set, name, progress=False)
        found = np.asarray(self.labels[run])
        medoids = representatives.medoids(vectors, found)
        self.clusters = [
            (cluster, cluster_browser.in_order(vectors, found, cluster, medoids))
            for cluster in cluster_browser.biggest_first(found)
        ]
        self.board.chosen, self.pictures.chosen = line, -1
        self.pager.turn_to(0)
        sentence = cluster_browser.sentence(self.image_set, found)
        self.status.text = f"{run}: {sentence}"

    def tell(self, index):
        """Say which image this is."""
        self.pictures.chosen = index
        self.status.text = base.name_of(self.image_set, index)

    def static(self):
        """The chart of what is ticked, as `plots.score_chart` draws it."""
        runs, scores = self._picked()
        if runs.empty or not scores:
            return base.note(NOTHING)
        for column in ("representation", "algorithm"):
            runs = runs.assign(**{column: runs[column].map(_short_names(runs[column]))})
        figure = plots.score_chart(runs, self.chance, scores)
        n_lines = len(figure.axes[0].get_yticks())
        figure.axes[0].set_ylim(-0.7, n_lines - 0.3)  # no mark touches the frame
        return figure

    @property
    def alt(self):
        """The scores and the line that is highest, in words."""
        return self.board.alt if self.board.lines else self.text

    def _say(self):
        lines, scores = self.board.lines, self.board.scores
        keys = [score["key"] for score in scores]
        if not lines or self.board.sort not in keys:
            return
        number = keys.index(self.board.sort)
        ranked = [line for line in lines if line["cells"][number]]
        best = max(ranked, key=lambda line: line["cells"][number]["mean"])
        n_runs = sum(line["n"] for line in lines)
        said = (
            f"{base.count(n_runs, 'run')}. Highest mean {scores[number]['title']}: "
            f"{best['names'][0]} with {best['names'][1]}, "
            f"{best['cells'][number]['mean']:.3f}."
        )
        titles = ", ".join(score["title"] for score in scores)
        self.board.alt, self.status.text = f"Chart of {titles} over {said}", said

    def _picked(self):
        """The runs and the scores that are ticked."""
        wanted = self.results["representation"].isin(self.representations.value)
        wanted &= self.results["algorithm"].isin(self.algorithms.value)
        runs = self.results[wanted]
        return runs, [s for s in self.scores.value if runs[s].notna().any()]

    def _show_page(self):
        self.pictures.rows = [
            cluster_browser.cluster_row(self.thumbnails, *cluster, N_PICTURES)
            for cluster in self.pager.cut(self.clusters)
        ]

    @property
    def thumbnails(self):
        """Made when clusters are first shown."""
        if not hasattr(self, "_thumbnails"):
            self._thumbnails = base.Thumbnails(self.image_set)
        return self._thumbnails

    def _close_clusters(self):
        self.clusters, self.pictures.rows, self.board.chosen = [], [], -1
        self.pager.layout.display = "none"


def _choice(description, values):
    names = list(dict.fromkeys(values))
    options = [[str(name), name] for name in names]
    return Choice(description=description, options=options, value=names)


def _cell(numbers, chance):
    """The mean, lowest and highest of a score and chance; None where no run has it."""
    mean, low, high = (float(value) for value in numbers)
    if math.isnan(mean):
        return None
    chance = None if math.isnan(chance) else float(chance)
    return {"mean": mean, "low": low, "high": high, "chance": chance}


def _score(score, values):
    """How a score is drawn: its title, the ends of its axis, and its marks."""
    low, high, ticks = min(0.0, math.floor(10 * values.min()) / 10), 1.0, [0, 0.5, 1]
    if score == "silhouette":
        high = max(0.1, math.ceil(10 * values.max()) / 10)
        ticks = [0, high]
    if low < 0:
        ticks = [low, *ticks]
    axis = {"low": low, "high": high, "ticks": ticks}
    return {"key": score, "title": plots.TITLES[score], **axis}


def _short_names(names):
    """{name: what the chart writes}: not too long, and a $ begins no formula."""
    short = {}
    for name in names:
        cut = name if len(name) <= LONGEST else f"{name[:LONGEST]}…{len(short) + 1}"
        short.setdefault(name, cut.replace("$", r"\$"))
    return short
