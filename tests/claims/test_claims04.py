"""The claims of lesson 4: which handcrafted features help, on which image set."""

import functools

import cv2
import numpy as np
from ledger import claim
from sklearn.cluster import MiniBatchKMeans
from sklearn.preprocessing import normalize
from trials import (
    SEEDS,
    image_set,
    labelings,
    nmis,
    subsample_nmis,
    true_labels,
    vectors,
)

from course_utils import metrics, representations

RECIPE = "l2+pca193+kmeans"
FOUR = "colour", "lbp", "hog", "bovw"
WHITE = 3  # the bin of white in a colour histogram


@functools.cache
def on_subsamples(set_name, representation):
    """Mean NMI of three seeds on each of 20 subsamples."""
    points = vectors(set_name, representation)
    return subsample_nmis(points, true_labels(set_name))


def blocks(set_name, rooted=False):
    found = [vectors(set_name, name) for name in FOUR]
    if rooted:
        found = [
            b if n == "hog" else np.sqrt(b) for n, b in zip(FOUR, found, strict=True)
        ]
    return found


def combine(parts):
    return np.hstack([normalize(part) for part in parts])


def equal_spread(parts):
    centred = [part - part.mean(axis=0) for part in map(normalize, parts)]
    return np.hstack([b / np.sqrt((b**2).sum(axis=1).mean()) for b in centred])


def told(set_name, names):
    means = [f"{name} {on_subsamples(set_name, name).mean():.2f}" for name in names]
    return f"{set_name}: {', '.join(means)}"


@claim(
    "04.best",
    "On the stamps LBP is the best of the handcrafted representations; on the photos "
    "HOG is, and LBP is below raw pixels.",
)
def test_best(show):
    stamps, photos = [
        {name: on_subsamples(title, name) for name in ("raw", *FOUR)}
        for title in ("stamps", "photos")
    ]
    others = [stamps[name] for name in stamps if name != "lbp"]
    rivals = [photos[name] for name in photos if name != "hog"]
    holds = (
        (stamps["lbp"] > np.max(others, axis=0))
        & (photos["hog"] > np.max(rivals, axis=0))
        & (photos["lbp"] < photos["raw"])
    )
    names = "raw", *FOUR
    show(f"{told('stamps', names)}; {told('photos', names)}", holds, "subsamples")


@claim(
    "04.bovw",
    "A bag of visual words is better than raw pixels on the photos; on the stamps "
    "their difference is below .06, either way.",
    at_least=0.9,
)
def test_bovw(show):
    photos = on_subsamples("photos", "bovw") > on_subsamples("photos", "raw")
    stamps = on_subsamples("stamps", "bovw") - on_subsamples("stamps", "raw")
    names = "raw", "bovw"
    statistic = (
        f"{told('photos', names)}; {told('stamps', names)}, the bag ahead in "
        f"{(stamps > 0).mean():.0%}"
    )
    show(statistic, photos & (abs(stamps) < 0.06), "subsamples")


@claim(
    "04.control",
    "One number scores about as well as raw pixels on the stamps (share of white, "
    "within .05 NMI), but not on the photos (mean brightness, more than .05 below).",
)
def test_control(show):
    """On the photos the share of white is tried too; it is even lower."""
    one = vectors("stamps", "colour")[:, [WHITE]]
    stamps = subsample_nmis(one, true_labels("stamps"), "kmeans")
    dull = {
        "brightness": vectors("photos", "raw").mean(axis=1, keepdims=True),
        "share of white": vectors("photos", "colour")[:, [WHITE]],
    }
    photos = {
        name: subsample_nmis(points, true_labels("photos"), "kmeans")
        for name, points in dull.items()
    }
    raw = on_subsamples("stamps", "raw"), on_subsamples("photos", "raw")
    holds = abs(stamps - raw[0]) < 0.05
    for values in photos.values():
        holds = holds & (values < raw[1] - 0.05)
    means = ", ".join(f"{name} {v.mean():.2f}" for name, v in photos.items())
    statistic = (
        f"stamps: share of white {stamps.mean():.2f}, raw {raw[0].mean():.2f}; "
        f"photos: {means}, raw {raw[1].mean():.2f}"
    )
    show(statistic, holds, "subsamples")


@claim(
    "04.overlap",
    "On the stamps, clusters by LBP agree more with clusters by share of white than "
    "those by raw pixels, colour, HOG or visual words do.",
)
def test_overlap(show):
    """Clusters against clusters, NMI; the same seed for all."""
    white = labelings(vectors("stamps", "colour")[:, [WHITE]], "kmeans", 7)
    agreement = {
        name: np.array(
            [
                metrics.nmi(labels_true=one, labels_pred=other)
                for one, other in zip(
                    white, labelings(vectors("stamps", name), RECIPE, 7), strict=True
                )
            ]
        )
        for name in ("raw", *FOUR)
    }
    rest = np.max([v for name, v in agreement.items() if name != "lbp"], axis=0)
    means = ", ".join(f"{name} {v.mean():.2f}" for name, v in agreement.items())
    show(f"NMI with the clusters by white: {means}", agreement["lbp"] > rest)


@claim(
    "04.together",
    "All four handcrafted representations together do not beat the best single one: on "
    "the stamps they are within .04 NMI of LBP, on the photos below HOG.",
)
def test_together(show):
    joined = {
        title: subsample_nmis(combine(blocks(title)), true_labels(title))
        for title in ("stamps", "photos")
    }
    lbp, hog = on_subsamples("stamps", "lbp"), on_subsamples("photos", "hog")
    holds = (abs(joined["stamps"] - lbp) < 0.04) & (joined["photos"] < hog)
    statistic = (
        f"stamps: {joined['stamps'].mean():.2f}, LBP {lbp.mean():.2f}; "
        f"photos: {joined['photos'].mean():.2f}, HOG {hog.mean():.2f}"
    )
    show(statistic, holds, "subsamples")


@claim(
    "04.ablation",
    "Square roots and equal spread together improve all four on both sets. On the "
    "stamps the roots alone improve them, on the photos equal spread alone does.",
)
def test_ablation(show):
    """Each step is also taken away alone."""
    found = {}
    for title in ("stamps", "photos"):
        variants = {
            "plain": combine(blocks(title)),
            "spread": equal_spread(blocks(title)),
            "roots": combine(blocks(title, rooted=True)),
            "both": equal_spread(blocks(title, rooted=True)),
        }
        found[title] = {
            name: subsample_nmis(points, true_labels(title))
            for name, points in variants.items()
        }
    stamps, photos = found["stamps"], found["photos"]
    holds = (
        (stamps["both"] > stamps["plain"])
        & (photos["both"] > photos["plain"])
        & (stamps["roots"] > stamps["plain"])
        & (photos["spread"] > photos["plain"])
    )
    parts = [
        f"{title}: " + ", ".join(f"{name} {v.mean():.2f}" for name, v in values.items())
        for title, values in found.items()
    ]
    show("; ".join(parts), holds, "subsamples")


@claim(
    "04.tfidf",
    "On the stamps, tf-idf changes the mean NMI of a bag of visual words by less than "
    ".05, up with some codebooks and down with others.",
)
def test_tfidf(show):
    """One codebook of 200 words per trial, five seeds of k-means each."""
    generator, stamps = np.random.default_rng(0), image_set("stamps")
    greys = [
        cv2.cvtColor(stamps.picture(i, 224), cv2.COLOR_RGB2GRAY)
        for i in range(len(stamps))
    ]
    found = [cv2.SIFT_create().detectAndCompute(grey, None)[1] for grey in greys]
    sample = np.concatenate([generator.permutation(rows)[:40] for rows in found])
    effects = []
    for seed in SEEDS:
        words = MiniBatchKMeans(200, random_state=seed, n_init=1).fit(sample)
        codebook = words.cluster_centers_.astype(np.float32)
        bags = np.stack(
            [representations.bag_of_words(rows, codebook) for rows in found]
        )
        plain, weighed = [
            nmis(b, stamps.true_labels, RECIPE, seeds=range(5)).mean()
            for b in (bags, representations.tf_idf(bags))
        ]
        effects.append(weighed - plain)
    effects = np.array(effects)
    up = (effects > 0).mean()
    statistic = (
        f"effect {effects.mean():+.3f} ± {effects.std():.3f}, up with {up:.0%} of the "
        "codebooks"
    )
    show(statistic, (abs(effects) < 0.05) & (0.1 < up < 0.9), "codebooks")
