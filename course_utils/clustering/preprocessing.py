"""How an algorithm is spelled, and the transformers of the steps in front of it.

The transformers are scikit-learn's. Features that do not fit in memory are a *source*:
an array (n, d), which may be memory-mapped, or any object with the attributes
`n_images` and `width` and a method `blocks()`, each call of which returns a new
iterator over float32 arrays (m, d) of any m. Nothing here holds more of a source than
one block and matrices of d × d numbers.
"""

import difflib
import re

import numpy as np
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.preprocessing import Normalizer

from course_utils._support.threads import threads_for
from course_utils.clustering.validation import BLOCK_ROWS, check_finite, check_numbers

PAIRWISE = ("ward", "average", "complete")  # need all distances at once

ROUNDING = 1e-6  # of a vector's length: a component that varies less is float32 noise

COARSE = 1e-3  # the same for covariances that were computed in float32

NAMES = ("kmeans", "minibatch", *PAIRWISE, "spectral", "gmm", "dbscan", "hdbscan")


def parse_algorithm(algorithm):
    """Split the name of an algorithm into its steps and the algorithm itself.

    Parameters
    ----------
    algorithm : str
        For example `"l2+pca50+kmeans"`; see `pipeline`.

    Returns
    -------
    steps : list of (str, int or None)
        Each step with its number.
    name : str
        The algorithm behind the steps.

    Raises
    ------
    ValueError
        If it is not a string, if a name is unknown (the message suggests the nearest
        one), or if a step such as `micro2000` is not the last one before ward, average
        or complete.

    Examples
    --------
    >>> parse_algorithm("l2+pca50+kmeans")
    ([('l2', None), ('pca', 50)], 'kmeans')
    """
    if not isinstance(algorithm, str):
        raise ValueError(
            "The algorithm must be one string, its steps joined by +, like "
            f"'l2+pca50+kmeans', got {algorithm!r}."
        )
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


def is_random(steps):
    """Whether the transformers of some steps may differ with another seed."""
    return any(step in ("pca", "whiten") for step, _ in steps)


def make_transformers(steps, random_state=0):
    """Make the scikit-learn transformers, not fitted, of steps that were parsed."""
    return [
        Normalizer()
        if step == "l2"
        else ClippedPCA(size, whiten=step == "whiten", random_state=random_state)
        for step, size in steps
        if step != "micro"  # part of the algorithm: it does not transform images
    ]


class ClippedPCA(PCA):
    """scikit-learn's PCA, for any number of components, in memory or by blocks.

    It keeps at most as many components as there are images or features. Whitening sets
    components to 0 that vary by no more than rounding: features of a lower rank, such
    as those of copies, have many, and scaled to variance 1 their noise would drown the
    rest.

    Parameters
    ----------
    n_components : int
        Number of components to keep.
    whiten : bool, default=False
        Whether to scale every component to variance 1.
    random_state : int, default=None
        Seed of the randomised solver, which scikit-learn uses for large features.
    """

    def __init__(self, n_components, *, whiten=False, random_state=None):
        super().__init__(n_components, whiten=whiten, random_state=random_state)

    def fit(self, X, y=None):
        """Fit to features (n, d)."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit to features (n, d) and return their components (n, c)."""
        found = self._call_clipped(super().fit_transform, X)
        if not self.whiten:
            return found
        if found.dtype == np.float32 and self._constant(COARSE).any():
            # In float32 such a component may be nothing but rounding: look closer.
            exact = self._call_clipped(super().fit_transform, X.astype(np.float64))
            found = exact.astype(np.float32)
            for name in ("mean_", "components_", "explained_variance_"):
                setattr(self, name, getattr(self, name).astype(np.float32))
        constant = self._constant()
        self.components_[constant], found[:, constant] = 0, 0
        return found

    def transform(self, X):
        """As scikit-learn's, of which older versions divide 0 by 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found = super().transform(X)
        if self.whiten:
            found[:, self._constant()] = 0
        return found

    def fit_blocks(self, source):
        """Fit to a source: exact, with the eigenvectors of a sum over its blocks."""
        moments = Moments(source.width)
        for rows in source.blocks():
            moments.add(rows)
        n_components = min(self.n_components, source.n_images, source.width)
        found = moments.principal_components(n_components)
        self.mean_, self.components_, self.explained_variance_ = found
        self.n_components_, self.n_features_in_ = n_components, source.width
        if self.whiten:
            self.components_[self._constant()] = 0
        return self

    def _constant(self, tolerance=ROUNDING):
        """Which components vary by no more than a share of the features' size."""
        spread = np.sqrt(self.explained_variance_)
        size = np.hypot(spread.max(initial=0), np.linalg.norm(self.mean_))
        return spread <= tolerance * size

    def _call_clipped(self, method, X):
        wanted = self.n_components
        self.n_components = min(wanted, *X.shape)
        try:
            with np.errstate(invalid="ignore"):  # images that are all the same
                return method(X)
        finally:
            self.n_components = wanted


class Rows:
    """An array (n, d) as a source: cut into blocks, each read when it is asked for."""

    def __init__(self, features):
        self.features = check_numbers(features)
        self.n_images, self.width = self.features.shape

    def blocks(self):
        for start in range(0, self.n_images, BLOCK_ROWS):
            rows = self.features[start : start + BLOCK_ROWS]
            yield rows.astype(np.float32, copy=False)


class Prepared:
    """A source behind fitted transformers, which are applied as its blocks are read."""

    def __init__(self, source, transformers):
        self.source, self.transformers = source, transformers
        self.n_images, self.width = source.n_images, source.width
        for transformer in transformers:
            self.width = getattr(transformer, "n_components_", self.width)

    def blocks(self):
        for rows in checked_blocks(self.source):
            yield transform_rows(self.transformers, rows)


def as_source(features):
    """Return features as a source; one that is a source already is returned as is."""
    return features if hasattr(features, "blocks") else Rows(features)


def checked_blocks(source):
    """Yield the blocks of a source that are not empty: float32 arrays (m, d).

    Raises ValueError for a block of another width, for NaN or infinity, and if the
    blocks do not add up to `n_images` rows.
    """
    done = 0
    for rows in source.blocks():
        if rows.ndim != 2 or rows.shape[1] != source.width:
            raise ValueError(
                f"A block of features must have shape (m, {source.width}), got "
                f"{rows.shape}."
            )
        if len(rows):
            check_finite(rows, first_row=done)
            yield rows
        done += len(rows)
    if done != source.n_images:
        raise ValueError(
            f"The source should have {source.n_images:,} images, but its blocks have "
            f"{done:,}: some of its parts are missing."
        )


def fit_transformers(transformers, source):
    """Fit transformers to a source, with one pass over it per PCA; returns them."""
    for place, transformer in enumerate(transformers):
        if isinstance(transformer, ClippedPCA):  # a Normalizer has nothing to fit
            transformer.fit_blocks(Prepared(source, transformers[:place]))
    return transformers


def transform_rows(transformers, rows):
    """Apply fitted transformers to rows (m, d), m above 0: float32 array (m, c)."""
    with config_context(assume_finite=True):  # `checked_blocks` has looked already
        for transformer in transformers:
            rows = transformer.transform(rows).astype(np.float32, copy=False)
    return rows


def rotate(features, max_rows=2_000):
    """The same points in fewer dimensions: no more than there are points.

    Few points in many dimensions lie in a subspace. In its axes all distances are what
    they were, to rounding, and whatever depends on distances alone is computed much
    faster. Equal rows stay equal.

    features: array (n, d). max_rows: the work grows with the cube of n. Returns float64
    (n, c) with c <= n, or the features themselves where nothing would be won.
    """
    n_rows, width = features.shape
    if not 0 < n_rows <= min(width / 2, max_rows):
        return features
    first = {}  # of equal rows
    same = [first.setdefault(row.tobytes(), i) for i, row in enumerate(features)]
    distinct, same = np.unique(same, return_inverse=True)
    rows = np.asarray(features[distinct], dtype=np.float64)
    with threads_for(rows):
        values, vectors = np.linalg.eigh(rows @ rows.T)
    return (vectors * np.sqrt(values.clip(0)))[same]


def read_all(source):
    """Read all rows of a source into one float32 array (n, d)."""
    everything, done = np.empty((source.n_images, source.width), np.float32), 0
    for rows in source.blocks():
        everything[done : done + len(rows)] = rows
        done += len(rows)
    return everything


class Moments:
    """Count, sum and products of rows, in float64: enough for means and covariances."""

    def __init__(self, width, *, max_width=8_192):
        if width > max_width:
            raise MemoryError(
                f"PCA of features of width {width:,} needs a matrix of "
                f"{width**2 * 8 / 1e9:.1f} GB: choose a representation of at most "
                f"{max_width:,} numbers."
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
        """Return mean (d,), components (c, d) and variances (c,), the largest first.

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
