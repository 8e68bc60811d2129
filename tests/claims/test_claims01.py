"""Evidence for what lesson 1 claims of k-means, its starts, silhouettes and units."""

import functools

import numpy as np
from ledger import claim
from scipy.spatial.distance import pdist
from sklearn.cluster import AgglomerativeClustering, KMeans, kmeans_plusplus
from sklearn.datasets import make_blobs, make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trials import SEEDS, image_set, subsamples, true_labels, vectors

from course_utils import clustering, metrics


def k_means(points, k, seed=0, **options):
    return KMeans(k, random_state=seed, **{"n_init": 10} | options).fit(points)


def share_right(groups, labels):
    return metrics.accuracy(labels_true=groups, labels_pred=labels)


@functools.cache
def stamp_points():
    """The two numbers of the lesson: share that is not white, mean colourfulness."""
    stamps, found = image_set("stamps"), []
    for index in range(len(stamps)):
        shares = stamps.picture(index, 64) / 255
        here = shares.min(axis=2) < 0.95
        colourfulness = shares.max(axis=2) - shares.min(axis=2)
        found.append((here.mean(), colourfulness[here].mean()))
    return np.array(found)


def silhouettes(points, ks=range(2, 9)):
    return [metrics.silhouette(points, k_means(points, k).labels_) for k in ks]


def preferred_k(points):
    return 2 + int(np.argmax(silhouettes(points)))


# Sets of four to eight groups, 50 points each, whose centres are 5 standard deviations
# or more apart; the starts compared are a hundred of each kind on each set


@functools.cache
def separate_groups(seed):
    generator = np.random.default_rng(seed)
    k, centres = int(generator.integers(4, 9)), np.zeros((2, 2))
    while pdist(centres).min() < 3:
        centres = generator.uniform(0, 12, (k, 2))
    return make_blobs(50 * k, centers=centres, cluster_std=0.6, random_state=seed)[0], k


def plus_plus(points, k, seed):
    """The centres of k-means++ as its paper defines it, one candidate per centre."""
    return kmeans_plusplus(points, k, n_local_trials=1, random_state=seed)[0]


@functools.cache
def final_inertias(seed, n_runs=40):
    """(3, n_runs): random points, k-means++, greedy k-means++."""
    points, k = separate_groups(seed)
    return np.array(
        [
            [k_means(points, k, s, init="random", n_init=1).inertia_, plain, greedy]
            for s in range(n_runs)
            for plain in [
                k_means(points, k, init=plus_plus(points, k, s), n_init=1).inertia_
            ]
            for greedy in [k_means(points, k, s, n_init=1).inertia_]
        ]
    ).T


@claim(
    "01.seeding",
    "On sets of four to eight separate groups, greedy k-means++ reaches the lowest "
    "inertia in more runs than plain k-means++, and that in more than random points.",
)
def test_seeding(show):
    """Control: forty runs of each kind from the same points, each a single start."""
    shares = []
    for seed in SEEDS:
        found = final_inertias(seed)
        shares.append((found < 1.01 * found.min()).mean(axis=1))
    shares = np.array(shares)
    random, plain, greedy = shares.mean(axis=0)
    show(
        f"good runs: random {random:.0%}, k-means++ {plain:.0%}, greedy {greedy:.0%}",
        (shares[:, 2] > shares[:, 1]) & (shares[:, 1] > shares[:, 0]),
        "sets of groups",
    )


@claim(
    "01.restarts",
    "On the same sets, the best of ten runs reaches the lowest inertia nearly every "
    "time, from greedy starts and even from random points.",
    at_least=0.9,
)
def test_restarts(show):
    """Control: the lowest inertia of 120 single runs; five tries per set."""
    holds, single = [], []
    for seed in SEEDS:
        points, k = separate_groups(seed)
        good = 1.01 * final_inertias(seed).min()
        single.append((final_inertias(seed)[0] < good).mean())
        for again in range(5):
            runs = [k_means(points, k, again, init=i) for i in ("random", "k-means++")]
            holds.append([run.inertia_ < good for run in runs])
    random, greedy = np.mean(holds, axis=0)
    text = f"best of ten: random {random:.0%}, greedy {greedy:.0%}"
    text += f"; one random start {np.mean(single):.0%}"
    show(text, np.all(holds, axis=1), "tries")


@claim(
    "01.noise",
    "On uniform noise the highest silhouette of k-means is near 0.4, at a k that "
    "differs between draws.",
)
def test_noise(show):
    """Control: the five groups of the lesson, where the silhouette is 0.7 at k = 5."""
    draws = [np.random.default_rng(seed).uniform(0, 10, (250, 2)) for seed in SEEDS]
    found = np.array([silhouettes(points, range(2, 11)) for points in draws])
    peaks, ks = found.max(axis=1), 2 + found.argmax(axis=1)
    middles = [[0, 0], [3.5, 1], [9, 0], [9.5, 3.5], [4, 6.5]]
    groups, _ = make_blobs(250, centers=middles, cluster_std=0.6, random_state=1)
    of_groups = silhouettes(groups, range(2, 11))
    assert np.argmax(of_groups) == 3 and max(of_groups) > 0.7
    assert len(set(ks.tolist())) >= 4
    text = (
        f"silhouette {peaks.min():.2f} to {peaks.max():.2f}, k {ks.min()} to {ks.max()}"
    )
    show(text, abs(peaks - 0.4) < 0.05, "draws")


@claim(
    "01.stamps",
    "On the two numbers of parts of the stamps, the silhouette prefers k = 3 and "
    "is above that of uniform noise at any k.",
)
def test_stamps(show):
    """Control: noise of the same size and extent, at the k that suits it best."""
    points = stamp_points()
    low, high = points.min(axis=0), points.max(axis=0)
    holds, values, of_noise = [], [], []
    for seed, kept in enumerate(subsamples(len(points))):
        found = silhouettes(points[kept])
        noise = np.random.default_rng(seed).uniform(low, high, (len(kept), 2))
        values.append(max(found))
        of_noise.append(max(silhouettes(noise)))
        holds.append(np.argmax(found) == 1)
    text = f"stamps {min(values):.2f} or more, noise {max(of_noise):.2f} or less"
    show(text, np.array(holds) & (min(values) > max(of_noise)), "subsamples")


@claim(
    "01.starts",
    "On the two numbers of the stamps, every random start reaches the lowest inertia "
    "at k = 2, and most miss it at k = 7.",
)
def test_starts(show):
    """Control: the same starts at each k; 20 random ones on each part of the stamps."""
    points, shares = stamp_points(), []
    for kept in subsamples(len(points)):
        row = []
        for k in (2, 7):
            starts = [
                k_means(points[kept], k, s, init="random", n_init=1) for s in SEEDS
            ]
            found = np.array([run.inertia_ for run in starts])
            row.append(np.mean(found < 1.01 * found.min()))
        shares.append(row)
    two, seven = np.array(shares).T
    text = f"starts at the lowest inertia: k = 2 {two.mean():.0%}, 7 {seven.mean():.0%}"
    show(text, (two == 1) & (seven < 0.5), "subsamples")


@claim(
    "01.features",
    "With k = 7, k-means on the two numbers mixes birds with mammals; on features of "
    "EfficientNetLite0 it separates nearly all of them.",
)
def test_features(show):
    """Control: the same images, algorithm and k; one cluster for both classes."""
    names = np.array(image_set("stamps").true_names)
    truth = true_labels("stamps")
    network = vectors("stamps", "EfficientNetLite0")
    rows = []
    for seed, kept in enumerate(subsamples(len(names))):
        animals = np.isin(names[kept], ["birds", "mammals"])
        row = []
        for points in (stamp_points(), network):
            found = clustering.cluster(points[kept], "kmeans", 7, seed)[animals]
            score = metrics.purity(labels_true=truth[kept][animals], labels_pred=found)
            row.append(score)
        largest = np.unique(names[kept][animals], return_counts=True)[1].max()
        rows.append([*row, largest / animals.sum()])
    two, features, single = np.array(rows).T
    text = (
        f"purity of birds and mammals: two numbers {two.mean():.2f}, network "
        f"{features.mean():.2f}, one cluster {single.mean():.2f}"
    )
    show(text, (two < 0.85) & (features > two + 0.1), "subsamples")


@claim(
    "01.moons",
    "k-means cuts across two moons, single linkage follows them.",
)
def test_moons(show):
    """Control: the same points, and k = 2 for both."""
    rows = []
    for seed in SEEDS:
        points, groups = make_moons(300, noise=0.07, random_state=seed)
        single = AgglomerativeClustering(2, linkage="single").fit_predict(points)
        cut = k_means(points, 2).labels_
        rows.append([share_right(groups, cut), share_right(groups, single)])
    cut, followed = np.array(rows).T
    text = f"right: k-means {cut.mean():.0%}, single linkage {followed.mean():.0%}"
    show(text, (cut < 0.8) & (followed > 0.98), "draws")


@claim(
    "01.wide",
    "k-means does not find a wide group of 250 points beside two tight ones of 25; it "
    "finds three equally wide and large ones in the same places.",
)
def test_wide(show):
    """Control: the same centres with equal widths and sizes."""
    centres, rows = [[0, 0], [5, 2.2], [5, -2.2]], []
    for seed in SEEDS:
        row = []
        for sizes, widths in (([250, 25, 25], [1.6, 0.3, 0.3]), ([100] * 3, [0.8] * 3)):
            points, groups = make_blobs(
                sizes, centers=centres, cluster_std=widths, random_state=seed
            )
            row.append(share_right(groups, k_means(points, 3).labels_))
        rows.append(row)
    wide, equal = np.array(rows).T
    text = f"right: wide and tight {wide.mean():.0%}, equal {equal.mean():.0%}"
    show(text, (wide < 0.9) & (equal > 0.97), "draws")


@claim(
    "01.units",
    "k-means cuts across two round groups whose first coordinate is multiplied by 8; "
    "standardised, it finds them.",
)
def test_units(show):
    """Control: the same points, algorithm and k."""
    rows = []
    for seed in SEEDS:
        points, groups = make_blobs(
            300, centers=[[0, 0], [0, 3]], cluster_std=0.3, random_state=seed
        )
        points = points * [8, 1]
        rescaled = make_pipeline(StandardScaler(), KMeans(2, n_init=10, random_state=0))
        row = k_means(points, 2).labels_, rescaled.fit_predict(points)
        rows.append([share_right(groups, labels) for labels in row])
    raw, standardised = np.array(rows).T
    text = f"right: as given {raw.mean():.0%}, standardised {standardised.mean():.0%}"
    show(text, (raw < 0.7) & (standardised > 0.98), "draws")
