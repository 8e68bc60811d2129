"""Maps of a whole image set: in the notebook, and as a page for any browser.

`scatter` is for the notebook: dots with pictures under the pointer, and a lasso whose
pictures come back to Python. `export` writes a page of thumbnails that needs no
network; `write` does it for places and clusters known already, `read` reads it again.
The page is drawn by deck.gl, which comes with the package pydeck.
"""

import warnings
from pathlib import Path

from course_utils.clustering import algorithms
from course_utils.maps import hotspots, layouts
from course_utils.maps.page import TITLES, check_out, read, write
from course_utils.representations import extraction

__all__ = ["LAYOUTS", "export", "read", "scatter", "write"]

LAYOUTS = ("umap", "tsne", "grid", "cluster", "class")

MOST_FOR_KMEANS, MOST_FOR_TSNE = 5_000, 10_000  # pictures; more take many minutes


def export(
    image_set,
    out,
    *,
    representation="EfficientNetLite0",
    algorithm=None,
    k=None,
    seed=0,
    wanted=LAYOUTS,
    coordinates=None,
    progress=True,
):
    """Cluster an image set and write its map; returns the page's path.

    out: `map.html` becomes one file with everything in it; any other name a folder,
    whose larger pictures are read when somebody comes near. algorithm: as for
    `clustering.cluster`; if None, l2+kmeans, and for many pictures l2+pca50+kmeans. k:
    the number of classes if None, and without classes √(n/2), a rule of thumb. wanted:
    layouts, of `LAYOUTS` and "pca"; of many pictures t-SNE is left out. coordinates: an
    earlier map of the same pictures, whose places are taken over, for UMAP and t-SNE
    differ from machine to machine. The true labels colour the map and make the layout
    "class"; nothing else looks at them.
    Raises ValueError for unknown layouts or another image set's coordinates.
    """
    _check_layouts(wanted)
    check_out(Path(out))
    known = read(coordinates) if coordinates else None
    vectors = extraction.extract(image_set, representation, progress=progress)
    points = _places(image_set, vectors, wanted, seed, known)
    n_images = len(image_set)
    if k is None:
        k = len(image_set.class_names) or round((n_images / 2) ** 0.5)
        k = min(max(k, 1), n_images)
    algorithm = algorithm or (
        "l2+kmeans" if n_images <= MOST_FOR_KMEANS else "l2+pca50+kmeans"
    )
    labels = algorithms.cluster(vectors, algorithm, k, seed)
    words = hotspots.hotspot_words(image_set, progress=progress)
    first = next(iter(points.values()))
    if "grid" in wanted:
        points["grid"] = layouts.grid(first)
    if "cluster" in wanted:
        points["cluster"] = layouts.grouped(labels, first)
    if "class" in wanted and image_set.true_labels is not None:
        points["class"] = layouts.grouped(image_set.true_labels, first)
    return write(
        image_set,
        out,
        points={name: points[name] for name in wanted if name in points},
        cluster_labels=labels,
        vectors=vectors,
        spots=hotspots.find_hotspots(first, vectors, words),
        words=words,
        subtitle=f"{representation}, {algorithm}, k = {k}",
        progress=progress,
    )


def _places(image_set, vectors, wanted, seed, known):
    """{layout: places} of those that are computed from the features."""
    if known and known["fingerprint"] != image_set.fingerprint:
        raise ValueError(
            f"the coordinates are of other pictures ({known['title']}, "
            f"{len(known['images']):,}): take a map of {image_set.name}."
        )
    points = {}
    computed = [name for name in wanted if name in layouts.NAMES] or ["umap"]
    for name in computed:
        if known and name in known["layouts"]:
            points[name] = known["layouts"][name]
        elif name == "tsne" and len(image_set) > MOST_FOR_TSNE and len(computed) > 1:
            warnings.warn(
                f"t-SNE of {len(image_set):,} pictures is left out: it would take many "
                "minutes. Ask for it alone, and give that map as coordinates.",
                stacklevel=3,
            )
        else:
            points[name] = layouts.layout(vectors, name, seed=seed)
    return points


def _check_layouts(wanted):
    for name in wanted:
        if name not in TITLES:
            raise ValueError(
                f"there is no layout {name!r}: known are {', '.join(TITLES)}."
            )


def scatter(image_set, points, *, cluster_labels=None, height=480):
    """A map in the notebook, see `imagemap.notebook_map.ImageScatter`."""
    from course_utils.widgets.image_scatter import ImageScatter

    return ImageScatter(image_set, points, cluster_labels=cluster_labels, height=height)
