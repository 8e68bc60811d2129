"""k-means of features that are never in memory as a whole, and their scores.

The features are read block by block, see `preprocessing`. `fit_out_of_core` learns a
model of a few means, components and centres, small enough to be sent to every worker;
with it, `label_out_of_core` labels the parts of a feature store where they are, counts
a contingency table per part and adds the tables up:

    found = representations.extract(stream, "EfficientNetLite0", to="s3://…")
    model = clustering.fit_out_of_core(found, "l2+pca50+minibatch", n_clusters=1000)
    result = clustering.label_out_of_core(found, model, to="s3://…/labels")
    result.scores

Features are often sorted by class. So the first centres come from a random sample of
all rows, and mini-batches are drawn from a buffer that mixes many blocks.
"""

import functools
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.cluster import KMeans, MiniBatchKMeans
from tqdm.auto import tqdm

from course_utils import metrics
from course_utils._support import engines
from course_utils._support.threads import threads_for
from course_utils.clustering.preprocessing import (
    Prepared,
    Rows,
    as_source,
    checked_blocks,
    fit_transformers,
    make_transformers,
    parse_algorithm,
    read_all,
    transform_rows,
)
from course_utils.clustering.validation import (
    check_n_clusters,
    check_random_state,
)
from course_utils.representations.feature_store import Folder, read_part

SAMPLE_ROWS = 5_000  # from which the centres start, or more for many clusters

STARTS = 5  # of which the best is taken

PASSES = {"minibatch": 3, "kmeans": 100}  # over the source, at most


@dataclass(frozen=True, eq=False)
class BlockModel:
    """What `fit_out_of_core` found: it prepares and labels any rows of such features.

    Attributes
    ----------
    algorithm : str
        The name of the algorithm.
    transformers : tuple of scikit-learn transformers
        The fitted steps before the algorithm.
    centers : float32 array (n_clusters, c)
        Cluster centres in the space after the steps.
    """

    algorithm: str
    transformers: tuple
    centers: np.ndarray

    def prepare(self, rows):
        """Return rows (m, d) after the steps: float32 array (m, c)."""
        rows = np.asarray(rows, np.float32)
        if not len(rows):
            return np.empty((0, self.centers.shape[1]), np.float32)
        return transform_rows(self.transformers, rows)

    def predict(self, rows):
        """Return the number of the nearest centre of each row (m, d): int (m,)."""
        return _nearest_center(self.prepare(rows), self.centers)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Cluster labels of the parts of a feature store.

    Attributes
    ----------
    cluster_labels : int32 array (n_images,)
        In the order of the images.
    table : DataFrame or None
        Contingency table, with names, of the images that have a true label; None if
        none has.
    """

    cluster_labels: np.ndarray
    table: pd.DataFrame | None

    @property
    def scores(self):
        """The five scores of `metrics`: dict; ValueError without true labels."""
        if self.table is None:
            raise ValueError("No image has a true label: there is nothing to score.")
        return metrics.scores_of_table(self.table)


def check_out_of_core(algorithm):
    """Parse the name of an algorithm; raise ValueError if it cannot go by blocks."""
    steps, name = parse_algorithm(algorithm)
    if name not in PASSES:
        raise ValueError(
            f"{algorithm!r} cannot run out of core: {' and '.join(PASSES)} can, "
            "for example l2+pca50+minibatch."
        )
    return steps, name


def fit_out_of_core(
    source,
    algorithm,
    n_clusters,
    *,
    random_state=0,
    passes=None,
    batch_size=1_024,
    buffer_size=16_384,
    max_held=25_000_000,
):
    """Fit k-means to features that need not be in memory.

    Parameters
    ----------
    source : array (n_images, d), FeatureParts, or another source of blocks
        The features; an array may be memory-mapped.
    algorithm : str
        `"kmeans"` (Lloyd's iterations, exact: every pass adds up all rows) or
        `"minibatch"`, after any of the steps `l2`, `pca50` and `whiten50`.
    n_clusters : int
        Number of clusters.
    random_state : int, default=0
        The same source and seed give the same model.
    passes : int, default=None
        Passes over the prepared rows, at most; by default 100 for kmeans and 3 for
        minibatch.
    batch_size : int, default=1024
        Rows of a mini-batch.
    buffer_size : int, default=16384
        Rows that are mixed before mini-batches are drawn: 84 MB at a width of 1,280.
    max_held : int, default=25_000_000
        Up to so many numbers, prepared features are kept in memory (0.1 GB); above,
        every pass prepares them again.

    Returns
    -------
    BlockModel
        Its method `predict` labels rows of such features.

    Raises
    ------
    ValueError
        For another algorithm, an impossible number of clusters, or bad features.

    See Also
    --------
    label_out_of_core : Label the parts of a feature store with the model.
    sklearn.cluster.MiniBatchKMeans : Its method `partial_fit` runs the mini-batches.

    References
    ----------
    Bradley and Fayyad, *Refining initial points for k-means clustering*, ICML 1998;
    Sculley, *Web-scale k-means clustering*, WWW 2010.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[0.0, 0], [0, 1], [9, 9], [9, 8]])
    >>> model = fit_out_of_core(features, "kmeans", n_clusters=2)
    >>> first, _, last, _ = model.predict(features)
    >>> bool(first == last)
    False
    """
    steps, name = check_out_of_core(algorithm)
    check_random_state(random_state)
    source = as_source(source)
    check_n_clusters(n_clusters, source.n_images)
    transformers = fit_transformers(make_transformers(steps, random_state), source)
    prepared = Prepared(source, transformers)
    if prepared.n_images * prepared.width <= max_held:
        prepared = Rows(read_all(prepared))
    passes = PASSES[name] if passes is None else passes
    generator = np.random.default_rng(random_state)
    rows = sample_rows(prepared, max(SAMPLE_ROWS, 5 * n_clusters), generator)
    with threads_for(rows):
        centers = _initial_centers(rows, n_clusters, random_state)
        if name == "kmeans":
            tolerance = 1e-4 * rows.var(axis=0).mean()  # as scikit-learn's
            centers = _fit_lloyd(prepared, centers, passes, tolerance)
        else:
            batches = (
                batch
                for _ in range(passes)
                for batch in shuffled_batches(
                    prepared, generator, batch_size, buffer_size
                )
            )
            seed = int(generator.integers(2**31))
            centers = _fit_minibatch(batches, centers, rows, seed)
    return BlockModel(algorithm, tuple(transformers), centers)


def label_source(model, source):
    """Label a whole source, block by block: int array (n_images,)."""
    found = [model.predict(rows) for rows in checked_blocks(as_source(source))]
    return np.concatenate(found)


def label_out_of_core(found, model, *, to=None, engine=None, progress=True):
    """Label every image of a feature store, part by part, and count the scores.

    Parameters
    ----------
    found : FeatureParts
        As `representations.extract(…, to=…)` returns it.
    model : BlockModel
        As `fit_out_of_core` returns it.
    to : path or fsspec address, default=None
        Folder for the labels, one Parquet file per part with the columns image and
        cluster; files that are already there are overwritten. None writes nothing.
    engine : str or Dask client, default=None
        Who does the work, see `_support.engines`; the workers must find the features,
        and `to`, at the same place as this process.
    progress : bool, default=True
        Whether to show a progress bar.

    Returns
    -------
    Labelled
        Cluster labels, contingency table and scores.
    """
    function = functools.partial(
        _label_part, found.folder, model, None if to is None else Folder.at(to)
    )
    starts = dict(zip(found.names, np.cumsum([0, *found.counts]), strict=False))
    labels = np.empty(found.n_images, np.int32)
    tables = []
    with tqdm(
        total=found.n_images,
        desc="labels",
        unit=" images",
        delay=2,
        disable=not progress,
    ) as bar:
        for name, (cluster_labels, table) in engines.spread(
            function, found.names, engine
        ):
            start = starts[name]
            labels[start : start + len(cluster_labels)] = cluster_labels
            if table is not None:
                tables.append(table)
            if len(tables) >= 100:  # a million parts would leave a million tables
                tables = [metrics.merge_tables(tables)]
            bar.update(len(cluster_labels))
    return Labelled(labels, metrics.merge_tables(tables) if tables else None)


def sample_rows(source, n_rows, generator):
    """Draw at most n_rows different rows of a source, in its order."""
    n_rows = min(n_rows, source.n_images)
    chosen = np.sort(generator.choice(source.n_images, n_rows, replace=False))
    found, done = [], 0
    for rows in checked_blocks(source):
        first, last = np.searchsorted(chosen, (done, done + len(rows)))
        found.append(rows[chosen[first:last] - done])
        done += len(rows)
    return np.concatenate(found)


def shuffled_batches(source, generator, batch_size, buffer_size):
    """Yield mini-batches, each of rows drawn from up to buffer_size rows of the source.

    Rows that are further apart in the source never meet: a source that is much longer
    than the buffer should be written in random order.
    """
    waiting, n_waiting, half = [], 0, buffer_size // 2
    for rows in source.blocks():
        waiting.append(rows)
        n_waiting += len(rows)
        if n_waiting >= buffer_size:
            mixed = generator.permutation(np.concatenate(waiting))
            for first in range(0, half, batch_size):
                yield mixed[first : min(first + batch_size, half)]
            waiting, n_waiting = [mixed[half:]], n_waiting - half
    if n_waiting:
        mixed = generator.permutation(np.concatenate(waiting))
        for first in range(0, len(mixed), batch_size):
            yield mixed[first : first + batch_size]


def sum_by_label(labels, rows, n_clusters):
    """Return the sums (k, d) of the rows with each label, and their counts (k,)."""
    ones = np.ones(len(rows), np.float32)
    shape = n_clusters, len(rows)
    members = sparse.csr_matrix((ones, (labels, np.arange(len(rows)))), shape)
    return members @ rows, np.bincount(labels, minlength=n_clusters)


def _initial_centers(rows, n_clusters, random_state):
    """The best of a few k-means runs on the sampled rows: float32 (n_clusters, c)."""
    if n_clusters == len(rows):
        return rows.copy()
    # With many clusters the start hardly matters, and k-means++ is slow.
    many = n_clusters > len(rows) // 10
    kmeans = KMeans(
        n_clusters,
        init="random" if many else "k-means++",
        n_init=1 if many else STARTS,
        max_iter=10 if many else 30,
        random_state=random_state,
    )
    return kmeans.fit(rows).cluster_centers_.astype(np.float32)


def _fit_minibatch(batches, centers, rows, random_state):
    # No centre is ever moved to a random row: in a source that is sorted by class, a
    # cluster without new rows for a long time is not a useless one.
    minibatch = MiniBatchKMeans(
        len(centers),
        init=centers,
        n_init=1,
        reassignment_ratio=0,
        random_state=random_state,
    )
    minibatch.partial_fit(rows)  # the sample counts as the first mini-batch
    for batch in batches:
        minibatch.partial_fit(batch)
    return minibatch.cluster_centers_.astype(np.float32)


def _fit_lloyd(source, centers, passes, tolerance):
    """Lloyd's iterations until the centres move by less than the tolerance, squared.

    A cluster that loses all of its rows keeps its centre.
    """
    for _ in range(passes):
        sums, sizes = np.zeros(centers.shape), np.zeros(len(centers))
        for rows in source.blocks():
            block_sums, counts = sum_by_label(
                _nearest_center(rows, centers), rows, len(centers)
            )
            sums += block_sums
            sizes += counts
        means = sums / np.maximum(sizes, 1)[:, None]
        moved = np.where(sizes[:, None] > 0, means, centers).astype(np.float32)
        shift, centers = ((moved - centers) ** 2).sum(), moved
        if shift <= tolerance:
            break
    return centers


def _nearest_center(rows, centers):
    """The nearest centre of each row; the length of a row does not change which."""
    lengths = np.einsum("ij,ij->i", centers, centers)
    return (lengths - 2 * (rows @ centers.T)).argmin(axis=1)


def _label_part(folder, model, to, name):
    """On a worker: (cluster labels, contingency table or None) of one part."""
    part = read_part(folder, name)
    if not part.images:
        return np.empty(0, np.int32), None
    cluster_labels = model.predict(part.features).astype(np.int32)
    if to is not None:
        file = io.BytesIO()
        columns = {"image": part.images, "cluster": cluster_labels}
        pd.DataFrame(columns).to_parquet(file, index=False)
        to.write(name, file.getvalue())
    known = [place for place, true in enumerate(part.labels) if true is not None]
    if not known:
        return cluster_labels, None
    table = metrics.named_table(
        labels_true=[part.labels[place] for place in known],
        labels_pred=cluster_labels[known].tolist(),
    )
    return cluster_labels, table
