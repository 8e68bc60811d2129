"""What lesson 11 claims: nouns of one's own, SIC, TAC and their fair rivals."""

import functools
from dataclasses import replace

import numpy as np
from ledger import claim
from sklearn.preprocessing import normalize
from trials import SEEDS, SETS, image_set, subsamples, told, true_labels, vectors

from course_utils import clustering, metrics, representations
from course_utils.clustering import preprocessing, semantic

SETTINGS = clustering.SICSettings(
    n_nearest=100, learning_rate=0.01, batch_size=256, n_epochs=100
)


def nmi(labels_pred, labels_true):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


@functools.cache
def nouns():
    return normalize(representations.imagenet_nouns()[1])


@functools.cache
def images(name):
    return normalize(vectors(name, "EfficientNetLite0").astype(np.float64))


def n_classes(name):
    return len(image_set(name).class_names)


def run(points, n_clusters, seed):
    return clustering.cluster(points, "kmeans", n_clusters, seed)


@functools.cache
def kmeans(name):
    """NMI of k-means from 10 starts, one per seed: (20,)."""
    points, k = preprocessing.rotate(images(name)), n_classes(name)
    return np.array([nmi(run(points, k, seed), true_labels(name)) for seed in SEEDS])


@functools.cache
def vocabulary(name, seed):
    """The nouns that TAC chooses."""
    n_centres = 3 * n_classes(name)
    return nouns()[
        semantic.distinctive_nouns(images(name), nouns(), n_centres, 5, seed)
    ]


def described(name, seed, temperature=0.005):
    """The counterparts of the images."""
    return semantic.counterparts(images(name), vocabulary(name, seed), temperature)


@functools.cache
def tac(name, temperature):
    """NMI of TAC, one per seed: (20,). As `clustering.tac`, its nouns chosen once."""
    scores = []
    for seed in SEEDS:
        both = normalize(np.hstack([images(name), described(name, seed, temperature)]))
        labels, _ = semantic.spherical_kmeans(both, n_classes(name), seed, n_init=20)
        scores.append(nmi(labels, true_labels(name)))
    return np.array(scores)


@functools.cache
def sic(name, **changes):
    """Cluster labels of SIC, one per seed."""
    given = images(name), nouns(), n_classes(name), replace(SETTINGS, **changes)
    return [clustering.sic(*given, seed) for seed in SEEDS]


def sic_nmis(name, **changes):
    return np.array([nmi(x, true_labels(name)) for x in sic(name, **changes)])


def precisions(what, name, seed):
    """Share of the class among the 20 nearest images: own noun, best of 1,000 nouns."""
    truth, points = np.array(image_set(name).true_names) == what, images(name)
    generator = np.random.default_rng(seed)
    examples = generator.choice(np.flatnonzero(truth), 3, replace=False)
    others = np.setdiff1d(np.arange(len(truth)), examples)
    own = points[examples].mean(axis=0) - points.mean(axis=0)
    cosines = points[others] @ np.vstack([own, nouns()]).T
    nearest = np.argsort(-cosines, axis=0)[:20]
    shares = truth[others[nearest]].mean(axis=0)
    return shares[0], shares[1:].max()


@claim(
    "11.own",
    "The mean of any three coins (stamps) or chandeliers (photos), minus the mean of "
    "all images, finds at least as many of the class among the 20 nearest as the best "
    "of 1,000 nouns, chosen with the true labels.",
)
def test_own(show):
    """The control is the strongest there is: the best noun for these very images."""
    pairs = ("coins", "stamps"), ("chandeliers", "photos")
    found = np.array([[precisions(*pair, s) for s in SEEDS] for pair in pairs])
    own, best = found.reshape(-1, 2).T
    show(f"share among 20: {told(own=own, best_noun=best)}", own >= best, "draws")


@claim(
    "11.own-fails",
    "Three vegetables do not: the best noun finds more of the other vegetables.",
    at_least=0.85,
)
def test_own_fails(show):
    """The same measure, on the class that the clusterings lose."""
    own, best = np.array([precisions("vegetables", "stamps", s) for s in SEEDS]).T
    statistic = f"share among 20: own {own.mean():.2f}, best noun {best.mean():.2f}"
    show(statistic, own < best, "draws")


@claim(
    "11.alone",
    "k-means on descriptions by nouns alone scores below k-means on the images, on "
    "both image sets.",
)
def test_alone(show):
    """As many clusters and the same seeds for both."""
    alone, rival = [], []
    for name in SETS:
        for seed in SEEDS:
            words = preprocessing.rotate(described(name, seed))
            labels = run(words, n_classes(name), seed)
            alone.append(nmi(labels, true_labels(name)))
        rival.extend(kmeans(name))
    alone, rival = np.array(alone), np.array(rival)
    show(f"NMI: {told(nouns_alone=alone, images=rival)}", alone < rival)


@claim(
    "11.level",
    "With the authors' constants and the classifier's own nouns, neither SIC nor TAC "
    "exceeds the mean NMI of k-means by more than .03, on either image set.",
)
def test_level(show):
    """Refuted by a method that is clearly above k-means with as many clusters."""
    gains = [
        found - kmeans(name).mean()
        for found_by in (sic_nmis, functools.partial(tac, temperature=0.005))
        for name in SETS
        for found in (found_by(name),)
    ]
    sizes = ", ".join(f"{gain.mean():+.3f}" for gain in gains)
    statistic = f"gain of SIC on stamps and photos, of TAC on both: {sizes}"
    show(statistic, np.concatenate(gains) < 0.03)


@claim(
    "11.agreement",
    "On the stamps, SIC with and without the loss that uses the nouns differ by less "
    "than .05 NMI, in either direction.",
    at_least=0.9,
)
def test_agreement(show):
    """The same seeds, start and images; the mean gain may not be large either."""
    gain = sic_nmis("stamps") - sic_nmis("stamps", semantic_weight=0)
    statistic = f"mean gain {gain.mean():+.3f}, above 0 in {(gain > 0).sum()} of 20"
    show(statistic, (np.abs(gain) < 0.05) & (abs(gain.mean()) < 0.02))


@claim(
    "11.collapse",
    "Without evenness SIC has one cluster or two left after 40 of its 100 steps, on "
    "both image sets.",
)
def test_collapse(show):
    """The control: with evenness, as many clusters as asked for are left."""
    left = [[len(np.unique(x)) for x in sic(name)] for name in SETS]
    assert all(
        set(found) == {n_classes(n)} for found, n in zip(left, SETS, strict=True)
    )
    gone = [
        [len(np.unique(x)) for x in sic(n, balance_weight=0, n_epochs=40)] for n in SETS
    ]
    gone = np.ravel(gone)
    show(f"clusters left: {told(without=gone)}", gone <= 2)


@claim(
    "11.fewer",
    "On most random parts of the stamps k-means has a higher NMI with one cluster "
    "fewer than classes, on no part of the photos.",
    at_least=0.9,
)
def test_fewer(show):
    """Parts of the images with two seeds each; both sets must agree to refute it."""
    gains = []
    for name in SETS:
        truth, k = true_labels(name), n_classes(name)
        for kept in subsamples(len(truth)):
            points = preprocessing.rotate(images(name)[kept])
            found = {n: [run(points, n, s) for s in range(2)] for n in (k - 1, k)}
            scores = {
                n: np.mean([nmi(labels, truth[kept]) for labels in labellings])
                for n, labellings in found.items()
            }
            gains.append(scores[k - 1] - scores[k])
    gains = np.array(gains)
    expected = np.repeat([1, -1], 20)
    show(f"gain: {told(one_fewer=gains)}", gains * expected > 0, "subsamples")


@claim(
    "11.temperature",
    "On the photos TAC at a temperature of .1 scores below k-means.",
)
def test_temperature(show):
    """As many clusters and the same seeds for both."""
    found, rival = tac("photos", 0.1), kmeans("photos")
    statistic = (
        f"NMI: TAC {found.mean():.3f}, k-means {rival.mean():.3f}; on the stamps "
        f"{tac('stamps', 0.1).mean():.3f} and {kmeans('stamps').mean():.3f}"
    )
    show(statistic, found < rival)
