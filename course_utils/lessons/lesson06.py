"""Checks of lesson 6, layers and algorithms."""

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.lessons.exercises import NotYet, attempted, exercise


@exercise(
    "Pool feature maps by hand",
    hint="axis=(1, 2) takes height and width away; axis 0 counts the pictures.",
)
def ex06_1(pool):
    maps = np.random.default_rng(1).normal(size=(4, 3, 5, 6)).astype(np.float32)
    for how, function in {"average": np.mean, "max": np.max}.items():
        found = np.asarray(attempted(pool(maps.copy(), how)))
        expected = function(maps, axis=(1, 2))
        if found.shape != expected.shape:
            raise NotYet(_shape_of_pooling(how, found.shape, maps.shape))
        if not np.allclose(found, expected, atol=1e-5):
            if np.allclose(found, maps.sum(axis=(1, 2)), atol=1e-4):
                raise NotYet("that is the sum over the places: divide by their number")
            if np.allclose(found, np.abs(maps).max(axis=(1, 2)), atol=1e-5):
                raise NotYet("take the largest value, not the largest absolute one")
            raise NotYet(f"{how!r} has the right shape but other values")
    found = np.asarray(attempted(pool(maps.copy(), "flat")))
    if found.shape != (4, 90):
        raise NotYet(
            f"'flat' gives {found.shape} for maps of {maps.shape}: keep the pictures "
            "apart, and put all the rest of each into one row, here (4, 90)"
        )
    if not np.allclose(np.sort(found), np.sort(maps.reshape(4, -1)), atol=1e-6):
        raise NotYet("'flat' mixes the numbers of different pictures")
    return "average, max, flat"


def _shape_of_pooling(how, found, given):
    message = f"{how!r} gives {found} for maps of {given}; (4, 6) is expected"
    if found == (4, 3, 5):
        message += ": you pooled over the channels, not over the places"
    elif found in ((4, 5, 6), (4, 3, 6)):
        message += ": height and width must both go"
    elif found == (3, 5, 6):
        message += ": axis 0 counts the pictures, which must stay apart"
    return message


@exercise(
    "How many components?",
    hint="Centre, np.linalg.svd, square, np.cumsum, divide by the total; then find the "
    "first place that reaches the share, and remember that places count from 0.",
)
def ex06_2(components_for):
    for vectors, wanted in _spectra():
        found = attempted(components_for(vectors.copy(), wanted))
        values = np.asarray(found)
        if values.ndim or not np.isfinite(float(values)) or values != int(values):
            raise NotYet(f"return one whole number, not {found!r}")
        expected = _components(vectors, wanted)
        if int(values) == expected:
            continue
        if int(values) == expected - 1:
            raise NotYet(
                f"{expected - 1} components hold less than {wanted:.0%}: indices count "
                "from 0, components from 1"
            )
        if int(values) == _components(vectors, wanted, power=1):
            raise NotYet("variances are the squares of the singular values")
        if int(values) == _components(vectors, wanted, centre=False):
            raise NotYet("take the mean of every column off first")
        raise NotYet(f"{int(values)} is not the smallest for {wanted:.0%}: {expected}")
    return "smallest number with the share"


def _spectra():
    """Vectors with a long tail of variances, far from the origin, and shares."""
    generator = np.random.default_rng(6)
    vectors = generator.normal(size=(80, 12)) * 0.75 ** np.arange(12)
    vectors = vectors + 5 * np.ones(12)
    return [(vectors, 0.9), (vectors, 0.5), (vectors, 0.99), (vectors[:9], 0.8)]


def _components(vectors, wanted, power=2, centre=True):
    centred = vectors - vectors.mean(axis=0) if centre else vectors
    parts = np.linalg.svd(centred, compute_uv=False) ** power
    return int(np.argmax(parts.cumsum() / parts.sum() >= wanted)) + 1


@exercise(
    "Three ways to count noise",
    hint="For 'each alone', give the pictures with -1 new labels that no cluster has: "
    "largest label + 1, + 2, and so on.",
)
def ex06_3(noise_three_ways):
    true = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    found = np.array([0, 0, -1, 1, 1, -1, -1, 0, 2, 2, -1, 2])
    for true_labels, labels in (
        (true, found),
        (true[::-1] + 4, found[::-1]),
        (true, np.abs(found)),  # nothing is noise
        (true, np.where(found == 0, -1, found)),  # no cluster is called 0
    ):
        answer = attempted(noise_three_ways(true_labels.copy(), labels.copy()))
        expected = _three_ways(true_labels, labels)
        if not isinstance(answer, dict) or set(answer) != set(expected):
            raise NotYet(
                f"return a dict with the keys {', '.join(map(repr, expected))}"
            )
        for name, value in expected.items():
            if np.isclose(answer[name], value, atol=1e-6):
                continue
            for other, twin in expected.items():
                if other != name and np.isclose(answer[name], twin, atol=1e-6):
                    raise NotYet(f"{name!r} holds the NMI of {other!r}")
            raise NotYet(
                f"{name!r} is {float(answer[name]):.4f} for true labels "
                f"{true_labels.tolist()} and cluster labels {labels.tolist()}, where "
                f"{value:.4f} is expected" + _advice(name)
            )
    return sorted(expected)


def _advice(name):
    return {
        "left out": ": drop the same pictures from both",
        "each alone": ": no two noise pictures share a label, and none has that of a "
        "cluster",
    }.get(name, "")


def _three_ways(true, found):
    kept = found != -1
    alone = [label if label != -1 else 100 + i for i, label in enumerate(found)]
    pairs = {
        "left out": (true[kept], found[kept]),
        "one cluster": (true, found),
        "each alone": (true, alone),
    }
    return {
        name: metrics.nmi(labels_true=left, labels_pred=right)
        for name, (left, right) in pairs.items()
    }


@exercise(
    "Compare in pairs",
    hint="Make one array of differences, first minus second, and use it twice.",
)
def ex06_4(paired):
    cases = (
        ([0.8, 0.7, 0.9, 0.6], [0.7, 0.75, 0.8, 0.6]),
        ([0.2, 0.9, 0.4], [0.3, 0.1, 0.5]),
        ([0.5, 0.5], [0.5, 0.5]),
    )
    for first, second in cases:
        answer = attempted(paired(list(first), list(second)))
        if np.shape(answer) != (2,):
            raise NotYet("return two numbers: (mean_difference, share_won)")
        difference, won = map(float, answer)
        gaps = np.subtract(first, second)
        if not np.isclose(difference, gaps.mean()):
            if np.isclose(difference, -gaps.mean()):
                raise NotYet("the difference has the wrong sign: first minus second")
            if np.isclose(difference, np.abs(gaps).mean()):
                raise NotYet(
                    "keep the signs of the differences before you average them"
                )
            raise NotYet(f"the mean difference of {first} and {second} is another")
        share = ((gaps > 0) + 0.5 * (gaps == 0)).mean()
        if not np.isclose(won, share):
            if np.isclose(won, share * len(gaps)):
                raise NotYet(
                    "that is a number of draws: divide it by how many there are"
                )
            if np.isclose(won, 1 - share):
                raise NotYet("that is the share which the second one wins")
            if np.isclose(won, (gaps > 0).mean()) or np.isclose(
                won, (gaps >= 0).mean()
            ):
                raise NotYet("a tie counts one half")
            raise NotYet(f"the share won by {first} against {second} is another")
    return "mean difference and share won"


@exercise(
    "What peeking is worth",
    hint="The best is exactly the i-th smallest with the probability "
    "(i/n)^tries - ((i-1)/n)^tries; multiply by the i-th smallest score and add up.",
)
def ex06_5(expected_best):
    generator = np.random.default_rng(5)
    for scores, n_tries in (
        ([0.5, 0.9], 1),
        ([0.9, 0.1], 2),
        (generator.uniform(0.6, 0.9, 20).tolist(), 10),
    ):
        found = float(attempted(expected_best(list(scores), n_tries)))
        ranks = np.arange(1, len(scores) + 1) / len(scores)
        chances = np.diff(ranks**n_tries, prepend=0)
        expected = float(np.sort(scores) @ chances)
        if abs(found - expected) < 0.012:  # leaves room for a simulation
            continue
        if n_tries > 1 and abs(found - np.mean(scores)) < 0.012:
            raise NotYet("that is the mean: take the best of each round of tries first")
        if abs(found - max(scores)) < 1e-9:
            raise NotYet("that is the best of all: a few tries may miss it")
        if abs(found - np.sort(scores)[::-1] @ chances) < 0.012:
            raise NotYet("that is the worst of the tries: sort upwards")
        raise NotYet(
            f"{found:.3f} for {n_tries} tries, where {expected:.3f} is expected"
        )
    return "exact" if abs(found - expected) < 1e-9 else "simulated"


@exercise(
    "Your own grid",
    hint="One call of experiments.run gives everybody the same k and the same seeds.",
)
def ex06_6(results):
    if isinstance(results, tuple):
        raise NotYet("experiments.run returns two things: give the check the first one")
    missing = {"representation", "algorithm", "seed", "k", "nmi"} - set(
        getattr(results, "columns", ())
    )
    if missing:
        raise NotYet(f"the table lacks {', '.join(sorted(missing))}")
    for column, wanted in {"representation": 2, "algorithm": 2}.items():
        if results[column].nunique() < wanted:
            raise NotYet(f"compare at least {wanted} {column}s")
    if results["k"].nunique() > 1 or (
        "image_set" in results and results["image_set"].nunique() > 1
    ):
        raise NotYet("a fair comparison has one k and one image set for everybody")
    pairs = results.groupby(["representation", "algorithm"])["seed"].nunique()
    n_pairs = results["representation"].nunique() * results["algorithm"].nunique()
    if len(pairs) < n_pairs:
        raise NotYet("some representation lacks an algorithm that another one has")
    by_chance = [
        algorithms.parse_algorithm(name)[1] in algorithms.SEEDED
        for _, name in pairs.index
    ]
    seeded = pairs[by_chance]
    if len(seeded) and seeded.min() < 3:
        raise NotYet("take at least three seeds")
    if seeded.nunique() > 1:
        raise NotYet("everybody with chance in it gets the same number of seeds")
    if results["nmi"].isna().any():
        raise NotYet("some runs have no NMI")
    return [len(results), *sorted(set(results["algorithm"]))]
