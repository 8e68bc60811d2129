"""k-means over blocks of rows, for features that are never in memory as a whole.

`fit` learns from a source (see `steps`) a model of some means, components and centres,
small enough to be sent to every worker, which labels its own rows with it. Sources are
often sorted by class: so the start comes from a random sample of all rows, and
mini-batches are drawn from a buffer that mixes many blocks.

Clustering and scoring features that lie in parts, without ever holding them all.

    found = features.extract(stream, "EfficientNetLite0", to="s3://…", engine="tcp://…")
    model = blocks.fit(found, "l2+pca50+minibatch", k=1000)
    result = label(found, model, to="s3://…/labels", engine="tcp://…")
    result.scores

The model is small and goes to every worker; each labels its parts and counts its own
contingency table, and the tables are added up.
"""

import dataclasses
import functools
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from course_utils import metrics
from course_utils._support import engines
from course_utils.clustering.preprocessing import (
    Preparation,
    Prepared,
    Rows,
    as_source,
    blocks_of,
    hold,
    learn,
    parse,
)
from course_utils.representations.feature_store import Folder, read_part

LARGE = 10_000_000  # numbers: above, `clustering` goes by blocks; 40 MB

HELD = 25_000_000  # numbers: prepared features up to here are kept, 0.1 GB

SAMPLE = 5_000  # rows from which the centres start, or more for many clusters

STARTS = 5  # of which the best is taken

BATCH = 1_024  # rows of a mini-batch

BUFFER = 16_384  # rows that are mixed: 84 MB at a width of 1,280

PASSES = {"minibatch": 3, "kmeans": 100}  # over the source, at most


@dataclasses.dataclass(frozen=True)
class Model:
    """What `fit` found: prepares and labels any rows of the same features.

    centers: float32 array (k, c), in the space after the steps.
    """

    algorithm: str
    preparation: Preparation
    centers: np.ndarray

    def prepare(self, rows):
        """Rows (m, d) after the steps: float32 array (m, c)."""
        return self.preparation(np.asarray(rows, np.float32))

    def predict(self, rows):
        """Cluster labels of rows (m, d): the nearest centre of each, int array (m,)."""
        return _nearest(self.prepare(rows), self.centers)


def check(algorithm):
    """`steps.parse`, and ValueError for what does not go by blocks of rows."""
    steps, name = parse(algorithm)
    if name not in PASSES:
        raise ValueError(
            f"{algorithm!r} does not go by blocks of rows: {' and '.join(PASSES)} do, "
            "like l2+pca50+minibatch."
        )
    return steps, name


def fit_out_of_core(source, algorithm, k, *, seed=0, passes=None):
    """Learn k clusters from a source; the labels then are `labels(model, source)`.

    algorithm: `kmeans` (Lloyd's, exact: every pass adds up all rows) or `minibatch`,
    after any of the steps l2, pca50, whiten50. passes: over the prepared rows, at most;
    if None, `PASSES`. The same source and seed give the same model. Raises ValueError
    for another algorithm, bad features or k. Sources: Bradley and Fayyad, *Refining
    initial points for k-means*, ICML 1998; Sculley, *Web-scale k-means*, WWW 2010.
    """
    steps, name = check(algorithm)
    source = as_source(source)
    if not 1 <= k <= source.n_images:
        raise ValueError(
            f"k={k} clusters of {source.n_images} pictures: k is from 1 to their "
            "number."
        )
    passes = PASSES[name] if passes is None else passes
    preparation = learn(source, steps)
    prepared = Prepared(source, preparation)
    if prepared.n_images * prepared.width <= HELD:
        prepared = Rows(hold(prepared))
    generator = np.random.default_rng(seed)
    rows = sample(prepared, max(SAMPLE, 5 * k), generator)
    with threadpool_limits(1 if rows.size < 2_000_000 else None):
        centers = start(rows, k, seed)
        if name == "kmeans":
            centers = _lloyd(prepared, centers, passes, 1e-4 * rows.var(axis=0).mean())
        else:
            centers = _minibatch(prepared, centers, passes, rows, generator)
    return Model(algorithm, preparation, centers)


def labels(model, source):
    """Cluster labels of a whole source, block by block: int array (n,)."""
    found = [model.predict(rows) for rows in blocks_of(as_source(source))]
    return np.concatenate(found)


def sample(source, n_rows, generator):
    """At most n_rows random rows of a source, in its order, without repetition."""
    n_rows = min(n_rows, source.n_images)
    chosen = np.sort(generator.choice(source.n_images, n_rows, replace=False))
    found, done = [], 0
    for rows in blocks_of(source):
        first, last = np.searchsorted(chosen, (done, done + len(rows)))
        found.append(rows[chosen[first:last] - done])
        done += len(rows)
    return np.concatenate(found)


def start(rows, k, seed):
    """k centres to start from: the best of some k-means of the sample rows."""
    if k == len(rows):
        return rows.copy()
    many = k > len(rows) // 10  # then the start hardly matters, and k-means++ is slow
    kmeans = KMeans(
        k,
        init="random" if many else "k-means++",
        n_init=1 if many else STARTS,
        max_iter=10 if many else 30,
        random_state=seed,
    )
    return kmeans.fit(rows).cluster_centers_.astype(np.float32)


def shuffled(source, generator):
    """Yield mini-batches, each of rows drawn from up to BUFFER rows of the source.

    Rows that are far apart in a source much longer than that still do not meet: such a
    source ought to be written in random order.
    """
    waiting, n_waiting = [], 0
    for rows in source.blocks():
        waiting.append(rows)
        n_waiting += len(rows)
        if n_waiting >= BUFFER:
            mixed = generator.permutation(np.concatenate(waiting))
            for first in range(0, BUFFER // 2, BATCH):
                yield mixed[first : first + BATCH]
            waiting, n_waiting = [mixed[BUFFER // 2 :]], n_waiting - BUFFER // 2
    if n_waiting:
        mixed = generator.permutation(np.concatenate(waiting))
        for first in range(0, len(mixed), BATCH):
            yield mixed[first : first + BATCH]


def _minibatch(source, centers, passes, rows, generator):
    # No centre is ever moved to a random row: in a source sorted by class, a cluster
    # that goes without new rows for long is no useless one.
    seed = int(generator.integers(2**31))
    minibatch = MiniBatchKMeans(
        len(centers), init=centers, n_init=1, reassignment_ratio=0, random_state=seed
    )
    minibatch.partial_fit(rows)  # the sample counts as the first mini-batch
    for _ in range(passes):
        for batch in shuffled(source, generator):
            minibatch.partial_fit(batch)
    return minibatch.cluster_centers_.astype(np.float32)


def _lloyd(source, centers, passes, tolerance):
    """Lloyd's iterations until the centres move by less than the tolerance, squared.

    A cluster that loses all of its rows keeps its centre.
    """
    for _ in range(passes):
        sums, sizes = np.zeros(centers.shape), np.zeros(len(centers))
        for rows in source.blocks():
            more, counts = sums_by(_nearest(rows, centers), rows, len(centers))
            sums += more
            sizes += counts
        means = sums / np.maximum(sizes, 1)[:, None]
        moved = np.where(sizes[:, None] > 0, means, centers).astype(np.float32)
        shift, centers = ((moved - centers) ** 2).sum(), moved
        if shift <= tolerance:
            break
    return centers


def sums_by(labels, rows, k):
    """Sums (k, d) of the rows with each label 0..k-1, and how many there are, (k,)."""
    ones = np.ones(len(rows), np.float32)
    members = sparse.csr_matrix((ones, (labels, np.arange(len(rows)))), (k, len(rows)))
    return members @ rows, np.bincount(labels, minlength=k)


def _nearest(rows, centers):
    """The nearest centre of each row; its own length does not change which."""
    lengths = np.einsum("ij,ij->i", centers, centers)
    return (lengths - 2 * (rows @ centers.T)).argmin(axis=1)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Cluster labels of parts.

    cluster_labels: int32 array (n_images,), in the order of the pictures. table: named
    contingency table of the pictures that have a true label, None if none has.
    """

    cluster_labels: np.ndarray
    table: pd.DataFrame | None

    @property
    def scores(self):
        """dict of the five scores of `metrics`; ValueError without true labels."""
        if self.table is None:
            raise ValueError("no picture has a true label: there is nothing to score.")
        return metrics.scores_of_table(self.table)


def label_out_of_core(found, model, *, to=None, engine=None, progress=True):
    """Label every picture of a `FeatureParts` by a model of `blocks.fit`.

    to: folder or fsspec address for the labels, one Parquet file a part with the
    columns image and cluster; none are written if None. What is there already is
    written again: labelling takes little more than reading. engine: see `engines`; its
    workers find the features, and `to`, at the same place as here.
    Returns: Labelled.
    """
    function = functools.partial(
        _label_part, found.folder, model, None if to is None else Folder.at(to)
    )
    starts = dict(zip(found.names, np.cumsum([0, *found.counts]), strict=False))
    labels = np.empty(found.n_images, np.int32)
    counted = []
    with tqdm(
        total=found.n_images,
        desc="labels",
        unit=" pictures",
        delay=2,
        disable=not progress,
    ) as shown:
        for name, (cluster_labels, table) in engines.spread(
            function, found.names, engine
        ):
            start = starts[name]
            labels[start : start + len(cluster_labels)] = cluster_labels
            if table is not None:
                counted.append(table)
            if len(counted) >= 100:  # a table a part would add up, for a million parts
                counted = [metrics.merge_tables(counted)]
            shown.update(len(cluster_labels))
    return Labelled(labels, metrics.merge_tables(counted) if counted else None)


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
