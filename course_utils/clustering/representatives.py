"""Which clusters and which images represent a clustering: biggest clusters, medoids."""

import numpy as np

from course_utils.clustering.validation import unit_vectors


def top_clusters(cluster_labels, n=None):
    """Find the biggest clusters.

    Parameters
    ----------
    cluster_labels : array-like of int, shape (n_images,)
        Noise (-1) does not count as a cluster.
    n : int, default=None
        How many clusters; None returns all.

    Returns
    -------
    int array
        Cluster labels, biggest cluster first; on ties, the lower label first.

    Examples
    --------
    >>> top_clusters([2, 0, 2, -1, 1, 1, 2], n=2).tolist()
    [2, 1]
    """
    clusters, sizes = np.unique(cluster_labels, return_counts=True)
    clusters, sizes = clusters[clusters != -1], sizes[clusters != -1]
    return clusters[np.lexsort((clusters, -sizes))][:n].astype(int)


def medoids(features, cluster_labels):
    """Find the most typical image of each cluster.

    The **medoid** is the image with the smallest mean cosine distance to the others of
    its cluster. Unlike a centre, it is an image. The sum of all cosines of an image is
    its product with the sum of the cluster, so no pairs are needed.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any length.
    cluster_labels : array-like of int, shape (n_images,)
        Noise (-1) has no medoid.

    Returns
    -------
    dict of {int: int}
        The index of the medoid for each cluster label; on ties, the first image.

    Raises
    ------
    ValueError
        If there is not one label per row of finite features.

    References
    ----------
    Kaufman and Rousseeuw, *Clustering by means of medoids*, 1987.

    Examples
    --------
    >>> features = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.3], [0.0, 1.0]]
    >>> medoids(features, [0, 0, 0, 1])
    {0: 1, 1: 3}
    """
    directions, cluster_labels = unit_vectors(features), np.asarray(cluster_labels)
    if cluster_labels.shape != (len(directions),):
        raise ValueError(
            f"There are {len(directions)} images, but labels of shape "
            f"{cluster_labels.shape}."
        )
    found = {}
    for cluster in top_clusters(cluster_labels):
        members = np.flatnonzero(cluster_labels == cluster)
        own = directions[members]
        cosines = own @ own.sum(axis=0) - (own**2).sum(axis=1)  # without itself
        best = np.round(cosines, 9).argmax()  # rounded: ties go to the first
        found[int(cluster)] = int(members[best])
    return found
