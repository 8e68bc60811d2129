"""Ensembles: many clusterings of the same pictures, made into one.

A labeling is an int array (n_images,) of cluster labels. The number of clusters may
differ from one labeling to the next, and so may what the clusters are called: only who
lies with whom matters. Noise (-1) lies with nobody.
"""

import itertools

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from course_utils import metrics
from course_utils.clustering import micro_clusters
from course_utils.clustering.validation import check_k, renumber

MOST_PICTURES = 8_000  # all pairs of so many as float32 and float64: 0.5 GB

GROUPS = 2_000  # of pictures that are almost always together, where there are more


def co_association(labelings):
    """How often two pictures are together: array (n, n) of shares in [0, 1], float32.

    With the one-hot matrices of the R labelings side by side in a sparse Z, this is
    Z Zᵀ / R. A picture is always together with itself. Raises ValueError if the
    labelings do not fit together, MemoryError for more than `MOST_PICTURES` pictures.
    Source: Fred and Jain, *Combining multiple clusterings using evidence accumulation*,
    IEEE TPAMI 27, 2005.
    """
    labelings = _checked(labelings)
    n_images = labelings.shape[1]
    if n_images > MOST_PICTURES:
        gigabytes = n_images**2 * (4 + 8) / 1e9
        raise MemoryError(
            f"all pairs of {n_images:,} pictures need {gigabytes:.1f} GB: take "
            "`bipartite`, which needs no pairs, or fewer pictures. "
            "(ensembles.MOST_PICTURES is the limit.)"
        )
    members = membership(labelings)
    together = (members @ members.T).toarray() / np.float32(len(labelings))
    np.fill_diagonal(together, 1)
    return together


def evidence_accumulation(labelings, k):
    """One labeling of k clusters: average linkage on 1 − co-association.

    Returns int array (n,), numbered in the order of the pictures. Up to `MOST_PICTURES`
    pictures it takes all pairs. Above, it takes first pictures with the same labels
    everywhere as one group, which changes nothing but the order of equals, and where
    still more than `MOST_PICTURES` are left, joins them to `GROUPS` by k-means of their
    memberships; average linkage of the groups is then exact. Source: Fred and Jain,
    2005; as MVEC with one labeling a network: Guérin et al., arXiv 2101.02767, 2021.
    """
    labelings = _checked(labelings)
    n_images = labelings.shape[1]
    check_k(k, n_images)
    if n_images > MOST_PICTURES:
        return renumber(_in_two_stages(labelings, k))
    apart = 1 - co_association(labelings)
    linkage = AgglomerativeClustering(k, metric="precomputed", linkage="average")
    return renumber(linkage.fit_predict(apart))


def _in_two_stages(labelings, k):
    """Average linkage of groups of pictures, each weighted by its pictures: (n,).

    The share of labelings in which pictures of two groups are together is, on average
    over their pairs, the product of the groups' mean memberships: so the distances
    between groups are exact, whatever the groups.
    """
    # Noise lies with nobody, not even with the same noise: it stays alone.
    codes, n_groups = _alike(labelings)
    members = membership(labelings)
    if n_groups > MOST_PICTURES:
        n_wanted = min(max(GROUPS, 4 * k), MOST_PICTURES)
        firsts = members[np.unique(codes, return_index=True)[1]]
        kmeans = MiniBatchKMeans(
            n_wanted, init="random", n_init=1, reassignment_ratio=0, random_state=0
        )
        weights = np.bincount(codes)
        _, codes = np.unique(
            kmeans.fit_predict(firsts, sample_weight=weights)[codes],
            return_inverse=True,
        )
        n_groups = int(codes.max()) + 1
    if k > n_groups:
        raise ValueError(
            f"k={k}: the labelings tell only {n_groups} groups of these "
            f"{len(codes):,} pictures apart. Take k up to {n_groups}."
        )
    apart = 1 - _together(members, codes) / len(labelings)
    return micro_clusters.join(apart, np.bincount(codes), k, "average")[codes]


def _together(members, codes):
    """In how many labelings pictures of two groups are together, on average: (m, m)."""
    sizes = np.bincount(codes)
    which = (1 / sizes[codes], (codes, np.arange(len(codes))))
    means = sparse.csr_matrix(which, shape=(len(sizes), len(codes))) @ members
    return (means @ means.T).toarray()


def _alike(labelings):
    """Groups of pictures with the same labels in every labeling: codes (n,), number."""
    noise = np.flatnonzero((labelings == -1).any(axis=0))
    alone = np.zeros(labelings.shape[1], dtype=int)
    alone[noise] = 1 + np.arange(len(noise))
    rows = np.vstack([labelings, alone])
    _, codes = np.unique(rows, axis=1, return_inverse=True)
    return codes, int(codes.max()) + 1


def bipartite(labelings, k, seed=0):
    """One labeling of k clusters without all pairs, for any number of pictures.

    Pictures and clusters are the two sides of a graph, a picture joined to the clusters
    it lies in; the leading singular vectors of that graph place the pictures, k-means
    groups them. Memory n × (R + k) numbers. Source: Fern and Brodley, *Solving cluster
    ensemble problems by bipartite graph partitioning*, ICML 2004.
    """
    labelings = _checked(labelings)
    check_k(k, labelings.shape[1])
    members = membership(labelings)
    sizes = np.asarray(members.sum(axis=0)).ravel()
    weighted = (members / np.sqrt(sizes)).tocsr()
    n_vectors = min(k, min(weighted.shape) - 1)
    if n_vectors < 1:
        return np.zeros(labelings.shape[1], dtype=int)
    start = np.random.default_rng(seed).normal(size=min(weighted.shape))
    vectors = svds(weighted, k=n_vectors, v0=start, return_singular_vectors="u")[0]
    places = normalize(vectors)
    with threadpool_limits(1 if places.size < 2_000_000 else None):
        found = KMeans(k, n_init=10, random_state=seed).fit_predict(places)
    return renumber(found)


def membership(labelings):
    """Who lies where: sparse 0 and 1, (n_images, clusters of all labelings)."""
    blocks = []
    for labels in _checked(labelings):
        inside = np.flatnonzero(labels != -1)
        _, codes = np.unique(labels[inside], return_inverse=True)
        shape = (len(labels), codes.max() + 1 if len(codes) else 0)
        ones = np.ones(len(inside), dtype=np.float32)
        blocks.append(sparse.csr_matrix((ones, (inside, codes)), shape=shape))
    return sparse.hstack(blocks, format="csr")


def diversity(labelings):
    """How much the labelings disagree: mean of 1 − NMI over their pairs, 0 if alike."""
    labelings = _checked(labelings)
    agreements = [
        metrics.nmi(labels_true=one, labels_pred=other)
        for one, other in itertools.combinations(labelings, 2)
    ]
    return 1 - float(np.mean(agreements)) if agreements else 0.0


def _checked(labelings):
    """The labelings as int array (R, n)."""
    labelings = [np.asarray(labels) for labels in labelings]
    if not labelings:
        raise ValueError("an ensemble needs at least one labeling.")
    shapes = {labels.shape for labels in labelings}
    if len(shapes) > 1 or len(labelings[0].shape) != 1 or not labelings[0].size:
        raise ValueError(
            f"labelings of shapes {sorted(shapes)}: each needs one label a picture, of "
            "the same pictures in the same order."
        )
    found = np.array(labelings)
    if found.dtype.kind not in "iu":
        raise ValueError(f"labelings are {found.dtype}: cluster labels are int.")
    return found
