"""Near-duplicates: images whose features point in almost the same direction.

The distance of two images is the cosine distance of their features, 1 − cos of the
angle between them: 0 for the same direction, 1 for nothing in common, 2 for opposite
directions. No table of all pairs is kept: memory grows with the number of images.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.clustering.validation import renumber, unit_vectors

BLOCK_PAIRS = 2_000_000  # distances in memory at a time


def nearest_distances(features):
    """Find the distance of each image to the one nearest to it.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.

    Returns
    -------
    float array (n_images,)
        Cosine distances in [0, 2]; infinity if there is no other image.

    See Also
    --------
    nearest_neighbours : More neighbours, and which ones they are.

    Examples
    --------
    >>> nearest_distances([[1.0, 0], [2.0, 0], [0, 1.0]]).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    directions = unit_vectors(features)
    if len(directions) == 1:
        return np.array([np.inf])
    distances, _ = nearest_neighbours(directions, 1, index="exact")
    return distances[:, 0] ** 2 / 2  # of vectors of length 1: |a − b|² = 2 − 2 cos


def links(features):
    """Find the n − 1 shortest links that join all images.

    This is the minimum spanning tree: up to any threshold it joins the same images as
    all pairs up to that threshold. It is updated block by block.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.

    Returns
    -------
    pairs : int array (n_images − 1, 2)
        The images that each link joins, shortest link first.
    distances : float array (n_images − 1,)
        Their cosine distances.

    See Also
    --------
    scipy.sparse.csgraph.minimum_spanning_tree : The tree of a graph in memory.

    References
    ----------
    Gower and Ross, *Minimum spanning trees and single linkage cluster analysis*,
    Applied Statistics 18, 1969.

    Examples
    --------
    >>> pairs, distances = links([[1.0, 0], [2.0, 0], [0, 1.0]])
    >>> pairs.tolist(), distances.round(6).tolist()
    ([[0, 1], [0, 2]], [0.0, 1.0])
    """
    directions = unit_vectors(features)
    n_images = len(directions)
    rows, columns, lengths = (np.empty(0, kind) for kind in (int, int, float))
    size = max(1, BLOCK_PAIRS // n_images)
    for start in range(0, n_images, size):
        block = directions[start : start + size]
        cosines = block @ directions[start:].T
        distances = np.clip(1 - cosines, 0, 2)  # rounding may give −1e-16
        above = np.arange(len(directions) - start) > np.arange(len(block))[:, None]
        block_rows, block_columns = np.nonzero(above)
        edges = (
            np.concatenate([rows, block_rows + start]),
            np.concatenate([columns, block_columns + start]),
        )
        # + 1, because scipy takes a length of 0 as "no edge"
        weights = np.concatenate([lengths, distances[above]]) + 1
        # A matrix, not a sparse array: that would keep the int64 of its indices, which
        # the tree takes from scipy 1.17 on only.
        graph = sparse.csr_matrix((weights, edges), shape=(n_images, n_images))
        tree = minimum_spanning_tree(graph).tocoo()
        rows, columns, lengths = tree.row, tree.col, tree.data - 1
    order = np.lexsort((columns, rows, lengths))
    return np.column_stack([rows, columns])[order].astype(int), lengths[order]


def duplicate_curve(features, thresholds):
    """Count the images that are left at each threshold, one per group.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.
    thresholds : array-like of float
        Cosine distances up to which two images are near-duplicates.

    Returns
    -------
    int array, as long as thresholds
        Number of groups.

    Examples
    --------
    >>> duplicate_curve([[1.0, 0], [2.0, 0], [0, 1.0]], [0.5, 1.5]).tolist()
    [2, 1]
    """
    _, distances = links(features)
    return len(features) - np.searchsorted(distances, thresholds, side="right")


def duplicate_groups(features, threshold):
    """Group near-duplicates.

    Two images at most `threshold` apart are in the same group, and so are the ends of a
    chain of such images, which may be further apart.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.
    threshold : float
        The largest cosine distance of near-duplicates.

    Returns
    -------
    int array (n_images,)
        The group of each image, numbered in the order of the images.

    See Also
    --------
    without_duplicates : One image of each group.
    sklearn.cluster.AgglomerativeClustering : With linkage="single" and a
        distance_threshold it finds the same groups.

    Examples
    --------
    >>> duplicate_groups([[1.0, 0], [0, 1.0], [2.0, 0]], 0.1).tolist()
    [0, 1, 0]
    """
    pairs, distances = links(features)
    near = pairs[distances <= threshold]
    n_images = len(features)
    edges = np.ones(len(near)), (near[:, 0], near[:, 1])
    graph = sparse.csr_matrix(edges, shape=(n_images, n_images))
    _, groups = connected_components(graph, directed=False)
    return renumber(groups)


def without_duplicates(features, threshold, prefer=None):
    """Choose one image of each group of near-duplicates.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.
    threshold : float
        The largest cosine distance of near-duplicates.
    prefer : array-like of float, shape (n_images,), default=None
        The image with the highest number of each group is kept, for example the one
        with the most pixels. On ties, or without it, the first one is kept: a search
        returns better matches first.

    Returns
    -------
    int array
        Indices of the images to keep, rising.

    Examples
    --------
    >>> without_duplicates([[1.0, 0], [0, 1.0], [2.0, 0]], 0.1).tolist()
    [0, 1]
    >>> without_duplicates([[1.0, 0], [0, 1.0], [2.0, 0]], 0.1, [8, 8, 9]).tolist()
    [1, 2]
    """
    groups = duplicate_groups(features, threshold)
    prefer = np.zeros(len(groups)) if prefer is None else np.asarray(prefer)
    if prefer.shape != groups.shape:
        raise ValueError(
            f"prefer must have one number per image, shape {groups.shape}, got "
            f"{prefer.shape}."
        )
    best_first = np.lexsort((np.arange(len(groups)), -prefer, groups))
    _, first = np.unique(groups[best_first], return_index=True)
    return np.sort(best_first[first])
