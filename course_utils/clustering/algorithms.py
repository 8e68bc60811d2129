"""Clustering by name: steps that prepare features, then an algorithm of scikit-learn.

An algorithm is one string, steps and algorithm joined by `+`: `kmeans`, `l2+kmeans`,
`l2+pca50+ward`. The steps: `l2` gives every vector length 1, `pca50` keeps 50 principal
components, `whiten50` keeps 50 and scales each to variance 1; `micro2000`, before ward,
average or complete, lets these join 2,000 k-means clusters instead of the pictures.

Features of more than `blocks.LARGE` numbers, memory-mapped or not, are prepared and
clustered block by block and never copied as a whole.
"""

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

from course_utils.clustering import micro_clusters, neighbours, out_of_core
from course_utils.clustering.preprocessing import (
    PAIRWISE,
    Prepared,
    Rows,
    hold,
    learn,
    parse,
)
from course_utils.clustering.validation import SMALL, check_features, check_k

DBSCAN_NEIGHBOURS = 5

MOST_PICTURES_PAIRWISE = 10_000  # all distances between so many: 0.4 GB

MOST_PICTURES_RADIUS = 20_000  # all pairs nearer than DBSCAN's radius

MOST_PRODUCTS = 5e11  # n² d of HDBSCAN: 20 minutes on one core

HDBSCAN_SECONDS = 2.3e-9  # for each of them, measured


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
    if features.size > out_of_core.HELD:
        raise MemoryError(
            f"gmm of {len(features):,} pictures by {features.shape[1]:,} numbers each "
            f"needs {features.size * 8 * 4 / 1e9:.1f} GB: take fewer numbers, like "
            "l2+pca50+gmm, or kmeans. (blocks.HELD is the limit.)"
        )
    # Full covariances need more pictures than features; diagonal ones do not.
    return GaussianMixture(
        k, covariance_type="diag", reg_covar=1e-4, random_state=seed
    ).fit_predict(features.astype(np.float64))


def _dbscan(features, k, seed):
    """Neighbourhood radius: half of the pictures have 5 others so near."""
    n_neighbors = min(DBSCAN_NEIGHBOURS, len(features) - 1)  # besides itself
    if len(features) > MOST_PICTURES_RADIUS:
        return _dbscan_over_a_graph(features, seed)
    distances, _ = NearestNeighbors(n_neighbors=n_neighbors).fit(features).kneighbors()
    radius = max(float(np.median(distances[:, -1])), np.finfo(np.float32).tiny)
    return DBSCAN(eps=radius, min_samples=n_neighbors).fit_predict(features)


def _dbscan_over_a_graph(features, seed):
    """The same from 30 near neighbours of each picture, which join what is dense."""
    found = neighbours.nearest_neighbours(
        features, neighbours.GRAPH_NEIGHBOURS, seed=seed
    )
    radius = float(np.median(found[0][:, DBSCAN_NEIGHBOURS - 1]))
    radius = max(radius, np.finfo(np.float32).tiny)
    near = neighbours.graph(*found, radius=radius)
    dbscan = DBSCAN(eps=radius, min_samples=DBSCAN_NEIGHBOURS, metric="precomputed")
    return dbscan.fit_predict(near)


def _hdbscan(features, k, seed):
    products = len(features) ** 2 * features.shape[1]
    if products > MOST_PRODUCTS:
        raise MemoryError(
            f"hdbscan compares all of {len(features):,} pictures by "
            f"{features.shape[1]:,} numbers each, some "
            f"{products * HDBSCAN_SECONDS / 3600:.1f} hours: take fewer numbers "
            "(l2+pca10+hdbscan, or a map of two) or fewer pictures. "
            "(clustering.MOST_PRODUCTS is the limit.)"
        )
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

OVER_MICRO = (*PAIRWISE, "spectral")  # above MOST_PICTURES_PAIRWISE

SEEDED = ("kmeans", "minibatch", "spectral", "gmm")  # the others give one answer

FIND_K = ("dbscan", "hdbscan")  # find the number of clusters, may leave noise (-1)


def is_seeded(algorithm):
    """Whether another seed may give other labels."""
    steps, name = parse(algorithm)
    return name in SEEDED or any(step == "micro" for step, _ in steps)


def prepare(features, algorithm, random_state=0):
    """The features (n, d) as the algorithm sees them, after its steps.

    PCA keeps at most as many components as there are pictures or features. Above
    `blocks.LARGE` numbers it goes block by block, and what comes out is float32.
    """
    steps, _ = parse(algorithm)
    if _by_blocks(features) and steps:
        source = Rows(features)
        return hold(Prepared(source, learn(source, steps)))
    for step, size in steps:
        if step == "l2":
            features = normalize(features)
        elif step != "micro":
            n_components = min(size, *features.shape)
            pca = PCA(n_components, whiten=step == "whiten", random_state=random_state)
            with np.errstate(invalid="ignore"):  # pictures that are all the same
                features = pca.fit_transform(features)
    return features


def cluster(features, algorithm, n_clusters, random_state=0):
    """Cluster labels of features (n, d): int array (n,), 0, 1, … and -1 for noise.

    n_clusters: how many; DBSCAN and HDBSCAN find their own. The same seed gives the
    same labels. Above `MOST_PICTURES_PAIRWISE` pictures ward, average, complete and
    spectral go over micro-clusters, with a warning. Raises ValueError for bad features
    or k, MemoryError where an algorithm would need too much memory or time.
    """
    steps, name = parse(algorithm)
    features = np.asarray(features)
    check_features(features)
    n_images = len(features)
    check_k(n_clusters, n_images)
    if n_clusters == 1 and name not in FIND_K:
        return np.zeros(n_images, dtype=int)
    if _by_blocks(features) and name in out_of_core.PASSES:
        model = out_of_core.fit_out_of_core(
            features, algorithm, n_clusters, seed=random_state
        )
        return out_of_core.labels(model, features)
    n_micro = steps[-1][1] if steps and steps[-1][0] == "micro" else None
    if n_micro is None and name in OVER_MICRO and n_images > MOST_PICTURES_PAIRWISE:
        n_micro = max(
            micro_clusters.MICRO_CLUSTERS, min(4 * n_clusters, MOST_PICTURES_PAIRWISE)
        )
        micro_clusters.announce(name, n_images, n_micro)
    # On few numbers, threads cost more than they bring, much more on a busy machine.
    with threadpool_limits(1 if features.size < SMALL else None):
        prepared = prepare(features, algorithm, random_state)
        if n_micro is None:
            labels = ALGORITHMS[name](prepared, n_clusters, random_state)
        elif name in PAIRWISE:
            labels = micro_clusters.agglomerate(
                prepared, n_clusters, name, n_micro=n_micro, seed=random_state
            )
        else:
            groups = micro_clusters.groups(prepared, n_micro, random_state)
            labels = ALGORITHMS[name](groups.means, n_clusters, random_state)[
                groups.labels
            ]
    return np.asarray(labels, dtype=int)


def _by_blocks(features):
    """Very many numbers; of few very wide rows all at once is cheaper."""
    return features.size > out_of_core.LARGE and len(features) > features.shape[1]
