"""What claims are computed on: the embedded image sets, seeds, random subsamples."""

import functools

import numpy as np
from sklearn.preprocessing import normalize

from course_utils import clustering, images, metrics, representations
from course_utils.clustering.preprocessing import rotate

SEEDS = range(20)
SETS = "stamps", "photos"


@functools.cache
def image_set(name):
    """The stamps or the photos."""
    return images.load(name, progress=False)


@functools.cache
def vectors(set_name, representation):
    """Features of an embedded image set, (n, d); from the cache if they are there."""
    return representations.extract(image_set(set_name), representation, progress=False)


def true_labels(set_name):
    return image_set(set_name).true_labels


def turned(points, recipe):
    """The same problem in fewer dimensions, where that is possible: points, recipe."""
    steps, _, algorithm = recipe.rpartition("+")
    if algorithm not in ("kmeans", "ward") or steps not in ("", "l2"):
        return points, recipe
    points = np.asarray(points, dtype=np.float64)
    return rotate(normalize(points) if steps else points), algorithm


def labelings(points, recipe, n_clusters, seeds=SEEDS):
    """One clustering per seed, all with the same algorithm: (n_seeds, n)."""
    points, recipe = turned(points, recipe)
    return np.array([clustering.cluster(points, recipe, n_clusters, s) for s in seeds])


def nmis(points, labels_true, recipe="l2+kmeans", n_clusters=None, seeds=SEEDS):
    """NMI of one clustering per seed, (n_seeds,); as many clusters as classes."""
    n_clusters = n_clusters or len(np.unique(labels_true))
    found = labelings(points, recipe, n_clusters, seeds)
    both = [{"labels_true": labels_true, "labels_pred": labels} for labels in found]
    return np.array([metrics.nmi(**pair) for pair in both])


def subsamples(n_images, n_trials=20, share=0.8, seed=0):
    """Sorted places of random parts of the images, drawn without replacement."""
    generator = np.random.default_rng(seed)
    size = round(share * n_images)
    return [
        np.sort(generator.choice(n_images, size, replace=False))
        for _ in range(n_trials)
    ]


def subsample_nmis(
    points, labels_true, recipe="l2+kmeans", n_trials=20, share=0.8, n_seeds=3
):
    """Mean NMI over seeds on each subsample, (n_trials,).

    Two representations of the same image set get the same subsamples, so that their
    results are paired.
    """
    k = len(np.unique(labels_true))
    points, recipe = turned(points, recipe)
    return np.array(
        [
            nmis(points[kept], labels_true[kept], recipe, k, range(n_seeds)).mean()
            for kept in subsamples(len(points), n_trials, share)
        ]
    )


def both(measure):
    """One array of 40 trials, 20 of the stamps and 20 of the photos."""
    return np.concatenate([measure(name) for name in SETS])


def told(**measured):
    """Means of such arrays on the stamps and on the photos, as text."""
    return "; ".join(
        f"{name.replace('_', ' ')} {found[:20].mean():.2f} and {found[20:].mean():.2f}"
        for name, found in measured.items()
    )
