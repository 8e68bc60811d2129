"""Agglomerative clustering over micro-clusters, where all distances would be too many.

k-means first makes some thousand small clusters, block by block; ward, average or
complete linkage then joins these, each with the weight of its pictures. What is lost
lies within the micro-clusters only: how far apart their pictures are is left out.
Source: the two phases of BIRCH, Zhang, Ramakrishnan and Livny, SIGMOD 1996.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from course_utils.clustering import out_of_core
from course_utils.clustering.preprocessing import as_source, blocks_of

# Measured on the 9,144 pictures of Caltech-101, NMI of ward .82 over all pictures and
# over 1,000 or 2,000; average and complete over 2,000 at least as good as over all.
MICRO_CLUSTERS = 2_000

PASSES = 2  # of mini-batches, for micro-clusters


class Groups(NamedTuple):
    """Small clusters: which one each picture is in, and four numbers about each.

    labels: int (n,). means: float32 (m, d). sizes: pictures in each, int (m,).
    spreads: mean squared distance of its pictures from its mean, float64 (m,).
    """

    labels: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    spreads: np.ndarray


def groups(features, n_micro, seed=0):
    """At most n_micro k-means clusters of features, an array or a source: `Groups`.

    None of them is empty. Where there are no more pictures, each is its own group.
    """
    source = as_source(features)
    if source.n_images <= n_micro:
        points = np.concatenate(list(blocks_of(source)))
        ones = np.ones(len(points), dtype=int)
        return Groups(np.arange(len(points)), points, ones, np.zeros(len(points)))
    model = out_of_core.fit_out_of_core(
        source, "minibatch", n_micro, seed=seed, passes=PASSES
    )
    sizes, squares, labels = np.zeros(n_micro, int), np.zeros(n_micro), []
    sums = np.zeros(model.centers.shape)
    for rows in blocks_of(source):
        found = model.predict(rows)
        more, counts = out_of_core.sums_by(found, rows, n_micro)
        sums += more
        sizes += counts
        lengths = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        squares += np.bincount(found, lengths, n_micro)
        labels.append(found)
    filled, codes = np.unique(np.concatenate(labels), return_inverse=True)
    sizes = sizes[filled]
    means = sums[filled] / sizes[:, None]
    spreads = np.maximum(squares[filled] / sizes - (means**2).sum(axis=1), 0)
    return Groups(codes, means.astype(np.float32), sizes, spreads)


def agglomerate(features, k, linkage, *, n_micro=MICRO_CLUSTERS, seed=0):
    """Cluster labels, 0 to k - 1, of linkage over k-means micro-clusters: int (n,).

    linkage: ward, average or complete. Raises ValueError if there are less than k
    micro-clusters.
    """
    found = groups(features, n_micro, seed)
    if len(found.means) < k:
        raise ValueError(
            f"micro{n_micro}: the pictures fall into {len(found.means)} groups, too "
            f"few for k={k} clusters. Take more micro-clusters or a smaller k."
        )
    apart = distances(found.means, found.sizes, linkage, found.spreads)
    return join(apart, found.sizes, k, linkage)[found.labels]


def distances(means, sizes, linkage, spreads=None):
    """What each linkage starts from: float64 (m, m), between groups of pictures.

    For ward, exact, 2 n_i n_j / (n_i + n_j) |c_i - c_j|². For average and complete the
    root of the mean squared distance between their pictures, |c_i - c_j|² + s_i + s_j:
    without the spreads s a wide group would look nearer to all others than it is.
    """
    means = means.astype(np.float64)
    lengths = (means**2).sum(axis=1)
    apart = lengths[:, None] + lengths - 2 * means @ means.T
    np.maximum(apart, 0, out=apart)
    if linkage == "ward":
        apart *= 2 * np.outer(sizes, sizes) / np.add.outer(sizes, sizes)
        return apart
    if spreads is not None:
        apart += np.add.outer(spreads, spreads)
    return np.sqrt(apart, out=apart)


def join(apart, sizes, k, linkage):
    """Join m weighted groups to k clusters: int (m,), the clusters from 0 on.

    apart: float64 (m, m), see `distances`; it is overwritten. sizes: pictures in each
    group. Equal to linkage over all pictures where those of a group are all alike.
    By chains of nearest neighbours and the formula of Lance and Williams: m² memory,
    some m² steps. Source: Müllner, arXiv 1109.2378, 2011.
    """
    n_groups, sizes = len(apart), np.asarray(sizes, dtype=np.float64).copy()
    np.fill_diagonal(apart, np.inf)
    pairs, heights, chain = [], [], []
    alive = np.ones(n_groups, dtype=bool)
    while len(pairs) < n_groups - 1:
        if not chain:
            chain.append(int(alive.argmax()))
        last = chain[-1]
        near = int(apart[last].argmin())
        if len(chain) > 1 and apart[last, chain[-2]] <= apart[last, near]:
            near = chain[-2]  # of equally near ones the one before, or it never ends
        else:
            chain.append(near)
            continue
        chain = chain[:-2]
        height = apart[last, near]
        pairs.append((last, near))
        heights.append(height)
        merged = _lance_williams(
            apart[last], apart[near], height, sizes[last], sizes[near], sizes, linkage
        )
        merged[~alive] = np.inf
        merged[[last, near]] = np.inf
        alive[last], sizes[near] = False, sizes[last] + sizes[near]
        apart[near] = apart[:, near] = merged
        apart[last] = apart[:, last] = np.inf
    lowest = np.argsort(heights, kind="stable")[: n_groups - k]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2)[lowest].T
    edges = sparse.coo_matrix((np.ones(len(first)), (first, second)), apart.shape)
    return connected_components(edges, directed=False)[1]


def _lance_williams(first, second, height, n_first, n_second, sizes, linkage):
    """Distances of all groups to the union of two, from those to each of the two."""
    if linkage == "complete":
        return np.maximum(first, second)
    both = n_first + n_second
    if linkage == "average":
        return (n_first * first + n_second * second) / both
    near = (n_first + sizes) * first + (n_second + sizes) * second - sizes * height
    return near / (both + sizes)


def announce(name, n_images, n_micro):
    """Warn that an algorithm goes over micro-clusters, and how to choose otherwise."""
    warnings.warn(
        f"{name} of {n_images:,} pictures goes over {n_micro:,} k-means micro-clusters:"
        " all distances would need too much memory. Their number can be chosen in the "
        "name (micro4000+ward); kmeans and minibatch take all pictures as they are.",
        stacklevel=3,  # at who called `cluster`
    )
