"""What lesson 13 claims: margins over raw pixels, the luck of a seed, a bootstrap."""

import functools
import itertools

import numpy as np
from ledger import claim
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401
from trials import SETS, both, image_set, told, true_labels, vectors

from course_utils import clustering, metrics
from course_utils.clustering.preprocessing import rotate

LAYER = "EfficientNetLite0:block6"
N_SEEDS, N_FURTHER = 3, 2  # of a student, and others of the same line
# Folders of the stamps that could be somebody's classes, six images each or more
FOLDERS = (
    *("animals/birds", "animals/fish", "animals/insects", "animals/mammals/bovines"),
    *("animals/mammals/rodents", "clothes", "food/fruit", "food/vegetables"),
    *("hobbies/music", "household/dishes", "household/tools", "plants/flowers"),
    *("plants/trees", "seasonal/christmas", "seasonal/easter", "seasonal/halloween"),
    *("seasonal/hanukkah", "space/planets", "sports", "symbols/money", "town/flags"),
    *("town/roadsigns", "vehicles"),
)


def nmi(labels_true, labels_pred):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


@functools.cache
def classes(name):
    """The class of each image, "" for those in none: all stamps, or the photos."""
    if name == "photos":
        return np.array(image_set(name).true_names)
    found = [
        next((folder for folder in FOLDERS if category.startswith(folder)), "")
        for category in image_set("stamps-all").categories
    ]
    return np.array(found)


@functools.cache
def points(name, representation):
    source = "stamps-all" if name == "stamps" else name
    return normalize(vectors(source, representation).astype(np.float64))


@functools.cache
def choices(name):
    """Twenty image sets as students might choose them: places of their images.

    Five to eight classes, each image of the photos with probability .6.
    """
    generator, found = np.random.default_rng(13), []
    for _ in range(20):
        possible = np.unique(classes(name)[classes(name) != ""])
        chosen = generator.choice(possible, generator.integers(5, 9), replace=False)
        places = np.flatnonzero(np.isin(classes(name), chosen))
        if name == "photos":
            n_kept = round(0.6 * len(places))
            places = np.sort(generator.choice(places, n_kept, replace=False))
        found.append(places)
    return found


@functools.cache
def by_seed(name):
    """NMI of k-means: (20 choices, raw pixels and the layer, 5 seeds)."""
    scores = []
    for places in choices(name):
        names, true = np.unique(classes(name)[places], return_inverse=True)
        spaces = [rotate(points(name, r)[places]) for r in ("raw", LAYER)]
        scores.append(
            [
                [
                    nmi(true, clustering.cluster(space, "kmeans", len(names), seed))
                    for seed in range(N_SEEDS + N_FURTHER)
                ]
                for space in spaces
            ]
        )
    return np.array(scores)


@claim(
    "13.margin",
    "By k-means and the mean of three seeds, block6 of EfficientNet-Lite0 is at least "
    ".2 NMI above raw pixels on every random choice of classes. "
    "An NMI of .8 is reached on every choice of photos, and on at most a third of "
    "those of stamps, over which the margin varies about as much as the NMI.",
)
def test_margin(show):
    means = {name: by_seed(name)[:, :, :N_SEEDS].mean(axis=2) for name in SETS}
    best = both(lambda name: means[name][:, 1])
    raw = both(lambda name: means[name][:, 0])
    margin = best - raw
    easy = np.array([np.mean(part >= 0.8) for part in (best[:20], best[20:])])
    spread, of_nmi = margin[:20].std(), best[:20].std()
    show(
        f"NMI {told(best=best, raw=raw)}; margins {margin.min():.2f} to "
        f"{margin.max():.2f}, ± {spread:.2f} over the stamps (NMI ± {of_nmi:.2f}); .8 "
        f"is reached on {easy[0]:.0%} (stamps), {easy[1]:.0%} (photos)",
        (margin >= 0.2) & (easy[0] <= 1 / 3) & (easy[1] == 1) & (spread > 0.8 * of_nmi),
        "choices of classes",
    )


@claim(
    "13.luck",
    "By k-means on raw pixels and on block6, the best of three seeds is on average "
    "more than .005 NMI above two further seeds, on nearly every choice of classes.",
)
def test_luck(show):
    def gain(name):
        """Mean over all ways to hand in three of the five seeds."""
        scores, gains = by_seed(name), []
        for chosen in itertools.combinations(range(N_SEEDS + N_FURTHER), N_SEEDS):
            others = np.delete(scores, chosen, axis=2).mean(axis=2)
            gains.append(scores[:, :, list(chosen)].max(axis=2) - others)
        return np.mean(gains, axis=(0, 2))

    gains = both(gain)
    show(
        f"best of three minus two further seeds: {told(gain=gains)}",
        gains > 0.005,
        "choices of classes",
    )


PAIRS = (
    ("EfficientNetLite0:pool", "raw"),
    ("EfficientNetLite0:pool", "SqueezeNet:fire9"),
)
N_DRAWS, N_RUNS = 120, 2


@functools.cache
def halves(name):
    """True labels and cluster labels (2 runs) of each of twenty random halves."""
    source = "stamps" if name == "stamps" else name
    true, generator, found = true_labels(source), np.random.default_rng(1), []
    for _ in range(20):
        size = len(true) // 2
        places = np.sort(generator.choice(len(true), size, replace=False))
        runs = {}
        for representation in sorted({name for pair in PAIRS for name in pair}):
            rows = normalize(vectors(source, representation).astype(np.float64))
            space, k = rotate(rows[places]), len(np.unique(true))
            labels = [clustering.cluster(space, "kmeans", k, s) for s in range(N_RUNS)]
            runs[representation] = np.array(labels)
        found.append((true[places], runs))
    return found


@claim(
    "13.interval",
    "The difference of two means, ± two standard deviations of a bootstrap over images "
    "and runs, contains the mean difference on the other halves nearly always; the "
    "percentiles for one run of each method do so clearly less often.",
)
def test_interval(show):
    within, within_fixed, half = [], [], []
    for name, (first, second) in itertools.product(SETS, PAIRS):
        leads = np.array(
            [lead(true, runs, first, second) for true, runs in halves(name)]
        )
        for place, (true, runs) in enumerate(halves(name)):
            others, pair = np.delete(leads, place).mean(), (runs[first], runs[second])
            drawn = metrics.bootstrap_differences(nmi, true, *pair, N_DRAWS)
            half.append(2 * drawn.std())
            within.append(abs(leads[place] - others) <= half[-1])
            single = [labels[:1] for labels in pair]
            drawn = metrics.bootstrap_differences(nmi, true, *single, N_DRAWS)
            low, high = np.quantile(drawn, [0.025, 0.975])
            within_fixed.append(low <= others <= high)
    shares = np.mean(within), np.mean(within_fixed)
    show(
        f"contained: ± two standard deviations {shares[0]:.0%} (± {np.mean(half):.2f} "
        f"on average), percentiles of one run {shares[1]:.0%}",
        np.array(within) & (shares[1] < shares[0] - 0.05),
        "halves and pairs of methods",
    )


def lead(true, runs, first, second):
    """The difference of the mean NMI of two methods."""
    means = [
        np.mean([nmi(true, labels) for labels in runs[r]]) for r in (first, second)
    ]
    return means[0] - means[1]
