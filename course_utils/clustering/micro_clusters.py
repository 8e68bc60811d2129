"""Clustering over micro-clusters, where all distances between images would be too many.

k-means first makes a few thousand small clusters, block by block; ward, average or
complete linkage then joins these, each weighted by its number of images. All that is
lost is inside the micro-clusters: the distances between their images are ignored.
Source: the two phases of BIRCH, Zhang, Ramakrishnan and Livny, SIGMOD 1996.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import AgglomerativeClustering

from course_utils.clustering import out_of_core
from course_utils.clustering.preprocessing import as_source, checked_blocks

# Measured on the 9,144 images of Caltech-101, NMI of ward .82 over all images and over
# 1,000 or 2,000; average and complete over 2,000 at least as good as over all.
MICRO_CLUSTERS = 2_000

PASSES = 2  # of mini-batches, for micro-clusters


class OverMicroClusters(ClusterMixin, BaseEstimator):
    """Run a clustering algorithm over k-means micro-clusters instead of the images.

    Parameters
    ----------
    estimator : scikit-learn estimator
        With a parameter `n_clusters`. In AgglomerativeClustering with linkage ward,
        average or complete, every micro-cluster has the weight of its images; another
        algorithm clusters the means of the micro-clusters.
    n_micro_clusters : int, default=2000
        Number of micro-clusters, at most.
    random_state : int, default=0
        Seed of the k-means that makes them.

    Attributes
    ----------
    labels_ : int array (n,)
        Cluster labels.

    See Also
    --------
    sklearn.cluster.Birch : The same two phases, without weights.
    """

    def __init__(self, estimator, n_micro_clusters=MICRO_CLUSTERS, random_state=0):
        self.estimator = estimator
        self.n_micro_clusters = n_micro_clusters
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster features (n, d), an array or a source of blocks.

        Raises ValueError if there are fewer micro-clusters than clusters.
        """
        found = make_groups(X, self.n_micro_clusters, self.random_state)
        n_clusters = self.estimator.n_clusters
        if len(found.means) < n_clusters:
            raise ValueError(
                f"micro{self.n_micro_clusters}: the images form {len(found.means)} "
                f"groups, too few for {n_clusters} clusters. Choose more "
                "micro-clusters or fewer clusters."
            )
        if isinstance(self.estimator, AgglomerativeClustering):
            linkage = self.estimator.linkage
            apart = group_distances(found.means, found.sizes, linkage, found.spreads)
            labels = join_groups(apart, found.sizes, n_clusters, linkage)
        else:
            labels = clone(self.estimator).fit_predict(found.means)
        self.labels_ = labels[found.labels]
        return self


class Groups(NamedTuple):
    """Small clusters: which one each image is in, and three numbers about each.

    labels: int (n,). means: float32 (m, d). sizes: number of images, int (m,).
    spreads: mean squared distance of the images from their mean, float64 (m,).
    """

    labels: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    spreads: np.ndarray


def make_groups(features, n_micro, random_state=0):
    """Make at most n_micro k-means clusters of an array or a source: `Groups`.

    None of them is empty. If there are no more images, each is a group of its own.
    """
    source = as_source(features)
    if source.n_images <= n_micro:
        points = np.concatenate(list(checked_blocks(source)))
        ones = np.ones(len(points), dtype=int)
        return Groups(np.arange(len(points)), points, ones, np.zeros(len(points)))
    model = out_of_core.fit_out_of_core(
        source, "minibatch", n_micro, random_state=random_state, passes=PASSES
    )
    sizes, squares, labels = np.zeros(n_micro, int), np.zeros(n_micro), []
    sums = np.zeros(model.centers.shape)
    for rows in checked_blocks(source):
        found = model.predict(rows)
        block_sums, counts = out_of_core.sum_by_label(found, rows, n_micro)
        sums += block_sums
        sizes += counts
        lengths = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        squares += np.bincount(found, lengths, n_micro)
        labels.append(found)
    filled, codes = np.unique(np.concatenate(labels), return_inverse=True)
    sizes = sizes[filled]
    means = sums[filled] / sizes[:, None]
    spreads = np.maximum(squares[filled] / sizes - (means**2).sum(axis=1), 0)
    return Groups(codes, means.astype(np.float32), sizes, spreads)


def group_distances(means, sizes, linkage, spreads=None):
    """Return what each linkage starts from: float64 (m, m), between groups of images.

    For ward, exact, 2 n_i n_j / (n_i + n_j) |c_i - c_j|². For average and complete the
    root of the mean squared distance between their images, |c_i - c_j|² + s_i + s_j:
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


def join_groups(apart, sizes, n_clusters, linkage):
    """Join m weighted groups to n_clusters clusters: int (m,), the clusters from 0 on.

    apart: float64 (m, m), see `group_distances`; it is overwritten. sizes: images per
    group. The same as linkage over all images if those of a group are identical. Uses
    chains of nearest neighbours and the formula of Lance and Williams: m² memory, about
    m² steps. Source: Müllner, arXiv 1109.2378, 2011.
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
            near = chain[-2]  # on ties, the previous one: otherwise it never ends
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
    lowest = np.argsort(heights, kind="stable")[: n_groups - n_clusters]
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


def warn_of_micro_clusters(name, n_images, n_micro):
    """Warn that an algorithm uses micro-clusters; say how to choose their number."""
    warnings.warn(
        f"{name} of {n_images:,} images uses {n_micro:,} k-means micro-clusters, "
        "because all distances would need too much memory. Choose their number in the "
        f"name (micro4000+{name} for ward, average, complete), or use kmeans or "
        "minibatch, which need no distances between images.",
        stacklevel=3,  # at the caller of `cluster`
    )
