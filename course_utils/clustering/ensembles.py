"""Ensembles: many clusterings of the same images, combined into one.

A labeling is an int array (n_images,) of cluster labels. Labelings may have different
numbers of clusters and name them differently: all that matters is which images are
together. Noise (-1) is together with nothing.
"""

import itertools

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.preprocessing import normalize

from course_utils import metrics
from course_utils._support.threads import threads_for
from course_utils.clustering import micro_clusters
from course_utils.clustering.validation import (
    check_n_clusters,
    check_random_state,
    renumber,
)

MAX_IMAGES = 8_000  # all pairs of so many, as float32 and float64, are 0.8 GB

GROUPS = 2_000  # of images that are almost always together


def co_association(labelings, *, max_images=MAX_IMAGES):
    """How often two images are together in a cluster.

    With the one-hot matrices of the R labelings side by side in a sparse Z, this is
    Z Zᵀ / R.

    Parameters
    ----------
    labelings : array-like of int, shape (n_labelings, n_images)
        Cluster labels, -1 for noise.
    max_images : int, default=8_000
        The most images accepted.

    Returns
    -------
    float32 array (n_images, n_images)
        Shares of the labelings, in [0, 1]; 1 on the diagonal.

    Raises
    ------
    ValueError
        If the labelings are not of the same images.
    MemoryError
        For more than `max_images` images.

    See Also
    --------
    evidence_accumulation, bipartite : Labelings from such votes.

    References
    ----------
    Fred and Jain, *Combining multiple clusterings using evidence accumulation*, IEEE
    TPAMI 27, 2005.

    Examples
    --------
    >>> co_association([[0, 0, 1], [0, 1, 1]])
    array([[1. , 0.5, 0. ],
           [0.5, 1. , 0.5],
           [0. , 0.5, 1. ]], dtype=float32)
    """
    labelings = _check_labelings(labelings)
    n_images = labelings.shape[1]
    if n_images > max_images:
        gigabytes = n_images**2 * (4 + 8) / 1e9
        raise MemoryError(
            f"All pairs of {n_images:,} images need {gigabytes:.1f} GB: choose "
            "`bipartite`, which needs no pairs, or fewer images. (max_images="
            f"{max_images:,} is the limit.)"
        )
    members = membership(labelings)
    together = (members @ members.T).toarray() / np.float32(len(labelings))
    np.fill_diagonal(together, 1)
    return together


def evidence_accumulation(
    labelings, n_clusters, *, max_images=MAX_IMAGES, n_groups=GROUPS
):
    """Combine labelings by average linkage on 1 − co-association.

    Parameters
    ----------
    labelings : array-like of int, shape (n_labelings, n_images)
        Cluster labels, -1 for noise.
    n_clusters : int
        Number of clusters of the result.
    max_images : int, default=8_000
        Up to so many images, all pairs are compared. Above, images with the same labels
        in all labelings first become one group, which changes nothing but the order of
        ties.
    n_groups : int, default=2_000
        If more than `max_images` groups are left, k-means of their memberships reduces
        them to so many; average linkage of the groups is then exact.

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images.

    Raises
    ------
    ValueError
        If the labelings are not of the same images, or for an impossible number of
        clusters.

    See Also
    --------
    sklearn.cluster.AgglomerativeClustering : Does the linkage.

    References
    ----------
    Fred and Jain, IEEE TPAMI 27, 2005. With one labeling per network, this is MVEC:
    Guérin et al., arXiv 2101.02767, 2021.

    Examples
    --------
    >>> evidence_accumulation([[0, 0, 1, 1], [5, 5, 2, 2], [0, 1, 1, 1]], 2).tolist()
    [0, 0, 1, 1]
    """
    labelings = _check_labelings(labelings)
    n_images = labelings.shape[1]
    check_n_clusters(n_clusters, n_images)
    if n_images > max_images:
        found = _join_in_two_stages(labelings, n_clusters, max_images, n_groups)
        return renumber(found)
    apart = 1 - co_association(labelings, max_images=max_images)
    linkage = AgglomerativeClustering(
        n_clusters, metric="precomputed", linkage="average"
    )
    return renumber(linkage.fit_predict(apart))


def bipartite(labelings, n_clusters, random_state=0):
    """Combine labelings without all pairs, for any number of images.

    Images and clusters are the two sides of a graph; each image is joined to its
    clusters. The leading singular vectors of that graph give each image a position, and
    k-means groups the positions. Memory: n × (R + n_clusters) numbers.

    Parameters
    ----------
    labelings : array-like of int, shape (n_labelings, n_images)
        Cluster labels, -1 for noise.
    n_clusters : int
        Number of clusters of the result.
    random_state : int, default=0
        The same seed gives the same labels.

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images.

    Raises
    ------
    ValueError
        If the labelings are not of the same images, for an impossible number of
        clusters, or a seed that is none.

    See Also
    --------
    sklearn.cluster.SpectralCoclustering : Clusters both sides of such a graph.

    References
    ----------
    Fern and Brodley, *Solving cluster ensemble problems by bipartite graph
    partitioning*, ICML 2004.

    Examples
    --------
    >>> bipartite([[0, 0, 1, 1], [5, 5, 2, 2], [0, 0, 1, 1]], 2).tolist()
    [0, 0, 1, 1]
    """
    labelings = _check_labelings(labelings)
    check_n_clusters(n_clusters, labelings.shape[1])
    check_random_state(random_state)
    members = membership(labelings)
    sizes = np.asarray(members.sum(axis=0)).ravel()
    weighted = (members / np.sqrt(sizes)).tocsr()
    if not weighted.shape[1]:  # nothing but noise
        return np.zeros(labelings.shape[1], dtype=int)
    positions = normalize(_leading_vectors(weighted, n_clusters, random_state))
    with threads_for(positions):
        kmeans = KMeans(n_clusters, n_init=10, random_state=random_state)
        return renumber(kmeans.fit_predict(positions))


def _leading_vectors(matrix, n_vectors, random_state):
    """The leading left singular vectors of a sparse matrix (n, m): array (n, c).

    The sparse solver finds one fewer than the matrix has. All of them come from the
    dense one; those of singular value 0, which are arbitrary, are left out.
    """
    if n_vectors < min(matrix.shape):
        start = np.random.default_rng(random_state).normal(size=min(matrix.shape))
        return svds(matrix, k=n_vectors, v0=start, return_singular_vectors="u")[0]
    vectors, values, _ = np.linalg.svd(matrix.toarray(), full_matrices=False)
    return vectors[:, values > 1e-5 * values.max()]


def diversity(labelings):
    """How much labelings disagree: the mean of 1 − NMI over their pairs.

    Parameters
    ----------
    labelings : array-like of int, shape (n_labelings, n_images)
        Cluster labels, -1 for noise.

    Returns
    -------
    float
        From 0, for labelings that are all the same, to 1.

    Examples
    --------
    >>> diversity([[0, 0, 1, 1], [5, 5, 2, 2]])
    0.0
    """
    labelings = _check_labelings(labelings)
    agreements = [
        metrics.nmi(labels_true=one, labels_pred=other)
        for one, other in itertools.combinations(labelings, 2)
    ]
    return 1 - float(np.mean(agreements)) if agreements else 0.0


def membership(labelings):
    """One-hot matrices side by side: sparse (n_images, clusters of all labelings)."""
    blocks = []
    for labels in _check_labelings(labelings):
        inside = np.flatnonzero(labels != -1)
        _, codes = np.unique(labels[inside], return_inverse=True)
        shape = (len(labels), codes.max() + 1 if len(codes) else 0)
        ones = np.ones(len(inside), dtype=np.float32)
        blocks.append(sparse.csr_matrix((ones, (inside, codes)), shape=shape))
    return sparse.hstack(blocks, format="csr")


def _join_in_two_stages(labelings, n_clusters, max_images, n_groups):
    """Average linkage of groups of images, each weighted by its images: (n,).

    The share of labelings in which images of two groups are together is, on average
    over their pairs, the product of the groups' mean memberships: so the distances
    between groups are exact, whatever the groups.
    """
    codes, n_found = _group_identical(labelings)
    members = membership(labelings)
    if n_found > max_images:
        n_wanted = min(max(n_groups, 4 * n_clusters), max_images)
        firsts = members[np.unique(codes, return_index=True)[1]]
        kmeans = MiniBatchKMeans(
            n_wanted, init="random", n_init=1, reassignment_ratio=0, random_state=0
        )
        weights = np.bincount(codes)
        grouped = kmeans.fit_predict(firsts, sample_weight=weights)[codes]
        _, codes = np.unique(grouped, return_inverse=True)
        n_found = int(codes.max()) + 1
    if n_clusters > n_found:
        raise ValueError(
            f"The labelings distinguish only {n_found} groups of these {len(codes):,} "
            f"images: n_clusters must be at most {n_found}, got {n_clusters}."
        )
    apart = 1 - mean_together(members, codes) / len(labelings)
    sizes = np.bincount(codes)
    return micro_clusters.join_groups(apart, sizes, n_clusters, "average")[codes]


def mean_together(members, codes):
    """In how many labelings images of two groups are together, on average: (m, m)."""
    sizes = np.bincount(codes)
    which = (1 / sizes[codes], (codes, np.arange(len(codes))))
    means = sparse.csr_matrix(which, shape=(len(sizes), len(codes))) @ members
    return (means @ means.T).toarray()


def _group_identical(labelings):
    """Groups of images with the same labels in every labeling: codes (n,), number.

    Noise is together with nothing, not even with the same noise: it stays alone.
    """
    noise = np.flatnonzero((labelings == -1).any(axis=0))
    alone = np.zeros(labelings.shape[1], dtype=int)
    alone[noise] = 1 + np.arange(len(noise))
    rows = np.vstack([labelings, alone])
    _, codes = np.unique(rows, axis=1, return_inverse=True)
    return codes, int(codes.max()) + 1


def _check_labelings(labelings):
    """The labelings as int array (R, n)."""
    labelings = [np.asarray(labels) for labels in labelings]
    if not labelings:
        raise ValueError("An ensemble needs at least one labeling.")
    shapes = {labels.shape for labels in labelings}
    if len(shapes) > 1 or len(labelings[0].shape) != 1 or not labelings[0].size:
        raise ValueError(
            f"The labelings have shapes {sorted(shapes)}: each needs one label per "
            "image, of the same images in the same order."
        )
    found = np.array(labelings)
    if found.dtype.kind not in "iu":
        raise ValueError(f"Cluster labels must be int, got {found.dtype}.")
    return found
