"""Clusters grown from nearest neighbours, and triplets to learn from: JULE's steps.

Each image is linked to its nearest neighbours. Chains of such links are the first
clusters; then the two clusters with the strongest links are merged, again and again.
Triplets show a network which images belong together. `multiview` alternates the two.
No function here or there uses a true label. Source: Yang, Parikh and Batra, *Joint
unsupervised learning of deep representations and image clusters*, CVPR 2016.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from course_utils._support.threads import threads_for
from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.clustering.validation import (
    as_float,
    check_features,
    check_n_clusters,
    renumber,
)

N_NEIGHBOURS = 20  # K_s of the paper

N_NEGATIVES = 10

POSITIVE_WEIGHT, MARGIN = 2.0, 0.5  # γ and the margin of the loss

MAX_TRIPLETS = 5_000

MAX_IMAGES = 5_000  # all pairs of so many, several times: 0.5 GB


def affinity(points, n_neighbours=N_NEIGHBOURS, *, max_images=MAX_IMAGES):
    """Weights of the links from each image to its nearest neighbours.

    W[i, j] = exp(−d²/σ²) if j is one of the n_neighbours nearest to i, else 0; σ² is
    the mean of all these d². W is not symmetric, and scaling the points does not change
    it.

    Parameters
    ----------
    points : array (n_images, d)
        One row per image.
    n_neighbours : int, default=20
        Links per image; fewer if there are not so many other images.
    max_images : int, default=5_000
        The most images accepted.

    Returns
    -------
    float64 array (n_images, n_images)
        The weights W.

    Raises
    ------
    ValueError
        If the points have another shape or are not finite.
    MemoryError
        For more than `max_images` images.

    See Also
    --------
    merge_clusters : Merges clusters by such weights.
    sklearn.neighbors.kneighbors_graph : The links without weights.

    References
    ----------
    Yang, Parikh and Batra, CVPR 2016, equation 1.

    Examples
    --------
    >>> affinity([[0.0], [1.0], [3.0]], n_neighbours=1).round(2)
    array([[0.  , 0.61, 0.  ],
           [0.61, 0.  , 0.  ],
           [0.  , 0.14, 0.  ]])
    """
    points = check_points(points, max_images)
    distances, neighbours = _nearest(points, min(n_neighbours, len(points) - 1))
    squares = distances**2
    spread = squares.mean() or 1.0  # images that are all the same
    weights = np.zeros((len(points), len(points)))
    weights[np.arange(len(points))[:, None], neighbours] = np.exp(-squares / spread)
    return weights


def chains(points, *, max_images=MAX_IMAGES):
    """The first clusters: images linked by nearest neighbours, in a chain or loop.

    Parameters
    ----------
    points : array (n_images, d)
        One row per image.
    max_images : int, default=5_000
        The most images accepted.

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images; each cluster has at least
        two images.

    Raises
    ------
    ValueError, MemoryError
        As for `affinity`.

    Examples
    --------
    >>> chains([[0.0], [1.0], [9.0], [7.0], [2.5]]).tolist()
    [0, 0, 1, 1, 0]
    """
    points = check_points(points, max_images)
    neighbours = _nearest(points, 1)[1][:, 0]
    links = (np.ones(len(points)), (np.arange(len(points)), neighbours))
    graph = sparse.csr_matrix(links, shape=(len(points), len(points)))
    return renumber(connected_components(graph, directed=False)[1])


def cluster_affinity(weights, cluster_labels):
    """How strongly clusters are linked: symmetric (c, c), 0 on the diagonal.

    From cluster A to B, summed over the images j of B: what A's images send to j times
    what j sends back to them, divided by |A|². Both directions are added. Rows are in
    the order of `np.unique(cluster_labels)`. Source: Zhang et al., *Graph degree
    linkage*, ECCV 2012.
    """
    weights, codes = _check_weights(weights, cluster_labels)
    members = np.eye(codes.max() + 1)[codes]
    return _symmetric(_directed(weights, members), members.sum(axis=0))


def merge_clusters(weights, cluster_labels, n_clusters):
    """Merge clusters, two at a time, until n_clusters are left.

    Each step merges the two clusters with the highest affinity. Where no affinity is
    left, the two smallest clusters are merged.

    Parameters
    ----------
    weights : array (n_images, n_images)
        As `affinity` returns them.
    cluster_labels : int array (n_images,)
        The clusters to start from, for example `chains`.
    n_clusters : int
        Number of clusters at the end.

    Returns
    -------
    int array (n_images,)
        Cluster labels, numbered in the order of the images.

    Raises
    ------
    ValueError
        If n_clusters is impossible, or the arrays do not match.

    See Also
    --------
    sklearn.cluster.AgglomerativeClustering : Merges by distances instead.

    Notes
    -----
    JULE's authors add to an affinity its lead over the next four where there are more
    than 100 clusters. It is left out: on 110 of 120 random parts of the course's images
    it changes nothing, and no mean NMI by more than .005.

    References
    ----------
    Yang, Parikh and Batra, CVPR 2016; Zhang et al., *Graph degree linkage*, ECCV 2012.

    Examples
    --------
    >>> points = [[0.0], [1.0], [2.1], [3.0], [9.0], [10.0]]
    >>> merge_clusters(affinity(points, 2), [0, 0, 1, 1, 2, 2], 2).tolist()
    [0, 0, 0, 0, 1, 1]
    """
    weights, codes = _check_weights(weights, cluster_labels)
    n_found = int(codes.max()) + 1
    check_n_clusters(n_clusters, len(codes))
    if n_clusters > n_found:
        raise ValueError(
            f"Merging leaves fewer clusters, so n_clusters must be at most {n_found}, "
            f"the number of clusters at the start, got {n_clusters}."
        )
    members = np.eye(n_found)[codes]
    with threads_for(weights):
        return renumber(_merge(weights, members, n_clusters).argmax(axis=1))


def triplets(
    cluster_labels,
    n_negatives=N_NEGATIVES,
    *,
    max_triplets=MAX_TRIPLETS,
    random_state=0,
):
    """Draw triplets of images: an anchor, a positive and a negative.

    Anchor and positive are two images of a cluster, all such pairs in both orders; each
    pair gets n_negatives images drawn from the other clusters.

    Parameters
    ----------
    cluster_labels : int array (n_images,)
        Cluster labels.
    n_negatives : int, default=10
        Triplets per pair.
    max_triplets : int, default=5_000
        If there are more, pairs are drawn from all of them.
    random_state : int or numpy.random.Generator, default=0
        A seed, or a generator to continue with.

    Returns
    -------
    int array (n_triplets, 3)
        Rows of anchor, positive and negative. Empty if there is only one cluster, or
        only clusters of one image.

    Examples
    --------
    >>> triplets([0, 0, 1], n_negatives=1).tolist()
    [[0, 1, 2], [1, 0, 2]]
    """
    codes = _codes(cluster_labels)
    generator = np.random.default_rng(random_state)
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    together = codes[:, None] == codes
    np.fill_diagonal(together, False)
    anchors, positives = np.nonzero(together)
    if not len(anchors) or len(sizes) == 1:
        return np.zeros((0, 3), dtype=int)
    n_pairs = max(1, max_triplets // n_negatives)
    if len(anchors) > n_pairs:
        kept = generator.choice(len(anchors), n_pairs, replace=False)
        anchors, positives = anchors[kept], positives[kept]
    anchors, positives = (np.repeat(x, n_negatives) for x in (anchors, positives))
    # Sorted by cluster, the others are all places but a run: draw, then step over it.
    own = codes[anchors]
    first = (np.cumsum(sizes) - sizes)[own]
    places = generator.integers(0, len(codes) - sizes[own])
    places += np.where(places >= first, sizes[own], 0)
    return np.stack([anchors, positives, order[places]], axis=1)


def triplet_loss(points, triplets, *, gamma=POSITIVE_WEIGHT, margin=MARGIN):
    """Mean of max(0, γ d⁺ − d⁻ + margin) over triplets; d are squared distances.

    d⁺ is from anchor to positive, d⁻ to the negative. The loss of a triplet is zero
    once d⁻ is at least γ d⁺ + margin.

    Parameters
    ----------
    points : array (n_images, d)
        One row per image.
    triplets : int array (n_triplets, 3)
        Rows of anchor, positive and negative.
    gamma, margin : float
        γ and the margin.

    Returns
    -------
    float
        From 0 on.

    Examples
    --------
    >>> triplet_loss([[0.0], [1.0], [2.0]], [[0, 1, 2]], gamma=4, margin=1)
    1.0
    """
    anchor, positive, negative = (np.asarray(points)[t] for t in np.transpose(triplets))
    near = ((anchor - positive) ** 2).sum(axis=1)
    far = ((anchor - negative) ** 2).sum(axis=1)
    return float(np.maximum(0, gamma * near - far + margin).mean())


def check_points(points, max_images=MAX_IMAGES):
    """Return the points as an array; raise an error if they cannot be clustered."""
    points = as_float(check_features(points, "points"))
    check_n_clusters(1, len(points))
    if len(points) > max_images:
        gigabytes = len(points) ** 2 * 20 / 1e9
        raise MemoryError(
            f"Affinities of {len(points):,} images and the sums over clusters need "
            f"about {gigabytes:.1f} GB: choose kmeans or minibatch, or fewer images. "
            f"(max_images={max_images:,} is the limit.)"
        )
    return points


def _merge(weights, members, n_clusters):
    """Merge columns of the one-hot matrix of clusters (n, c) down to n_clusters.

    What each image sends to a cluster and gets from it are sums over its members, so a
    merger adds two columns, and only one row of the affinities is computed anew.
    """
    sent, got = weights @ members, weights.T @ members
    directed = _directed(weights, members)
    while members.shape[1] > n_clusters:
        symmetric = _symmetric(directed, members.sum(axis=0))
        kept, gone = _best_pair(symmetric, members.sum(axis=0))
        directed[:, kept] += directed[:, gone]
        directed = np.delete(np.delete(directed, gone, 0), gone, 1)
        for table in (members, sent, got):
            table[:, kept] += table[:, gone]
        members, sent, got = (np.delete(t, gone, axis=1) for t in (members, sent, got))
        directed[kept] = (sent[:, kept] * got[:, kept]) @ members
    return members


def _directed(weights, members):
    """Sum over the images j of B of (A to j) × (j to A), for all A (rows) and B."""
    return ((weights @ members) * (weights.T @ members)).T @ members


def _symmetric(directed, sizes):
    both = directed / sizes[:, None] ** 2
    both = both + both.T
    np.fill_diagonal(both, 0)
    return both


def _best_pair(symmetric, sizes):
    """The numbers of the two clusters to merge, the smaller number first."""
    one, other = np.unravel_index(np.argmax(symmetric), symmetric.shape)
    if symmetric[one, other] == 0:
        one, other = np.argsort(sizes, kind="stable")[:2].tolist()
    return min(one, other), max(one, other)


def _nearest(points, n_neighbours):
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours must be at least 1, got {n_neighbours}.")
    return nearest_neighbours(points, n_neighbours, index="exact")


def _codes(cluster_labels):
    labels = np.asarray(cluster_labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
        raise ValueError(
            f"Cluster labels must be one int per image, got {labels.dtype} of shape "
            f"{labels.shape}."
        )
    return np.unique(labels, return_inverse=True)[1]


def _check_weights(weights, cluster_labels):
    weights, codes = np.asarray(weights, dtype=float), _codes(cluster_labels)
    if weights.shape != (len(codes), len(codes)):
        raise ValueError(
            f"The weights must have shape ({len(codes)}, {len(codes)}) for "
            f"{len(codes)} cluster labels, got {weights.shape}."
        )
    return weights, codes
