"""What lesson 12 claims: chains, merging, JULE, TEMI and their constants."""

import functools

import numpy as np
from ledger import claim
from sklearn.datasets import make_moons
from small_sets import one_thread  # noqa: F401
from trials import SEEDS, SETS, subsamples, true_labels, vectors

from course_utils import clustering, metrics


def nmi(labels_pred, labels_true):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


@functools.cache
def disc_and_ring(seed):
    """As in the lesson: points of a disc inside a ring, and which shape each is of."""
    generator = np.random.default_rng(seed)
    shape = np.repeat([0, 1], [40, 80])
    angles = generator.uniform(0, 2 * np.pi, 120)
    radii = np.where(shape == 0, 0.25 * np.sqrt(generator.random(120)), 1)
    radii = radii + generator.normal(0, 0.05, 120)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1), shape


@functools.cache
def moons(seed):
    """Two interleaved half circles, and which one each point is of."""
    return make_moons(120, noise=0.06, random_state=seed)


def merged(points, k, n_neighbours=20):
    weights = clustering.affinity(points, n_neighbours)
    return clustering.merge_clusters(weights, clustering.chains(points), k)


def jule(points, k, seed, **options):
    network = clustering.TripletNetwork(points.shape[1], random_state=seed)
    return clustering.jule(points, k, network, random_state=seed, **options)[0]


@functools.cache
def part(name, view, number):
    """A random part of an image set: its prepared features and true labels."""
    kept = subsamples(len(true_labels(name)))[number]
    points = clustering.prepare(vectors(name, view)[kept], "l2+pca50+kmeans")
    return points, true_labels(name)[kept]


@functools.cache
def over_draws(method, name, view, fewer=0, n_draws=20, **options):
    """NMI of a method on each part, with the number of the part as seed."""
    scores = []
    for seed in range(n_draws):
        points, truth = part(name, view, seed)
        k = len(np.unique(truth)) - fewer
        found = METHODS[method](points, k, seed, **options)
        scores.append(nmi(found, truth))
    return np.array(scores)


METHODS = {
    "k-means": lambda points, k, seed: clustering.cluster(points, "kmeans", k, seed),
    "merging": lambda points, k, seed, **options: merged(points, k, **options),
    "jule": jule,
    "temi": lambda points, k, seed, **options: clustering.temi(
        points, k, random_state=seed, **options
    ),
}


@claim(
    "12.grow",
    "With 10, 20 or 40 neighbours, merging finds disc and ring exactly, where k-means "
    "has an NMI below .4.",
)
def test_grow(show):
    """The same points for all; k-means has ten starts."""
    holds, rivals = [], []
    for seed in SEEDS:
        points, shape = disc_and_ring(seed)
        found = [nmi(merged(points, 2, n), shape) for n in (10, 20, 40)]
        rivals.append(nmi(clustering.cluster(points, "kmeans", 2, seed), shape))
        holds.append(min(found) > 0.999 and rivals[-1] < 0.4)
    show(f"NMI of k-means at most {max(rivals):.2f}", holds, "draws")


@claim("12.few", "With five neighbours merging does not find disc and ring.")
def test_few(show):
    """The neighbouring value of the constant, on the same draws."""
    found = [nmi(merged(x, 2, 5), shape) for x, shape in map(disc_and_ring, SEEDS)]
    show(f"mean NMI {np.mean(found):.2f}", np.array(found) < 0.999, "draws")


@functools.cache
def learnt(shapes):
    """NMI of JULE and of merging without a network on draws of a shape: two (20,)."""
    pairs = []
    for seed in SEEDS:
        points, shape = shapes(seed)
        pairs.append((nmi(jule(points, 2, seed), shape), nmi(merged(points, 2), shape)))
    return np.array(pairs).T


@claim(
    "12.plane",
    "On disc and ring and on two moons, JULE never scores higher than merging without "
    "a network; it finds disc and ring in most draws, the moons in few.",
)
def test_plane(show):
    """The same points, chains and constants; only the network is added."""
    ring, moon = learnt(disc_and_ring), learnt(moons)
    found = [(pair > 0.999).sum(axis=1) for pair in (ring, moon)]
    assert found[0][0] > 10 and found[1][0] < 10
    statistic = (
        f"found exactly, of 20: disc and ring JULE {found[0][0]}, merging "
        f"{found[0][1]}; moons JULE {found[1][0]}, merging {found[1][1]}"
    )
    holds = np.concatenate([ring[0] <= ring[1] + 1e-9, moon[0] <= moon[1] + 1e-9])
    show(statistic, holds, "draws")


@claim(
    "12.constant",
    "Merging depends on its constant: on the stamps it scores more than .05 lower with "
    "five neighbours than with 20 (features of EfficientNetLite0).",
)
def test_constant(show):
    """The same chains and images, only the number of neighbours differs."""
    few, usual = (
        over_draws("merging", "stamps", "EfficientNetLite0", n_neighbours=n)
        for n in (5, 20)
    )
    statistic = f"NMI: 5 neighbours {few.mean():.2f}, 20 neighbours {usual.mean():.2f}"
    show(statistic, few < usual - 0.05, "subsamples")


HALF = 10  # parts of each set, where both sets together give twenty


@claim(
    "12.wide",
    "On SqueezeNet's features, with 40 neighbours, JULE scores higher than merging "
    "without a network, on both image sets.",
)
def test_wide(show):
    """The same constant for both."""
    with_it, without = (
        np.concatenate(
            [
                over_draws(method, name, "SqueezeNet", n_draws=HALF, n_neighbours=40)
                for name in SETS
            ]
        )
        for method in ("jule", "merging")
    )
    statistic = "; ".join(
        f"{name}: JULE {x.mean():.2f}, merging {y.mean():.2f}"
        for name, x, y in zip(
            SETS, np.split(with_it, 2), np.split(without, 2), strict=True
        )
    )
    show(f"NMI of {statistic}", with_it > without, "subsamples")


@claim(
    "12.temi",
    "On SqueezeNet's features TEMI scores higher than k-means with as many clusters on "
    "most random parts of the stamps, and lower on nearly all parts of the photos.",
    at_least=0.8,
)
def test_temi(show):
    """The same features, k and seeds; k-means with one cluster fewer is told too."""
    holds, statistic = [], []
    for name, n_draws in (("stamps", 20), ("photos", HALF)):
        found, rival, fewer = (
            over_draws(method, name, "SqueezeNet", n_draws=n_draws, **options)
            for method, options in (
                ("temi", {}),
                ("k-means", {}),
                ("k-means", {"fewer": 1}),
            )
        )
        holds.extend(found > rival if name == "stamps" else found < rival)
        statistic.append(
            f"{name}: TEMI {found.mean():.2f}, k-means {rival.mean():.2f}, with one "
            f"cluster fewer {fewer.mean():.2f}"
        )
    show(f"NMI of {'; '.join(statistic)}", holds, "subsamples")
