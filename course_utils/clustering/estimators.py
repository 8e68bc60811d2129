"""The algorithms that need more than scikit-learn's own class, as estimators.

Each chooses what a student would have to choose otherwise (the number of neighbours,
DBSCAN's radius), works for very few images too, and refuses what would take too much
memory or time, with advice. They follow scikit-learn's conventions.
"""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import DBSCAN, HDBSCAN, SpectralClustering
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from course_utils.clustering.neighbours import nearest_neighbours, neighbour_graph

GRAPH_NEIGHBOURS = 30  # of each image in a graph that replaces all near pairs

HDBSCAN_SECONDS = 2.3e-9  # per product n² d, measured


class SpectralClusters(ClusterMixin, BaseEstimator):
    """Spectral clustering of a graph of nearest neighbours.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    n_neighbors : int, default=10
        Neighbours that each image is joined to, at most as many as there are images.
    random_state : int, default=None
        Seed of the eigenvector solver.

    Attributes
    ----------
    labels_ : int array (n,)
        Cluster labels.

    See Also
    --------
    sklearn.cluster.SpectralClustering : It does the work.
    """

    def __init__(self, n_clusters=8, *, n_neighbors=10, random_state=None):
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster features (n, d)."""
        if self.n_clusters == len(X):  # the solver finds fewer eigenvectors than images
            self.labels_ = np.arange(len(X))
            return self
        spectral = SpectralClustering(
            self.n_clusters,
            affinity="nearest_neighbors",
            n_neighbors=min(self.n_neighbors, len(X)),
            assign_labels="cluster_qr",
            random_state=self.random_state,
        )
        with warnings.catch_warnings():  # expected of clusters that are far apart
            warnings.filterwarnings("ignore", "Graph is not fully connected")
            self.labels_ = spectral.fit_predict(X)
        return self


class GaussianClusters(ClusterMixin, BaseEstimator):
    """A mixture of Gaussians with diagonal covariances.

    Full covariances would need more images than features.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of Gaussians.
    max_numbers : int, default=25_000_000
        The largest n × d accepted: it needs 0.8 GB.
    random_state : int, default=None
        Seed of the first means.

    Attributes
    ----------
    labels_ : int array (n,)
        The most likely Gaussian of each image.

    See Also
    --------
    sklearn.mixture.GaussianMixture : It does the work.
    """

    def __init__(self, n_clusters=8, *, max_numbers=25_000_000, random_state=None):
        self.n_clusters = n_clusters
        self.max_numbers = max_numbers
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster features (n, d); MemoryError above `max_numbers`."""
        if X.size > self.max_numbers:
            raise MemoryError(
                f"gmm of {len(X):,} images × {X.shape[1]:,} numbers needs "
                f"{X.size * 8 * 4 / 1e9:.1f} GB: reduce the features first, as in "
                "l2+pca50+gmm, or choose kmeans. (GaussianClusters(max_numbers=…) "
                "sets the limit.)"
            )
        mixture = GaussianMixture(
            self.n_clusters,
            covariance_type="diag",
            reg_covar=1e-4,
            random_state=self.random_state,
        )
        self.labels_ = mixture.fit_predict(X.astype(np.float64))
        return self


class DBSCANClusters(ClusterMixin, BaseEstimator):
    """DBSCAN that sets its radius itself: half of the images have 5 others within it.

    Parameters
    ----------
    min_samples : int, default=5
        Neighbours within the radius that make an image a core of a cluster.
    max_images : int, default=20_000
        Above, each image is compared with its 30 nearest neighbours only: all pairs
        within the radius would need too much memory.
    random_state : int, default=0
        Seed of the neighbour search, which is approximate for very many images.

    Attributes
    ----------
    labels_ : int array (n,)
        Cluster labels, -1 for noise.
    eps_ : float
        The radius.

    See Also
    --------
    sklearn.cluster.DBSCAN : It does the work.
    """

    def __init__(self, min_samples=5, *, max_images=20_000, random_state=0):
        self.min_samples = min_samples
        self.max_images = max_images
        self.random_state = random_state

    def fit(self, X, y=None):
        """Cluster features (n, d)."""
        if len(X) > self.max_images:
            return self._fit_graph(X)
        n_neighbors = min(self.min_samples, len(X) - 1)  # besides the image itself
        search = NearestNeighbors(n_neighbors=n_neighbors).fit(X)
        self.eps_ = _positive_median(search.kneighbors()[0][:, -1])
        dbscan = DBSCAN(eps=self.eps_, min_samples=n_neighbors)
        self.labels_ = dbscan.fit_predict(X)
        return self

    def _fit_graph(self, X):
        found = nearest_neighbours(X, GRAPH_NEIGHBOURS, random_state=self.random_state)
        self.eps_ = _positive_median(found[0][:, self.min_samples - 1])
        dbscan = DBSCAN(
            eps=self.eps_, min_samples=self.min_samples, metric="precomputed"
        )
        self.labels_ = dbscan.fit_predict(neighbour_graph(*found, radius=self.eps_))
        return self


class HDBSCANClusters(ClusterMixin, BaseEstimator):
    """HDBSCAN with clusters of at least 5 images.

    Parameters
    ----------
    min_cluster_size : int, default=5
        Images of the smallest cluster; fewer if there are no more images.
    max_products : float, default=5e11
        The largest n² d accepted: about 20 minutes on one core.

    Attributes
    ----------
    labels_ : int array (n,)
        Cluster labels, -1 for noise.

    See Also
    --------
    sklearn.cluster.HDBSCAN : It does the work.
    """

    def __init__(self, min_cluster_size=5, *, max_products=5e11):
        self.min_cluster_size = min_cluster_size
        self.max_products = max_products

    def fit(self, X, y=None):
        """Cluster features (n, d); MemoryError above `max_products`."""
        products = len(X) ** 2 * X.shape[1]
        if products > self.max_products:
            raise MemoryError(
                f"hdbscan compares all pairs of {len(X):,} images × {X.shape[1]:,} "
                f"numbers, which takes about {products * HDBSCAN_SECONDS / 3600:.1f} "
                "hours: reduce the features first, as in l2+pca10+hdbscan, or choose "
                "fewer images. (HDBSCANClusters(max_products=…) sets the limit.)"
            )
        size = max(2, min(self.min_cluster_size, len(X)))
        self.labels_ = HDBSCAN(min_cluster_size=size, copy=True).fit_predict(X)
        return self


def _positive_median(distances):
    return max(float(np.median(distances)), float(np.finfo(np.float32).tiny))
