"""The steps before an algorithm, by name, and learnt from blocks of rows.

A *source* is features that need not be in memory: an array (n, d), also memory-mapped,
or any object with `n_images`, `width` and `blocks()`, which at each call gives a fresh
iterator over float32 arrays (m, d) of any m. Nothing here holds more than a block and
matrices of d × d numbers.
"""

import dataclasses
import difflib
import re

import numpy as np

ROWS = 1024  # of an array that are taken at once: 5 MB at a width of 1,280

MOST_WIDTH = 8_192  # for PCA by sums: a matrix of width × width float64, 0.5 GB

PAIRWISE = ("ward", "average", "complete")  # need all distances at once

NAMES = ("kmeans", "minibatch", *PAIRWISE, "spectral", "gmm", "dbscan", "hdbscan")


def parse(algorithm):
    """Split `l2+pca50+kmeans` into ([("l2", None), ("pca", 50)], "kmeans").

    Raises ValueError for a name that is not known, with the nearest one, and for a step
    `micro2000` that is not the last one before ward, average or complete.
    """
    *steps, name = algorithm.split("+")
    if name not in NAMES:
        near = difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"there is no algorithm {name!r}: {hint}Known are {', '.join(NAMES)}, "
            "and before them the steps l2, pca50, whiten50 (any number), joined by +."
        )
    parsed = []
    for step in steps:
        found = re.fullmatch(r"(l2)|(pca|whiten|micro)([1-9]\d*)", step)
        if not found:
            raise ValueError(
                f"there is no step {step!r} in {algorithm!r}: write l2, pca50 or "
                "whiten50 (any number), like l2+pca50+kmeans."
            )
        parsed.append(("l2", None) if found[1] else (found[2], int(found[3])))
    micro = [place for place, (step, _) in enumerate(parsed) if step == "micro"]
    if micro and (micro != [len(parsed) - 1] or name not in PAIRWISE):
        raise ValueError(
            f"{algorithm!r}: micro-clusters are joined by ward, average or complete, "
            "so write the step last before one of these, like l2+micro2000+ward."
        )
    return parsed, name


class Rows:
    """An array (n, d) as a source: cut into blocks, each read when it is asked for."""

    def __init__(self, features):
        if features.ndim != 2:
            raise ValueError(f"features have shape {features.shape}: (n, d) is needed.")
        self.features = features
        self.n_images, self.width = features.shape

    def blocks(self):
        for start in range(0, self.n_images, ROWS):
            yield self.features[start : start + ROWS].astype(np.float32, copy=False)


def as_source(features):
    """Features as a source, see above; what is one already is given back."""
    return features if hasattr(features, "blocks") else Rows(np.asarray(features))


def blocks_of(source):
    """Yield the blocks of a source that hold rows, checked: float32 arrays (m, d).

    Raises ValueError for a block of another width, NaN or infinity, and if there are
    not `n_images` rows.
    """
    done = 0
    for rows in source.blocks():
        if rows.ndim != 2 or rows.shape[1] != source.width:
            raise ValueError(
                f"a block of features has shape {rows.shape}: (m, {source.width}) is "
                "needed."
            )
        if len(rows):
            if not np.isfinite(rows).all():
                bad = done + int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
                raise ValueError(
                    f"features hold NaN or infinity, first in row {bad:,}: extract "
                    "them again."
                )
            yield rows
        done += len(rows)
    if done != source.n_images:
        raise ValueError(
            f"the source says {source.n_images:,} pictures, its blocks hold {done:,}: "
            "some of its parts are missing."
        )


class Moments:
    """Count, sum and products of rows, in float64: enough for means and covariances."""

    def __init__(self, width):
        if width > MOST_WIDTH:
            raise MemoryError(
                f"PCA of {width:,} numbers a picture needs a matrix of "
                f"{width**2 * 8 / 1e9:.1f} GB: take a representation of at most "
                f"{MOST_WIDTH:,} numbers. (steps.MOST_WIDTH is the limit.)"
            )
        self.n, self.sum = 0, np.zeros(width)
        self.products = np.zeros((width, width))

    def add(self, rows):
        """Add the rows (m, width)."""
        rows = rows.astype(np.float64)
        self.n += len(rows)
        self.sum += rows.sum(axis=0)
        self.products += rows.T @ rows

    def principal_components(self, n_components):
        """(mean (d,), components (c, d), variances (c,)), largest variance first.

        The largest number of each component is positive, so that signs do not depend
        on the machine.
        """
        mean = self.sum / self.n
        covariance = self.products - self.n * np.outer(mean, mean)
        values, vectors = np.linalg.eigh(covariance / max(self.n - 1, 1))
        values, components = values[::-1][:n_components], vectors.T[::-1][:n_components]
        largest = np.abs(components).argmax(axis=1)
        signs = np.sign(components[np.arange(len(components)), largest])
        return mean, components * signs[:, None], np.maximum(values, 0)


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Steps that have been learnt: call it on rows (m, d) to prepare them.

    parts: for every step None (l2) or (mean, matrix (d, c)). Small, and can be pickled.
    """

    parts: tuple = ()

    def __call__(self, rows):
        for part in self.parts:
            if part is None:
                lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
                rows = rows / np.where(lengths > 0, lengths, 1)
            else:
                mean, matrix = part
                rows = (rows - mean) @ matrix
        return rows


class Prepared:
    """A source behind a preparation: its blocks are prepared as they are read."""

    def __init__(self, source, preparation):
        self.source, self.preparation = source, preparation
        self.n_images, self.width = source.n_images, source.width
        for part in preparation.parts:
            self.width = part[1].shape[1] if part else self.width

    def blocks(self):
        return map(self.preparation, blocks_of(self.source))


def learn(source, steps):
    """The `Preparation` of the parsed steps, with one pass over the source a PCA.

    PCA is exact: the eigenvectors of the covariance, added up block by block.
    """
    preparation = Preparation()
    for step, size in steps:
        part = None
        if step != "l2":
            before = Prepared(source, preparation)
            moments = Moments(before.width)
            for rows in before.blocks():
                moments.add(rows)
            found = moments.principal_components(min(size, before.n_images))
            mean, components, variances = found
            if step == "whiten":  # where nothing varies there is nothing to scale
                spread = np.sqrt(variances)
                tiny = spread <= 1e-6 * spread.max(initial=0)
                components = components / np.where(tiny, 1, spread)[:, None]
            part = mean.astype(np.float32), components.T.astype(np.float32)
        preparation = Preparation((*preparation.parts, part))
    return preparation


def hold(source):
    """All rows of a source as one float32 array (n, d)."""
    held, done = np.empty((source.n_images, source.width), np.float32), 0
    for rows in source.blocks():
        held[done : done + len(rows)] = rows
        done += len(rows)
    return held
