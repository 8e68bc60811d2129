"""What the widgets are made of: front-ends of anywidget, thumbnails, pages.

The JavaScript is in `front/`, one small file per thing that is drawn; `script` joins
the files of a widget. It sets texts as text, never as HTML, so that names of images and
classes can hold anything.
"""

import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import traitlets

from course_utils import plots
from course_utils._support.html import image_data_uri
from course_utils.images import decoding
from course_utils.representations.backbones import WeightsUnavailable

FRONT = Path(__file__).with_name("front")

STYLE = FRONT / "style.css"

THUMBNAIL = 120  # pixels, the longer side; shown at 58, so sharp on fine screens

AT_ONCE = 1000  # a set of at most so many images gets its thumbnails when it is shown

ROWS_A_PAGE = 12

DPI, SCREEN_DPI = 160, 80  # of a static figure: its pixels, and its size on a page

NARROW = {"description_width": "initial"}


def script(*names):
    """Join files of `front/` to one module for anywidget; the last one exports."""
    return "\n".join((FRONT / f"{name}.js").read_text("utf-8") for name in names)


class Status(anywidget.AnyWidget):
    """A line of text, spoken by screen readers when it changes."""

    _esm, _css = script("status"), STYLE
    text = traitlets.Unicode().tag(sync=True)


class Pictures(anywidget.AnyWidget):
    """Rows of images to click.

    rows: [{heading, note, pictures: [{id, src, label, note, badge, odd}]}]; chosen: the
    id of the image that is marked. on_click: called with the id.
    """

    _esm, _css = script("elements", "pictures"), STYLE
    rows = traitlets.List().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)

    def __init__(self, on_click, **traits):
        super().__init__(**traits)
        self.on_msg(lambda _, message, __: on_click(message["clicked"]))


class Pager(ipywidgets.HBox):
    """Buttons for the page before and after; hidden where there is one page.

    what: what is counted. on_turn is called to show the page, and uses `cut`.
    """

    def __init__(self, what, on_turn):
        self.what, self.on_turn, self.page, self.n_pages = what, on_turn, 0, 1
        self.before = ipywidgets.Button(description="◀ Previous page")
        self.after = ipywidgets.Button(description="Next page ▶")
        self.before.on_click(lambda _: self.turn_to(self.page - 1))
        self.after.on_click(lambda _: self.turn_to(self.page + 1))
        self.text = Status()
        super().__init__([self.before, self.after, self.text])

    def cut(self, items):
        """The items of this page; says which they are."""
        self.n_pages = max(1, -(-len(items) // ROWS_A_PAGE))
        first = self.page * ROWS_A_PAGE
        shown = items[first : first + ROWS_A_PAGE]
        last = first + len(shown)
        self.text.text = f"{self.what} {first + 1} to {last} of {len(items)}"
        self.layout.display = "flex" if self.n_pages > 1 else "none"
        return shown

    def turn_to(self, page):
        """Show this page, or the first or last."""
        self.page = min(max(page, 0), max(self.n_pages - 1, 0))
        self.on_turn()


class Thumbnails:
    """Small JPEG images as data URIs, each made once: `sources`, {index: URI}."""

    def __init__(self, image_set):
        self.image_set, self.sources = image_set, {}
        if len(image_set) <= AT_ONCE:
            self.make(range(len(image_set)))

    def make(self, indices):
        missing = [index for index in indices if index not in self.sources]
        with ThreadPoolExecutor() as pool:
            made = pool.map(self._one, missing)
            self.sources.update(zip(missing, made, strict=True))

    def row(self, heading, note, indices, *, odd=(), badges=None, notes=None):
        """A row for `Pictures`: these images with their names."""
        self.make(indices)
        badges, notes, odd = badges or {}, notes or {}, set(odd)
        shown = []
        for index in map(int, indices):
            badge = badges.get(index, "✕" if index in odd else "")
            label = name_of(self.image_set, index) + BADGES[badge]
            more = {"badge": badge, "odd": index in odd, "note": notes.get(index, "")}
            src = self.sources[index]
            shown.append({"id": index, "src": src, "label": label, **more})
        return {"heading": heading, "note": note, "pictures": shown}

    def _one(self, index):
        image = decoding.thumbnail(self.image_set.read(index), THUMBNAIL)
        return image_data_uri(decoding.as_jpeg(image, 85), "jpeg")


BADGES = {"": "", "★": ", the medoid", "✕": ", not of the most frequent class"}


class Explorer:
    """A widget with controls, and a figure of it for where nothing can be clicked.

    A subclass calls `assemble` with its rows of controls and has `static()`.
    """

    text = "a widget: run the notebook to use it"

    def assemble(self, *rows):
        # JupyterLab and ipykernel answer controls from two threads (subshells): without
        # the lock an older answer that takes longer would come last, and stay.
        self.lock = threading.RLock()
        self.status = Status()
        self.status.add_class("course-main")
        self.box = ipywidgets.VBox([*rows[:-1], self.status, rows[-1]])
        self.box.add_class("course-explorer")

    def button(self, description, action, *, kind=None):
        """A button that does this; kind: "primary", or "danger" for what destroys."""
        made = ipywidgets.Button(description=description)
        made.layout.width = "auto"
        if kind:
            made.add_class(f"course-{kind}")
        made.on_click(lambda _: self.attempt(action))
        return made

    def attempt(self, function, *values):
        """Call it; what goes wrong in a way that is foreseen becomes the status."""
        with self.lock:
            try:
                function(*values)
            except (ValueError, MemoryError, WeightsUnavailable) as error:
                self.status.text = str(error)

    def watch(self, function, *controls):
        """Call it when the value of one of the controls changes."""
        for control in controls:
            control.observe(lambda _: self.attempt(function), "value")

    def static(self):
        """What the widget shows now, as a matplotlib Figure."""
        raise NotImplementedError

    @property
    def alt(self):
        """What `static()` shows, in words, for those who cannot see it."""
        return self.text

    def _repr_mimebundle_(self, **_):
        # The front-end takes the widget if it can, and else the figure; metadata for
        # Colab is anywidget's.
        data, metadata = self.status._repr_mimebundle_()
        view = dict(data["application/vnd.jupyter.widget-view+json"])
        view["model_id"] = self.box.model_id
        drawn, width = png(self.static())
        data |= {
            "text/plain": self.alt,
            "image/png": base64.b64encode(drawn).decode(),
            "application/vnd.jupyter.widget-view+json": view,
        }
        return data, metadata | {"image/png": {"alt": self.alt, "width": width}}


def dropdown(description, options, width="190px"):
    layout = {"width": width}
    return ipywidgets.Dropdown(
        description=description, options=options, style=NARROW, layout=layout
    )


def line(controls):
    """Controls beside each other, and below where the notebook is narrow."""
    return ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"})


def whole_number(description, value, highest):
    return ipywidgets.BoundedIntText(
        value,
        description=description,
        min=1,
        max=highest,
        style=NARROW,
        layout={"width": "90px"},
    )


def looks(numbers):
    """The [colour, marker] of each class or cluster, for a front-end to draw."""
    return [list(plots.look(number)) for number in numbers]


def name_of(image_set, index):
    """An image's caption, or its file's name, with its class if that is known."""
    named = image_set.captions[index] if image_set.captions else ""
    named = named or image_set.images[index].rsplit("/", 1)[-1]
    classes = image_set.class_names
    if image_set.true_labels is not None:
        named += f" (class {classes[image_set.true_labels[index]]})"
    return named


def cluster_name(cluster):
    return "noise" if cluster == -1 else f"cluster {cluster}"


def count(n, what="image"):
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def note(text):
    """A figure with nothing but a sentence."""
    figure = plt.figure(figsize=(8, 0.6))
    figure.text(0.01, 0.4, text, parse_math=False, wrap=True)
    return figure


def png(figure):
    """The bytes of a figure and its width on a page; sharp on fine screens.

    The figure is closed: a notebook does not show it again.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    plt.close(figure)
    return file.getvalue(), round(figure.get_figwidth() * SCREEN_DPI)
