"""Scores of a clustering: how well do cluster labels agree with true labels?

Every score here compares two *partitions* of the same pictures, so the names of the
clusters never matter. All of them start from the contingency table: how many pictures
of class i lie in cluster j. Lesson 2 builds each one by hand.

The label -1, which DBSCAN and HDBSCAN give to pictures they leave over as noise, counts
as one more cluster: no algorithm gains by refusing to answer.

Contingency tables with names: counted part by part, then added up.

No worker sees all pictures, so classes and clusters may be absent from its part. Its
table says which rows and columns it has, and the sum of all tables has every score:
`metrics.scores_of_table(merge_tables(tables))`.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import silhouette_score

SCORES = ("purity", "nmi", "fowlkes_mallows", "ari", "accuracy")

MOST_CELLS = 200_000_000  # of a contingency table: 1.6 GB

NMI_AVERAGES = {
    "arithmetic": lambda h_true, h_cluster: (h_true + h_cluster) / 2,
    "geometric": lambda h_true, h_cluster: np.sqrt(h_true * h_cluster),
    "min": min,
    "max": max,
}


def contingency_table(*, labels_true, labels_pred):
    """Count the pictures of every class in every cluster.

    Parameters: two sequences of n labels, numbers or strings.
    Returns: array (n_classes, n_clusters) of counts, rows and columns in sorted order
    of the labels. Raises ValueError if the lengths differ, a label is missing, or there
    is nothing to score.
    """
    labels_true, n_classes = _codes("labels_true", labels_true)
    labels_pred, n_clusters = _codes("labels_pred", labels_pred)
    if len(labels_true) != len(labels_pred):
        raise ValueError(
            f"{len(labels_true)} labels_true but {len(labels_pred)} labels_pred: "
            "both need one label a picture, in the same order."
        )
    n_cells = n_classes * n_clusters
    if n_cells > MOST_CELLS:
        raise ValueError(
            f"{n_classes} classes × {n_clusters} clusters need a table of "
            f"{n_cells * 8 / 1e9:.1f} GB: that many clusters cannot be scored."
        )
    cells = np.bincount(labels_true * n_clusters + labels_pred, minlength=n_cells)
    return cells.reshape(n_classes, n_clusters)


def purity(*, labels_true, labels_pred):
    """Share of pictures that belong to the commonest class of their cluster.

    Intuition: name each cluster after its majority, then count the right names.
    Range (0, 1]. Not symmetric, and it only grows when clusters are split: one cluster
    a picture scores 1. Source: Manning et al., *Introduction to Information Retrieval*,
    2008, section 16.3.

    >>> purity(labels_true=["cat", "cat", "dog", "dog"], labels_pred=[0, 0, 0, 1])
    0.75
    """
    return _purity(_table(labels_true, labels_pred))


def nmi(*, labels_true, labels_pred, average_method="arithmetic"):
    """Normalised mutual information: what the clusters tell about the classes.

    Intuition: bits learnt about the class from the cluster, over the mean of the bits
    in each. Range [0, 1]; symmetric. `average_method` names the mean: "arithmetic"
    (default, as in scikit-learn since 0.22), "geometric" (before), "min" or "max". Two
    partitions of one part each score 1. Source: Vinh et al., JMLR 11, 2010.

    >>> nmi(labels_true=[0, 0, 1, 1], labels_pred=["b", "b", "a", "a"])
    1.0
    """
    if average_method not in NMI_AVERAGES:
        raise ValueError(
            f"average_method={average_method!r}: choose one of "
            f"{', '.join(NMI_AVERAGES)}."
        )
    return _nmi(_table(labels_true, labels_pred), average_method)


def fowlkes_mallows(*, labels_true, labels_pred):
    """Geometric mean of precision and recall over pairs of pictures.

    Intuition: of the pairs put together, how many belong together (precision); of the
    pairs that belong together, how many were put together (recall). Range [0, 1];
    symmetric. No pair together on either side scores 0, as in scikit-learn.
    Source: Fowlkes and Mallows, JASA 78, 1983.

    >>> fowlkes_mallows(labels_true=[0, 0, 1, 1], labels_pred=[5, 5, 6, 6])
    1.0
    """
    return _fowlkes_mallows(_table(labels_true, labels_pred))


def ari(*, labels_true, labels_pred):
    """Adjusted Rand index: agreement over pairs, shifted so that chance scores 0.

    Range [-0.5, 1]; symmetric. Source: Hubert and Arabie, Journal of Classification 2,
    1985.
    """
    return _ari(_table(labels_true, labels_pred))


def accuracy(*, labels_true, labels_pred):
    """Share of right pictures after the best one-to-one match of clusters and classes.

    The match is the Hungarian assignment; clusters beyond the number of classes match
    nothing. Range (0, 1]. Source: Kuhn, Naval Research Logistics 2, 1955.
    """
    return _accuracy(_table(labels_true, labels_pred))


def scores(*, labels_true, labels_pred, names=SCORES):
    """All five scores, or those in names, from one contingency table.

    Returns: dict of float, in the order of names.
    """
    return scores_of_table(_table(labels_true, labels_pred), names)


def scores_of_table(table, names=SCORES):
    """The same scores of a contingency table: an array, or a DataFrame of `tables`."""
    table = np.asarray(table)
    if table.ndim != 2 or table.dtype.kind not in "iu" or not table.any():
        raise ValueError(
            "a table of counts (n_classes, n_clusters), not all 0, is due."
        )
    functions = (_purity, _nmi, _fowlkes_mallows, _ari, _accuracy)
    by_name = dict(zip(SCORES, functions, strict=True))
    return {name: by_name[name](table) for name in names}


def chance_scores(*, labels_true, labels_pred, n_shuffles=20, random_state=0):
    """Mean scores of the same clusters filled at random: the level of no knowledge.

    The cluster labels are shuffled `n_shuffles` times, which keeps the cluster sizes.
    """
    generator = np.random.default_rng(random_state)
    labels_pred = np.asarray(labels_pred)
    rows = [
        scores(
            labels_true=labels_true,
            labels_pred=generator.permutation(labels_pred),
        )
        for _ in range(n_shuffles)
    ]
    return {name: float(np.mean([row[name] for row in rows])) for name in SCORES}


def silhouette(features, labels, *, sample_size=5000, random_state=0):
    """How much nearer a picture is to its own cluster than to the next one.

    Needs no true labels. features: (n, d). Range [-1, 1]; NaN where it is not defined
    (one cluster, or every picture its own). Noise (-1) is left out. Above `sample_size`
    pictures a random sample is used. Source: Rousseeuw, J. Comp. Appl. Math. 20, 1987.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    clustered = np.flatnonzero(labels != -1)
    if len(clustered) > sample_size:
        generator = np.random.default_rng(random_state)
        clustered = np.sort(generator.choice(clustered, sample_size, replace=False))
    labels = labels[clustered]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return float("nan")
    return float(silhouette_score(features[clustered], labels))


def _codes(name, labels):
    """Labels as 0..m-1 and m, after the checks that every score needs."""
    given, labels = labels, np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} has shape {labels.shape}: give one label a picture, shape (n,)."
        )
    if not len(labels):
        raise ValueError(f"{name} is empty: there is nothing to score.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"{name} holds NaN or infinity: every picture needs a label.")
    # Beside strings NumPy would turn a NaN into the string "nan".
    if labels.dtype.kind in "OU" and pd.isna(np.asarray(given, dtype=object)).any():
        raise ValueError(f"{name} holds None or NaN: every picture needs a label.")
    values, codes = np.unique(labels, return_inverse=True)
    return codes, len(values)


def _table(labels_true, labels_pred):
    return contingency_table(labels_true=labels_true, labels_pred=labels_pred)


def _sizes(table):
    """Pictures in each class, in each cluster, and in all."""
    return table.sum(axis=1), table.sum(axis=0), table.sum()


def _entropy(sizes):
    """Entropy in nats of the partition with these group sizes."""
    shares = sizes[sizes > 0] / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


def _pairs(sizes):
    """Pairs of pictures within each group, added up."""
    sizes = sizes.astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _purity(table):
    return float(table.max(axis=0).sum() / table.sum())


def _nmi(table, average="arithmetic"):
    class_sizes, cluster_sizes, _ = _sizes(table)
    if table.size == 1:
        return 1.0
    h_true, h_cluster = _entropy(class_sizes), _entropy(cluster_sizes)
    information = h_true + h_cluster - _entropy(table)
    normaliser = NMI_AVERAGES[average](h_true, h_cluster)
    if normaliser <= np.finfo(np.float64).eps:
        return 0.0  # one side has a single part: it tells nothing
    return float(np.clip(information / normaliser, 0.0, 1.0))


def _fowlkes_mallows(table):
    class_sizes, cluster_sizes, _ = _sizes(table)
    together_in_both = _pairs(table)
    if together_in_both == 0:
        return 0.0
    precision = together_in_both / _pairs(cluster_sizes)
    recall = together_in_both / _pairs(class_sizes)
    return float(np.sqrt(precision * recall))


def _ari(table):
    class_sizes, cluster_sizes, n = _sizes(table)
    together_in_both = _pairs(table)
    class_pairs, cluster_pairs = _pairs(class_sizes), _pairs(cluster_sizes)
    all_pairs = n * (n - 1) / 2
    expected = class_pairs * cluster_pairs / all_pairs if all_pairs else 0.0
    highest = (class_pairs + cluster_pairs) / 2
    if highest == expected:
        return 1.0  # both are one part, or both are singletons
    return float((together_in_both - expected) / (highest - expected))


def _accuracy(table):
    classes, clusters = linear_sum_assignment(table, maximize=True)
    return float(table[classes, clusters].sum() / table.sum())


def named_table(*, labels_true, labels_pred):
    """Count the pictures of every class in every cluster, with their names.

    Returns: DataFrame of int, classes as index and clusters as columns, both sorted.
    Raises ValueError as `metrics.contingency_table`, whose counts these are.
    """
    both = {"labels_true": labels_true, "labels_pred": labels_pred}
    return pd.DataFrame(
        contingency_table(**both),
        index=pd.Index(sorted(set(labels_true)), name="class"),
        columns=pd.Index(sorted(set(labels_pred)), name="cluster"),
    )


def merge_tables(tables):
    """Add up the named tables of parts that share no picture, in any order.

    A class or cluster that a part does not have counts 0 there. Returns: DataFrame like
    `named_table` of all pictures at once. Raises ValueError if there is no table.
    """
    total = None
    for table in tables:  # one after the other: there may be thousands
        total = table if total is None else total.add(table, fill_value=0)
    if total is None:
        raise ValueError("there are no tables to merge: give one a part.")
    return total.fillna(0).astype(int).sort_index(axis=0).sort_index(axis=1)
