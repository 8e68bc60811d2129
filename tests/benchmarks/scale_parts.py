"""What scale.py measures: the methods of each part, beside the ways they replaced.

A method is a setup, which is not counted, and a function, which is. Both run in a new
process. The setup gets (material, n, choice) and returns the function's arguments. The
`plain` functions are what one writes after a textbook: right, readable and slow.
"""

import hashlib
import math
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms, ensembles, estimators, out_of_core
from course_utils.images.image_set import ImageSet
from course_utils.representations import extraction, handcrafted

N_CLASSES = 100  # of the made-up features, and clusters
WIDTH = 1280  # of the made-up features
N_LABELINGS = 10
MAX_IMAGES = 9_144  # of the parts that read pictures: their rate no longer changes
WRONG = 0.3  # share of the pictures that a made-up labeling puts anywhere


class Material(NamedTuple):
    """What the methods work on; it goes to every new process.

    folder: with features.npy and labels.npy (made up), and a cache for the features.
    """

    folder: str
    image_set: ImageSet


class Method(NamedTuple):
    """choice: what tells a method from others with the same setup.

    after: the name of a method that must have been measured at the same size. switch:
    the number of pictures above which the course takes another algorithm for it, so
    that what is below tells nothing about what is above.
    """

    setup: object
    function: object
    choice: object
    after: str | None = None
    switch: float = math.inf


def methods(part, backbones):
    """{name: Method} of a part."""
    if part == "extraction":
        return {
            f"{name}: {way}": Method(
                _network,
                function,
                (name, way),
                f"{name}: features.extract" if way == "from the cache" else None,
            )
            for name in backbones
            for way, function in EXTRACTION.items()
        }
    if part == "handcrafted":
        found = {}
        for name, plain in HANDCRAFTED.items():
            found[f"{name}: features.extract"] = Method(_pictures, _extract, name)
            found[f"{name}: plain loops"] = Method(_pictures, plain, None)
        return found
    if part == "clustering":
        names = [f"l2+{name}" for name in algorithms.ALGORITHMS]
        names += [f"l2+pca50+{name}" for name in REDUCED]
        return {
            name: Method(
                _features, algorithms.cluster, name, switch=_switch(name.split("+")[-1])
            )
            for name in names
        }
    if part == "scores":
        found = {name: Method(_two_labelings, _score, name) for name in SCORES}
        return found | {"silhouette": Method(_labelled, metrics.silhouette, None)}
    return {
        name: Method(
            _labelings,
            function,
            None,
            switch=ensembles.MAX_IMAGES
            if name == "evidence_accumulation"
            else math.inf,
        )
        for name, function in ENSEMBLES.items()
    }


def _switch(algorithm):
    if algorithm in out_of_core.PASSES:
        return algorithms.MAX_IN_MEMORY // WIDTH
    if algorithm in algorithms.OVER_MICRO:
        return algorithms.MAX_PAIRWISE
    return estimators.DBSCANClusters().max_images if algorithm == "dbscan" else math.inf


def width(part, value):
    """Numbers a picture: those that a method gives, else those that it is given."""
    if part in ("extraction", "handcrafted"):
        return value.shape[1]
    return {"clustering": WIDTH, "scores": 2, "ensembles": N_LABELINGS}[part]


def enlarge(image_set, n):
    """n pictures in a random order that does not depend on n.

    Beyond its own, copies that differ in one byte after the picture's end, so that no
    cache takes them for the same.
    """
    order = np.random.default_rng(0).permutation(len(image_set))
    found = []
    for number in range(n):
        turn, place = divmod(number, len(order))
        index = order[place]
        source, digest = image_set.sources[index], image_set.digests[index]
        if turn:
            source = image_set.read(index) + turn.to_bytes(4, "big")
            digest = hashlib.sha256(source).hexdigest()
        found.append((f"{turn}/{image_set.images[index]}", source, digest))
    images, sources, digests = zip(*found, strict=True)
    return replace(
        image_set,
        images=images,
        sources=sources,
        digests=digests,
        true_labels=None,
        captions=None,
        categories=None,
    )


# Extraction


def _network(material, n, choice):
    from course_utils._support import keras
    from course_utils.representations import backbones, extraction, inference

    name, way = choice
    os.environ["COURSE_CACHE"] = str(Path(material.folder, "cache"))
    image_set = enlarge(material.image_set, n)
    model = backbones.build_backbone(name, precision=extraction.choose_precision(name))
    network = inference.network(name, (None,))
    # A network that extract need not make again keeps the comparison to the forward.
    inference.network = lambda *_, **__: network
    size = backbones.TABLE[name].input_size
    batch = inference.BATCH_SIZES[keras.accelerator()]
    one = np.zeros((1, size, size, 3), np.uint8)
    if way in ("bare forward", "predict"):
        with ThreadPoolExecutor() as pool:
            shown = pool.map(lambda index: image_set.picture(index, size), range(n))
            decoded = np.zeros((-(-n // batch) * batch, size, size, 3), np.uint8)
            for index, picture in enumerate(shown):
                decoded[index] = picture
        bare_forward(model, decoded[:batch], batch)  # compiled before the clock starts
        predict(model, decoded[:batch], batch)
        return model, decoded, batch
    if way == "one by one":
        model.predict(one, verbose=0)
        return model, image_set, size
    bare_forward(model, np.repeat(one, batch, axis=0), batch)
    if way == "from the cache":
        extraction.extract(image_set, name, progress=False)
    return image_set, name


def bare_forward(model, decoded, batch):
    """The network alone, on pictures decoded already; their number is a multiple."""
    rows = [
        model.predict_on_batch(decoded[start : start + batch])
        for start in range(0, len(decoded), batch)
    ]
    return np.concatenate(rows)


def predict(model, decoded, batch):
    return model.predict(decoded, batch_size=batch, verbose=0)


def one_by_one(model, image_set, size):
    """The predecessor's loop: read, decode and predict one picture at a time."""
    rows = []
    for index in range(len(image_set)):
        picture = image_set.picture(index, size)
        rows.append(model.predict(picture[None], verbose=0)[0])
    return np.array(rows)


def _extract(image_set, name):
    return extraction.extract(image_set, name, cache=False, progress=False)


def _from_cache(image_set, name):
    return extraction.extract(image_set, name, progress=False)


# Handcrafted features


def _pictures(material, n, choice):
    image_set = enlarge(material.image_set, n)
    return (image_set, choice) if choice else (image_set,)


def plain_colour(image_set):
    """HSV histograms by scikit-image and NumPy, one picture after another."""
    from skimage.color import rgb2hsv

    rows = []
    for index in range(len(image_set)):
        pixels = rgb2hsv(image_set.picture(index, 128)).reshape(-1, 3)
        counts, _ = np.histogramdd(pixels, bins=(8, 4, 4), range=[(0, 1)] * 3)
        rows.append(counts.ravel() / counts.sum())
    return np.array(rows)


def plain_hog(image_set):
    """HOG by scikit-image, one picture after another."""
    from skimage.color import rgb2gray
    from skimage.feature import hog

    rows = []
    for index in range(len(image_set)):
        grey = rgb2gray(image_set.picture(index, 128))
        rows.append(hog(grey, pixels_per_cell=(16, 16), cells_per_block=(2, 2)))
    return np.array(rows)


def plain_lbp(image_set):
    """LBP by scikit-image, one picture after another."""
    from skimage.color import rgb2gray
    from skimage.feature import local_binary_pattern
    from skimage.util import img_as_ubyte

    rows = []
    for index in range(len(image_set)):
        grey = img_as_ubyte(rgb2gray(image_set.picture(index, 224)))
        row = []
        for n_neighbours, radius in handcrafted.LBP_CIRCLES:
            codes = local_binary_pattern(grey, n_neighbours, radius, method="uniform")
            edges = np.arange(n_neighbours + 3)
            row.extend(np.histogram(codes, bins=edges, density=True)[0])
        rows.append(row)
    return np.array(rows)


def plain_bovw(image_set):
    """SIFT by OpenCV, k-means over all descriptors, the nearest word one by one."""
    import cv2
    from sklearn.cluster import KMeans

    detector = cv2.SIFT_create()
    found = []
    for index in range(len(image_set)):
        grey = cv2.cvtColor(image_set.picture(index, 224), cv2.COLOR_RGB2GRAY)
        _, descriptors = detector.detectAndCompute(grey, None)
        found.append(np.zeros((0, 128)) if descriptors is None else descriptors)
    together = np.concatenate(found)
    n_words = min(handcrafted.N_WORDS, len(together))
    words = KMeans(n_words, n_init=1, random_state=0).fit(together).cluster_centers_
    rows = np.zeros((len(found), n_words))
    for row, descriptors in zip(rows, found, strict=True):
        for descriptor in descriptors:
            row[np.linalg.norm(words - descriptor, axis=1).argmin()] += 1
        row /= max(row.sum(), 1)
    return rows


# Clustering, scores and ensembles, on what is made up


def _features(material, n, algorithm):
    # The table is about what each name does at this size, micro-clusters included.
    warnings.filterwarnings("ignore", message=".*micro-clusters")
    made_up = np.load(Path(material.folder, "features.npy"), mmap_mode="r")[:n]
    return made_up, algorithm, min(N_CLASSES, n // 2)


def _true_labels(material, n):
    return np.load(Path(material.folder, "labels.npy"))[:n]


def _disturbed(true_labels, seed):
    """Cluster labels of which a share of `WRONG` is anything."""
    generator = np.random.default_rng(seed)
    anything = generator.integers(N_CLASSES, size=len(true_labels))
    return np.where(generator.random(len(true_labels)) < WRONG, anything, true_labels)


def _two_labelings(material, n, name):
    true_labels = _true_labels(material, n)
    return name, true_labels, _disturbed(true_labels, seed=0)


def _labelled(material, n, _):
    made_up, *_ = _features(material, n, None)
    return made_up, _disturbed(_true_labels(material, n), seed=0)


def _labelings(material, n, _):
    true_labels = _true_labels(material, n)
    found = [_disturbed(true_labels, seed) for seed in range(N_LABELINGS)]
    return found, min(N_CLASSES, n // 2)


def _score(name, true_labels, cluster_labels):
    return SCORES[name](labels_true=true_labels, labels_pred=cluster_labels)


def plain_pairs(*, labels_true, labels_pred):
    """Fowlkes-Mallows by looking at every pair of pictures."""
    labels_true, labels_pred = labels_true.tolist(), labels_pred.tolist()
    both = same_class = same_cluster = 0
    for i in range(len(labels_true)):
        for j in range(i):
            alike = labels_true[i] == labels_true[j]
            together = labels_pred[i] == labels_pred[j]
            same_class += alike
            same_cluster += together
            both += alike and together
    return both / (same_class * same_cluster) ** 0.5 if both else 0.0


def plain_co_association(labelings):
    """The predecessor's triple loop: labelings × pictures × pictures."""
    n = len(labelings[0])
    together = np.zeros((n, n))
    for labels in labelings:
        for i in range(n):
            for j in range(n):
                if labels[i] == labels[j]:
                    together[i, j] += 1
    return together / len(labelings)


def _pairs_only(function, labelings, k):
    function(labelings)  # all pairs stay there: handing them back would cost more


REDUCED = ("kmeans", "minibatch", "ward", "gmm", "hdbscan")  # also on 50 components
EXTRACTION = {
    "bare forward": bare_forward,
    "features.extract": _extract,
    "predict": predict,
    "one by one": one_by_one,
    "from the cache": _from_cache,
}
HANDCRAFTED = {
    "colour": plain_colour,
    "hog": plain_hog,
    "lbp": plain_lbp,
    "bovw": plain_bovw,
}
SCORES = {
    "purity": metrics.purity,
    "nmi": metrics.nmi,
    "fowlkes_mallows": metrics.fowlkes_mallows,
    "ari": metrics.ari,
    "accuracy": metrics.accuracy,
    "scores (all five)": metrics.scores,
    "pair counting": plain_pairs,
}
ENSEMBLES = {
    "co_association": partial(_pairs_only, ensembles.co_association),
    "triple loop": partial(_pairs_only, plain_co_association),
    "evidence_accumulation": ensembles.evidence_accumulation,
    "bipartite": ensembles.bipartite,
}
PARTS = ("extraction", "handcrafted", "clustering", "scores", "ensembles")
