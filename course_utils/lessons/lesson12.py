"""Checks of lesson 12: learning to cluster."""

import numpy as np
from scipy import sparse, stats
from scipy.spatial.distance import cdist

from course_utils.clustering import joint_learning, neighbour_heads
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    require_words,
    run_clusterings,
    says_level,
    score_runs,
)

N_SEEDS = 3


@exercise(
    "Affinity",
    hint="Square the distances; np.argsort along each row puts the nearest first; the "
    "very first is the point itself. σ² is one number, the mean of the squares kept.",
)
def ex12_1(affinity_matrix):
    """Write `affinity_matrix(points, n_neighbours)`: W of shape (n, n).

    W[i, j] is exp(-d² / σ²) if j is one of the nearest neighbours of i, else 0; σ² is
    the mean of d² over all neighbours. A point is not its own neighbour.
    """
    for seed, n_neighbours in ((0, 3), (1, 1), (2, 6)):
        points = np.random.default_rng(seed).normal(size=(12, 2))
        value = call_function(affinity_matrix, points, n_neighbours)
        if sparse.issparse(value):
            raise NotYet("This is a sparse matrix: return an array, W.toarray().")
        found = as_array(value, "one weight per pair of points", (12, 12))
        expected = joint_learning.affinity(points, n_neighbours)
        mistakes = _wrong_affinities(points, n_neighbours)
        n_kept = (found > 0).sum(axis=1)
        if (n_kept != n_neighbours).any():
            yours = " or ".join(map(str, np.unique(n_kept)))
            otherwise = (
                f"For n_neighbours={n_neighbours}, each row should have {n_neighbours} "
                f"weights above 0; yours have {yours}."
            )
        elif ((found > 0) != (expected > 0)).any():
            otherwise = "These are not the nearest points."
        else:
            otherwise = (
                "These are the right neighbours but the wrong weights: is σ² the mean "
                "of the squared distances to neighbours?"
            )
        compare_answer(found, expected, mistakes, otherwise)
    return "affinity"


def _wrong_affinities(points, n_neighbours):
    distances = cdist(points, points)
    squares = distances**2
    expected = joint_learning.affinity(points, n_neighbours)
    kept = expected > 0
    with_itself = np.argsort(squares, axis=1)[:, :n_neighbours]
    first = np.zeros_like(kept)
    np.put_along_axis(first, with_itself, True, axis=1)

    def weights(where, values, variance):
        return np.where(where, np.exp(-values / variance), 0)

    variance = squares[kept].mean()
    return {
        "This is the transpose: row i is what point i points at.": expected.T,
        "Do not make W symmetric: a neighbour does not have to point back.": np.maximum(
            expected, expected.T
        ),
        "Do not make W symmetric by averaging both directions.": (expected + expected.T)
        / 2,
        "A point is not its own neighbour: leave out the first of the sorted row.": (
            weights(first, squares, squares[first].mean() or 1),
            weights(kept | np.eye(12, dtype=bool), squares, variance),
        ),
        "Take σ² as the mean over neighbours only, not over all pairs.": weights(
            kept, squares, squares.mean()
        ),
        "Take σ² as the mean of d², not as the square of the mean of d.": weights(
            kept, squares, distances[kept].mean() ** 2
        ),
        "Square the distances.": weights(kept, distances, distances[kept].mean()),
        "Square the distances in the exponential too.": weights(
            kept, distances, variance
        ),
        "Divide by σ², not by σ.": weights(kept, squares, np.sqrt(variance)),
    }


@exercise(
    "Affinity of two clusters",
    hint="there = weights[np.ix_(one, other)] has a column for each j of other: sum it "
    "over axis 0. back = weights[np.ix_(other, one)] has a row for each j: axis 1.",
)
def ex12_2(between):
    """Write `between(weights, one, other)`: the affinity of two clusters.

    one and other are the indices of their points; weights is the matrix W.
    """
    for weights, one, other in _clusters():
        found = as_number(call_function(between, weights, one, other))
        there, back = weights[np.ix_(one, other)], weights[np.ix_(other, one)]
        forth = there.sum(axis=0) @ back.sum(axis=1)
        backward = back.sum(axis=0) @ there.sum(axis=1)
        n, m = len(one), len(other)
        mistakes = {
            "This is one direction only: add the other.": (
                forth / n**2,
                backward / m**2,
            ),
            "Divide each direction by the square of a cluster's size.": (
                forth + backward
            ),
            "Divide by the square of the size.": forth / n + backward / m,
            "Divide the direction from A by |A|², not by |B|².": (
                forth / m**2 + backward / n**2
            ),
            "Divide one direction by |A|², the other by |B|², not by |A| |B|.": (
                (forth + backward) / (n * m)
            ),
            "For each point j, multiply what A sends to it by what it sends back.": (
                there.sum() / n**2 + back.sum() / m**2,
                there.sum() + back.sum(),
                there.mean() + back.mean(),
            ),
            "Multiply point by point, then add up: do not multiply the sums of all.": (
                there.sum() * back.sum() * (1 / n**2 + 1 / m**2)
            ),
            "Point j sends back to *all* of A: sum before you multiply.": (
                (there * back.T).sum() * (1 / n**2 + 1 / m**2)
            ),
        }
        expected = forth / n**2 + backward / m**2
        otherwise = (
            f"For clusters of {n} and {m} points, you give {found:.4f}; right is "
            f"{expected:.4f}."
        )
        compare_answer(found, expected, mistakes, otherwise)
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
    hint="np.flatnonzero(cluster_labels != …) gives the indices of the others; the "
    "anchor is an index, its cluster is cluster_labels[anchor].",
)
def ex12_3(negatives):
    """Write `negatives(cluster_labels, anchor, generator)`: ten random indices.

    They are of points in other clusters than the anchor's, all of which are equally
    likely; a point may appear twice.
    """
    labels = np.array([5, 5, 2, 2, 2, 2, 9, 0, 0, 5, 2, 2, 2])
    for anchor in (0, 4, 6, 8):
        strangers = np.flatnonzero(labels != labels[anchor])

        def draw(seed, anchor=anchor):
            generator = np.random.default_rng(seed)
            value = call_function(negatives, labels, anchor, generator)
            return as_array(value, "ten indices", (10,))

        drawn = np.array([draw(seed) for seed in range(200)])
        _check_negatives(drawn, labels, anchor, strangers)
        if not np.array_equal(drawn[:5], [draw(seed) for seed in range(5)]):
            raise NotYet(
                "Draw with `generator`: the same generator must give the same indices."
            )
        _check_draws(drawn.astype(int), labels, strangers)
    return "ten negatives"


def _check_negatives(drawn, labels, anchor, strangers):
    """All drawn indices must be of points in other clusters than the anchor's."""
    if not np.isin(drawn, np.arange(len(labels))).all():
        raise NotYet("These are not indices of points: whole numbers from 0 on.")
    if np.isin(drawn, strangers).all():
        return
    if np.isin(drawn, labels[strangers]).all():
        raise NotYet("Return indices of points, not their cluster labels.")
    if (labels[drawn.astype(int)] == labels[anchor]).all():
        raise NotYet("These are in the anchor's own cluster: they are positives.")
    raise NotYet("Some of them are in the anchor's own cluster.")


def _check_draws(drawn, labels, strangers):
    """All strangers must be about equally frequent, and draws differ."""
    if (drawn == drawn[0]).all():
        raise NotYet(
            "Every generator gives the same indices: draw them at random, with "
            "`generator`."
        )
    counts = np.bincount(drawn.ravel(), minlength=len(labels))[strangers]
    if (counts == 0).any():
        missing = strangers[counts == 0].tolist()
        raise NotYet(f"Every stranger may be drawn, but {missing} never are.")
    if stats.chisquare(counts).pvalue < 1e-6:
        raise NotYet(
            "The strangers are not equally likely: draw among all their indices at "
            "once, not a cluster first."
        )


@exercise(
    "The triplet loss",
    hint="points[triplets[:, 0]] are all anchors. Square the differences, sum over "
    "axis 1, then np.maximum(0, …), and the mean last.",
)
def ex12_4(loss_of):
    """Write `loss_of(points, triplets)`: the mean of max(0, 2d⁺ - d⁻ + 0.5).

    Each row of triplets has the indices of anchor, positive and negative; d⁺ and d⁻ are
    the squared distances of positive and negative to the anchor.
    """
    for points, triplets in _triplets():
        what = "one number, the mean over the triplets"
        found = as_number(call_function(loss_of, points, triplets), what)
        expected = joint_learning.triplet_loss(points, triplets)
        a, p, n = points[triplets.T]
        near, far = ((a - p) ** 2).sum(axis=1), ((a - n) ** 2).sum(axis=1)
        other = ((p - n) ** 2).sum(axis=1)
        raw = 2 * near - far + 0.5

        def mean(values):
            return np.maximum(0, values).mean()

        mistakes = {
            "Square the distances: take no square root.": mean(
                2 * np.sqrt(near) - np.sqrt(far) + 0.5
            ),
            "The max(0, …) is missing.": raw.mean(),
            "Apply max(0, …) to each triplet, before the mean.": max(0, raw.mean()),
            "Take the mean, not the sum.": np.maximum(0, raw).sum(),
            "Positive and negative are swapped.": mean(2 * far - near + 0.5),
            "Count d⁺ twice.": mean(near - far + 0.5),
            "Count d⁺ twice, not d⁻.": mean(near - 2 * far + 0.5),
            "The margin 0.5 is missing.": mean(2 * near - far),
            "Measure d⁻ from the anchor too.": mean(2 * near - other + 0.5),
            "Add up over the coordinates (axis 1), do not average them.": mean(
                (2 * near - far) / points.shape[1] + 0.5
            ),
        }
        otherwise = f"You give {found:.4f}; right is {expected:.4f}."
        compare_answer(found, expected, mistakes, otherwise)
    return "triplet loss"


def _triplets():
    generator = np.random.default_rng(4)
    for n, d in ((9, 3), (20, 2)):
        labels = np.arange(n) % 3
        points = generator.normal(size=(n, d)) * 0.6
        points[:, 0] += 0.9 * labels
        yield points, joint_learning.triplets(labels, 4, random_state=1)


@exercise(
    "The loss of TEMI",
    hint="(student * teacher) ** beta / shares has one row per pair: sum over axis 1, "
    "take the logarithm, then the mean, with a minus.",
)
def ex12_5(pair_loss):
    """Write `pair_loss(student, teacher, shares, beta)`: −mean log Σ (s t)^β / share.

    The sum is over the clusters, the mean over the pairs. student and teacher have one
    row per pair and one column per cluster; shares has one number per cluster.
    """
    generator = np.random.default_rng(5)
    for n_pairs, k, beta in ((8, 4, 0.6), (5, 3, 1.0), (12, 5, 0.75)):
        student, teacher = generator.dirichlet([0.8] * k, (2, n_pairs))
        shares = generator.dirichlet([3.0] * k)
        value = call_function(pair_loss, student, teacher, shares, beta)
        found = as_number(value, "one number, the mean over the pairs")
        expected = neighbour_heads.temi_loss(student, teacher, shares, beta)
        products = student * teacher
        sums = (products**beta / shares).sum(axis=1)

        def cost(values):
            return -np.log(values.sum(axis=1)).mean()

        mistakes = {
            "The sign is wrong: take the minus of the mean.": np.log(sums).mean(),
            "Take the mean over the pairs, not the sum.": -np.log(sums).sum(),
            "Take the logarithm first, then the mean.": -np.log(sums.mean()),
            "Take the natural logarithm, np.log.": -np.log2(sums).mean(),
            "Sum over the clusters before you take the logarithm.": (
                -np.log(products**beta / shares).sum(axis=1).mean(),
                -np.log(products**beta / shares).mean(),
            ),
            "Divide by the shares, do not multiply.": cost(products**beta * shares),
            "Divide by the shares after the power, not inside it.": cost(
                (products / shares) ** beta
            ),
            "The division by the shares is missing.": cost(products**beta),
            "The student is in the power too: (s t)^β.": cost(
                student * teacher**beta / shares
            ),
            "The teacher is in the power too: (s t)^β.": cost(
                student**beta * teacher / shares
            ),
        }
        if beta != 1:
            mistakes["The power β is missing."] = cost(products / shares)
            mistakes["Raise each product to the power β, not the sum."] = (
                -np.log((products / shares).sum(axis=1) ** beta).mean(),
                -np.log(products.sum(axis=1) ** beta).mean(),
            )
        otherwise = f"You give {found:.4f}; right is {expected:.4f}."
        compare_answer(found, expected, mistakes, otherwise)
    return "loss of TEMI"


@exercise(
    "When does learning pay?",
    hint='recipes = {"merging": lambda seed: …, "TEMI": lambda seed: …}; each returns '
    "one label per stamp. Compare the gap of the means with the spread over the seeds.",
)
def ex12_6(recipes, sentence):
    """Compare two recipes or more for learning to cluster, over three seeds.

    recipes is {name: function}: function(seed) returns the cluster labels of all stamps
    or of all photos, for the seeds 0 to 2. They are run and scored here. A recipe
    without chance may ignore its seed, but one of them must use it. The sentence names
    the recipe with the highest mean NMI, or says that the gap is too small to tell.
    """
    require_words(attempted(sentence), "The sentence", 8, 80, different=7)
    how = {"n_runs": N_SEEDS, "at_least": "two"}
    found = run_clusterings(recipes, "recipe", "the seed", **how)
    scores = {name: score_runs(name, runs) for name, runs in found.items()}
    means = {name: round(float(np.mean(nmi)), 4) for name, nmi in scores.items()}
    best, second = sorted(means, key=means.get, reverse=True)[:2]
    gap = means[best] - means[second]
    spread = max(0.02, *(float(np.std(nmi)) for nmi in scores.values()))
    text = str(sentence)
    says_undecided = says_level(text)
    if gap > 2 * spread and says_undecided and best.casefold() not in text.casefold():
        raise NotYet(
            f"The gap of {gap:.3f} is more than twice the spread over the seeds, "
            f"{spread:.3f}: {best!r} scores higher here. Say so."
        )
    if best.casefold() not in text.casefold() and not says_undecided:
        raise NotYet(
            f"The highest mean NMI has {best!r}, with {means[best]:.3f}: name it in "
            "the sentence, or say that the gap is too small to tell."
        )
    return {"nmi": means, "spread": round(spread, 4), "sentence": text}
