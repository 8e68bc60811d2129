"""Checks of lesson 11, learning to cluster."""

import numpy as np

from course_utils.clustering import joint_learning
from course_utils.lessons.exercises import NotYet, attempted, exercise


@exercise(
    "Affinity",
    hint="Square the distances; np.argsort along each row gives the nearest first; the "
    "very first is the point itself. σ² is one number, the mean of the squares kept.",
)
def ex11_1(affinity_matrix):
    for seed, n_neighbours in ((0, 3), (1, 1), (2, 6)):
        points = np.random.default_rng(seed).normal(size=(12, 2))
        found = np.asarray(attempted(affinity_matrix(points.copy(), n_neighbours)))
        if found.shape != (12, 12):
            raise NotYet(f"12 points give a matrix (12, 12), not {found.shape}")
        expected = joint_learning.affinity(points, n_neighbours)
        if np.allclose(found, expected, atol=1e-6):
            continue
        for message, wrong in _wrong_affinities(points, n_neighbours).items():
            if np.allclose(found, wrong, atol=1e-6):
                raise NotYet(message)
        kept = (found > 0).sum(axis=1)
        if (kept != n_neighbours).any():
            raise NotYet(
                f"each row has {n_neighbours} weights above 0 where n_neighbours="
                f"{n_neighbours}; yours have {kept.min()} to {kept.max()}"
            )
        if ((found > 0) != (expected > 0)).any():
            raise NotYet("those are not the nearest points")
        raise NotYet(
            "the right neighbours, but other weights: is σ² the mean of the squared "
            "distances to neighbours?"
        )
    return "affinity"


def _wrong_affinities(points, n_neighbours):
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    expected = joint_learning.affinity(points, n_neighbours)
    kept = expected > 0
    with_itself = np.argsort(squares, axis=1)[:, :n_neighbours]
    first = np.zeros_like(kept)
    np.put_along_axis(first, with_itself, True, axis=1)

    def weights(where, values, variance):
        return np.where(where, np.exp(-values / variance), 0)

    itself = "a point is not its own neighbour: leave out the first of the sorted row"
    variance = squares[kept].mean()
    distances = np.sqrt(squares)
    return {
        "that is the transpose: row i is what point i points at": expected.T,
        "W is not symmetric: nobody has to point back": np.maximum(
            expected, expected.T
        ),
        "a half of each direction: W is not made symmetric": (expected + expected.T)
        / 2,
        itself: weights(first, squares, squares[first].mean() or 1),
        itself + "!": weights(kept | np.eye(12, dtype=bool), squares, variance),
        "σ² is the mean over neighbours only, not over all pairs": weights(
            kept, squares, squares.mean()
        ),
        "σ² is the mean of d², and not the square of the mean of d": weights(
            kept, squares, distances[kept].mean() ** 2
        ),
        "square the distances": weights(kept, distances, distances[kept].mean()),
        "square the distances, also under the exponential": weights(
            kept, distances, variance
        ),
        "divide by σ², not by σ": weights(kept, squares, np.sqrt(variance)),
    }


@exercise(
    "Affinity of two clusters",
    hint="there = weights[np.ix_(one, other)] has a column for each j of other: sum it "
    "over axis 0. back = weights[np.ix_(other, one)] has a row for each j: axis 1.",
)
def ex11_2(between):
    for weights, one, other in _clusters():
        found = float(attempted(between(weights.copy(), list(one), list(other))))
        there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
        forth = there.sum(axis=0) @ back.sum(axis=1)
        backward = back.sum(axis=0) @ there.sum(axis=1)
        n, m = len(one), len(other)
        if np.isclose(found, forth / n**2 + backward / m**2, rtol=1e-5):
            continue
        mistakes = {
            "that is one direction only: add the other": (
                forth / n**2,
                backward / m**2,
            ),
            "divide each direction by the square of a cluster's size": (
                forth + backward,
            ),
            "divide by the square of the size": (forth / n + backward / m,),
            "the direction from A is divided by |A|², not by |B|²": (
                forth / m**2 + backward / n**2,
            ),
            "divide by |A|² here and by |B|² there, not by |A| |B|": (
                (forth + backward) / (n * m),
            ),
            "sending and sending back are multiplied for each point": (
                there.sum() / n**2 + back.sum() / m**2,
                there.sum() + back.sum(),
                there.mean() + back.mean(),
            ),
            "multiply point by point, then add up: not the sums of all": (
                there.sum() * back.sum() * (1 / n**2 + 1 / m**2),
            ),
            "j sends back to *all* of A: sum before you multiply": (
                (there * back.T).sum() * (1 / n**2 + 1 / m**2),
            ),
        }
        for message, values in mistakes.items():
            if np.isclose(found, values, rtol=1e-5).any():
                raise NotYet(message)
        expected = forth / n**2 + backward / m**2
        raise NotYet(f"{found:.4f} for clusters of {n} and {m}, not {expected:.4f}")
    return "affinity of clusters"


def _clusters():
    for seed, one, other in (
        (0, [0, 3, 4], [1, 2, 5, 6, 7]),
        (1, [2], [0, 5]),
        (2, [7, 6, 1, 0], [3]),
    ):
        points = np.random.default_rng(seed).normal(size=(8, 2))
        yield joint_learning.affinity(points, 6), one, other


@exercise(
    "Ten negatives",
    hint="np.flatnonzero(cluster_labels != …) gives the places of the others; the "
    "anchor is a place, its cluster is cluster_labels[anchor].",
)
def ex11_3(negatives):
    labels = np.array([5, 5, 2, 2, 2, 9, 0, 0, 5, 9])
    for anchor in (0, 3, 6, 9):
        strangers = np.flatnonzero(labels != labels[anchor])
        seen = set()
        for seed in range(40):
            given = labels.copy(), anchor, np.random.default_rng(seed)
            found = np.asarray(attempted(negatives(*given)))
            again = negatives(labels.copy(), anchor, np.random.default_rng(seed))
            _check_negatives(found, again, labels, anchor, strangers)
            seen.update(found.tolist())
        if seen != set(strangers.tolist()):
            missing = sorted(set(strangers.tolist()) - seen)
            raise NotYet(f"every stranger may be drawn; {missing} never are")
    return "ten negatives"


def _check_negatives(found, again, labels, anchor, strangers):
    if found.shape != (10,) or found.dtype.kind not in "iu":
        raise NotYet(f"ten whole numbers are needed, not {found.dtype} {found.shape}")
    if not np.isin(found, np.arange(len(labels))).all():
        raise NotYet("those are no places: there are fewer pictures than that")
    if not np.isin(found, strangers).all():
        if np.isin(found, labels[strangers]).all():
            raise NotYet("return places of pictures, not their cluster labels")
        if (labels[found] == labels[anchor]).all():
            raise NotYet("those are of the anchor's own cluster: they are positives")
        raise NotYet("one of them is of the anchor's own cluster")
    if found.tolist() != np.asarray(again).tolist():
        raise NotYet("the same generator must give the same: draw with `generator`")


@exercise(
    "The triplet loss",
    hint="points[triplets[:, 0]] are all anchors. Square the differences, sum over "
    "axis 1, then np.maximum(0, …), and the mean last.",
)
def ex11_4(loss_of):
    for points, triplets in _triplets():
        found = attempted(loss_of(points.copy(), triplets.copy()))
        if np.ndim(found):
            raise NotYet("return one number: the mean over the triplets")
        expected = joint_learning.triplet_loss(points, triplets)
        if np.isclose(found, expected, rtol=1e-5):
            continue
        a, p, n = points[triplets.T]
        near, far = ((a - p) ** 2).sum(axis=1), ((a - n) ** 2).sum(axis=1)
        other = ((p - n) ** 2).sum(axis=1)
        raw = 2 * near - far + 0.5
        mistakes = {
            "square the distances: no square root": np.maximum(
                0, 2 * np.sqrt(near) - np.sqrt(far) + 0.5
            ).mean(),
            "max(0, …) is missing": raw.mean(),
            "max(0, …) belongs to each triplet, before the mean": max(0, raw.mean()),
            "take the mean, not the sum": np.maximum(0, raw).sum(),
            "positive and negative are swapped": np.maximum(
                0, 2 * far - near + 0.5
            ).mean(),
            "d⁺ counts twice": np.maximum(0, near - far + 0.5).mean(),
            "it is d⁺ that counts twice": np.maximum(0, near - 2 * far + 0.5).mean(),
            "0.5 is missing": np.maximum(0, 2 * near - far).mean(),
            "d⁻ starts at the anchor too": np.maximum(0, 2 * near - other + 0.5).mean(),
            "add up over the coordinates (axis 1), don't average them": np.maximum(
                0, (2 * near - far) / points.shape[1] + 0.5
            ).mean(),
        }
        for message, value in mistakes.items():
            if np.isclose(found, value, rtol=1e-5):
                raise NotYet(message)
        raise NotYet(f"{float(found):.4f}, where {expected:.4f} is expected")
    return "triplet loss"


def _triplets():
    generator = np.random.default_rng(4)
    for n, d in ((9, 3), (20, 2)):
        labels = np.arange(n) % 3
        points = generator.normal(size=(n, d)) * 0.6
        points[:, 0] += 0.9 * labels
        yield points, joint_learning.triplets(labels, 4, random_state=1)


@exercise(
    "Your own comparison",
    hint="The same seeds for both: a list of dicts, one a recipe and seed, then "
    "pd.DataFrame.",
)
def ex11_5(comparison):
    missing = {"recipe", "seed", "nmi"} - set(getattr(comparison, "columns", ()))
    if missing:
        raise NotYet(
            "give a table with the columns recipe, seed and nmi: it lacks "
            f"{', '.join(sorted(missing))}"
        )
    if comparison["recipe"].nunique() < 2:
        raise NotYet("one recipe is no comparison: take two or more")
    if comparison.duplicated(["recipe", "seed"]).any():
        raise NotYet("a recipe has more than one row for the same seed")
    nmi = comparison["nmi"].astype(float)
    if nmi.isna().any() or not nmi.between(0, 1).all():
        raise NotYet("every row needs an NMI between 0 and 1")
    seeds = comparison.groupby("recipe")["seed"].agg(lambda found: tuple(sorted(found)))
    if seeds.nunique() > 1:
        raise NotYet("every recipe gets the same seeds")
    if len(seeds.iloc[0]) < 3:
        raise NotYet("take at least three seeds: a single one may be luck")
    return comparison.groupby("recipe")["nmi"].mean().round(4).to_dict()
