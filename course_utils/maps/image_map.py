"""A map of a whole image set: a page of thumbnails for any browser.

`export` computes features, clusters and layouts and writes the page, which needs no
network; `write` does it for coordinates and clusters that are known, `read` reads a
page again. deck.gl draws it (see `front/deck.gl`).
"""

import warnings
from pathlib import Path

from course_utils import clustering
from course_utils.maps import hotspots, layouts
from course_utils.maps.page import TITLES, check_out, read, write
from course_utils.representations import extraction

__all__ = ["LAYOUTS", "export", "read", "write"]

LAYOUTS = ("umap", "tsne", "grid", "cluster", "class")


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
    max_plain=5_000,
    max_tsne=10_000,
    progress=True,
):
    """Cluster an image set and write its map.

    The true labels colour the map and make the layout "class"; nothing else looks at
    them.

    Parameters
    ----------
    image_set : ImageSet
    out : str or Path
        A name in .html becomes one file with everything in it; any other name a folder,
        whose larger thumbnails are read when somebody zooms in.
    representation : str
        As for `representations.extract`.
    algorithm : str, optional
        As for `clustering.cluster`. Default: l2+kmeans, and above `max_plain` images
        l2+pca50+kmeans.
    k : int, optional
        Number of clusters. Default: the number of classes, and without classes
        √(n/2), a rule of thumb.
    seed : int
        Of the layouts and the clusters.
    wanted : sequence of str
        Layouts: any of umap, tsne, pca, grid, cluster, class.
    coordinates : str or Path, optional
        An earlier map of the same images, whose UMAP and t-SNE coordinates are kept:
        they differ between machines.
    max_plain, max_tsne : int
        Up to so many images the default algorithm goes without PCA, and t-SNE is
        computed where other layouts are wanted too: beyond, both take many minutes.
    progress : bool
        Show progress bars.

    Returns
    -------
    Path
        The page to open.

    Raises
    ------
    ValueError
        For unknown layouts, or coordinates of another image set.
    """
    _check_layouts(wanted)
    check_out(Path(out))
    known = read(coordinates) if coordinates else None
    vectors = extraction.extract(image_set, representation, progress=progress)
    points = _places(image_set, vectors, wanted, seed, known, max_tsne)
    n_images = len(image_set)
    if k is None:
        k = len(image_set.class_names) or round((n_images / 2) ** 0.5)
        k = min(max(k, 1), n_images)
    algorithm = algorithm or (
        "l2+kmeans" if n_images <= max_plain else "l2+pca50+kmeans"
    )
    labels = clustering.cluster(vectors, algorithm, k, seed)
    words = hotspots.hotspot_words(image_set, progress=progress)
    n_words = hotspots.n_words(image_set)
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
        spots=hotspots.find_hotspots(first, vectors, words, n_words=n_words),
        words=words,
        subtitle=f"{representation}, {algorithm}, k = {k}",
        progress=progress,
    )


def _places(image_set, vectors, wanted, seed, known, max_tsne):
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
        elif name == "tsne" and len(image_set) > max_tsne and len(computed) > 1:
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
