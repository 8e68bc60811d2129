"""The senses of a search: biggest clusters, their medoids, near-duplicates.

What pictures a search gives for an ambiguous word falls into groups, one a sense. Here
the distance of two pictures is the cosine distance of their features, 1 − cos of the
angle between them: 0 for the same direction, 1 for nothing in common, 2 for opposites.
No table of all pairs is kept: what is in memory grows with the number of pictures.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from course_utils.clustering.validation import renumber, unit_vectors

BLOCK_PAIRS = 2_000_000  # distances in memory at a time


def nearest_distances(features):
    """The distance of each picture to the one nearest to it: float array (n,)."""
    directions = unit_vectors(features)
    nearest = np.full(len(directions), np.inf)
    for start, stop in _blocks(len(directions), at_least=2):
        distances = _cosine_distances(directions[start:stop], directions)
        distances[np.arange(stop - start), np.arange(start, stop)] = np.inf
        nearest[start:stop] = distances.min(axis=1)
    return nearest


def links(features):
    """The n − 1 shortest links that join all pictures, shortest first.

    Returns (pairs, distances): int array (n − 1, 2) and float array (n − 1,). This is
    the minimum spanning tree: up to any threshold it joins the same pictures as all the
    pairs up to that threshold do. It is kept up to date block by block. Source: Gower
    and Ross, *Minimum spanning trees and single linkage cluster analysis*, 1969.
    """
    directions = unit_vectors(features)
    n_images = len(directions)
    rows, columns, lengths = (np.empty(0, kind) for kind in (int, int, float))
    for start, stop in _blocks(n_images, at_least=1):
        distances = _cosine_distances(directions[start:stop], directions[start:])
        above = np.arange(start, n_images) > np.arange(start, stop)[:, None]
        block_rows, block_columns = np.nonzero(above)
        edges = (
            np.concatenate([rows, block_rows + start]),
            np.concatenate([columns, block_columns + start]),
        )
        # + 1, since a length of 0 means "no edge" to scipy
        weights = np.concatenate([lengths, distances[above]]) + 1
        graph = sparse.coo_array((weights, edges), shape=(n_images, n_images))
        tree = minimum_spanning_tree(graph.tocsr()).tocoo()
        rows, columns, lengths = tree.row, tree.col, tree.data - 1
    order = np.lexsort((columns, rows, lengths))
    return np.column_stack([rows, columns])[order].astype(int), lengths[order]


def duplicate_curve(features, thresholds):
    """How many pictures are left at each threshold, one a group: int array."""
    _, distances = links(features)
    return len(features) - np.searchsorted(distances, thresholds, side="right")


def duplicate_groups(features, threshold):
    """Groups of near-duplicates: int array (n,), numbered in the order of the pictures.

    Two pictures at most `threshold` apart are in one group, and so is a chain of such
    pictures, whose ends may be further apart.
    """
    pairs, distances = links(features)
    near = pairs[distances <= threshold]
    n_images = len(features)
    graph = sparse.coo_array((np.ones(len(near)), near.T), shape=(n_images, n_images))
    _, groups = connected_components(graph, directed=False)
    return renumber(groups)


def without_duplicates(features, threshold, prefer=None):
    """Indices of the pictures to keep, one of each group of near-duplicates, in order.

    prefer: a number a picture, like its pixels; the highest of a group is kept. Without
    it, or where it is equal, the first is: a search puts the better match first.
    """
    groups = duplicate_groups(features, threshold)
    prefer = np.zeros(len(groups)) if prefer is None else np.asarray(prefer)
    if prefer.shape != groups.shape:
        raise ValueError(f"{len(groups)} pictures, but prefer has {prefer.shape}.")
    best_first = np.lexsort((np.arange(len(groups)), -prefer, groups))
    _, first = np.unique(groups[best_first], return_index=True)
    return np.sort(best_first[first])


def _cosine_distances(some, others):
    return np.clip(1 - some @ others.T, 0, 2)  # rounding may give −1e-16


def _blocks(n_images, at_least):
    """(start, stop) of blocks of pictures; none for fewer pictures than at_least."""
    size = max(1, BLOCK_PAIRS // n_images)
    starts = range(0, n_images if n_images >= at_least else 0, size)
    return [(start, min(start + size, n_images)) for start in starts]
