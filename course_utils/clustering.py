"""Clustering by name: steps that prepare features, then an algorithm of scikit-learn.

An algorithm is one string, steps and algorithm joined by `+`: `kmeans`, `l2+kmeans`,
`l2+pca50+ward`. The steps: `l2` gives every vector length 1, `pca50` keeps 50 principal
components, `whiten50` keeps 50 and scales each to variance 1.
"""

import difflib
import re
import warnings

import numpy as np
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    AgglomerativeClustering,
    KMeans,
    MiniBatchKMeans,
    SpectralClustering,
)
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

DBSCAN_NEIGHBOURS = 5
SMALL = 2_000_000  # numbers: clustered on one thread
MOST_PICTURES_PAIRWISE = 10_000  # all distances between so many: 0.4 GB


def _kmeans(features, k, seed):
    return KMeans(k, n_init=10, random_state=seed).fit_predict(features)


def _minibatch(features, k, seed):
    return MiniBatchKMeans(k, n_init=10, random_state=seed).fit_predict(features)


def _agglomerative(linkage):
    def run(features, k, seed):
        return AgglomerativeClustering(k, linkage=linkage).fit_predict(features)

    return run


def _spectral(features, k, seed):
    if k == len(features):
        return np.arange(k)  # its solver finds fewer eigenvectors than pictures
    n_neighbors = min(10, len(features))
    spectral = SpectralClustering(
        k,
        affinity="nearest_neighbors",
        n_neighbors=n_neighbors,
        assign_labels="cluster_qr",
        random_state=seed,
    )
    with warnings.catch_warnings():  # clusters far apart are no reason to worry
        warnings.filterwarnings("ignore", "Graph is not fully connected")
        return spectral.fit_predict(features)


def _gmm(features, k, seed):
    # Full covariances need more pictures than features; diagonal ones do not.
    return GaussianMixture(
        k, covariance_type="diag", reg_covar=1e-4, random_state=seed
    ).fit_predict(features.astype(np.float64))


def _dbscan(features, k, seed):
    """Neighbourhood radius: half of the pictures have 5 others so near."""
    n_neighbors = min(DBSCAN_NEIGHBOURS, len(features) - 1)  # besides itself
    distances, _ = NearestNeighbors(n_neighbors=n_neighbors).fit(features).kneighbors()
    radius = max(float(np.median(distances[:, -1])), np.finfo(np.float32).tiny)
    return DBSCAN(eps=radius, min_samples=n_neighbors).fit_predict(features)


def _hdbscan(features, k, seed):
    size = min(DBSCAN_NEIGHBOURS, len(features))
    return HDBSCAN(min_cluster_size=max(2, size), copy=True).fit_predict(features)


ALGORITHMS = {
    "kmeans": _kmeans,
    "minibatch": _minibatch,
    "ward": _agglomerative("ward"),
    "average": _agglomerative("average"),
    "complete": _agglomerative("complete"),
    "spectral": _spectral,
    "gmm": _gmm,
    "dbscan": _dbscan,
    "hdbscan": _hdbscan,
}
SEEDED = ("kmeans", "minibatch", "spectral", "gmm")  # the others give one answer
PAIRWISE = ("ward", "average", "complete")  # need all distances at once
FIND_K = ("dbscan", "hdbscan")  # find the number of clusters, may leave noise (-1)


def parse(algorithm):
    """Split `l2+pca50+kmeans` into ([("l2", None), ("pca", 50)], "kmeans").

    Raises ValueError for a name that is not known, with the nearest one.
    """
    *steps, name = algorithm.split("+")
    if name not in ALGORITHMS:
        near = difflib.get_close_matches(name.lower(), ALGORITHMS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"there is no algorithm {name!r}: {hint}Known are {', '.join(ALGORITHMS)}, "
            "and before them the steps l2, pca50, whiten50 (any number), joined by +."
        )
    parsed = []
    for step in steps:
        found = re.fullmatch(r"(l2)|(pca|whiten)([1-9]\d*)", step)
        if not found:
            raise ValueError(
                f"there is no step {step!r} in {algorithm!r}: write l2, pca50 or "
                "whiten50 (any number), like l2+pca50+kmeans."
            )
        parsed.append(("l2", None) if found[1] else (found[2], int(found[3])))
    return parsed, name


def prepare(features, algorithm, seed=0):
    """The features (n, d) as the algorithm sees them, after its steps.

    PCA keeps at most as many components as there are pictures or features.
    """
    steps, _ = parse(algorithm)
    for step, size in steps:
        if step == "l2":
            features = normalize(features)
        else:
            n_components = min(size, *features.shape)
            pca = PCA(n_components, whiten=step == "whiten", random_state=seed)
            with np.errstate(invalid="ignore"):  # pictures that are all the same
                features = pca.fit_transform(features)
    return features


def cluster(features, algorithm, k, seed=0):
    """Cluster labels of features (n, d): int array (n,), 0, 1, … and -1 for noise.

    k: number of clusters; DBSCAN and HDBSCAN find their own. The same seed gives the
    same labels. Raises ValueError for bad features or k, MemoryError where all
    distances between the pictures would be needed for very many.
    """
    _, name = parse(algorithm)
    features = np.asarray(features)
    if features.ndim != 2:
        raise ValueError(f"features have shape {features.shape}: (n, d) is needed.")
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity: extract them again.")
    check_k(k, len(features))
    if name in PAIRWISE and len(features) > MOST_PICTURES_PAIRWISE:
        gigabytes = len(features) * (len(features) - 1) / 2 * 8 / 1e9
        raise MemoryError(
            f"{name} keeps all distances between {len(features):,} pictures, "
            f"{gigabytes:.1f} GB: take kmeans or minibatch, or fewer pictures. "
            "(clustering.MOST_PICTURES_PAIRWISE is the limit.)"
        )
    if k == 1 and name not in FIND_K:
        return np.zeros(len(features), dtype=int)
    # On few numbers, threads cost more than they bring, much more on a busy machine.
    with threadpool_limits(1 if features.size < SMALL else None):
        labels = ALGORITHMS[name](prepare(features, algorithm, seed), k, seed)
    return np.asarray(labels, dtype=int)


def renumber(labels):
    """The same clusters, numbered 0, 1, … as they first appear: int array (n,)."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def check_k(k, n_images):
    """Raise ValueError unless k clusters of n_images pictures are possible."""
    if n_images < 2:
        raise ValueError(f"{n_images} picture: clustering needs two or more.")
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise ValueError(
            f"k={k!r}: the number of clusters is a whole number from 1 on."
        )
    if k > n_images:
        raise ValueError(
            f"k={k} clusters of {n_images} pictures: k is at most {n_images}."
        )
