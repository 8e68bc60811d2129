"""Choosing without labels: how many clusters, and which representation.

A silhouette measured in the space of a representation depends on that space, so those
of different representations cannot be compared. Embeddings of the neighbour graph put
all representations into the same few dimensions, where they can (Lowe et al., 2024).
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import normalize

from course_utils._support.threads import threads_for
from course_utils.clustering.algorithms import (
    ALGORITHMS,
    BY_DISTANCES,
    FIND_K,
    cluster,
    prepare,
)
from course_utils.clustering.embeddings import laplacian_eigenmaps, umap_embedding
from course_utils.clustering.preprocessing import parse_algorithm, rotate
from course_utils.clustering.validation import (
    as_float,
    check_features,
    check_n_clusters,
    check_numbers,
    check_random_state,
)

MIN_IMAGES = 5  # fewer have no neighbour graph worth its name

MAX_K = 20  # of the numbers of clusters that are tried unless they are given

NEIGHBOURS, MIN_DIST = 30, 0.0  # of UMAP where clusters are measured in it

CRITERIA = ("silhouette", "after_umap", "after_eigenmaps")


@dataclass(frozen=True)
class Choice:
    """What `choose` proposes, and what speaks for it.

    Attributes
    ----------
    representation, algorithm : str
        Those of the first row of `ranking`.
    n_clusters : int
        Theirs.
    ranking : DataFrame
        One row per representation and algorithm, best first: representation, algorithm,
        the k proposed for it, level and stability.
    evidence : DataFrame
        One row per representation, algorithm and k: these, the silhouette in the
        representation's own space, after_umap, after_eigenmaps, and score.
    n_images : int
        On how many images it was measured.
    """

    representation: str
    algorithm: str
    n_clusters: int
    ranking: pd.DataFrame = field(repr=False)
    evidence: pd.DataFrame = field(repr=False)
    n_images: int

    def of(self, representation=None, algorithm=None):
        """The rows of `evidence` of one pair; by default of the one proposed."""
        rows = self.evidence
        rows = rows[rows["representation"] == (representation or self.representation)]
        return rows[rows["algorithm"] == (algorithm or self.algorithm)]


def choose(
    features,
    algorithms="l2+kmeans",
    ks=None,
    *,
    random_state=0,
    max_images=1_000,
):
    """Propose a number of clusters and a representation, without true labels.

    Every representation is clustered into k clusters for each k. The clusters are
    judged by their silhouette in two embeddings of the representation's neighbour
    graph, UMAP in two dimensions and Laplacian eigenmaps in half as many as the largest
    k. For each representation and algorithm the k is proposed whose two silhouettes,
    each standardised over the k, have the highest mean. Pairs are ranked by the mean of
    the two silhouettes at the proposed k. UMAP alone prefers few clusters, the
    eigenmaps about as many as they have dimensions; that their mean serves better than
    either was found with the labels of the course's image sets, see lesson 7.

    Parameters
    ----------
    features : array (n_images, d), or dict of {str: array}
        The features of one representation, or of several of the same images, by name.
        Memory-mapped arrays are read only where they are sampled.
    algorithms : str or sequence of str, default="l2+kmeans"
        Names, see `pipeline`; not dbscan and hdbscan, which find their own k. k-means
        and mixtures start three times here, instead of ten.
    ks : sequence of int, default=None
        The numbers of clusters to try. None tries 2 to 20, or to a third of the images.
    random_state : int, default=0
        Seed of everything that is random.
    max_images : int, default=1_000
        Of more images, so many are drawn at random, and only these are looked at.

    Returns
    -------
    Choice
        With `n_clusters`, `representation`, `ranking` and `evidence`.

    Raises
    ------
    ValueError
        For fewer than 5 images, features of different numbers of images, an unknown
        algorithm, or numbers of clusters that are impossible.
    ImportError
        Without umap-learn.

    See Also
    --------
    stability : How much the clusters depend on which images are there.
    plots.choice : The evidence as a figure.

    Notes
    -----
    One cluster is never proposed: a silhouette needs two.

    References
    ----------
    S. C. Lowe et al., *An Empirical Study into Clustering of Unseen Datasets with
    Self-Supervised Encoders*, arXiv:2406.02465, 2024 (the silhouette after UMAP).

    M. Belkin and P. Niyogi, *Laplacian Eigenmaps for Dimensionality Reduction and Data
    Representation*, Neural Computation 15, 2003.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> centres = np.repeat(10 * np.eye(4), 15, axis=0)
    >>> choose(centres + rng.normal(size=centres.shape), ks=range(2, 7)).n_clusters
    4
    """
    check_random_state(random_state)
    features = features if isinstance(features, Mapping) else {"features": features}
    algorithms = [algorithms] if isinstance(algorithms, str) else list(algorithms)
    if not features or not algorithms:
        raise ValueError("There is nothing to choose from: give features, algorithms.")
    features = {name: check_numbers(values) for name, values in features.items()}
    n_images = {name: len(values) for name, values in features.items()}
    if len(set(n_images.values())) > 1:
        raise ValueError(f"The features are not of the same images: {n_images}.")
    kept = _sample(next(iter(n_images.values())), max_images, random_state)
    ks = _numbers(ks, len(kept))
    for algorithm in algorithms:
        if parse_algorithm(algorithm)[1] in FIND_K:
            raise ValueError(f"{algorithm} finds its own number of clusters.")
    ranking, evidence = [], []
    for name, values in features.items():
        sample = as_float(check_features(values[kept], f"features of {name}"))
        spaces = _embeddings(sample, max(2, max(ks) // 2), random_state)
        for algorithm in algorithms:
            rows = _rows(sample, algorithm, ks, spaces, random_state)
            rows.insert(0, "representation", name)
            evidence.append(rows)
            best = rows.loc[rows["score"].idxmax()]
            ranking.append(
                {
                    "representation": name,
                    "algorithm": algorithm,
                    "k": int(best["k"]),
                    "level": best[["after_umap", "after_eigenmaps"]].mean(),
                    "stability": stability(
                        sample, algorithm, int(best["k"]), random_state=random_state
                    ),
                }
            )
    ranking = pd.DataFrame(ranking).sort_values(
        "level", ascending=False, kind="stable", na_position="last", ignore_index=True
    )
    first = ranking.iloc[0]
    return Choice(
        representation=first["representation"],
        algorithm=first["algorithm"],
        n_clusters=int(first["k"]),
        ranking=ranking,
        evidence=pd.concat(evidence, ignore_index=True),
        n_images=len(kept),
    )


def stability(features, algorithm, n_clusters, *, n_pairs=5, share=0.8, random_state=0):
    """How much a clustering depends on which images are there.

    Two random parts of the images are clustered on their own, and the two clusterings
    are compared on the images that are in both.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image.
    algorithm : str
        Steps and algorithm, see `pipeline`.
    n_clusters : int
    n_pairs : int, default=5
        Pairs of parts to compare.
    share : float, default=0.8
        Of the images in a part.
    random_state : int, default=0
        Seed of the parts and of the algorithm.

    Returns
    -------
    float
        Mean adjusted Rand index of the pairs, at most 1: the same clusters each time.

    Raises
    ------
    ValueError
        For bad features, and parts too small for so many clusters.

    References
    ----------
    A. Ben-Hur, A. Elisseeff and I. Guyon, *A Stability Based Method for Discovering
    Structure in Clustered Data*, Pacific Symposium on Biocomputing, 2002.

    Examples
    --------
    >>> points = np.repeat([[0.0, 1.0], [1.0, 0.0]], 10, axis=0)
    >>> stability(points, "kmeans", n_clusters=2)
    1.0
    """
    if not 0.5 <= share <= 1:
        raise ValueError(f"share must be from 0.5 to 1, got {share}.")
    features = check_features(features)
    n_images = len(features)
    check_n_clusters(n_clusters, round(share * n_images))
    generator, found = np.random.default_rng(random_state), []
    for pair in range(n_pairs):
        labels = np.full((2, n_images), -2)
        for part in labels:
            drawn = generator.permutation(n_images)[: round(share * n_images)]
            drawn.sort()
            seed = (random_state or 0) + pair
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                part[drawn] = cluster(features[drawn], algorithm, n_clusters, seed)
        first, second = labels[:, (labels > -2).all(axis=0)]
        found.append(adjusted_rand_score(first, second))
    return float(np.mean(found))


def _sample(n_images, max_images, random_state):
    """The places of the images that are looked at, in order."""
    if n_images < MIN_IMAGES:
        raise ValueError(
            f"Choosing needs at least {MIN_IMAGES} images, got {n_images}: look at "
            "them, and give the number of clusters (on the command line --k)."
        )
    if n_images <= max_images:
        return np.arange(n_images)
    generator = np.random.default_rng(random_state)
    return np.sort(generator.choice(n_images, max_images, replace=False))


def _numbers(ks, n_images):
    """The numbers of clusters to try, as a sorted list."""
    if ks is None:
        return list(range(2, max(2, min(MAX_K, n_images // 3)) + 1))
    ks = sorted(set(ks))
    if not ks or ks[0] < 2 or ks[-1] >= n_images:
        raise ValueError(
            f"Numbers of clusters to try must be from 2 to {n_images - 1}, got {ks}."
        )
    for k in ks:
        check_n_clusters(k, n_images)
    return [int(k) for k in ks]


def _embeddings(sample, n_dimensions, random_state):
    """The two spaces in which clusters are judged; None if all images are the same."""
    directions = rotate(normalize(sample.astype(np.float64)))
    if np.ptp(directions, axis=0).max() < 1e-6:
        return None
    how = {"n_neighbors": NEIGHBOURS, "min_dist": MIN_DIST}
    with threads_for(directions), np.errstate(all="ignore"):
        return {
            "after_umap": umap_embedding(directions, random_state, **how),
            "after_eigenmaps": laplacian_eigenmaps(directions, n_dimensions),
        }


def _rows(sample, algorithm, ks, spaces, random_state):
    """The evidence of one representation and algorithm, one row per k."""
    _, name = parse_algorithm(algorithm)
    points = prepare(sample, algorithm, random_state)
    points = rotate(points) if name in BY_DISTANCES else points
    rows = []
    with threads_for(points), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # copies of few images
        for k in ks:
            estimator = ALGORITHMS[name](k, random_state)
            if "n_init" in estimator.get_params():
                estimator.set_params(n_init=3)
            labels = estimator.fit_predict(points)
            judged = {"silhouette": points, **(spaces or {})}
            rows.append(
                {"algorithm": algorithm, "k": k}
                | {key: _silhouette(space, labels) for key, space in judged.items()}
            )
    rows = pd.DataFrame(rows, columns=["algorithm", "k", *CRITERIA], dtype=object)
    rows = rows.astype(dict.fromkeys(CRITERIA, float) | {"k": int})
    scaled = rows[["after_umap", "after_eigenmaps"]]
    spread = scaled.std().replace(0, np.nan).fillna(1)
    rows["score"] = ((scaled - scaled.mean()) / spread).mean(axis=1).fillna(-np.inf)
    return rows


def _silhouette(space, labels):
    """The silhouette, or NaN where it is not defined."""
    if not 2 <= len(np.unique(labels)) < len(labels):
        return np.nan
    return float(silhouette_score(space, labels))
