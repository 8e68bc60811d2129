"""Checks and small helpers that all of the clustering functions share."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

BLOCK_ROWS = 1024  # of features, read at a time: 5 MB at a width of 1,280


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


def check_random_state(random_state):
    """Raise ValueError unless scikit-learn and NumPy both take it as a seed."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return
    is_int = isinstance(random_state, int | np.integer)
    if not is_int or isinstance(random_state, bool) or not 0 <= random_state < 2**32:
        raise ValueError(
            "The seed must be an integer from 0 to 4294967295, for example 0, got "
            f"{random_state!r}."
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


def check_numbers(features, name="features"):
    """Return features as an array (n, d) of real numbers, of the dtype they have.

    Only objects that are numbers are copied, as float64. Raises ValueError for all that
    is no dense table of real numbers.
    """
    if sparse.issparse(features):
        raise ValueError(
            f"The {name} are a sparse matrix of scipy: make them dense first, with "
            "features.toarray()."
        )
    if np.ma.is_masked(features):
        raise ValueError(
            f"The {name} are masked in places: leave out these images, or fill the "
            "gaps."
        )
    try:
        features = np.asarray(features)
        if features.dtype.kind == "O":
            features = features.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The {name} must be numbers, the same count for every image ({error})."
        ) from error
    if features.ndim != 2:
        raise ValueError(f"The {name} must have shape (n, d), got {features.shape}.")
    if features.dtype.kind not in "biuf":
        raise ValueError(f"The {name} must be real numbers, got {features.dtype}.")
    return features


def check_features(features, name="features"):
    """Return features as `check_numbers`; raise ValueError for NaN or infinity too."""
    features = check_numbers(features, name)
    check_finite(features, name)
    return features


def as_float(features):
    """Return an array in a precision to compute in: float32, or float64 where it must.

    Sums of squares overflow in float16 and in small integers. What float32 holds
    exactly becomes float32.
    """
    dtype = min(np.result_type(features.dtype, np.float32), np.dtype(np.float64))
    return features.astype(dtype, copy=False)


def unit_vectors(features):
    """Scale features (n, d) to length 1, in float64; n must be at least 1."""
    features = check_features(features)
    if not features.size:
        raise ValueError(f"There are no features, their shape is {features.shape}.")
    return normalize(features.astype(np.float64, copy=False))


def renumber(labels):
    """Number the same clusters 0, 1, … in the order of their first image: int (n,)."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]
