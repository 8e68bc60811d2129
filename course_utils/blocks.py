"""k-means over blocks of rows, for features that are never in memory as a whole.

`fit` learns from a source (see `steps`) a model of some means, components and centres,
small enough to be sent to every worker, which labels its own rows with it. Sources are
often sorted by class: so the start comes from a random sample of all rows, and
mini-batches are drawn from a buffer that mixes many blocks.
"""

import dataclasses

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from course_utils.steps import (
    Preparation,
    Prepared,
    Rows,
    as_source,
    blocks_of,
    hold,
    learn,
    parse,
)

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


def fit(source, algorithm, k, *, seed=0, passes=None):
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
