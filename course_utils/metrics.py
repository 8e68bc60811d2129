"""Scores of a clustering: how well do cluster labels agree with true labels?

Every score compares two *partitions* of the same images, so the names of the clusters
do not matter. All of them start from the contingency table: how many images of class i
are in cluster j. Lesson 2 builds each one by hand.

The label -1, which DBSCAN and HDBSCAN give to images they leave unassigned, counts as
one more cluster: leaving difficult images out does not raise a score.

If the images are in parts, as on several machines, each part counts a table with names
(`named_table`); the sum of all tables (`merge_tables`) has every score
(`scores_of_table`).
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from sklearn.metrics import silhouette_score

SCORES = ("purity", "nmi", "fowlkes_mallows", "ari", "accuracy")

NMI_AVERAGES = {
    "arithmetic": lambda h_true, h_cluster: (h_true + h_cluster) / 2,
    "geometric": lambda h_true, h_cluster: np.sqrt(h_true * h_cluster),
    "min": min,
    "max": max,
}

MAX_CELLS = 200_000_000  # of a contingency table: 1.6 GB

MAX_DENSE_CELLS = 1_000_000  # above, nearly all are 0: they are matched as sparse ones


def contingency_table(*, labels_true, labels_pred):
    """Count the images of every class in every cluster.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.

    Returns
    -------
    int array of shape (n_classes, n_clusters)
        Rows and columns are in sorted order of the labels.

    Raises
    ------
    ValueError
        If the lengths differ, a label is missing (None, NaN, NaT or masked), the labels
        cannot be sorted, there is nothing to score, or the table would need more than
        1.6 GB.

    See Also
    --------
    named_table : The same with the names of classes and clusters.
    sklearn.metrics.cluster.contingency_matrix : The same in scikit-learn.

    Examples
    --------
    >>> contingency_table(labels_true=["cat", "cat", "dog"], labels_pred=[0, 1, 1])
    array([[1, 1],
           [0, 1]])
    """
    labels_true, n_classes = _check_labels("labels_true", labels_true)
    labels_pred, n_clusters = _check_labels("labels_pred", labels_pred)
    if len(labels_true) != len(labels_pred):
        raise ValueError(
            f"Got {len(labels_true)} labels_true but {len(labels_pred)} labels_pred: "
            "both need one label per image, in the same order."
        )
    n_cells = n_classes * n_clusters
    if n_cells > MAX_CELLS:
        raise ValueError(
            f"{n_classes} classes × {n_clusters} clusters need a table of "
            f"{n_cells * 8 / 1e9:.1f} GB: so many clusters cannot be scored."
        )
    cells = np.bincount(labels_true * n_clusters + labels_pred, minlength=n_cells)
    return cells.reshape(n_classes, n_clusters)


def purity(*, labels_true, labels_pred):
    """Share of images that belong to the most frequent class of their cluster.

    Name each cluster after its majority, then count the right names. Purity is not
    symmetric, and it can only grow when clusters are split: with one cluster per image
    it is 1.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.

    Returns
    -------
    float
        In (0, 1]; 1 if every cluster contains a single class.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    See Also
    --------
    sklearn.metrics.homogeneity_score : 1 in the same cases; scikit-learn has no purity.

    References
    ----------
    Manning, Raghavan and Schütze, *Introduction to Information Retrieval*, 2008,
    section 16.3.

    Examples
    --------
    >>> purity(labels_true=["cat", "cat", "dog", "dog"], labels_pred=[0, 0, 0, 1])
    0.75

    One cluster per image:

    >>> purity(labels_true=["cat", "cat", "dog", "dog"], labels_pred=[0, 1, 2, 3])
    1.0
    """
    return _purity(_table(labels_true, labels_pred))


def nmi(*, labels_true, labels_pred, average_method="arithmetic"):
    """Normalised mutual information: how much the clusters say about the classes.

    Bits learnt about the class from the cluster, divided by the mean of the bits in
    each of the two partitions. NMI is symmetric.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.
    average_method : {"arithmetic", "geometric", "min", "max"}, default="arithmetic"
        Which mean; scikit-learn's default was geometric before version 0.22.

    Returns
    -------
    float
        In [0, 1]; 1 if the two partitions are the same, also where each has one part.

    Raises
    ------
    ValueError
        As for `contingency_table`, and for an unknown mean.

    See Also
    --------
    sklearn.metrics.normalized_mutual_info_score : The same in scikit-learn.

    References
    ----------
    Vinh, Epps and Bailey, *Information theoretic measures for clusterings comparison*,
    JMLR 11, 2010.

    Examples
    --------
    >>> nmi(labels_true=[0, 0, 1, 1], labels_pred=["b", "b", "a", "a"])
    1.0

    Clusters that split every class evenly say nothing:

    >>> nmi(labels_true=[0, 0, 1, 1], labels_pred=[0, 1, 0, 1])
    0.0
    """
    if average_method not in NMI_AVERAGES:
        raise ValueError(
            f"average_method={average_method!r}: choose one of "
            f"{', '.join(NMI_AVERAGES)}."
        )
    return _nmi(_table(labels_true, labels_pred), average_method)


def fowlkes_mallows(*, labels_true, labels_pred):
    """Geometric mean of precision and recall over pairs of images.

    Precision: of the pairs put together, how many belong together. Recall: of the pairs
    that belong together, how many were put together. The score is symmetric.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.

    Returns
    -------
    float
        In [0, 1]; 1 if the partitions are the same, 0 if no pair is together in both.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    See Also
    --------
    sklearn.metrics.fowlkes_mallows_score : The same in scikit-learn.

    References
    ----------
    Fowlkes and Mallows, *A method for comparing two hierarchical clusterings*, JASA 78,
    1983.

    Examples
    --------
    >>> fowlkes_mallows(labels_true=[0, 0, 1, 1], labels_pred=[5, 5, 6, 6])
    1.0
    >>> fowlkes_mallows(labels_true=[0, 0, 1, 1], labels_pred=[0, 1, 0, 1])
    0.0
    """
    return _fowlkes_mallows(_table(labels_true, labels_pred))


def ari(*, labels_true, labels_pred):
    """Adjusted Rand index: agreement over pairs, shifted so that chance scores 0.

    The share of pairs on which the partitions agree, minus what random clusters of the
    same sizes would reach, divided by the most that is possible. It is symmetric.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.

    Returns
    -------
    float
        In [-0.5, 1]; 1 if the partitions are the same, about 0 for random clusters.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    See Also
    --------
    sklearn.metrics.adjusted_rand_score : The same in scikit-learn.

    References
    ----------
    Hubert and Arabie, *Comparing partitions*, Journal of Classification 2, 1985.

    Examples
    --------
    >>> ari(labels_true=[0, 0, 1, 1], labels_pred=[1, 1, 0, 0])
    1.0
    >>> round(ari(labels_true=[0, 0, 1, 1], labels_pred=[0, 1, 0, 1]), 6)
    -0.5
    """
    return _ari(_table(labels_true, labels_pred))


def accuracy(*, labels_true, labels_pred):
    """Share of right images after the best one-to-one match of clusters and classes.

    The match is the Hungarian assignment; if there are more clusters than classes, some
    match nothing.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.

    Returns
    -------
    float
        In (0, 1]; 1 if the partitions are the same.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    See Also
    --------
    scipy.optimize.linear_sum_assignment : Finds the match.

    References
    ----------
    Kuhn, *The Hungarian method for the assignment problem*, Naval Research Logistics
    Quarterly 2, 1955.

    Examples
    --------
    >>> accuracy(labels_true=["cat", "cat", "dog", "dog"], labels_pred=[1, 1, 0, 1])
    0.75
    """
    return _accuracy(_table(labels_true, labels_pred))


def scores(*, labels_true, labels_pred, names=SCORES):
    """Compute all five scores, or some of them, from one contingency table.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.
    names : sequence of str, default=SCORES
        Which scores.

    Returns
    -------
    dict of {str: float}
        In the order of names.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    Examples
    --------
    >>> same = {"labels_true": [0, 0, 1, 1], "labels_pred": [1, 1, 0, 0]}
    >>> scores(**same, names=["purity", "ari"])
    {'purity': 1.0, 'ari': 1.0}
    """
    return scores_of_table(_table(labels_true, labels_pred), names)


def scores_of_table(table, names=SCORES):
    """Compute the same scores from a contingency table.

    Parameters
    ----------
    table : int array or DataFrame of shape (n_classes, n_clusters)
        Counts of images.
    names : sequence of str, default=SCORES
        Which scores.

    Returns
    -------
    dict of {str: float}
        In the order of names.

    Raises
    ------
    ValueError
        If it is not a table of counts with at least one image.

    Examples
    --------
    >>> scores_of_table([[2, 0], [1, 1]], names=["purity"])
    {'purity': 0.75}
    """
    table = np.asarray(table)
    if table.ndim != 2 or table.dtype.kind not in "iu" or not table.any():
        raise ValueError(
            "Expected a table of counts, shape (n_classes, n_clusters), with at least "
            "one non-zero entry."
        )
    functions = (_purity, _nmi, _fowlkes_mallows, _ari, _accuracy)
    by_name = dict(zip(SCORES, functions, strict=True))
    return {name: by_name[name](table) for name in names}


def chance_scores(*, labels_true, labels_pred, n_shuffles=20, random_state=0):
    """Mean scores of the same clusters filled at random: the chance level.

    The cluster labels are shuffled, which keeps the cluster sizes.

    Parameters
    ----------
    labels_true : array-like of shape (n_images,)
        True labels, numbers or strings.
    labels_pred : array-like of shape (n_images,)
        Cluster labels, numbers or strings.
    n_shuffles : int, default=20
        How often they are shuffled.
    random_state : int, default=0
        Seed of the shuffles.

    Returns
    -------
    dict of {str: float}
        The mean of each score.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    Examples
    --------
    >>> level = chance_scores(labels_true=[0, 1] * 50, labels_pred=[0, 0, 1, 1] * 25)
    >>> level["nmi"] < 0.05 < 0.5 < level["purity"]
    True
    """
    generator = np.random.default_rng(random_state)
    labels_pred = np.asarray(labels_pred)
    rows = [
        scores(labels_true=labels_true, labels_pred=generator.permutation(labels_pred))
        for _ in range(n_shuffles)
    ]
    return {name: float(np.mean([row[name] for row in rows])) for name in SCORES}


def bootstrap_differences(
    score, labels_true, first, second, n_draws=500, *, random_state=0
):
    """Differences between two methods on images and runs drawn with replacement.

    Every draw takes as many images as there are, with replacement, and one run of each
    method, and scores both runs on these same images. The standard deviation of the
    differences says how sure the difference of the means is, over images and seeds. It
    does not cluster the drawn images anew.

    Parameters
    ----------
    score : callable
        ``score(labels_true, labels_pred)`` returns a number.
    labels_true : array-like of shape (n_images,)
        True labels.
    first, second : array-like of shape (n_runs, n_images)
        Cluster labels of both methods, one row per run; one row if it is deterministic.
    n_draws : int, default=500
    random_state : int, default=0

    Returns
    -------
    array of shape (n_draws,)
        Score of the first minus score of the second.

    References
    ----------
    B. Efron and R. J. Tibshirani, *An Introduction to the Bootstrap*, 1993.

    Examples
    --------
    >>> def equal(true, pred):
    ...     return np.mean(true == pred)
    >>> true = np.arange(100) % 2
    >>> found = bootstrap_differences(equal, true, [true], [0 * true])
    >>> found.shape, bool(0.4 < found.mean() < 0.6), bool(0.03 < found.std() < 0.07)
    ((500,), True, True)
    """
    generator = np.random.default_rng(random_state)
    labels_true = np.asarray(labels_true)
    first, second = np.asarray(first), np.asarray(second)
    found = []
    for _ in range(n_draws):
        drawn = generator.integers(0, len(labels_true), len(labels_true))
        one, other = generator.choice(first), generator.choice(second)
        true = labels_true[drawn]
        found.append(score(true, one[drawn]) - score(true, other[drawn]))
    return np.array(found)


def silhouette(features, labels, *, sample_size=5000, random_state=0):
    """How much nearer an image is to its own cluster than to the next one.

    It needs no true labels.

    Parameters
    ----------
    features : array of shape (n_images, d)
        One row per image.
    labels : array-like of int, shape (n_images,)
        Cluster labels; noise (-1) is left out.
    sample_size : int, default=5000
        If there are more images, a random sample of so many is used.
    random_state : int, default=0
        Seed of the sample.

    Returns
    -------
    float
        In [-1, 1]; NaN where it is undefined: with one cluster, or one per image.

    See Also
    --------
    sklearn.metrics.silhouette_score : Does the work.

    References
    ----------
    Rousseeuw, *Silhouettes*, Journal of Computational and Applied Mathematics 20, 1987.

    Examples
    --------
    >>> round(silhouette([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1]), 2)
    0.89
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


def named_table(*, labels_true, labels_pred):
    """Count the images of every class in every cluster, with names.

    Parameters
    ----------
    labels_true : sequence of length n_images
        True labels, numbers or strings.
    labels_pred : sequence of length n_images
        Cluster labels, numbers or strings.

    Returns
    -------
    DataFrame of int
        Classes as index and clusters as columns, both sorted.

    Raises
    ------
    ValueError
        As for `contingency_table`.

    See Also
    --------
    merge_tables : Adds up the tables of several parts.

    Examples
    --------
    >>> table = named_table(labels_true=["cat", "cat", "dog"], labels_pred=[4, 7, 7])
    >>> table.loc["cat"].to_dict()
    {4: 1, 7: 1}
    """
    both = {"labels_true": labels_true, "labels_pred": labels_pred}
    counts, names = contingency_table(**both), {}
    for side, labels in both.items():
        try:
            names[side] = sorted(set(labels))
        except TypeError as error:  # [1, "a"], which NumPy takes as strings
            raise _unsortable(side) from error
    return pd.DataFrame(
        counts,
        index=pd.Index(names["labels_true"], name="class"),
        columns=pd.Index(names["labels_pred"], name="cluster"),
    )


def merge_tables(tables):
    """Add up the named tables of parts that have no image in common.

    Parameters
    ----------
    tables : iterable of DataFrame
        As `named_table` makes them, in any order. A class or cluster that a part does
        not have counts 0 there.

    Returns
    -------
    DataFrame of int
        The `named_table` of all images at once.

    Raises
    ------
    ValueError
        If there is no table.

    Examples
    --------
    >>> parts = [(["cat"], [4]), (["dog", "cat"], [7, 4])]
    >>> tables = [named_table(labels_true=a, labels_pred=b) for a, b in parts]
    >>> merge_tables(tables).loc["cat", 4].item()
    2
    """
    total = None
    for table in tables:  # one after the other: there may be thousands
        total = table if total is None else total.add(table, fill_value=0)
    if total is None:
        raise ValueError("There are no tables to merge: give one per part.")
    return total.fillna(0).astype(int).sort_index(axis=0).sort_index(axis=1)


def _check_labels(name, labels):
    """Labels as 0..m-1 and m, after the checks that every score needs."""
    given, labels = labels, np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} must have one label per image, shape (n,), got {labels.shape}."
        )
    if not len(labels):
        raise ValueError(f"{name} is empty: there is nothing to score.")
    if np.ma.is_masked(given):
        raise ValueError(f"{name} holds masked labels: every image needs a label.")
    if labels.dtype.kind in "fc" and not np.isfinite(labels).all():
        raise ValueError(f"{name} holds NaN or infinity: every image needs a label.")
    if labels.dtype.kind in "mM" and np.isnat(labels).any():
        raise ValueError(f"{name} holds NaT: every image needs a label.")
    # Beside strings NumPy would turn a NaN into the string "nan".
    if labels.dtype.kind in "OU" and pd.isna(np.asarray(given, dtype=object)).any():
        raise ValueError(f"{name} holds None or NaN: every image needs a label.")
    try:
        values, codes = np.unique(labels, return_inverse=True)
        # Sets, for example, can be compared, but not sorted: equal ones stay apart.
        sorts = labels.dtype.kind != "O" or len(set(values)) == len(values)
    except TypeError:
        sorts = False
    if not sorts:
        raise _unsortable(name)
    return codes, len(values)


def _unsortable(name):
    return ValueError(
        f"{name} cannot be sorted: make them all numbers or all strings, for example "
        "with [str(label) for label in labels]."
    )


def _table(labels_true, labels_pred):
    return contingency_table(labels_true=labels_true, labels_pred=labels_pred)


def _sizes(table):
    """Images in each class, in each cluster, and in all."""
    return table.sum(axis=1), table.sum(axis=0), table.sum()


def _entropy(sizes):
    """Entropy in nats of the partition with these group sizes."""
    shares = sizes[sizes > 0] / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


def _pairs(sizes):
    """Pairs of images within each group, added up."""
    sizes = sizes.astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _purity(table):
    return float(table.max(axis=0).sum() / table.sum())


def _nmi(table, average_method="arithmetic"):
    class_sizes, cluster_sizes, _ = _sizes(table)
    if table.size == 1:
        return 1.0
    h_true, h_cluster = _entropy(class_sizes), _entropy(cluster_sizes)
    information = h_true + h_cluster - _entropy(table)
    normaliser = NMI_AVERAGES[average_method](h_true, h_cluster)
    if normaliser <= np.finfo(np.float64).eps:
        return 0.0  # one partition has a single part: it says nothing
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
    if table.size > MAX_DENSE_CELLS:
        return float(_best_match_of_sparse(table) / table.sum())
    classes, clusters = linear_sum_assignment(table, maximize=True)
    return float(table[classes, clusters].sum() / table.sum())


def _best_match_of_sparse(table):
    """Most images that a one-to-one match gets right: the same number, much sooner.

    Every class may also match a cluster of its own that is empty, or the sparse solver
    would find no match; + 1, because it takes 0 as "no edge".
    """
    counts = sparse.csr_matrix(table, dtype=np.float64)
    counts.data += 1
    empty = sparse.identity(len(table), format="csr")
    edges = sparse.hstack([counts, empty], format="csr")
    matched = min_weight_full_bipartite_matching(edges, maximize=True)
    return int(edges[matched].sum()) - len(table)
