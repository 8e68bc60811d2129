import numpy as np

from course_utils.clustering.validation import unit_vectors


def top_clusters(cluster_labels, n=None):
    """The n biggest clusters (all if None), biggest first: int array of their labels.

    Noise (-1) is no cluster. Of clusters of one size, the lower label comes first.
    """
    clusters, sizes = np.unique(cluster_labels, return_counts=True)
    clusters, sizes = clusters[clusters != -1], sizes[clusters != -1]
    return clusters[np.lexsort((clusters, -sizes))][:n].astype(int)


def medoids(features, cluster_labels):
    """The most typical picture of each cluster: {cluster label: index of the picture}.

    The medoid is the picture with the least mean distance to the others of its own;
    of equally good ones it is the first. Unlike a centre it is a picture. Noise has
    none. The sum of all cosines of a picture is one product with the cluster's sum, so
    no pairs are needed. Source: Kaufman and Rousseeuw, *Clustering by means of medoids*
    (1987).
    """
    directions, cluster_labels = unit_vectors(features), np.asarray(cluster_labels)
    if cluster_labels.shape != (len(directions),):
        raise ValueError(
            f"{len(directions)} pictures, but labels of shape {cluster_labels.shape}."
        )
    found = {}
    for cluster in top_clusters(cluster_labels):
        members = np.flatnonzero(cluster_labels == cluster)
        own = directions[members]
        cosines = own @ own.sum(axis=0) - (own**2).sum(axis=1)  # without itself
        best = np.round(cosines, 9).argmax()  # rounded: ties go to the first
        found[int(cluster)] = int(members[best])
    return found
