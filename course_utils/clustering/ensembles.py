"""Ensembles: many clusterings of the same images, combined into one.

A labelling is an int array (n_images,) of cluster labels. Labellings may have different
numbers of clusters and name them differently: all that matters is which images are
together. Noise (-1) is together with nothing. A labelling in an ensemble is a voter.
"""

import itertools

import numpy as np
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.sparse.linalg import svds
from scipy.spatial.distance import squareform
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


def co_association(labellings, *, weights=None, max_images=MAX_IMAGES):
    """How often two images are together in a cluster.

    With the one-hot matrices of the R labellings side by side in a sparse Z, this is
    Z Zᵀ / R.

    Parameters
    ----------
    labellings : array-like of int, shape (n_labellings, n_images)
        Cluster labels, -1 for noise.
    weights : array-like of float, shape (n_labellings,), default=None
        What each vote counts, 0 or more; only their ratios matter. None: all the same.
    max_images : int, default=8_000
        The most images accepted.

    Returns
    -------
    float32 array (n_images, n_images)
        Shares of the labellings, in [0, 1]; 1 on the diagonal.

    Raises
    ------
    ValueError
        If the labellings are not of the same images.
    MemoryError
        For more than `max_images` images.

    See Also
    --------
    evidence_accumulation, bipartite : Labellings from such votes.

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
    >>> co_association([[0, 0, 1], [0, 1, 1]], weights=[3, 1])[0].round(2).tolist()
    [1.0, 0.75, 0.0]
    """
    labellings = _check_labellings(labellings)
    n_images = labellings.shape[1]
    if n_images > max_images:
        gigabytes = n_images**2 * (4 + 8) / 1e9
        raise MemoryError(
            f"All pairs of {n_images:,} images need {gigabytes:.1f} GB: choose "
            "`bipartite`, which needs no pairs, or fewer images. (max_images="
            f"{max_images:,} is the limit.)"
        )
    members = membership(labellings, weights)
    together = (members @ members.T).toarray() / np.float32(len(labellings))
    np.fill_diagonal(together, 1)
    return together


def evidence_accumulation(
    labellings, n_clusters, *, weights=None, max_images=MAX_IMAGES, n_groups=GROUPS
):
    """Combine labellings by average linkage on 1 − co-association.

    Parameters
    ----------
    labellings : array-like of int, shape (n_labellings, n_images)
        Cluster labels, -1 for noise.
    n_clusters : int or None
        Number of clusters of the result. None chooses the number with the longest
        lifetime (see `lifetimes`), up to `max_images` images.
    weights : array-like of float, shape (n_labellings,), default=None
        What each vote counts, 0 or more; only their ratios matter. None: all the same.
    max_images : int, default=8_000
        Up to so many images, all pairs are compared. Above, images with the same labels
        in all labellings first become one group, which changes nothing but the order of
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
        If the labellings are not of the same images, or for an impossible number of
        clusters.

    See Also
    --------
    sklearn.cluster.AgglomerativeClustering : Does the linkage.

    References
    ----------
    Fred and Jain, IEEE TPAMI 27, 2005. With one labelling per network, this is MVEC:
    Guérin et al., arXiv 2101.02767, 2021.

    Examples
    --------
    >>> evidence_accumulation([[0, 0, 1, 1], [5, 5, 2, 2], [0, 1, 1, 1]], 2).tolist()
    [0, 0, 1, 1]
    >>> evidence_accumulation([[0, 0, 1, 1], [5, 5, 2, 2], [0, 1, 2, 2]], None).tolist()
    [0, 0, 1, 1]
    """
    labellings = _check_labellings(labellings)
    n_images = labellings.shape[1]
    if n_clusters is None:
        length = lifetimes(labellings, weights=weights, max_images=max_images)
        n_clusters = int(length.argmax()) + 2
    check_n_clusters(n_clusters, n_images)
    if n_images > max_images:
        found = _join_in_two_stages(
            labellings, n_clusters, weights, max_images, n_groups
        )
        return renumber(found)
    apart = 1 - co_association(labellings, weights=weights, max_images=max_images)
    linkage = AgglomerativeClustering(
        n_clusters, metric="precomputed", linkage="average"
    )
    return renumber(linkage.fit_predict(apart))


def lifetimes(labellings, *, weights=None, max_images=MAX_IMAGES):
    """How long each number of clusters lasts while average linkage merges.

    The lifetime of k clusters is the range of distances at which a cut of the tree
    leaves k: from the merge that leaves k to the one that leaves k − 1.

    Parameters
    ----------
    labellings : array-like of int, shape (n_labellings, n_images)
        Cluster labels, -1 for noise.
    weights : array-like of float, shape (n_labellings,), default=None
        What each vote counts, 0 or more; only their ratios matter. None: all the same.
    max_images : int, default=8_000
        The most images accepted.

    Returns
    -------
    array (n_images - 2,)
        The lifetimes of 2, 3, … n_images - 1 clusters.

    Raises
    ------
    ValueError
        If the labellings are not of the same images, or of fewer than three.
    MemoryError
        For more than `max_images` images.

    References
    ----------
    Fred and Jain, IEEE TPAMI 27, 2005.

    Examples
    --------
    >>> lifetimes([[0, 0, 1, 1], [5, 5, 2, 2], [0, 1, 2, 2]]).round(2).tolist()
    [0.67, 0.33]
    """
    together = co_association(labellings, weights=weights, max_images=max_images)
    if len(together) < 3:
        raise ValueError(f"Lifetimes need 3 images or more, got {len(together)}.")
    apart = squareform(1 - together.astype(float), checks=False)
    heights = hierarchy.linkage(np.maximum(apart, 0), "average")[:, 2]
    return np.diff(heights)[::-1]


def bipartite(labellings, n_clusters, random_state=0):
    """Combine labellings without all pairs, for any number of images.

    Images and clusters are the two sides of a graph; each image is joined to its
    clusters. The leading singular vectors of that graph give each image a position, and
    k-means groups the positions. Memory: n × (R + n_clusters) numbers.

    Parameters
    ----------
    labellings : array-like of int, shape (n_labellings, n_images)
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
        If the labellings are not of the same images, for an impossible number of
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
    labellings = _check_labellings(labellings)
    check_n_clusters(n_clusters, labellings.shape[1])
    check_random_state(random_state)
    members = membership(labellings)
    sizes = np.asarray(members.sum(axis=0)).ravel()
    weighted = (members / np.sqrt(sizes)).tocsr()
    if not weighted.shape[1]:  # nothing but noise
        return np.zeros(labellings.shape[1], dtype=int)
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


def diversity(labellings):
    """How much labellings disagree: the mean of 1 − NMI over their pairs.

    Parameters
    ----------
    labellings : array-like of int, shape (n_labellings, n_images)
        Cluster labels, -1 for noise.

    Returns
    -------
    float
        From 0, for labellings that are all the same, to 1.

    Examples
    --------
    >>> diversity([[0, 0, 1, 1], [5, 5, 2, 2]])
    0.0
    """
    labellings = _check_labellings(labellings)
    agreements = [
        metrics.nmi(labels_true=one, labels_pred=other)
        for one, other in itertools.combinations(labellings, 2)
    ]
    return 1 - float(np.mean(agreements)) if agreements else 0.0


def membership(labellings, weights=None):
    """One-hot matrices side by side: sparse (n_images, clusters of all labellings).

    With weights, the ones are the roots of the weights, relative to their mean, so that
    products of rows count votes by weight.
    """
    labellings = _check_labellings(labellings)
    roots = np.sqrt(_check_weights(weights, len(labellings)))
    blocks = []
    for labels, root in zip(labellings, roots, strict=True):
        inside = np.flatnonzero(labels != -1)
        _, codes = np.unique(labels[inside], return_inverse=True)
        shape = (len(labels), codes.max() + 1 if len(codes) else 0)
        ones = np.full(len(inside), root, dtype=np.float32)
        blocks.append(sparse.csr_matrix((ones, (inside, codes)), shape=shape))
    return sparse.hstack(blocks, format="csr")


def _join_in_two_stages(labellings, n_clusters, weights, max_images, n_groups):
    """Average linkage of groups of images, each weighted by its images: (n,).

    The share of labellings in which images of two groups are together is, on average
    over their pairs, the product of the groups' mean memberships: so the distances
    between groups are exact, whatever the groups.
    """
    codes, n_found = _group_identical(labellings)
    members = membership(labellings, weights)
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
            f"The labellings distinguish only {n_found} groups of these {len(codes):,} "
            f"images: n_clusters must be at most {n_found}, got {n_clusters}."
        )
    apart = 1 - mean_together(members, codes) / len(labellings)
    sizes = np.bincount(codes)
    return micro_clusters.join_groups(apart, sizes, n_clusters, "average")[codes]


def mean_together(members, codes):
    """In how many labellings images of two groups are together, on average: (m, m)."""
    sizes = np.bincount(codes)
    which = (1 / sizes[codes], (codes, np.arange(len(codes))))
    means = sparse.csr_matrix(which, shape=(len(sizes), len(codes))) @ members
    return (means @ means.T).toarray()


def _group_identical(labellings):
    """Groups of images with the same labels in every labelling: codes (n,), number.

    Noise is together with nothing, not even with the same noise: it stays alone.
    """
    noise = np.flatnonzero((labellings == -1).any(axis=0))
    alone = np.zeros(labellings.shape[1], dtype=int)
    alone[noise] = 1 + np.arange(len(noise))
    rows = np.vstack([labellings, alone])
    _, codes = np.unique(rows, axis=1, return_inverse=True)
    return codes, int(codes.max()) + 1


def _check_labellings(labellings):
    """The labellings as int array (R, n)."""
    labellings = [np.asarray(labels) for labels in labellings]
    if not labellings:
        raise ValueError("An ensemble needs at least one labelling.")
    shapes = {labels.shape for labels in labellings}
    if len(shapes) > 1 or len(labellings[0].shape) != 1 or not labellings[0].size:
        raise ValueError(
            f"The labellings have shapes {sorted(shapes)}: each needs one label per "
            "image, of the same images in the same order."
        )
    found = np.array(labellings)
    if found.dtype.kind not in "iu":
        raise ValueError(f"Cluster labels must be int, got {found.dtype}.")
    return found


def _check_weights(weights, n_labellings):
    """The weights divided by their mean, (R,)."""
    if weights is None:
        return np.ones(n_labellings)
    found = np.asarray(weights, dtype=float)
    if found.shape != (n_labellings,):
        raise ValueError(
            f"Expected one weight for each of the {n_labellings} labellings, got shape "
            f"{found.shape}."
        )
    if not np.isfinite(found).all() or (found < 0).any() or not found.sum():
        raise ValueError("All weights must be finite, at least 0, and not all 0.")
    return found / found.mean()
