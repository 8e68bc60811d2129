"""A results table as a chart of the scores and runs that you pick."""

import ipywidgets

from course_utils import plots
from course_utils._support.html import image_data_uri
from course_utils.widgets import base

SHOWN_FIRST = ("purity", "nmi", "fowlkes_mallows")

LONGEST = 44  # characters of a name in the chart

NOTHING = (
    "Nothing to draw: pick a score, a representation and an algorithm that were run "
    "together."
)


class ComparisonExplorer(base.Explorer):
    """Pick scores, representations and algorithms from a table of results, as a chart.

    Parameters
    ----------
    results : DataFrame
        What `experiments.run` returned.
    chance : dict of {score: float}, optional
        Chance levels, drawn as dashed lines.

    Raises
    ------
    ValueError
        If the table has no runs, columns or scores to compare.
    """

    text = "chart of the scores of each representation and algorithm"

    def __init__(self, results, chance=None):
        missing = {"representation", "algorithm"} - set(results.columns)
        scores = [s for s in plots.TITLES if s in results and results[s].notna().any()]
        if missing or results.empty or not scores:
            raise ValueError(
                "there is nothing to compare: results need runs with representation, "
                "algorithm and a score, as `results, labels = experiments.run(…)` has "
                f"them. These have {base.count(len(results), 'run')} and the columns "
                f"{', '.join(map(str, results.columns)) or 'none'}."
            )
        self.results, self.chance = results, chance
        menu = [(plots.TITLES[score], score) for score in scores]
        first = [score for score in scores if score in SHOWN_FIRST] or scores
        self.scores = _several("Scores", menu, first)
        names = list(dict.fromkeys(results["representation"]))
        self.representations = _several("Representations", names, names)
        names = list(dict.fromkeys(results["algorithm"]))
        self.algorithms = _several("Algorithms", names, names)
        self.chart = base.Chart()
        controls = [self.scores, self.representations, self.algorithms]
        self.assemble(base.line(controls), self.chart)
        self.watch(self.show, *controls)
        self.attempt(self.show)

    def show(self):
        """Draw what is picked, and say which line is highest."""
        runs, scores = self._picked()
        if runs.empty or not scores:
            self.chart.src, self.chart.rows = "", []
            raise ValueError(NOTHING)
        lines = runs.groupby(["representation", "algorithm"], sort=False)[scores].mean()
        lines = lines.sort_values(scores[0], ascending=False, kind="stable")
        titles = [plots.TITLES[score] for score in scores]
        rows = [
            [*names, *(f"{x:.3f}" for x in row)]
            for names, row in zip(lines.index, lines.to_numpy(), strict=True)
        ]
        best = lines.index[0]
        sentence = (
            f"{base.count(len(runs), 'run')}. Highest mean {titles[0]}: "
            f"{best[0]} with {best[1]}, {rows[0][2]}."
        )
        self.chart.alt = f"Chart of {', '.join(titles)} over {sentence}"
        self.chart.rows = [["representation", "algorithm", *titles], *rows]
        self.chart.src = image_data_uri(base.png(self.static()))
        self.status.text = sentence + " Ctrl or Shift with a click picks several."

    def static(self):
        """The chart of what is picked, as `plots.score_chart` draws it."""
        runs, scores = self._picked()
        if runs.empty or not scores:
            return base.note(NOTHING)
        for column in ("representation", "algorithm"):
            runs = runs.assign(**{column: runs[column].map(_short_names(runs[column]))})
        return plots.score_chart(runs, self.chance, scores)

    def _picked(self):
        """The runs and the scores that are picked."""
        wanted = self.results["representation"].isin(self.representations.value)
        wanted &= self.results["algorithm"].isin(self.algorithms.value)
        runs = self.results[wanted]
        return runs, [s for s in self.scores.value if runs[s].notna().any()]


def _several(description, options, value):
    return ipywidgets.SelectMultiple(
        description=description,
        options=options,
        value=value,
        rows=min(8, max(3, len(options))),
        style=base.NARROW,
        layout={"width": "260px"},
    )


def _short_names(names):
    """{name: what the chart writes}: not too long, and a $ begins no formula."""
    short = {}
    for name in names:
        cut = name if len(name) <= LONGEST else f"{name[:LONGEST]}…{len(short) + 1}"
        short.setdefault(name, cut.replace("$", r"\$"))
    return short
