"""Clustering by name: a short spelling of scikit-learn pipelines.

An algorithm is one string, steps and algorithm joined by `+`, such as `kmeans`,
`l2+kmeans` or `l2+pca50+ward`. The steps: `l2` scales every vector to length 1, `pca50`
keeps 50 principal components, `whiten50` keeps 50 and scales each to variance 1. In
front of ward, average or complete, `micro2000` lets these join 2,000 k-means clusters
instead of the images.
"""

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.pipeline import make_pipeline

from course_utils._support.threads import threads_for
from course_utils.clustering import out_of_core
from course_utils.clustering.estimators import (
    DBSCANClusters,
    GaussianClusters,
    HDBSCANClusters,
    SpectralClusters,
)
from course_utils.clustering.micro_clusters import (
    MICRO_CLUSTERS,
    OverMicroClusters,
    warn_of_micro_clusters,
)
from course_utils.clustering.preprocessing import (
    PAIRWISE,
    Prepared,
    Rows,
    fit_transformers,
    make_transformers,
    parse_algorithm,
    read_all,
    rotate,
)
from course_utils.clustering.validation import (
    as_float,
    check_features,
    check_n_clusters,
    check_random_state,
)

ALGORITHMS = {  # name: function of (n_clusters, random_state) that makes the estimator
    "kmeans": lambda k, seed: KMeans(k, n_init=10, random_state=seed),
    "minibatch": lambda k, seed: MiniBatchKMeans(k, n_init=10, random_state=seed),
    "ward": lambda k, _: AgglomerativeClustering(k, linkage="ward"),
    "average": lambda k, _: AgglomerativeClustering(k, linkage="average"),
    "complete": lambda k, _: AgglomerativeClustering(k, linkage="complete"),
    "spectral": lambda k, seed: SpectralClusters(k, random_state=seed),
    "gmm": lambda k, seed: GaussianClusters(k, random_state=seed),
    "dbscan": lambda _, seed: DBSCANClusters(random_state=seed),
    "hdbscan": lambda *_: HDBSCANClusters(),
}

BY_DISTANCES = ("kmeans", "minibatch", *PAIRWISE)  # depend on nothing else

OVER_MICRO = (*PAIRWISE, "spectral")  # in `cluster`, for very many images

SEEDED = ("kmeans", "minibatch", "spectral", "gmm")  # the others give one answer

FIND_K = ("dbscan", "hdbscan")  # find the number of clusters, may leave noise (-1)

MAX_PAIRWISE = 10_000  # images of which all distances are held: 0.4 GB

MAX_IN_MEMORY = 10_000_000  # numbers that are copied as a whole: 40 MB


def pipeline(algorithm, n_clusters, random_state=0):
    """Make the scikit-learn pipeline that the name of an algorithm spells.

    Parameters
    ----------
    algorithm : str
        Any number of the steps `l2`, `pca50`, `whiten50` (any number), then one of
        kmeans, minibatch, ward, average, complete, spectral, gmm, dbscan and hdbscan,
        joined by `+`. In front of ward, average and complete, `micro2000` makes 2,000
        micro-clusters first.
    n_clusters : int
        Number of clusters; dbscan and hdbscan find their own.
    random_state : int, default=0
        Seed of all steps that are random.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not fitted; `fit_predict(features)` returns cluster labels.

    Raises
    ------
    ValueError
        If a name is unknown, or the seed is none.

    See Also
    --------
    cluster : Runs the pipeline after checks, and on more images than fit in memory.
    sklearn.pipeline.make_pipeline : Does the same from transformers and an estimator.

    Examples
    --------
    >>> model = pipeline("l2+pca50+kmeans", n_clusters=7)
    >>> [name for name, _ in model.steps]
    ['normalizer', 'clippedpca', 'kmeans']
    >>> model["kmeans"]
    KMeans(n_clusters=7, n_init=10, random_state=0)
    """
    steps, name = parse_algorithm(algorithm)
    check_random_state(random_state)
    estimator = ALGORITHMS[name](n_clusters, random_state)
    if steps and steps[-1][0] == "micro":
        estimator = OverMicroClusters(estimator, steps[-1][1], random_state)
    return make_pipeline(*make_transformers(steps, random_state), estimator)


def cluster(
    features,
    algorithm,
    n_clusters,
    random_state=0,
    *,
    max_pairwise=MAX_PAIRWISE,
    max_in_memory=MAX_IN_MEMORY,
):
    """Cluster features by the name of an algorithm.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of any real numbers; it may be memory-mapped.
    algorithm : str
        Steps and algorithm, such as `"l2+pca50+kmeans"`; see `pipeline`.
    n_clusters : int
        Number of clusters; dbscan and hdbscan find their own.
    random_state : int, default=0
        The same seed gives the same labels.
    max_pairwise : int, default=10_000
        Above so many images, ward, average, complete and spectral run over
        micro-clusters, with a warning: all distances of 10,000 images are 0.4 GB.
    max_in_memory : int, default=10_000_000
        Features of more numbers are prepared, and clustered by kmeans and minibatch,
        block by block: they are never copied as a whole (40 MB).

    Returns
    -------
    int array (n_images,)
        Cluster labels 0, 1, …, and -1 for noise.

    Raises
    ------
    ValueError
        For an unknown name, bad features, an impossible number of clusters, or a seed
        that is none.
    MemoryError
        If the algorithm would need too much memory or time.

    See Also
    --------
    pipeline : The scikit-learn pipeline that is run.
    prepare : The features as the algorithm sees them.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[0.0, 0], [0, 1], [9, 9], [9, 8]])
    >>> labels = cluster(features, "ward", n_clusters=2)
    >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
    True
    """
    _, name = parse_algorithm(algorithm)
    model = pipeline(algorithm, n_clusters, random_state)
    features = check_features(features)
    n_images = len(features)
    check_n_clusters(n_clusters, n_images)
    if n_clusters == 1 and name not in FIND_K:
        return np.zeros(n_images, dtype=int)
    large = _is_large(features, max_in_memory)
    if large and name in out_of_core.PASSES:
        fitted = out_of_core.fit_out_of_core(
            features, algorithm, n_clusters, random_state=random_state
        )
        return out_of_core.label_source(fitted, features)
    estimator = model[-1]
    micro = isinstance(estimator, OverMicroClusters)
    if name in OVER_MICRO and n_images > max_pairwise and not micro:
        n_micro = min(max(MICRO_CLUSTERS, 4 * n_clusters), max_pairwise)
        warn_of_micro_clusters(name, n_images, n_micro)
        estimator = OverMicroClusters(estimator, n_micro, random_state)
        model = make_pipeline(*(step for _, step in model.steps[:-1]), estimator)
    with threads_for(features):
        if large:
            features = prepare(
                features, algorithm, random_state, max_in_memory=max_in_memory
            )
        else:
            features = as_float(features)
            if len(model) > 1:
                features = model[:-1].fit_transform(features)
        if name in BY_DISTANCES:
            features = rotate(features)
        labels = estimator.fit_predict(features)
    return np.asarray(labels, dtype=int)


def prepare(features, algorithm, random_state=0, *, max_in_memory=MAX_IN_MEMORY):
    """Return the features as the algorithm sees them, after its steps.

    Parameters
    ----------
    features : array (n_images, d)
        One row per image.
    algorithm : str
        Steps and algorithm, see `pipeline`; the algorithm itself is not run.
    random_state : int, default=0
        Seed of the steps that are random.
    max_in_memory : int, default=10_000_000
        Features of more numbers are prepared block by block, in float32.

    Returns
    -------
    array (n_images, c)
        float32 or float64. PCA keeps at most as many components as there are images or
        features; whitening sets those that do not vary to 0.

    Raises
    ------
    ValueError
        For an unknown name, bad features, or a seed that is none.

    Examples
    --------
    >>> prepare([[3.0, 4.0], [0.0, 2.0]], "l2+kmeans")
    array([[0.6, 0.8],
           [0. , 1. ]])
    """
    steps, _ = parse_algorithm(algorithm)
    check_random_state(random_state)
    features = check_features(features)
    transformers = make_transformers(steps, random_state)
    if not transformers:
        return as_float(features)
    if _is_large(features, max_in_memory):
        source = Rows(features)
        return read_all(Prepared(source, fit_transformers(transformers, source)))
    return make_pipeline(*transformers).fit_transform(as_float(features))


def is_seeded(algorithm):
    """Return whether another seed may give different labels.

    Parameters
    ----------
    algorithm : str
        Steps and algorithm, see `pipeline`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_seeded("l2+kmeans"), is_seeded("ward"), is_seeded("micro500+ward")
    (True, False, True)
    """
    steps, name = parse_algorithm(algorithm)
    return name in SEEDED or any(step == "micro" for step, _ in steps)


def _is_large(features, max_in_memory):
    """Whether to go by blocks; a few very wide rows are cheaper all at once."""
    return features.size > max_in_memory and len(features) > features.shape[1]
