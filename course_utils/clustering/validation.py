"""Checks and small helpers that all of the clustering functions share."""

import functools

import numpy as np
from sklearn.preprocessing import normalize
from threadpoolctl import ThreadpoolController

BLOCK_ROWS = 1024  # of features, read at a time: 5 MB at a width of 1,280

SMALL = 2_000_000  # numbers: up to here one thread is faster than many


def check_n_clusters(n_clusters, n_images):
    """Raise ValueError unless `n_images` images can form `n_clusters` clusters."""
    if n_images < 2:
        raise ValueError(f"Clustering needs at least 2 images, got {n_images}.")
    is_int = isinstance(n_clusters, int | np.integer)
    if not is_int or isinstance(n_clusters, bool) or n_clusters < 1:
        raise ValueError(f"n_clusters must be a positive integer, got {n_clusters!r}.")
    if n_clusters > n_images:
        raise ValueError(
            f"n_clusters must be at most the number of images, {n_images}, got "
            f"{n_clusters}."
        )


def check_finite(values, name="features", first_row=0):
    """Raise ValueError if rows of an array hold NaN or infinity.

    The message counts rows from `first_row`. The array is read in blocks, so that a
    memory-mapped one is never loaded as a whole.
    """
    for start in range(0, len(values), BLOCK_ROWS):
        finite = np.isfinite(values[start : start + BLOCK_ROWS])
        if not finite.all():
            row = first_row + start + int((~finite).any(axis=1).argmax())
            raise ValueError(
                f"The {name} contain NaN or infinity, first in row {row:,}: extract "
                "them again."
            )


def check_features(features, name="features"):
    """Raise ValueError unless the features have shape (n, d) and are finite."""
    if features.ndim != 2:
        raise ValueError(f"The {name} must have shape (n, d), got {features.shape}.")
    check_finite(features, name)


def unit_vectors(features):
    """Scale features (n, d) to length 1, in float64; n must be at least 1."""
    features = np.asarray(features, dtype=np.float64)
    if not features.size:
        raise ValueError(f"There are no features, their shape is {features.shape}.")
    check_features(features)
    return normalize(features)


def renumber(labels):
    """Number the same clusters 0, 1, … in the order of their first image: int (n,)."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def threads_for(array):
    """Context manager: one thread while an algorithm works on a small array.

    On few numbers, threads cost more than they bring, much more on a busy machine.
    """
    return _controller().limit(limits=1 if array.size < SMALL else None)


@functools.cache
def _controller():
    """Found once: to look for the libraries takes longer than a small clustering."""
    return ThreadpoolController()
