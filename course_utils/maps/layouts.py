"""Layouts: a place in the plane for every image, so that a map can be drawn.

`layout` reduces features to two numbers per image, by PCA, t-SNE or UMAP. Two numbers
cannot hold what a thousand do: lesson 8 shows what each algorithm keeps, loses and
invents. `spread`, `grid` and `grouped` rearrange such places so that every image has a
cell of its own and none covers another.
"""

import contextlib
import difflib
import importlib.metadata
import inspect
import json
import numbers
import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from course_utils._support import files
from course_utils._support.threads import threads_for
from course_utils.clustering.embeddings import umap_embedding
from course_utils.clustering.validation import (
    check_features,
    check_finite,
    check_random_state,
)

__all__ = [
    "NAMES",
    "grid",
    "grouped",
    "layout",
    "neighbours_kept",
    "spread",
    "to_unit_square",
]

RECIPE = 1  # raise it when the course computes layouts differently
FEW = 4  # fewer pictures than this leave nothing to arrange: PCA draws them
ROOM = 40  # cells between blocks are so many times fewer than cells along the map
SHELF = 1.3  # shelves are about so many times wider than all of them are high
LIBRARIES = ("numpy", "scikit-learn", "umap-learn", "pynndescent", "numba")

_unwritable = set()  # folders that were warned of


def _pca(directions, seed):
    n_components = min(2, *directions.shape)
    # In full if that is small, else by ARPACK, which finds two components and no more.
    solver = "full" if min(directions.shape) <= 500 else "arpack"
    pca = PCA(n_components, svd_solver=solver, random_state=0)  # the same for any seed
    points = pca.fit_transform(directions)
    return np.pad(points, ((0, 0), (0, 2 - n_components)))


def _tsne(directions, seed, *, perplexity=30):
    n_images, width = directions.shape
    if min(n_images, width) > 50:
        directions = PCA(50, random_state=seed).fit_transform(directions)
    elif width == 1:
        directions = np.pad(directions, ((0, 0), (0, 1)))  # init="pca" needs two
    perplexity = min(perplexity, (n_images - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    with threads_for(directions):
        return tsne.fit_transform(directions)


def _umap(directions, seed, *, n_neighbors=15, min_dist=0.1):
    return umap_embedding(directions, seed, n_neighbors=n_neighbors, min_dist=min_dist)


ALGORITHMS = {"umap": _umap, "tsne": _tsne, "pca": _pca}
NAMES = tuple(ALGORITHMS)

RANGES = {"n_neighbors": (2, np.inf), "min_dist": (0, 1), "perplexity": (1, np.inf)}


def layout(features, name, *, seed=0, cache=True, **settings):
    """Arrange images in the plane by their features: PCA, t-SNE or UMAP.

    Every vector is scaled to length 1 first, so only directions count. On one machine a
    seed gives the same layout again; another machine or library version may give
    another one. So coordinates are stored in the cache, under all they depend on. UMAP
    with a seed runs on one thread, and its first start ever takes half a minute to
    compile.

    Parameters
    ----------
    features : array (n_images, n_features)
    name : {"umap", "tsne", "pca"}
    seed : int
        PCA does not depend on it.
    cache : bool
        False neither reads nor writes stored coordinates.
    **settings : float
        n_neighbors=15 and min_dist=0.1 for UMAP, perplexity=30 for t-SNE; neighbours
        and perplexity are cut down where there are few images.

    Returns
    -------
    float32 array (n_images, 2)

    Raises
    ------
    ValueError
        For an unknown name, a setting out of its range, a seed that is none, or
        features that are not finite.

    See Also
    --------
    sklearn.decomposition.PCA, sklearn.manifold.TSNE, umap.UMAP

    References
    ----------
    L. van der Maaten, G. Hinton: *Visualizing data using t-SNE*. JMLR 9, 2008.
    L. McInnes, J. Healy, J. Melville: *UMAP*. arXiv:1802.03426, 2018.

    Examples
    --------
    >>> layout([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], "pca", cache=False).shape
    (4, 2)
    """
    settings = _settings(name, settings)
    check_random_state(seed)
    features = np.ascontiguousarray(check_features(features), dtype=np.float32)
    if not features.size:
        raise ValueError(f"There are no features, their shape is {features.shape}.")
    path = _path(features, name, seed, settings) if cache else None
    points = _stored(path, len(features)) if cache else None
    if points is None:
        points = _compute(features, name, seed, settings)
        if cache:
            _store(path, points)
    return points


def _compute(features, name, seed, settings):
    directions = normalize(features)
    if np.ptp(directions, axis=0).max() < 1e-6:
        return np.zeros((len(features), 2), np.float32)  # all the same: one place
    if len(features) < FEW:
        name, settings = "pca", {}
    with np.errstate(all="ignore"):  # a second component of nothing, for example
        points = ALGORITHMS[name](directions, seed, **settings)
    return np.ascontiguousarray(points, dtype=np.float32)


def _settings(name, settings):
    """All settings of an algorithm, with these values; unknown ones are refused."""
    if name not in NAMES:
        raise ValueError(
            f"there is no layout {name!r}: {_nearest(name, NAMES)}"
            f"Known are {', '.join(NAMES)}."
        )
    known = inspect.signature(ALGORITHMS[name]).parameters.values()
    defaults = {p.name: p.default for p in known if p.kind == p.KEYWORD_ONLY}
    for unknown in sorted(settings.keys() - defaults.keys()):
        raise ValueError(
            f"{name} has no setting {unknown!r}: {_nearest(unknown, defaults)}"
            f"It has {', '.join(defaults) or 'none'}."
        )
    for setting, value in settings.items():
        low, high = RANGES[setting]
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise ValueError(
                f"{setting} must be a number from {low} to {high}, got {value!r}."
            )
    return defaults | settings


def _nearest(word, known):
    near = difflib.get_close_matches(str(word).lower(), known, n=1, cutoff=0.4)
    return f"did you mean {near[0]!r}? " if near else ""


def _path(features, name, seed, settings):
    """The file of a layout, named after all that its coordinates depend on."""
    versions = {}
    for library in LIBRARIES[: 2 if name != "umap" else None]:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    about = {
        "features": files.array_digest(features),
        "layout": name,
        "seed": None if name == "pca" else int(seed),
        "settings": {key: float(value) for key, value in settings.items()},
        "versions": versions,
        "recipe": RECIPE,
    }
    key = files.digest(json.dumps(about, sort_keys=True))[:24]
    return files.cache_dir() / "layouts" / f"{name}-{key}.npy"


def _stored(path, n_images):
    """Stored coordinates, or None; a damaged file is none."""
    with contextlib.suppress(OSError, ValueError, EOFError):
        points = np.load(path, allow_pickle=False)
        if points.shape == (n_images, 2) and points.dtype == np.float32:
            return points if np.isfinite(points).all() else None
    return None


def _store(path, points):
    try:
        with files.atomic_file(path) as file:
            np.save(file, points, allow_pickle=False)
    except OSError as error:
        if path.parent not in _unwritable:
            _unwritable.add(path.parent)
            warnings.warn(
                f"layouts are not kept: {path.parent} cannot be written "
                f"({error.strerror or error}). COURSE_CACHE can name another folder.",
                stacklevel=3,
            )


def neighbours_kept(features, points, k=10):
    """The share of its nearest neighbours that each image keeps on a map.

    Parameters
    ----------
    features : array (n_images, n_features)
    points : array (n_images, 2)
        The map.
    k : int, default=10
        How many neighbours count, by Euclidean distance; an image is not its own.

    Returns
    -------
    float array (n_images,)
        The share of the k nearest in the features that are among the k nearest on the
        map.

    See Also
    --------
    sklearn.manifold.trustworthiness : Weighs false neighbours by their true rank.

    Examples
    --------
    >>> features = [[0, 0, 0], [1, 0, 0], [9, 0, 0], [9, 0, 1]]
    >>> neighbours_kept(features, [[0, 0], [1, 0], [2, 0], [3, 0]], k=1).tolist()
    [1.0, 1.0, 0.0, 1.0]
    """
    near, near_on_map = (
        NearestNeighbors(n_neighbors=k).fit(rows).kneighbors_graph()
        for rows in (np.asarray(features), _points(points))
    )
    return np.asarray(near.multiply(near_on_map).sum(axis=1)).ravel() / k


def to_unit_square(points):
    """Scale points into the unit square, centred, with their aspect ratio kept.

    Parameters
    ----------
    points : array (n, 2)

    Returns
    -------
    float32 array (n, 2)
        Between 0 and 1.

    Examples
    --------
    >>> to_unit_square([[0, 0], [4, 2]]).tolist()
    [[0.0, 0.25], [1.0, 0.75]]
    """
    points = _points(points)
    if not len(points):
        return points.astype(np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    span = (high - low).max() or 1  # 1 if they all lie at one place
    return np.clip((points - (low + high) / 2) / span + 0.5, 0, 1).astype(np.float32)


def grid(points):
    """Give every image a cell of its own on a grid, near the places of its neighbours.

    The rectangle of cells is halved across its longer side, and so are the images, by
    their order along that side; then both halves again. Only the order of the x and of
    the y coordinates counts. Images at one place are taken in their order.

    Parameters
    ----------
    points : array (n_images, 2)

    Returns
    -------
    float32 array (n_images, 2)
        Column and row of each image, whole numbers. There are ceil(√n) columns; only
        the lowest row, y = 0, may be incomplete, at the right.

    References
    ----------
    J. L. Bentley: *Multidimensional binary search trees*. CACM 18, 1975 (median
    splits).

    Examples
    --------
    >>> grid([[0.1, 0], [0.2, 5], [9, 0], [8, 5]]).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    points = _points(points)
    n_images = len(points)
    n_columns = int(np.ceil(np.sqrt(n_images)))
    n_rows = -(-n_images // max(n_columns, 1))
    in_lowest_row = n_images - n_columns * (n_rows - 1)
    cells = np.zeros((n_images, 2), np.float32)
    by_x, by_y = np.lexsort(points.T[::-1]), np.lexsort(points.T)
    order_x, order_y = np.argsort(by_x), np.argsort(by_y)

    def n_cells(left, right, low, high):
        absent = right - max(left, in_lowest_row) if low == 0 else 0
        return (right - left) * (high - low) - max(absent, 0)

    def fill(members, left, right, low, high):
        """Give the pictures the cells of columns left… and rows low…, ends excluded."""
        if len(members) <= 1:
            cells[members] = left, high - 1
            return
        across = right - left >= high - low
        members = members[np.argsort((order_x if across else order_y)[members])]
        middle = (left + right) // 2 if across else (low + high) // 2
        one = (left, middle, low, high) if across else (left, right, low, middle)
        other = (middle, right, low, high) if across else (left, right, middle, high)
        n_first = n_cells(*one)
        fill(members[:n_first], *one)
        fill(members[n_first:], *other)

    fill(np.arange(n_images), 0, n_columns, 0, n_rows)
    return cells


def spread(points, *, fill=0.6, aspect=4 / 3):
    """Move images apart until none covers another, each as little as possible.

    A lattice of cells has room for more images than there are. First every coordinate
    is replaced by the mean of itself and its rank, which shortens empty stretches; then
    each image gets a cell of its own so that the sum of the squared distances to the
    cells is as small as possible (the assignment problem). Unlike on `grid`, gaps
    between groups remain.

    Parameters
    ----------
    points : array (n_images, 2)
        At most a few thousand: time and memory grow with n² and more.
    fill : float
        The share of the cells that are used, from 0 to 1.
    aspect : float
        Columns per row.

    Returns
    -------
    float32 array (n_images, 2)
        Column and row of each image, whole numbers from 0.

    References
    ----------
    D. Crouse: *On implementing 2D rectangular assignment algorithms*. IEEE Transactions
    on Aerospace and Electronic Systems 52, 2016.

    Examples
    --------
    >>> spread([[0, 0], [0, 0], [9, 9]], fill=0.75, aspect=1).tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    """
    points = _points(points)
    if not 0 < fill <= 1 or not aspect > 0:
        raise ValueError(
            f"fill must be above 0 and at most 1, aspect above 0, got {fill}, {aspect}."
        )
    if not len(points):
        return points.astype(np.float32)
    n_cells = len(points) / fill
    n_rows = max(round(np.sqrt(n_cells / aspect)), 1)
    n_columns = int(np.ceil(n_cells / n_rows))
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    scaled = (points - low) / np.where(span > 0, span, 1)
    ranks = (rankdata(points, axis=0) - 1) / max(len(points) - 1, 1)
    wanted = (scaled + ranks) / 2 * (n_columns - 1, n_rows - 1)
    columns, rows = np.meshgrid(np.arange(n_columns), np.arange(n_rows))
    cells = np.column_stack([columns.ravel(), rows.ravel()])
    costs = cdist(wanted, cells, "sqeuclidean")
    found = cells[linear_sum_assignment(costs)[1]]
    return (found - found.min(axis=0)).astype(np.float32)


def grouped(labels, points=None):
    """Arrange images in one block per label, the largest block first.

    Parameters
    ----------
    labels : sequence (n_images,)
        Of any one kind that can be sorted; -1 is noise and comes last.
    points : array (n_images, 2), optional
        Within its block an image lies as `grid` puts it; by default in reading order.

    Returns
    -------
    float32 array (n_images, 2)
        Whole numbers. Blocks are about square, with an empty cell or more between them:
        the more images, the more cells, since the names of the blocks need room.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels have shape {labels.shape}: one per image is needed.")
    points = None if points is None else _points(points)
    if points is not None and len(points) != len(labels):
        raise ValueError(f"{len(labels)} labels, but {len(points)} points.")
    try:
        groups, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            "labels of several kinds: take all int, or all str."
        ) from error
    members = [np.flatnonzero(codes == code) for code in range(len(groups))]
    noise = [label == -1 for label in groups.tolist()]
    order = sorted(range(len(groups)), key=lambda g: (noise[g], -len(members[g])))
    blocks = {g: _block(members[g], points) for g in order}
    sizes = {g: block.max(axis=0) + 1 for g, block in blocks.items()}
    gap = int(np.ceil(np.sqrt(len(labels)) / ROOM))
    area = sum(np.prod(size + gap) for size in sizes.values())
    widest = max([np.sqrt(SHELF * area), *(width for width, _ in sizes.values())])
    places = np.zeros((len(labels), 2), np.float32)
    left = top = tallest = 0
    for g in order:
        width, height = sizes[g]
        if left + width > widest:  # the next shelf
            left, top, tallest = 0, top - tallest - gap, 0
        places[members[g]] = blocks[g] + (left, top - height)
        left, tallest = left + width + gap, max(tallest, height)
    return places - places.min(axis=0) if len(places) else places


def _block(members, points):
    if points is not None:
        return grid(points[members])
    n_columns = int(np.ceil(np.sqrt(len(members))))
    rows, columns = np.divmod(np.arange(len(members)), n_columns)
    return np.column_stack([columns, rows.max() - rows]).astype(np.float32)


def _points(points):
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"The points must have shape (n, 2), got {points.shape}.")
    check_finite(points, "points")
    return points
