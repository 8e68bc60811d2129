"""Clusters grown from nearest neighbours, and triplets to learn from: JULE's steps.

Pictures point at their nearest neighbours; chains of them are the first clusters, and
the two clusters that point at each other most are merged, again and again. Triplets
tell a network which pictures lie together. `multiview` alternates the two. Source:
Yang, Parikh and Batra, *Joint unsupervised learning of deep representations and image
clusters*, CVPR 2016. No function here or there sees a true label.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from course_utils.clustering.validation import SMALL, check_k, renumber

MOST_PICTURES = 5_000  # all pairs of so many, several times: 0.5 GB

N_NEIGHBOURS = 20  # K_s of the paper

N_RIVALS = 5  # K_c of the paper

N_NEGATIVES = 10

MOST_TRIPLETS = 5_000


def affinity(points, n_neighbours=N_NEIGHBOURS):
    """How strongly each picture points at each other one: weights W, (n, n), float64.

    W[i, j] = exp(−d²/σ²) if j is one of the n_neighbours nearest to i, else 0; σ² is
    the mean of all these d². Not symmetric. points: (n, d). Scaling the points changes
    nothing. Raises ValueError for bad points, MemoryError above `MOST_PICTURES`.
    """
    points = checked(points)
    distances, neighbours = _nearest(points, min(n_neighbours, len(points) - 1))
    squares = distances**2
    spread = squares.mean() or 1.0  # pictures that are all the same
    weights = np.zeros((len(points), len(points)))
    weights[np.arange(len(points))[:, None], neighbours] = np.exp(-squares / spread)
    return weights


def chains(points):
    """The first clusters: whoever is linked by nearest neighbours, in a chain or loop.

    Returns int array (n,), numbered in the order of the pictures; each cluster has two
    pictures or more. Errors as for `affinity`.
    """
    points = checked(points)
    neighbours = _nearest(points, 1)[1][:, 0]
    links = (np.ones(len(points)), (np.arange(len(points)), neighbours))
    graph = sparse.csr_matrix(links, shape=(len(points), len(points)))
    return renumber(connected_components(graph, directed=False)[1])


def cluster_affinity(weights, cluster_labels):
    """How strongly clusters point at each other: symmetric (c, c), 0 on the diagonal.

    From cluster A to B, summed over the pictures j of B: what A's pictures send to j
    times what j sends back to them, divided by |A|². Both directions are added. Rows
    are in the order of `np.unique(cluster_labels)`. Source: Zhang et al., *Graph degree
    linkage*, ECCV 2012.
    """
    weights, codes = _graph(weights, cluster_labels)
    members = np.eye(codes.max() + 1)[codes]
    return _symmetric(_directed(weights, members), members.sum(axis=0))


def merge_clusters(weights, cluster_labels, k, n_rivals=N_RIVALS):
    """Merge clusters, two at a time, until k are left: int array (n,), renumbered.

    Merged are the cluster and its nearest other one that have the highest affinity plus
    its mean lead over the affinities to the next n_rivals − 1: a pair with rivals
    close behind waits. Where no affinity is left, the two smallest go together.
    weights: as `affinity` gives them. Raises ValueError if k is not possible.
    """
    weights, codes = _graph(weights, cluster_labels)
    n_clusters = int(codes.max()) + 1
    check_k(k, len(codes))
    if k > n_clusters:
        raise ValueError(
            f"k={k}, but there are only {n_clusters} clusters: merging makes fewer, "
            f"so k is at most {n_clusters} here."
        )
    members = np.eye(n_clusters)[codes]
    with threadpool_limits(1 if weights.size < SMALL else None):
        return renumber(_merged(weights, members, k, n_rivals).argmax(axis=1))


def _merged(weights, members, k, n_rivals):
    """The one-hot matrix of clusters (n, c) with its columns merged until there are k.

    What each picture sends to a cluster and gets from it are sums over its members, so
    a merger adds two columns, and only one row of the affinities is computed anew.
    """
    sent, got = weights @ members, weights.T @ members
    directed = _directed(weights, members)
    while members.shape[1] > k:
        symmetric = _symmetric(directed, members.sum(axis=0))
        kept, gone = _best_pair(symmetric, members.sum(axis=0), n_rivals)
        directed[:, kept] += directed[:, gone]
        directed = np.delete(np.delete(directed, gone, 0), gone, 1)
        for table in (members, sent, got):
            table[:, kept] += table[:, gone]
        members, sent, got = (np.delete(t, gone, axis=1) for t in (members, sent, got))
        directed[kept] = (sent[:, kept] * got[:, kept]) @ members
    return members


def _directed(weights, members):
    """Sum over the pictures j of B of (A to j) × (j to A), for all A (rows) and B."""
    return ((weights @ members) * (weights.T @ members)).T @ members


def _symmetric(directed, sizes):
    both = directed / sizes[:, None] ** 2
    both = both + both.T
    np.fill_diagonal(both, 0)
    return both


def _best_pair(symmetric, sizes, n_rivals):
    """The numbers of the two clusters to merge, the smaller number first."""
    n_best = min(n_rivals, len(sizes) - 1)
    best = -np.partition(-symmetric, n_best - 1, axis=1)[:, :n_best]
    nearest = best.max(axis=1)
    lead = (n_best * nearest - best.sum(axis=1)) / max(n_best - 1, 1)
    if nearest.max() > 0:
        one = int(np.argmax(nearest + lead))
        other = int(np.argmax(symmetric[one]))
    else:
        one, other = np.argsort(sizes, kind="stable")[:2].tolist()
    return min(one, other), max(one, other)


def triplets(cluster_labels, n_negatives=N_NEGATIVES, *, most=MOST_TRIPLETS, seed=0):
    """Who shall be nearer to whom: int array (t, 3) of anchor, positive, negative.

    Anchor and positive are two pictures of a cluster, all such pairs both ways round;
    each comes with n_negatives pictures drawn from the other clusters. Above `most`
    triplets, pairs are drawn from all. None, (0, 3), if there is one cluster, or only
    clusters of one. seed: a number, or a NumPy generator to go on with.
    """
    codes = _codes(cluster_labels)
    generator = np.random.default_rng(seed)
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    together = codes[:, None] == codes
    np.fill_diagonal(together, False)
    anchors, positives = np.nonzero(together)
    if not len(anchors) or len(sizes) == 1:
        return np.zeros((0, 3), dtype=int)
    n_pairs = max(1, most // n_negatives)
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


def triplet_loss(points, triplets, *, gamma=2.0, margin=0.5):
    """Mean of max(0, γ d⁺ − d⁻ + margin) over the triplets; d are squared distances.

    d⁺ from anchor to positive, d⁻ to the negative. Zero for a triplet whose negative is
    more than γ times as far as the positive, and the margin on top. points: (n, d).
    """
    anchor, positive, negative = (np.asarray(points)[t] for t in np.transpose(triplets))
    near = ((anchor - positive) ** 2).sum(axis=1)
    far = ((anchor - negative) ** 2).sum(axis=1)
    return float(np.maximum(0, gamma * near - far + margin).mean())


def checked(points):
    """The points as an array; raise where they cannot be clustered here."""
    points = np.asarray(points)
    if points.ndim != 2:
        raise ValueError(f"points have shape {points.shape}: (n, d) is needed.")
    if not np.isfinite(points).all():
        raise ValueError("points hold NaN or infinity: extract the features again.")
    check_k(1, len(points))
    if len(points) > MOST_PICTURES:
        gigabytes = len(points) ** 2 * 20 / 1e9
        raise MemoryError(
            f"affinities of {len(points):,} pictures and the sums over clusters need "
            f"about {gigabytes:.1f} GB: take kmeans or minibatch, or fewer pictures. "
            "(learning.MOST_PICTURES is the limit.)"
        )
    return points


def _nearest(points, n_neighbours):
    """Distances and numbers (n, m) of the m nearest others, the nearest first."""
    if n_neighbours < 1:
        raise ValueError(f"n_neighbours={n_neighbours}: a picture needs at least one.")
    with threadpool_limits(1 if points.size < SMALL else None):
        return NearestNeighbors(n_neighbors=n_neighbours).fit(points).kneighbors()


def _codes(cluster_labels):
    labels = np.asarray(cluster_labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
        raise ValueError(
            f"cluster labels are {labels.dtype} of shape {labels.shape}: one int a "
            "picture is needed."
        )
    return np.unique(labels, return_inverse=True)[1]


def _graph(weights, cluster_labels):
    weights, codes = np.asarray(weights, dtype=float), _codes(cluster_labels)
    if weights.shape != (len(codes), len(codes)):
        raise ValueError(
            f"weights of shape {weights.shape} for {len(codes)} cluster labels: "
            f"({len(codes)}, {len(codes)}) is needed, as `affinity` gives them."
        )
    return weights, codes
