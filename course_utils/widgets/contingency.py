"""The contingency table, with the pictures behind each count."""

import anywidget
import numpy as np
import traitlets
from matplotlib import pyplot as plt

from course_utils import metrics
from course_utils.clustering import representatives
from course_utils.widgets import base

MAX_PICTURES = 60  # of a cell


class Table(anywidget.AnyWidget):
    """Counts to click. table: {caption, columns, rows: [{id, name, counts, total,
    purity}]}; chosen: [row id, column]; `on_click` is called with these two.
    """

    _esm, _css = base.FRONT / "table.js", base.FRONT / "style.css"
    table = traitlets.Dict().tag(sync=True)
    chosen = traitlets.List().tag(sync=True)

    def __init__(self, on_click, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: on_click(*message["cell"]))


class ContingencyExplorer(base.Explorer):
    """Click a count of the contingency table to see the images it counts.

    Rows are clusters, columns are classes.

    Parameters
    ----------
    image_set : ImageSet
        With true labels.
    cluster_labels : int array (n_images,)

    Raises
    ------
    ValueError
        If there are no true labels, or the cluster labels do not fit.
    """

    text = "contingency table: how many pictures of each class are in each cluster"

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
                "cluster_labels are whole numbers here, as clustering.cluster gives "
                f"them, not {self.cluster_labels.dtype}."
            )
        self.classes = np.unique(image_set.true_labels).tolist()
        self.names = [image_set.class_names[label] for label in self.classes]
        self.numbers = np.unique(self.cluster_labels).tolist()
        self.order = representatives.top_clusters(self.cluster_labels).tolist()
        self.order += [-1] * (-1 in self.numbers)
        self.thumbnails = base.Thumbnails(image_set)
        self.table = Table(lambda *cell: self.attempt(self.choose, *cell))
        self.pictures = base.Pictures(lambda index: self.attempt(self.tell, index))
        self.pager = base.Pager("clusters", lambda: self.attempt(self._show_page))
        self.assemble(self.table, self.pager, self.pictures)
        self._show_page()
        self.status.text = "Click a count to see its pictures."

    def choose(self, cluster, column):
        """Show the pictures of this cluster that are of the class in this column."""
        here = self.cluster_labels == cluster
        here &= self.image_set.true_labels == self.classes[column]
        found = np.flatnonzero(here).tolist()
        heading = f"{base.cluster_name(cluster)}, {self.names[column]}"
        note = base.count(len(found))
        if len(found) > MAX_PICTURES:
            note += f",\nthe first {MAX_PICTURES} are shown"
        row = self.thumbnails.row(heading, note, found[:MAX_PICTURES])
        self.pictures.rows, self.table.chosen = [row], [cluster, column]
        self.pictures.chosen = -1
        self.status.text = f"{heading}: {base.count(len(found))}."

    def tell(self, index):
        """Say which picture this is."""
        self.pictures.chosen = index
        self.status.text = (
            f"{base.name_of(self.image_set, index)}: {self.image_set.images[index]}"
        )

    def static(self):
        """The table as a figure: the biggest clusters, the most frequent classes."""
        most = base.ROWS_A_PAGE
        rows = [self.numbers.index(cluster) for cluster in self.order[:most]]
        columns = np.sort(np.argsort(-self.counts.sum(axis=0), kind="stable")[:most])
        counts = self.counts[np.ix_(rows, columns)]
        shares = counts / self.counts[rows].sum(axis=1, keepdims=True)
        figure, panel = plt.subplots(
            figsize=(2.4 + 0.75 * len(columns), 1.6 + 0.34 * len(rows)),
            layout="constrained",
        )
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1.8, aspect="auto")
        for place, number in np.ndenumerate(counts):
            weight = "bold" if number == counts[place[0]].max() else "normal"
            panel.text(
                *place[::-1], number or "·", ha="center", va="center", weight=weight
            )
        names = [_short(self.names[column]) for column in columns]
        panel.set_xticks(
            range(len(names)), names, rotation=30, ha="left", parse_math=False
        )
        panel.set_yticks(range(len(rows)), map(base.cluster_name, self.order[:most]))
        panel.xaxis.tick_top()
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        hidden = len(self.order) - len(rows), len(self.names) - len(columns)
        if any(hidden):
            panel.set_xlabel("not shown: {} clusters, {} classes".format(*hidden))
        return figure

    def _show_page(self):
        rows = []
        for cluster in self.pager.cut(self.order):
            counts = self.counts[self.numbers.index(cluster)]
            total = int(counts.sum())
            rows.append(
                {
                    "id": cluster,
                    "name": base.cluster_name(cluster),
                    "counts": counts.tolist(),
                    "total": total,
                    "purity": f"{counts.max() / total:.0%}",
                }
            )
        caption = "Pictures of each class in each cluster, the biggest cluster first"
        self.table.table = {"caption": caption, "columns": self.names, "rows": rows}


def _short(name, longest=24):
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
