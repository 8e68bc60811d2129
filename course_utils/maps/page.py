"""The page of a map: what it is made of, and how it is read again.

Texts are JSON in which no `<` stands, and the page's program sets them as text: what is
called `<script>` is shown and does nothing. In a page of one file the sheets and packs
are text elements; in a folder they are scripts, since a page opened from a disk may run
those but not read files.
"""

import base64
import contextlib
import html
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from sklearn.preprocessing import normalize

from course_utils import metrics, plots
from course_utils._support import files
from course_utils._support.files import atomic_file
from course_utils._support.text import plain
from course_utils.clustering import neighbours, representatives
from course_utils.maps import hotspots, layouts, sprites

TITLES = {
    "umap": "UMAP",
    "tsne": "t-SNE",
    "pca": "PCA",
    "grid": "Grid",
    "cluster": "By cluster",
    "class": "By class",
}
FRONT = Path(__file__).with_name("front")
ON_A_LATTICE = ("grid", "cluster", "class")
DECK = "deck.gl/dist.min.js"
NAMES = r"index\.html|data", r"index\.html"  # in its folder; that of no other command
SCRIPTS = (  # one after the other
    "data.js",
    "looks.js",
    "scene.js",
    "panel.js",
    "labels.js",
    "overview.js",
    "lasso.js",
    "album.js",
    "main.js",
)
MAX_SPREAD = 2_000  # images: of more, the first view would show specks
N_NEAREST, MAX_NEAREST = 8, 10_000  # neighbours of an image, up to so many images
BEGIN, END = '<script type="application/json" id="about">', "</script>"


def write(
    image_set,
    out,
    *,
    points,
    cluster_labels,
    vectors,
    spots=(),
    words=None,
    subtitle="",
    progress=True,
):
    """Write the map of images whose places and clusters are known already.

    Parameters
    ----------
    image_set : ImageSet
    out : str or Path
        A name in .html becomes one file, any other name a folder.
    points : dict of {str: array (n_images, 2)}
        The layouts, by name. Up to 2,000 images the page shows the scattered ones
        without overlaps, see `layouts.spread`; what `read` returns are these points.
    cluster_labels : array of int (n_images,)
    vectors : array (n_images, n_features)
        They say which image is typical of a group, and which are nearest to an image.
    spots : sequence of Hotspot
    words : sequence of str (n_images,), optional
        A text per image, to name the clusters by.
    subtitle : str
        How the map was made.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The page to open.

    Raises
    ------
    ValueError
        If shapes do not fit together, or `out` is in the way.
    """
    out = Path(out)
    check_out(out)
    n_images = len(image_set)
    for name, places in points.items():
        if np.shape(places) != (n_images, 2):
            raise ValueError(
                f"layout {name}: shape {np.shape(places)}, {(n_images, 2)} is needed."
            )
    if not points:
        raise ValueError("a map needs one layout or more.")
    cell, detail = sprites.sizes(n_images)
    near = points.get("grid", next(iter(points.values())))
    order = _neighbours_together(layouts.to_unit_square(near))
    groups = _groups(image_set, cluster_labels, vectors, words)
    about = {
        "title": plain(image_set.name),
        "subtitle": subtitle,
        "fingerprint": image_set.fingerprint,
        "images": list(image_set.images),
        "captions": list(image_set.captions) if image_set.captions else None,
        "groups": groups,
        "layouts": [_layout(name, places) for name, places in points.items()],
        "hotspots": [
            {
                "words": ", ".join(spot.words),
                "medoid": int(spot.medoid),
                "members": np.asarray(spot.members).tolist(),
            }
            for spot in spots
        ],
        "cell": cell,
        "gutter": sprites.GUTTER,
        "detail": detail,
        "columns": sprites.SHEET // cell,
        "perSheet": sprites.per_sheet(cell),
        "pack": sprites.PACK,
        "place": _packed(np.argsort(order).astype("<i4")),
        "outline": plots.OUTLINE,
        "nearest": _nearest(vectors),
    }
    made = sprites.build(image_set, order, cell=cell, detail=detail, progress=progress)
    page = out if out.suffix == ".html" else out / "index.html"
    in_one = page == out
    if not in_one:
        files.claim_folder(out, *NAMES, _is_map_folder)
        files.claim(out, [page.name, "data"])
    with (
        atomic_file(page, "w", encoding="utf-8") as file,
        tempfile.TemporaryFile("w+", encoding="utf-8") as later,
    ):
        file.write(_head(about["title"]))
        for kind, number, content in made:
            if kind == "shapes":
                about["shapes"] = _packed(content)
                continue
            name, text = f"{kind}-{number}", _text(content)
            if in_one:  # the packs go last: a browser draws before it has read them
                element = f'<script type="text/plain" id="{name}">{text}</script>\n'
                (file if kind == "sheet" else later).write(element)
            else:
                with atomic_file(out / "data" / f"{name}.js", "w") as part:
                    part.write(f'receive("{name}",{json.dumps(text)});')
        file.write(f"{BEGIN}{_json(about)}{END}\n")
        file.write(f"<script>{_resource(DECK)}</script>\n")
        code = "".join(_resource(name) for name in SCRIPTS)
        file.write(f'<script>\n"use strict";\n{{\n{code}}}\n</script>\n')
        later.seek(0)
        shutil.copyfileobj(later, file)
        file.write("</body></html>\n")
    return page


def read(path):
    """What a map holds: a dict with `images`, `fingerprint` and `layouts`.

    path: the page or its folder. Layouts are {name: float32 array (n, 2)}.
    """
    path = Path(path)
    page = path / "index.html" if path.is_dir() else path
    about = None
    if not files.is_regular(page):
        raise ValueError(f"{page} is no map of this course.")
    with open(page, encoding="utf-8") as file, contextlib.suppress(ValueError):
        for line in file:  # the sheets before it may be long
            if line.startswith(BEGIN):
                about = json.loads(line[len(BEGIN) : line.rindex(END)])
                break
    if about is None:
        raise ValueError(f"{page} is no map of this course.")
    about["layouts"] = {
        layout["name"]: np.frombuffer(
            base64.b64decode(layout["points"]), dtype="<f4"
        ).reshape(-1, 2)
        for layout in about["layouts"]
    }
    return about


def check_out(out):
    """Raise ValueError rather than write over somebody's files."""
    out = Path(out)
    if out.suffix != ".html":
        files.check_folder(out, *NAMES, _is_map_folder)
    elif out.is_dir():
        raise ValueError(f"{out} is a folder: give the name of a file, or a new one.")
    elif os.path.lexists(out) and not _is_map(out):
        raise ValueError(files.in_the_way(out))


def _is_map(page):
    """Whether a file is a map of the course."""
    try:
        read(page)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _is_map_folder(folder):
    """Whether a folder is a map, finished or not, of a version that made no list."""
    names = {path.name for path in folder.iterdir() if not files.is_clutter(path.name)}
    if not names <= {"index.html", "data"}:
        return False
    if "index.html" in names:
        return _is_map(folder / "index.html")
    inside = [path.name for path in (folder / "data").iterdir()]
    return all(re.fullmatch(r"(sheet|pack)-\d+\.js|\..*", name) for name in inside)


def _neighbours_together(points, n_squares=64):
    """The pictures square by square, so that neighbours lie in one pack."""
    column, row = np.minimum((points * n_squares).astype(int), n_squares - 1).T
    snake = np.where(row % 2, n_squares - 1 - column, column)
    return np.lexsort((points[:, 0], snake, row))


def _groups(image_set, cluster_labels, vectors, words):
    """The clusters, and the classes where there are any, as the page shows them."""
    labels, n_words = np.asarray(cluster_labels), hotspots.n_words(image_set)
    said = {} if words is None else hotspots.describe(words, labels, n_words)
    texts = {label: {"words": ", ".join(found)} for label, found in said.items()}
    clusters = _group("cluster", labels, "cluster {}".format, texts, vectors)
    if image_set.true_labels is None:
        return [clusters]
    true, names = np.asarray(image_set.true_labels), image_set.class_names
    scores = metrics.scores(
        labels_true=true, labels_pred=labels, names=("purity", "nmi")
    )
    clusters["scores"] = {
        plots.TITLES[score]: round(float(value), 3) for score, value in scores.items()
    }
    for entry in clusters["entries"]:
        if entry["label"] != -1:
            counts = np.bincount(true[labels == entry["label"]], minlength=len(names))
            entry["purity"] = round(float(counts.max() / counts.sum()), 3)
            entry["majority"] = names[int(counts.argmax())]
    classes = _group("class", true, names.__getitem__, {}, vectors)
    return [clusters, classes]


def _group(key, labels, name, texts, vectors):
    """One labelling as the page shows it, the biggest group first, noise last.

    name: turns a label into a name; texts: {label: more entries}. Each group has the
    look that figures give it.
    """
    found = representatives.top_clusters(labels).tolist()
    typical = representatives.medoids(vectors, labels)
    entries = [
        {"label": label, "name": name(label), "medoid": typical[label], "words": ""}
        | texts.get(label, {})
        for label in found
    ]
    if (labels == -1).any():
        first = int(np.flatnonzero(labels == -1)[0])
        entries.append({"label": -1, "name": "noise", "medoid": first, "words": ""})
    for entry in entries:
        entry["colour"], entry["marker"] = plots.look(entry["label"])
    number = {entry["label"]: place for place, entry in enumerate(entries)}
    return {
        "key": key,
        "entries": entries,
        "labels": [number[label] for label in labels.tolist()],
        "values": [
            entry["label"] if key == "cluster" else entry["name"] for entry in entries
        ],
    }


def _nearest(vectors):
    """The images nearest to each by the cosine, packed, or None for too many images."""
    n_images = len(vectors)
    n_nearest = min(N_NEAREST, n_images - 1)
    if n_nearest < 1 or n_images > MAX_NEAREST:
        return None
    directions = normalize(np.asarray(vectors, dtype=np.float32))
    _, indices = neighbours.nearest_neighbours(directions, n_nearest, index="exact")
    return {"each": n_nearest, "indices": _packed(indices.astype("<u2"))}


def _layout(name, points):
    """A layout for the page.

    points are the layout's own, in the unit square. Where the page draws the images at
    other places, since they would cover each other, cells holds these. step is the
    distance between neighbouring cells, or None where images may overlap.
    """
    points = np.asarray(points, dtype=np.float32)
    found = {"name": name, "title": TITLES.get(name, name), "step": None}
    found["points"] = _packed(layouts.to_unit_square(points).astype("<f4"))
    cells = points if name in ON_A_LATTICE else None
    if cells is None and len(points) <= MAX_SPREAD:
        cells = layouts.spread(points)
        found["cells"] = _packed(layouts.to_unit_square(cells).astype("<f4"))
    if cells is not None:
        found["step"] = float(1 / max(np.ptp(cells, axis=0).max(), 1))
    return found


def _head(title):
    page = _resource("page.html").replace("/* style */", _resource("style.css"))
    return page.replace("{{title}}", html.escape(title))


def _resource(name):
    return FRONT.joinpath(name).read_text(encoding="utf-8")


def _json(value):
    """JSON that may stand in a page: no `<`, so that nothing in it is a tag."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _packed(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _text(content):
    parts = [content] if isinstance(content, bytes) else content
    return " ".join(base64.b64encode(part).decode() for part in parts)
