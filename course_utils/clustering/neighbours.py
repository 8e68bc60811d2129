"""Nearest neighbours: exact where that takes a minute or two, by an index above.

The index is PyNNDescent, because it comes with umap-learn, which the maps need anyway;
faiss would be one more package for the same answer. It is imported when it is first
needed and then compiles for most of a minute, so that it pays for very many only.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

MOST_PRODUCTS = 2e12  # n² d of comparing all with all: a minute or two

GRAPH_NEIGHBOURS = 30  # of each picture in a graph that stands for all near pairs


def nearest_neighbours(features, n_neighbors, *, index="auto", seed=0):
    """The nearest other pictures of each: (distances, indices), each (n, n_neighbors).

    features: (n, d). Distances are Euclidean, nearest first. index: "exact" (time n² d,
    in chunks), "approximate" (PyNNDescent; misses a few neighbours in a hundred) or
    "auto": exact up to n² d = `MOST_PRODUCTS`. Source: Dong, Moses and Li, *Efficient
    k-nearest neighbor graph construction for generic similarity measures*, WWW 2011.
    """
    features = np.asarray(features)
    if index not in ("auto", "exact", "approximate"):
        raise ValueError(f"index={index!r}: choose auto, exact or approximate.")
    if not 1 <= n_neighbors < len(features):
        raise ValueError(
            f"n_neighbors={n_neighbors}: each of {len(features)} pictures has 1 to "
            f"{len(features) - 1} others."
        )
    if index == "auto":
        few = len(features) * features.size <= MOST_PRODUCTS
        index = "exact" if few else "approximate"
    if index == "exact":
        search = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute")
        return search.fit(features).kneighbors()
    return _approximate(features, n_neighbors, seed)


def _approximate(features, n_neighbors, seed):
    from pynndescent import NNDescent  # compiles: only where it is needed

    with warnings.catch_warnings():  # it tells how it fills in for missing neighbours
        warnings.simplefilter("ignore")
        found = NNDescent(
            np.ascontiguousarray(features, dtype=np.float32),
            n_neighbors=n_neighbors + 1,  # each picture is its own nearest
            random_state=seed,
            low_memory=True,
        ).neighbor_graph
    indices, distances = found
    # Of pictures that are alike any may come first: the own one is taken out wherever
    # it stands, else the last one.
    own = indices == np.arange(len(indices))[:, None]
    own[~own.any(axis=1), -1] = True
    kept = (len(indices), n_neighbors)
    return distances[~own].reshape(kept), indices[~own].reshape(kept)


def graph(distances, indices, *, radius=np.inf):
    """Who is near whom: symmetric sparse float (n, n) of distances up to a radius.

    Of the answer of `nearest_neighbours`; a pair is joined if either is a neighbour of
    the other. Distances of 0 stay entries, as tiny numbers.
    """
    n_images = len(indices)
    near = np.flatnonzero((distances <= radius).ravel())
    rows = near // indices.shape[1]
    values = np.maximum(distances.ravel()[near], np.finfo(np.float32).tiny)
    pairs = (values.astype(np.float64), (rows, indices.ravel()[near]))
    one_way = sparse.csr_matrix(pairs, shape=(n_images, n_images))
    return one_way.maximum(one_way.T)
