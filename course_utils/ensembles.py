"""Ensembles: many clusterings of the same pictures, made into one.

A labeling is an int array (n_images,) of cluster labels. The number of clusters may
differ from one labeling to the next, and so may what the clusters are called: only who
lies with whom matters. Noise (-1) lies with nobody.
"""

import itertools

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from course_utils import metrics
from course_utils.clustering import check_k, renumber

MOST_PICTURES = 8_000  # all pairs of so many as float32 and float64: 0.5 GB


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

    Returns int array (n,), numbered in the order of the pictures. Needs all pairs, see
    `co_association`. Source: Fred and Jain, 2005; as MVEC with one labeling a network:
    Guérin et al., arXiv 2101.02767, 2021.
    """
    apart = 1 - co_association(labelings)
    check_k(k, len(apart))
    linkage = AgglomerativeClustering(k, metric="precomputed", linkage="average")
    return renumber(linkage.fit_predict(apart))


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
        metrics.nmi(true_labels=one, cluster_labels=other)
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
