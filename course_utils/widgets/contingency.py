"""The contingency table, with the images behind each count."""

import anywidget
import ipywidgets
import numpy as np
import traitlets
from matplotlib import pyplot as plt

from course_utils import metrics, plots
from course_utils.widgets import base, cluster_browser

MAX_PICTURES = 60  # of a cell

MAX_COUNT = 100_000  # of an edited cell


CAPTION = (
    "Images of each class (column) in each cluster (row), the biggest cluster first."
)

READY = "Click a count to see its images."

EDITING = (
    "Type other counts and watch the scores. Edited counts have no images behind them; "
    "press the button again for the real counts."
)


class Table(anywidget.AnyWidget):
    """Counts to click or to edit, with totals and scores.

    table: {caption, columns, rows: [{id, name, counts, total, purity, edited}], totals,
    total, purity, scores: [{title, value, before}], editing}; chosen: [row id, column].
    on_click is called with these two, on_edit with a count besides.
    """

    _esm, _css = base.script("elements", "table"), base.STYLE
    table = traitlets.Dict().tag(sync=True)
    chosen = traitlets.List().tag(sync=True)

    def __init__(self, *, on_click, on_edit, **traits):
        super().__init__(**traits)
        told = {"cell": on_click, "edit": on_edit}
        self.on_msg(lambda _, sent, __: [told[name](*sent[name]) for name in sent])


class ContingencyExplorer(base.Explorer):
    """Click a count of the contingency table to see the images it counts.

    Rows are clusters, columns are classes; both have totals, and above are the scores.
    *Edit the counts* turns the counts into fields: the scores follow what is typed.

    Parameters
    ----------
    image_set : ImageSet
        With true labels.
    cluster_labels : int array (n_images,)
        The clustering.

    Raises
    ------
    ValueError
        If there are no true labels, or the cluster labels do not fit.

    See Also
    --------
    course_utils.metrics.scores_of_table : The scores of a table of counts.
    """

    text = "contingency table: how many images of each class are in each cluster"

    def __init__(self, image_set, cluster_labels):
        if image_set.true_labels is None:
            raise ValueError(
                f"{image_set.name} has no true labels, and the columns of this table "
                "are classes. Load it with labels (one folder per class), or look at "
                "its clusters with widgets.ClusterBrowser(image_set)."
            )
        self.image_set = image_set
        self.cluster_labels = np.asarray(cluster_labels)
        self.counts = metrics.contingency_table(
            labels_true=image_set.true_labels, labels_pred=self.cluster_labels
        ).T
        if self.cluster_labels.dtype.kind not in "iu":
            raise ValueError(
                "cluster_labels must be whole numbers, as clustering.cluster gives "
                f"them, got {self.cluster_labels.dtype}."
            )
        self.real_counts = self.counts.copy()
        self.classes = np.unique(image_set.true_labels).tolist()
        self.names = [image_set.class_names[label] for label in self.classes]
        self.numbers = np.unique(self.cluster_labels).tolist()
        self.order = cluster_browser.biggest_first(self.cluster_labels)
        self.thumbnails = base.Thumbnails(image_set)
        self.table = Table(
            on_click=lambda *cell: self.attempt(self.choose, *cell),
            on_edit=lambda *cell: self.attempt(self.edit, *cell),
        )
        self.editing = ipywidgets.ToggleButton(description="Edit the counts")
        self.pictures = base.Pictures(lambda index: self.attempt(self.tell, index))
        self.pager = base.Pager("clusters", lambda: self.attempt(self._show_page))
        self.assemble(self.editing, self.table, self.pager, self.pictures)
        self.watch(self._set_editing, self.editing)
        self._set_editing()

    def choose(self, cluster, column):
        """Show the images of this cluster that are of the class in this column."""
        here = self.cluster_labels == cluster
        own = self.image_set.true_labels == self.classes[column]
        found = np.flatnonzero(here & own).tolist()
        name = self.names[column]
        note = base.count(len(found))
        if len(found) > MAX_PICTURES:
            note += f",\nthe first {MAX_PICTURES} are shown"
        heading = f"{base.cluster_name(cluster)}, {name}"
        row = self.thumbnails.row(heading, note, found[:MAX_PICTURES])
        self.pictures.rows, self.table.chosen = [row], [cluster, column]
        self.pictures.chosen = -1
        self.status.text = (
            f"{len(found) / here.sum():.0%} of {base.cluster_name(cluster)} is class "
            f"{name}, and {len(found) / own.sum():.0%} of class {name} is here."
        )

    def edit(self, cluster, column, n_images):
        """Put another count into the table, while it is edited; the scores follow."""
        if not self.editing.value:
            raise ValueError("First choose: Edit the counts.")
        if n_images not in range(MAX_COUNT + 1):
            raise ValueError(
                f"A count must be a whole number from 0 to {MAX_COUNT:,}, got "
                f"{n_images}."
            )
        counts = self.counts.copy()
        counts[self.numbers.index(cluster), column] = n_images
        if not counts.any():
            raise ValueError("At least one count must be above 0.")
        self.counts, self.status.text = counts, EDITING
        self._show_page()

    @property
    def scores(self):
        """The five scores of the counts as they are now."""
        return metrics.scores_of_table(self.counts.T, names=metrics.SCORES)

    @property
    def alt(self):
        """The scores of the table, in words."""
        told = [f"{plots.TITLES[name]} {x:.3f}" for name, x in self.scores.items()]
        return (
            f"{self.text} ({len(self.numbers)} clusters, {len(self.names)} classes). "
            f"{', '.join(told)}."
        )

    def tell(self, index):
        """Say which image this is."""
        self.pictures.chosen = index
        self.status.text = (
            f"{base.name_of(self.image_set, index)}: {self.image_set.images[index]}"
        )

    def static(self):
        """The table as a figure: the biggest clusters, the most frequent classes."""
        most = base.ROWS_A_PAGE
        rows = [self.numbers.index(cluster) for cluster in self.order[:most]]
        columns = np.sort(np.argsort(-self.counts.sum(axis=0), kind="stable")[:most])
        counts, sizes = (
            self.counts[np.ix_(rows, columns)],
            self.counts.sum(axis=1)[rows],
        )
        shares = counts / np.maximum(sizes, 1)[:, None]
        figure, panel = plt.subplots(
            figsize=(2.6 + 0.75 * (len(columns) + 1), 2.0 + 0.34 * (len(rows) + 1)),
            layout="constrained",
        )
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1.8, aspect="auto")
        middle = {"ha": "center", "va": "center"}
        for place, number in np.ndenumerate(counts):
            weight = "bold" if number == counts[place[0]].max() else "normal"
            panel.text(*place[::-1], number or "·", weight=weight, **middle)
        totals = {"color": "#595959", **middle}
        for row, size in enumerate(sizes):
            panel.text(len(columns), row, size, **totals)
        for column, size in enumerate(self.counts.sum(axis=0)[columns]):
            panel.text(column, len(rows), size, **totals)
        panel.text(len(columns), len(rows), self.counts.sum(), **totals)
        panel.set(xlim=(-0.5, len(columns) + 0.5), ylim=(len(rows) + 0.5, -0.5))
        panel.axhline(len(rows) - 0.5, color="#767676", lw=0.8)
        panel.axvline(len(columns) - 0.5, color="#767676", lw=0.8)
        names = [*(_short(self.names[column]) for column in columns), "images"]
        turned = {"rotation": 30, "ha": "left", "parse_math": False}
        panel.set_xticks(range(len(names)), names, **turned)
        names = [*map(base.cluster_name, self.order[:most]), "all clusters"]
        panel.set_yticks(range(len(names)), names)
        panel.xaxis.tick_top()
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        told = [f"{plots.TITLES[name]} {x:.3f}" for name, x in self.scores.items()]
        below = f"{'   '.join(told)}\nshade: share of its cluster (row)"
        hidden = len(self.order) - len(rows), len(self.names) - len(columns)
        if any(hidden):
            below += "; not shown: {} clusters, {} classes".format(*hidden)
        panel.set_xlabel(below, loc="left")
        return figure

    def _set_editing(self):
        if self.editing.value:
            self.pictures.rows, self.table.chosen = [], []
        self.counts = self.real_counts.copy()
        self.status.text = EDITING if self.editing.value else READY
        self._show_page()

    def _show_page(self):
        rows = []
        for cluster in self.pager.cut(self.order):
            row = self.numbers.index(cluster)
            counts, total = self.counts[row], int(self.counts[row].sum())
            rows.append(
                {
                    "id": cluster,
                    "name": base.cluster_name(cluster),
                    "counts": counts.tolist(),
                    "total": total,
                    "purity": f"{counts.max() / total:.0%}" if total else "–",
                    "edited": np.flatnonzero(counts != self.real_counts[row]).tolist(),
                }
            )
        real = metrics.scores_of_table(self.real_counts.T, names=metrics.SCORES)
        scores = [
            {
                "title": plots.TITLES[name],
                "value": f"{value:.3f}",
                "before": f"{real[name]:.3f}" if self.editing.value else "",
            }
            for name, value in self.scores.items()
        ]
        self.table.table = {
            "caption": CAPTION,
            "columns": self.names,
            "rows": rows,
            "totals": self.counts.sum(axis=0).tolist(),
            "total": int(self.counts.sum()),
            "purity": f"{self.scores['purity']:.0%}",
            "scores": scores,
            "editing": self.editing.value,
        }


def _short(name, longest=24):
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
