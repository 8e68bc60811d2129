"""Nearest neighbours: exact where that takes a minute or two, by an index above.

The index is PyNNDescent, because it comes with umap-learn, which the maps need anyway;
faiss would be one more package for the same answer. It is imported only when it is
needed: it compiles for most of a minute, which pays for very many images only.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from course_utils._support.threads import threads_for
from course_utils.clustering.validation import (
    as_float,
    check_features,
    check_random_state,
)


def nearest_neighbours(
    features, n_neighbors, *, index="auto", random_state=0, max_products=2e12
):
    """Find the nearest other images of each image.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image. Distances are Euclidean; rows of length 1 give the order of
        cosine distances.
    n_neighbors : int
        How many, without the image itself.
    index : {"auto", "exact", "approximate"}, default="auto"
        `exact` compares all pairs, in chunks: time n² d. `approximate` uses
        PyNNDescent, which misses a few neighbours in a hundred. `auto` is exact up to
        `max_products`.
    random_state : int, default=0
        Seed of the approximate search.
    max_products : float, default=2e12
        The largest n² d for which `auto` compares all pairs: a minute or two.

    Returns
    -------
    distances : float array (n_images, n_neighbors)
        Nearest first.
    indices : int array (n_images, n_neighbors)
        The rows of the neighbours.

    Raises
    ------
    ValueError
        If there are not so many other images, the index is unknown, or the features are
        not finite numbers.

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : Does the exact search.

    References
    ----------
    Dong, Moses and Li, *Efficient k-nearest neighbor graph construction for generic
    similarity measures*, WWW 2011.

    Examples
    --------
    >>> distances, indices = nearest_neighbours([[0.0], [1.0], [5.0]], 1)
    >>> indices.ravel().tolist()
    [1, 0, 1]
    """
    features = as_float(check_features(features))
    if index not in ("auto", "exact", "approximate"):
        raise ValueError(f"index={index!r}: choose auto, exact or approximate.")
    check_random_state(random_state)
    is_int = isinstance(n_neighbors, int | np.integer)
    is_int = is_int and not isinstance(n_neighbors, bool)
    if not is_int or not 1 <= n_neighbors < len(features):
        raise ValueError(
            f"n_neighbors must be an integer from 1 to {len(features) - 1}, the number "
            f"of other images, got {n_neighbors!r}."
        )
    if index == "auto":
        few = len(features) * features.size <= max_products
        index = "exact" if few else "approximate"
    if index == "exact":
        search = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute")
        with threads_for(features):
            return search.fit(features).kneighbors()
    return _search_index(features, n_neighbors, random_state)


def neighbour_graph(distances, indices, *, radius=np.inf):
    """Make a graph of what `nearest_neighbours` found.

    Returns a symmetric sparse float matrix (n, n) of the distances up to a radius: two
    images are joined if either is a neighbour of the other. Distances of 0 are kept, as
    tiny numbers.
    """
    n_images = len(indices)
    near = np.flatnonzero((distances <= radius).ravel())
    rows = near // indices.shape[1]
    values = np.maximum(distances.ravel()[near], np.finfo(np.float32).tiny)
    pairs = (values.astype(np.float64), (rows, indices.ravel()[near]))
    one_way = sparse.csr_matrix(pairs, shape=(n_images, n_images))
    return one_way.maximum(one_way.T)


def _search_index(features, n_neighbors, random_state):
    from pynndescent import NNDescent  # compiles: only where it is needed

    with warnings.catch_warnings():  # about how it fills in for missing neighbours
        warnings.simplefilter("ignore")
        found = NNDescent(
            np.ascontiguousarray(features, dtype=np.float32),
            n_neighbors=n_neighbors + 1,  # each image is its own nearest
            random_state=random_state,
            low_memory=True,
        ).neighbor_graph
    indices, distances = found
    # Identical images may come in any order: remove the image itself wherever it is, or
    # the last neighbour if it is missing.
    own = indices == np.arange(len(indices))[:, None]
    own[~own.any(axis=1), -1] = True
    kept = (len(indices), n_neighbors)
    return distances[~own].reshape(kept), indices[~own].reshape(kept)
