import numpy as np
from sklearn.preprocessing import normalize

from course_utils.clustering.preprocessing import ROWS

SMALL = 2_000_000  # numbers: clustered on one thread


def check_features(features):
    """Raise ValueError unless features are finite (n, d), looking block by block."""
    if features.ndim != 2:
        raise ValueError(f"features have shape {features.shape}: (n, d) is needed.")
    for start in range(0, len(features), ROWS):
        if not np.isfinite(features[start : start + ROWS]).all():
            raise ValueError("features hold NaN or infinity: extract them again.")


def renumber(labels):
    """The same clusters, numbered 0, 1, … as they first appear: int array (n,)."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def check_k(k, n_images):
    """Raise ValueError unless k clusters of n_images pictures are possible."""
    if n_images < 2:
        raise ValueError(f"{n_images} picture: clustering needs two or more.")
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise ValueError(
            f"k={k!r}: the number of clusters is a whole number from 1 on."
        )
    if k > n_images:
        raise ValueError(
            f"k={k} clusters of {n_images} pictures: k is at most {n_images}."
        )


def unit_vectors(features):
    """The features as float64 vectors of length 1."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or not len(features):
        raise ValueError(f"features have shape {features.shape}: (n, d) is needed.")
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity: extract them again.")
    return normalize(features)
