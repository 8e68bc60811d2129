"""The map in the notebook: dots, the image under the pointer, and a lasso."""

from pathlib import Path

import anywidget
import ipywidgets
import jscatter
import numpy as np
import pandas as pd
import traitlets
from matplotlib import pyplot as plt

from course_utils import plots
from course_utils._support import files
from course_utils._support.text import cell
from course_utils.widgets import base

MAX_SHOWN = 60  # of the selected images, below the map

SHEET, THUMBNAIL = (1000, 700), 44  # pixels of the static map

MAX_DRAWN = 600  # images on it

SHAPE = 10, 7  # of the map, wide and high; the axes of a layout have no unit

MARGIN = 0.2  # around the outermost dots

LABELLED = 30  # so many clusters, or fewer, have their names on the map


class Measure(anywidget.AnyWidget):
    """Nothing to see: `width` is how many pixels wide the widget is on the page."""

    _esm = base.script("measure")
    width = traitlets.Int(0).tag(sync=True)


class ImageScatter(base.Explorer):
    """A map of an image set in the notebook: hover over dots, select with a lasso.

    Hover over a dot to see its image. Press *Lasso* and draw around dots: then
    `selection` holds their indices, `selected` the images as an image set, `table` a
    DataFrame of them with their cluster labels, `gallery()` a contact sheet. Setting
    `selection` selects them.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    points : array (n_images, 2)
        Coordinates, such as `maps.layout` returns. The map is drawn wider than high.
    cluster_labels : int array (n_images,), default=None
        The colours of the dots (`plots.look`) and the names on the map.
    height : int, default=480
        Of the map, in pixels.

    Raises
    ------
    ValueError
        If the points or labels do not fit the image set.
    """

    text = "a map of images: run the notebook to move about in it and to select"

    def __init__(self, image_set, points, *, cluster_labels=None, height=480):
        self.image_set, self.points = image_set, np.asarray(points, dtype=np.float32)
        n_images = len(image_set)
        if self.points.shape != (n_images, 2):
            raise ValueError(
                f"Expected points of shape ({n_images}, 2), one per image, got "
                f"{self.points.shape}."
            )
        self.cluster_labels = None
        if cluster_labels is not None:
            self.cluster_labels = np.asarray(cluster_labels)
            if self.cluster_labels.shape != (n_images,):
                raise ValueError(
                    f"Expected {n_images} cluster labels, one per image, got shape "
                    f"{self.cluster_labels.shape}."
                )
        self.thumbnails = base.Thumbnails(image_set)
        self.thumbnails.make(range(n_images))
        self.view = self._view(height)
        self.view.widget.observe(self._show_selection, "selection")
        self.lasso = ipywidgets.ToggleButton(description="Lasso")
        self.lasso.tooltip = "On: draw around dots to select them. Off: move the map."
        self.lasso.layout.width = "auto"
        self.lasso.observe(lambda _: self._set_mode(), "value")
        self.view.widget.observe(self._follow_mode, "mouse_mode")
        self.measure = Measure()
        self.measure.observe(lambda _: self._fit(), "width")
        self.grid = base.Pictures(lambda index: self.attempt(self._name, index))
        self.file = ipywidgets.Text(
            "selection.csv",
            description="File",
            style=base.NARROW,
            layout={"width": "210px"},
        )
        above = [
            self.lasso,
            self.button("Whole map", self._fit),
            self.button("Clear the selection", self._clear),
        ]
        below = [self.file, self.button("Write CSV", self._write)]
        shown = self.view.show([])  # its own buttons have no words
        shown.layout.width = "100%"
        self.assemble(
            base.line(above), self.measure, shown, base.line(below), self.grid
        )
        self._show_selection()

    def _view(self, height):
        data = pd.DataFrame(self.points, columns=["x", "y"])
        data["picture"] = [self.thumbnails.sources[i] for i in range(len(data))]
        data["name"] = [base.name_of(self.image_set, i) for i in range(len(data))]
        view = jscatter.Scatter(data=data, x="x", y="y", height=height)
        view.x(scale=domain(data["x"], 1))
        view.y(scale=domain(data["y"], SHAPE[1] / SHAPE[0]))
        shown = ["name"]
        if self.cluster_labels is not None:
            present = np.unique(self.cluster_labels).tolist()
            names = [base.cluster_name(label) for label in self.cluster_labels.tolist()]
            order = [base.cluster_name(cluster) for cluster in present]
            data["cluster"] = pd.Categorical(names, order)
            view.data(data)
            view.color(by="cluster", map=[plots.look(c)[0] for c in present])
            if len(order) <= LABELLED:  # colours come again, names do not
                view.label(by="cluster", size=14, align="top", offset=(0, 10))
            shown.append("cluster")
        view.size(default=9)
        view.axes(False)
        view.tooltip(
            True,
            properties=shown,
            histograms=False,
            preview="picture",
            preview_type="image",
            preview_image_height=120,
            size="medium",
        )
        return view

    def _set_mode(self):
        self.view.mouse("lasso" if self.lasso.value else "panZoom")

    def _follow_mode(self, change):
        self.lasso.value = change["new"] == "lasso"

    def _fit(self):
        """Show the whole map, as big as the width and the height of its frame allow."""
        self.view.zoom(
            to=list(range(len(self.points))), animation=False, padding=MARGIN
        )

    @property
    def selection(self):
        """Indices of the selected images, in the image set's order: int array."""
        return np.sort(np.asarray(self.view.selection(), dtype=int))

    @selection.setter
    def selection(self, indices):
        self.view.selection([int(i) for i in indices])

    @property
    def selected(self):
        """The selected images as an image set."""
        return self.image_set.subset(self.selection)

    @property
    def table(self):
        """One row per selected image: image, cluster, class, caption, if known."""
        indices = self.selection
        columns = {"image": [self.image_set.images[i] for i in indices]}
        if self.cluster_labels is not None:
            columns["cluster"] = self.cluster_labels[indices]
        if self.image_set.true_names is not None:
            columns["class"] = [self.image_set.true_names[i] for i in indices]
        if self.image_set.captions is not None:
            columns["caption"] = [self.image_set.captions[i] for i in indices]
        return pd.DataFrame(columns)

    def to_csv(self, path):
        """Write `table`, its texts such that a spreadsheet takes none for a formula.

        Raises ValueError if another file is there already, one that this did not write.
        """
        safe = self.table.map(
            lambda value: cell(value) if isinstance(value, str) else value
        )
        path = Path(path)
        files.claim(path.parent, [path.name], _is_selection)
        with files.atomic_file(path, "w", encoding="utf-8", newline="") as file:
            safe.to_csv(file, index=False)

    def gallery(self, **options):
        """The selected images on a sheet, see `plots.contact_sheet`."""
        return plots.contact_sheet(self.image_set, self.selection, **options)

    def static(self):
        """The map with thumbnails for dots, as a matplotlib Figure."""
        return thumbnail_map(self.image_set, self.points)

    def _show_selection(self, _=None):
        chosen = self.selection
        more = f", the first {MAX_SHOWN} here" if len(chosen) > MAX_SHOWN else ""
        self.status.text = f"{base.count(len(chosen))} selected{more}."
        row = self.thumbnails.row("Selected", "", chosen[:MAX_SHOWN])
        self.grid.rows = [row] if len(chosen) else []

    def _name(self, index):
        self.grid.chosen = index
        self.status.text = base.name_of(self.image_set, index)

    def _write(self):
        if not len(self.selection):
            raise ValueError("Nothing is selected: draw around some dots first.")
        try:
            self.to_csv(self.file.value)
        except OSError as error:
            raise ValueError(f"{error.filename}: {error.strerror}") from error
        self.status.text = (
            f"Wrote {base.count(len(self.selection))} to {self.file.value}."
        )

    def _clear(self):
        self.selection = []


def _is_selection(path):
    """Whether a file is a selection that an earlier version wrote."""
    try:
        first = files.read_regular(path)[:13]
    except OSError:
        return False
    return first == b"image,cluster"


def domain(values, share):
    """(low, high) such that the values fill this share of an axis, in its middle."""
    low, high = float(values.min()), float(values.max())
    middle, reach = (low + high) / 2, ((high - low) / 2 or 1.0) / share
    return middle - reach, middle + reach


def thumbnail_map(image_set, points):
    """Thumbnails at their places, as a matplotlib Figure; of many images a sample."""
    points, n_images = np.asarray(points), len(points)
    title = ""
    if n_images > MAX_DRAWN:
        chosen = np.random.default_rng(0).choice(n_images, MAX_DRAWN, replace=False)
        image_set, points = image_set.subset(np.sort(chosen)), points[np.sort(chosen)]
        title = f"{MAX_DRAWN} of {n_images:,} images"
    width, height = SHEET
    figure, axes = plt.subplots(figsize=(10, 7), layout="constrained")
    axes.imshow(
        plots.thumbnail_map(
            image_set, points, width=width, height=height, size=THUMBNAIL, scale=1
        )
    )
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    return figure
