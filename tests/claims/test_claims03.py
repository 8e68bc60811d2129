"""Lesson 3: raw pixels with and without brightness, and what a shift does."""

import functools

import numpy as np
from ledger import claim
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from trials import (
    SEEDS,
    image_set,
    labelings,
    subsample_nmis,
    subsamples,
    true_labels,
    vectors,
)

from course_utils import metrics

SETS = "stamps", "photos"


def turned(points):
    """The same distances in at most n coordinates: k-means is quicker."""
    return PCA(svd_solver="full").fit_transform(points)


def silhouettes(name):
    places = range(len(image_set(name)))
    images = np.stack([image_set(name).picture(i, 224) for i in places])
    return (images.min(axis=3) < 240).reshape(-1, 32, 7, 32, 7).mean(axis=(2, 4))


@functools.cache
def represented(name, control):
    """Raw pixels of an image set, or what a control leaves of them: (n, d)."""
    raw = vectors(name, "raw")
    bright = raw.mean(axis=1, keepdims=True)
    if control == "raw":
        return turned(raw)
    if control == "centred":
        return turned(raw - bright)
    if control == "standardised":
        return turned((raw - bright) / raw.std(axis=1, keepdims=True))
    if control == "regressed":
        return turned(raw - LinearRegression().fit(bright, raw).predict(bright))
    return turned(silhouettes(name).reshape(len(raw), -1))


@functools.cache
def on_subsamples(name, control):
    """Mean NMI over three seeds on each of twenty subsamples."""
    return subsample_nmis(represented(name, control), true_labels(name), "kmeans")


@functools.cache
def runs(name, control):
    k = len(np.unique(true_labels(name)))
    return labelings(represented(name, control), "kmeans", k)


def explained(name, groups):
    """Share of the variance of brightness that is between groups."""
    brightness = vectors(name, "raw").mean(axis=1)
    means = np.empty(len(brightness))
    for group in np.unique(groups):
        means[groups == group] = brightness[groups == group].mean()
    return means.var() / brightness.var()


def explained_by(name, control):
    return np.array([explained(name, run) for run in runs(name, control)])


def both(values, digits=3):
    """Means on the stamps and on the photos, for the ledger."""
    stamps, photos = (f"{np.mean(v):.{digits}f}" for v in values)
    return f"{stamps} (stamps), {photos} (photos)"


@claim(
    "03.neighbours",
    "With raw pixels, an image's nearest neighbour is of its class more than three "
    "times as often as by chance, on both sets, but in at most two cases in three.",
)
def test_neighbours(show):
    """Subsamples, each with the chance level of its own class sizes."""
    shares, holds = [], []
    for name in SETS:
        points, labels = vectors(name, "raw"), true_labels(name)
        for kept in subsamples(len(points)):
            distances = cdist(points[kept], points[kept])
            np.fill_diagonal(distances, np.inf)
            share = (labels[kept][distances.argmin(1)] == labels[kept]).mean()
            sizes, n = np.bincount(labels[kept]), len(kept)
            chance = (sizes / n * (sizes - 1) / (n - 1)).sum()
            shares.append(share)
            holds.append(3 * chance < share < 2 / 3)
    means = both(np.reshape(shares, (2, -1)), 2)
    show(f"share of nearest neighbours of the same class: {means}", holds, "subsamples")


@claim(
    "03.chance",
    "k-means on raw pixels is above chance in purity, NMI and Fowlkes-Mallows on both "
    "sets, and below .5.",
)
def test_chance(show):
    """Every seed, with the chance level of its own cluster sizes."""
    holds, means = [], []
    for name in SETS:
        pairs = [
            {"labels_true": true_labels(name), "labels_pred": run}
            for run in runs(name, "raw")
        ]
        scores = [metrics.scores(**pair) for pair in pairs]
        chance = [metrics.chance_scores(**pair) for pair in pairs]
        holds += [
            all(one[key] + 0.05 < score[key] < 0.5 for key in ("purity", "nmi"))
            and one["fowlkes_mallows"] + 0.05 < score["fowlkes_mallows"] < 0.5
            for score, one in zip(scores, chance, strict=True)
        ]
        means.append([score["nmi"] for score in scores])
    show(f"NMI {both(means)}", holds, "seeds")


@claim(
    "03.brightness",
    "Clusters of raw pixels explain more than twice as much of the variance of the "
    "images' brightness as the classes do, on both sets.",
)
def test_brightness(show):
    """As many clusters as classes, so neither grouping is finer."""
    shares = [explained_by(name, "raw") for name in SETS]
    classes = [explained(name, true_labels(name)) for name in SETS]
    holds = [s > 2 * c for s, c in zip(shares, classes, strict=True)]
    show(f"clusters {both(shares, 2)}, classes {both(classes, 2)}", holds, "seeds")


@claim(
    "03.without_brightness",
    "Centring, standardising or regressing out the brightness lowers the share that "
    "clusters explain by more than .2, yet never raises the NMI by .08 or to .5.",
)
def test_without_brightness(show):
    """Subsamples, paired with raw pixels; the explained share on as many seeds."""
    holds, texts = [], []
    for control in ("centred", "standardised", "regressed"):
        gains = []
        for name in SETS:
            nmi, raw = on_subsamples(name, control), on_subsamples(name, "raw")
            fall = explained_by(name, "raw") - explained_by(name, control)
            gains.append(nmi - raw)
            holds.append((nmi - raw < 0.08) & (nmi < 0.5) & (fall > 0.2))
        texts.append(f"{control} {both(gains)}")
    show(f"change of NMI: {'; '.join(texts)}", holds, "subsamples")


@claim(
    "03.regressed",
    "With the brightness regressed out, the stamps score lower than raw pixels, the "
    "photos within .05 of them.",
)
def test_regressed(show):
    """Paired subsamples."""
    gains = [
        on_subsamples(name, "regressed") - on_subsamples(name, "raw") for name in SETS
    ]
    known = both([explained_by(name, "regressed") for name in SETS], 2)
    holds = [gains[0] < 0, np.abs(gains[1]) < 0.05]
    text = f"change of NMI {both(gains)}; brightness explained {known}"
    show(text, holds, "subsamples")


@claim(
    "03.silhouette",
    "On the stamps, silhouettes score higher than raw pixels although their clusters "
    "explain more of the brightness than centred pixels do; on the photos they gain "
    "less than .02.",
)
def test_silhouette(show):
    """Paired subsamples; the rival is the control that removed more brightness."""
    gains = [
        on_subsamples(name, "silhouette") - on_subsamples(name, "raw") for name in SETS
    ]
    known = [explained_by("stamps", c) for c in ("silhouette", "centred")]
    holds = [(gains[0] > 0) & (known[0] > known[1]), gains[1] < 0.02]
    text = f"{known[0].mean():.2f} (silhouette), {known[1].mean():.2f} (centred)"
    text = f"change of NMI {both(gains)}; brightness explained on the stamps {text}"
    show(text, holds, "subsamples")


@claim(
    "03.size",
    "128 × 128 pixels give an NMI within .05 of 8 × 8 pixels, on both sets.",
)
def test_size(show):
    """Paired subsamples; a single seed of k-means differs from another by about .02."""
    found = {}
    for name in SETS:
        places = range(len(image_set(name)))
        large = np.float32([image_set(name).picture(i, 128) for i in places]) / 255
        for side in (8, 128):
            block = 128 // side
            blocks = large.reshape(-1, side, block, side, block, 3).mean(axis=(2, 4))
            points, labels = turned(blocks.reshape(len(large), -1)), true_labels(name)
            found[name, side] = subsample_nmis(points, labels, "kmeans", n_seeds=5)
    gains = [found[name, 128] - found[name, 8] for name in SETS]
    few, many = (both([found[name, side] for name in SETS]) for side in (8, 128))
    text = f"NMI: 8 × 8 {few}; 128 × 128 {many}"
    show(text, np.abs(gains) < 0.05, "subsamples")


def to_own(name, shift, mode="edge"):
    """Distance of each image, moved to the right, to itself as it was."""
    pixels = vectors(name, "raw").reshape(-1, 32, 32, 3)
    fill = {"constant_values": 1} if mode == "constant" else {}
    widths = ((0, 0), (0, 0), (shift, 0), (0, 0))
    moved = np.pad(pixels, widths, mode=mode, **fill)[:, :, :32]
    return np.linalg.norm((moved - pixels).reshape(len(pixels), -1), axis=1)


def to_strangers(name):
    points, labels = vectors(name, "raw"), true_labels(name)
    return np.where(labels[:, None] != labels, cdist(points, points), np.inf)


def shares_too_far(name, own, parts):
    """Share of each part of the images that is nearer to a stranger in that part."""
    strangers = to_strangers(name)
    return np.array(
        [(own[p] > strangers[np.ix_(p, p)].min(axis=1)).mean() for p in parts]
    )


@claim(
    "03.shift",
    "Moved by five of 32 pixels, more than 70% of the stamps and less than 45% of the "
    "photos are farther from themselves than from an image of another class.",
)
def test_shift(show):
    """As many stamps as photos: the share depends on their number."""
    parts = [subsamples(len(image_set(n)), share=150 / len(image_set(n))) for n in SETS]
    shares = [
        shares_too_far(name, to_own(name, 5), part)
        for name, part in zip(SETS, parts, strict=True)
    ]
    holds = (shares[0] > 0.7) & (shares[1] < 0.45)
    show(f"share in 150 images: {both(shares, 2)}", holds, "subsamples")


@claim(
    "03.fill",
    "If the gap that a shift by five pixels opens is filled with white, more than 80% "
    "of the photos are farther from themselves than from an image of another class, "
    "more than twice as many as with the leftmost column repeated.",
)
def test_fill(show):
    """The same subsamples with either filling."""
    parts = subsamples(len(image_set("photos")))
    white = shares_too_far("photos", to_own("photos", 5, "constant"), parts)
    edge = shares_too_far("photos", to_own("photos", 5), parts)
    text = f"white {white.mean():.2f}, leftmost column {edge.mean():.2f}"
    show(text, (white > 0.8) & (white > 2 * edge), "subsamples")


@claim(
    "03.minimum",
    "The share of images that a shift by five pixels carries farther than the nearest "
    "image of another class grows with the number of images.",
)
def test_minimum(show):
    """Nested sets of 10, 50 and 150 images, and one stranger drawn at random."""
    holds, texts = [], []
    for name in SETS:
        own, strangers = to_own(name, 5), to_strangers(name)
        generator = np.random.default_rng(0)
        orders = [generator.permutation(len(own)) for _ in SEEDS]
        shares = [
            shares_too_far(name, own, [o[:size] for o in orders])
            for size in (10, 50, 150)
        ]
        one = [
            np.mean(own > [generator.choice(s[np.isfinite(s)]) for s in strangers])
            for _ in SEEDS
        ]
        holds.append((shares[1] < shares[2]) & (np.array(one) < shares[2]))
        ten, fifty, many = (share.mean() for share in shares)
        text = f"one stranger {np.mean(one):.2f}, 10 images {ten:.2f}, 50 {fifty:.2f}"
        texts.append(f"{name}: {text}, 150 {many:.2f}")
    show("; ".join(texts), holds, "draws")


@claim(
    "03.changes",
    "Noise with a standard deviation of .1 carries no image farther from itself than "
    "its nearest image of another class; mirroring carries more than 20%. Both sets.",
)
def test_changes(show):
    """Twenty draws of the noise; mirroring on as many subsamples."""
    holds, mirrored = [], []
    for name in SETS:
        pixels = vectors(name, "raw").reshape(-1, 32, 32, 3)
        flat = len(pixels), -1
        limit = to_strangers(name).min(axis=1)
        own = np.linalg.norm((pixels[:, :, ::-1] - pixels).reshape(flat), axis=1)
        shares = shares_too_far(name, own, subsamples(len(pixels)))
        for seed, share in zip(SEEDS, shares, strict=True):
            noise = np.random.default_rng(seed).normal(0, 0.1, pixels.shape)
            noisy = np.clip(pixels + noise, 0, 1) - pixels
            too_far = np.linalg.norm(noisy.reshape(flat), axis=1) > limit
            holds.append(not too_far.any() and share > 0.2)
        mirrored.append(shares)
    show(f"noise 0, mirrored {both(mirrored, 2)}", holds, "draws and subsamples")
