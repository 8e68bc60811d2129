"""The claims of lesson 2: names, swapped arguments, chance, the true k, imbalance."""

import functools

import numpy as np
import sklearn.metrics as sk
from ledger import claim
from trials import SEEDS, labelings, subsamples, true_labels, vectors

from course_utils import clustering, metrics

SETS = {"stamps": 7, "photos": 10}
NETWORK = "EfficientNetLite0"


def score(name, labels_true, labels_pred):
    return getattr(metrics, name)(labels_true=labels_true, labels_pred=labels_pred)


SCORES = {
    "purity": functools.partial(score, "purity"),
    "NMI": sk.normalized_mutual_info_score,
    "FM": sk.fowlkes_mallows_score,
    "ARI": sk.adjusted_rand_score,
    "AMI": sk.adjusted_mutual_info_score,
}


@functools.cache
def runs(set_name, representation):
    """k-means with 20 seeds, as many clusters as classes."""
    return labelings(vectors(set_name, representation), "l2+kmeans", SETS[set_name])


@claim(
    "02.names",
    "Over seeds, the share of equal numbers varies more than three times as much as "
    "purity: it scores the names of the clusters (features of EfficientNet-Lite0, "
    "stamps and photos).",
)
def test_names(show):
    """Each trial compares the two spreads over ten of the seeds."""
    ratios = []
    for set_name in SETS:
        found, true = runs(set_name, NETWORK), true_labels(set_name)
        equal = np.array([(labels == true).mean() for labels in found])
        purity = np.array([score("purity", true, labels) for labels in found])
        for ten in subsamples(len(SEEDS), 20, share=0.5):
            ratios.append(equal[ten].std() / purity[ten].std())
    ratios = np.array(ratios)
    statistic = f"spread of equal numbers / of purity: {np.median(ratios):.0f} (median)"
    show(statistic, ratios > 3, "halves of the seeds")


@claim(
    "02.swapped",
    "For clusters by colour of the stamps, purity with its arguments swapped is more "
    "than .2 higher.",
)
def test_swapped(show):
    true = true_labels("stamps")
    found = runs("stamps", "colour")
    right = np.array([score("purity", true, labels) for labels in found])
    swapped = np.array([score("purity", labels, true) for labels in found])
    statistic = f"purity {right.mean():.2f}, swapped {swapped.mean():.2f}"
    show(statistic, swapped - right > 0.2)


@claim(
    "02.lazy",
    "One single cluster has a Fowlkes-Mallows index within .05 of that of the clusters "
    "by colour, on stamps and photos; by NMI the clusters by colour are far ahead.",
)
def test_lazy(show):
    """The control is NMI, which gives a single cluster 0."""
    close, told = [], []
    for set_name in SETS:
        true = true_labels(set_name)
        lazy = score("fowlkes_mallows", true, np.zeros(len(true), dtype=int))
        found = runs(set_name, "colour")
        reached = np.array([score("fowlkes_mallows", true, f) for f in found])
        nmi = np.array([score("nmi", true, f) for f in found])
        close.append((abs(reached - lazy) < 0.05) & (nmi > 0.2))
        told.append(f"{set_name}: one cluster {lazy:.3f}, colour {reached.mean():.3f}")
    show("; ".join(told), close, "seeds of two sets")


@claim(
    "02.chance",
    "With more clusters, the chance level of purity and NMI rises and that of "
    "Fowlkes-Mallows falls; ARI and AMI stay within .02 of 0 (stamps and photos).",
)
def test_chance(show):
    """Each trial is the mean over five shuffles, for 2, 7, 20, 65 clusters and all."""
    generator = np.random.default_rng(0)
    rises, falls, stays, levels = [], [], [], []
    for set_name in SETS:
        points, true = vectors(set_name, NETWORK), true_labels(set_name)
        ks = 2, 7, 20, 65, len(true)
        ward = [clustering.cluster(points, "l2+ward", k) for k in ks]
        for _ in range(20):
            mixed = [generator.permutation(true) for _ in range(5)]

            def levels_of(score, ward=ward, mixed=mixed):
                return np.mean([[score(m, found) for found in ward] for m in mixed], 0)

            purity, nmi, fm, ari, ami = map(levels_of, SCORES.values())
            rises.append((np.diff(purity) > 0).all() and (np.diff(nmi) > 0).all())
            falls.append((np.diff(fm) < 0).all())
            stays.append(max(abs(ari).max(), abs(ami).max()) < 0.02)
            levels.append([purity, nmi, fm, ari, ami])
    first, last = np.mean(levels, axis=0)[:, [0, -1]].T
    names = "purity", "NMI", "FM", "ARI", "AMI"
    told = [
        f"{n} {a:.2f} → {b:.2f}" for n, a, b in zip(names, first, last, strict=True)
    ]
    holds = np.array(rises) & falls & stays
    show(f"from 2 clusters to singletons: {', '.join(told)}", holds, "sets of shuffles")


def best_ks(set_name):
    """The k from 2 to 14 of the highest ARI of Ward's clusters, per subsample."""
    points, true, ks = vectors(set_name, NETWORK), true_labels(set_name), range(2, 15)
    best = []
    for kept in subsamples(len(points)):
        found = [clustering.cluster(points[kept], "l2+ward", k) for k in ks]
        best.append(
            ks[np.argmax([score("ari", true[kept], labels) for labels in found])]
        )
    return np.array(best)


def count(values):
    found, counts = np.unique(values, return_counts=True)
    return ", ".join(f"{k} in {n}" for k, n in zip(found, counts, strict=True))


@claim(
    "02.dip-stamps",
    "On the stamps, of seven classes, the ARI of Ward's clusters by network is usually "
    "highest at fewer than seven clusters.",
    at_least=0.75,
)
def test_dip_stamps(show):
    found = best_ks("stamps")
    show(f"best k: {count(found)}", found < 7, "subsamples")


@claim(
    "02.dip-photos",
    "On the photos, of ten classes, the ARI of Ward's clusters by network is highest "
    "at ten clusters.",
    at_least=0.85,
)
def test_dip_photos(show):
    found = best_ks("photos")
    show(f"best k: {count(found)}", found == 10, "subsamples")


@claim(
    "02.imbalance",
    "With one large class, a single cluster has a purity and an accuracy equal to that "
    "class's share and a Fowlkes-Mallows index within .02 of it; accuracy and "
    "Fowlkes-Mallows prefer it to a clustering that finds both small classes and "
    "halves the large one; ARI and AMI give it 0 and prefer the other.",
)
def test_imbalance(show):
    """Class sizes at random, the largest class with 80 to 95 % of the images."""
    generator = np.random.default_rng(0)
    holds = []
    for _ in range(40):
        large, one, other = generator.integers([160, 4, 4], [240, 20, 20])
        true = np.repeat([0, 1, 2], [large, one, other])
        halves = large // 2, large - large // 2
        found = np.repeat([0, 1, 2, 3], [*halves, one, other])
        lazy = np.zeros(len(true), dtype=int)
        share = large / len(true)
        holds.append(
            np.isclose(score("purity", true, lazy), share)
            and np.isclose(score("accuracy", true, lazy), share)
            and score("accuracy", true, found) < share
            and abs(sk.fowlkes_mallows_score(true, lazy) - share) < 0.02
            and sk.fowlkes_mallows_score(true, found) < share - 0.02
            and abs(sk.adjusted_rand_score(true, lazy)) < 1e-9
            and abs(sk.adjusted_mutual_info_score(true, lazy)) < 1e-9
            and sk.adjusted_rand_score(true, found) > 0.1
            and sk.adjusted_mutual_info_score(true, found) > 0.1
        )
    show("largest class 80 to 97 % of the images", holds, "random class sizes")


@claim(
    "02.bootstrap",
    "On the stamps, drawing other images with replacement spreads the NMI of a "
    "clustering by .015 to .035 (one standard deviation), for colour and for the "
    "network, whatever the seed.",
)
def test_bootstrap(show):
    generator = np.random.default_rng(0)
    true = true_labels("stamps")
    spreads = np.array(
        [
            [
                _bootstrap_spread(true, labels, generator)
                for labels in runs("stamps", name)
            ]
            for name in ("colour", NETWORK)
        ]
    )
    colour, network = spreads.mean(axis=1)
    holds = (spreads > 0.015) & (spreads < 0.035)
    statistic = f"± {colour:.3f} for colour, ± {network:.3f} for the network"
    show(statistic, holds, "seeds of two representations")


def _bootstrap_spread(labels_true, labels_pred, generator, n_draws=60):
    n = len(labels_true)
    draws = generator.integers(0, n, (n_draws, n))
    return np.std([score("nmi", labels_true[i], labels_pred[i]) for i in draws])
