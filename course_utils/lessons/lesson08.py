"""Checks of lesson 8: maps of images."""

import itertools

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from course_utils import maps
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    read_letters,
    require_words,
    same_numbers,
)


@exercise(
    "PCA in two dimensions",
    hint="Subtract the mean of every column, call np.linalg.svd, and multiply the "
    "centred points by the first two rows of Vᵀ, transposed.",
)
def ex08_1(pca_2d):
    """Write `pca_2d(vectors)`: project (n, d) onto its first two principal directions.

    Return (n, 2), centred. The sign of each column is arbitrary.
    """
    for vectors in _clouds():
        n_images, width = vectors.shape
        centred = vectors - vectors.mean(axis=0)
        expected = _project(centred, vectors)
        known_shapes = {
            (2, n_images): f"Return one row per image, shape ({n_images}, 2).",
            (2, width): "These are the two directions: multiply the points by them.",
        }
        value = call_function(pca_2d, vectors)
        found = as_array(value, "two numbers per image", (n_images, 2), known_shapes)
        left, singular, axes = np.linalg.svd(centred, full_matrices=False)
        by_images = vectors - vectors.mean(axis=1, keepdims=True)
        otherwise = "These are not the points along the first two directions."
        if same_numbers(np.abs(found), np.abs(expected), atol=1e-4):
            otherwise = (
                "Signs within a column are mixed up: the sign of a whole axis is "
                "arbitrary, but not that of a single image."
            )
        elif _same_map(found - found.mean(axis=0), expected):
            otherwise = "Project the *centred* points, so that their mean is 0."
        scales = np.abs(expected).max(axis=0), expected.std(axis=0)
        scales += (expected.std(axis=0, ddof=1), np.linalg.norm(expected, axis=0))
        mistakes = {
            "Centre the points first: subtract the mean of every column.": _project(
                vectors, vectors, centre=False
            ),
            "Subtract the mean of every column, axis=0, not of every image.": (
                _project(by_images, by_images, centre=False),
                _project(by_images, by_images),
            ),
            "The coordinates are rescaled: take C @ V, or U times S, as it is.": (
                left[:, :2],
                *(expected / scale for scale in scales),
                expected / np.linalg.norm(expected, axis=1, keepdims=True),
            ),
            "What np.linalg.svd returns is Vᵀ, whose *rows* are the directions.": (
                centred @ axes[:, :2] if axes.shape == (width, width) else ()
            ),
            "These are the *last* two directions; the first have the largest "
            "variance.": (left * singular)[:, -2:],
            "The first column is the direction of the largest variance.": (
                expected[:, ::-1]
            ),
        }
        compare_answer(found, expected, mistakes, otherwise, _same_map)
    return "two directions"


def _clouds():
    generator = np.random.default_rng(71)
    for n_images, width in ((30, 6), (9, 9), (8, 20)):
        scale = 1 + np.arange(width)[::-1]
        yield generator.normal(size=(n_images, width)) * scale + 5


def _project(points, of, centre=True):
    _, _, axes = np.linalg.svd(of - of.mean(axis=0) * centre, full_matrices=False)
    return points @ axes[:2].T


def _same_map(found, expected):
    """Equal up to the sign of each column, the same for all images."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return False
    atol = 1e-4 * max(1, np.abs(expected).max())
    return all(
        any(same_numbers(sign * one, other, atol=atol) for sign in (1, -1))
        for one, other in zip(found.T, expected.T, strict=True)
    )


@exercise(
    "Neighbours kept",
    hint="Put infinity on the diagonal of both tables of distances, sort every row by "
    "np.argsort, take the first k; then count what the two sets of an image share, "
    "and divide by k.",
)
def ex08_2(neighbours_kept):
    """Write `neighbours_kept(vectors, points, k)`: the share that each image keeps.

    It is the share of its k nearest neighbours in `vectors` that are also among its k
    nearest in `points`, one number per image, (n,). No image is its own neighbour.
    """
    for vectors, points, k in _maps():
        value = call_function(neighbours_kept, vectors, points, k)
        one, other = _nearest(vectors, k), _nearest(points, k)
        shared, n_images = _count_shared(one, other), len(points)
        expected = shared / k
        rows = as_array(value, "one share per image")
        if rows.size == 1:
            raise NotYet(
                "Return one share per image, not their mean."
                if same_numbers(rows.item(), expected.mean())
                else "Return one share per image, not a single number."
            )
        if rows.shape in ((n_images, 1), (1, n_images)):
            rows = rows.ravel()
        known_shapes = {
            (n_images, k): "Count the neighbours that both have, one number per image.",
            (n_images, n_images): "Return one share per image, not a table of pairs.",
        }
        found = as_array(rows, "one share per image", (n_images,), known_shapes)
        with_itself = [
            _count_shared(_nearest(vectors, m, itself=True), _nearest(points, m, True))
            for m in (k, k + 1)
        ]
        farthest = _count_shared(
            _nearest(vectors, k, far=True), _nearest(points, k, far=True)
        )
        fixed = [
            _count_shared(_nearest(vectors, m), _nearest(points, m)) / m
            for m in OTHER_K
        ]
        mistakes = {
            "No image is its own neighbour: leave the diagonal out.": (
                with_itself[0] / k,
                with_itself[1] / k,
                with_itself[1] / (k + 1),
                (with_itself[0] - 1) / k,
            ),
            "These are the images farthest away: sort upwards.": farthest / k,
            "These are numbers of neighbours: divide by k.": shared,
            "Divide by k, not by the number of images.": shared / n_images,
            "You compare the neighbours index by index, but their order does not "
            "count.": np.mean(one == other, axis=1),
            "This is the intersection over the union: divide by k.": shared
            / (2 * k - shared),
            "These are the shares that are lost.": 1 - expected,
            "Count in the rows of the table of neighbours, not in its columns.": (
                _shared_by_column(one, other) / k
            ),
            "Use the argument k, not a fixed number of neighbours.": tuple(fixed),
            "Neighbours are sought by Euclidean distance, not by cosine.": (
                _count_shared(_nearest(vectors, k, metric="cosine"), other) / k,
                _count_shared(
                    _nearest(vectors, k, metric="cosine"),
                    _nearest(points, k, metric="cosine"),
                )
                / k,
            ),
        }
        wrong = np.flatnonzero(~np.isclose(found, expected, atol=1e-4))
        otherwise = "Something is wrong."
        if len(wrong):
            place = wrong[0]
            otherwise = (
                f"For image {place} you give {found[place]:.4f}; "
                f"{expected[place]:.4f} is right (k={k})."
            )
        compare_answer(found, expected, mistakes, otherwise)
    return "share of the k nearest, per image"


OTHER_K = (10, 5, 3)  # that a function might have built in


def _maps():
    generator = np.random.default_rng(72)
    for n_images, k in ((40, 5), (25, 3)):
        vectors = generator.normal(size=(n_images, 6)) * [4, 3, 1, 1, 1, 1]
        yield vectors, vectors[:, :2] + generator.normal(size=(n_images, 2)) * 0.3, k


def _nearest(places, k, itself=False, far=False, metric="euclidean"):
    apart = cdist(places, places, metric)
    if not itself and not far:
        np.fill_diagonal(apart, np.inf)
    return np.argsort(-apart if far else apart, axis=1, kind="stable")[:, :k]


def _count_shared(one, other):
    return np.array([len({*a} & {*b}) for a, b in zip(one, other, strict=True)])


def _shared_by_column(one, other):
    """How many images have an image among both their neighbours."""
    counts = np.zeros(len(one))
    for first, second in zip(one, other, strict=True):
        counts[np.intersect1d(first, second)] += 1
    return counts


@exercise(
    "Trustworthiness",
    hint="The neighbours come from the map, their ranks from the features. "
    "np.take_along_axis looks up the ranks of the neighbours.",
)
def ex08_3(trustworthiness):
    """Write `trustworthiness(vectors, points, k)`, the formula above.

    It lowers 1 by the faults r - k of neighbours on the map whose rank r in the
    features is above k.
    """
    for vectors, points, k in _maps():
        value = call_function(trustworthiness, vectors, points, k)
        n_images = len(points)
        if np.size(as_array(value, "one number")) == n_images:
            raise NotYet("Add the faults of all images: return one number for the map.")
        found = as_number(value)
        factor = 2 / (n_images * k * (2 * n_images - 3 * k - 1))
        faults = _faults(vectors, _nearest(points, k), k)
        swapped = _faults(points, _nearest(vectors, k), k)
        own = _faults(vectors, _nearest(points, k, itself=True), k)

        def score(faults, factor=factor):
            return 1 - factor * np.sum(faults)

        expected = score(np.maximum(0, faults))
        mistakes = {
            "The map and the features are swapped: take the neighbours on the map and "
            "their ranks in the features.": score(np.maximum(0, swapped)),
            "This is the sum of the faults with its factor: subtract it from 1.": (
                1 - expected
            ),
            "The max(0, …) is missing: a good neighbour does not make up for a false "
            "one.": score(faults),
            "The fault is max(0, r − k), not its absolute value.": (
                score(np.abs(faults))
            ),
            "Ranks start with 1 at the nearest neighbour; 0 is the image itself.": (
                score(np.maximum(0, faults - 1))
            ),
            "Ranks start with 1 at the nearest neighbour, not with 2.": (
                score(np.maximum(0, faults + 1))
            ),
            "An image is not among its own neighbours.": score(np.maximum(0, own)),
            "The fault is r − k, not r.": score((faults + k) * (faults > 0)),
            "The factor lacks the 2 in the numerator.": (1 + expected) / 2,
            "This is the mean of the faults with its factor: take their sum.": (
                1 - factor * np.maximum(0, faults).mean(),
                1 - factor * np.maximum(0, faults).sum(axis=1).mean(),
            ),
            "Each false neighbour counts by its rank, not as 1.": score(faults > 0),
            "np.argsort gives the order: sort twice to get ranks.": score(
                np.maximum(0, _faults(vectors, _nearest(points, k), k, once=True))
            ),
            "Use the argument k, not a fixed number of neighbours.": tuple(
                sklearn_trustworthiness(vectors, points, n_neighbors=m) for m in OTHER_K
            ),
        }
        otherwise = f"You give {found:.4f}; {expected:.4f} is right (k={k})."
        compare_answer(found, expected, mistakes, otherwise)
    return "trustworthiness"


def _faults(places, neighbours, k, once=False):
    """The ranks of the neighbours by the distances between the places, minus k.

    once: the mistake of sorting once only.
    """
    ranks = np.argsort(cdist(places, places), axis=1)
    if not once:
        ranks = np.argsort(ranks, axis=1)
    return np.take_along_axis(ranks, neighbours, axis=1) - k


STATEMENTS = {
    "a": "A projection makes no distance longer, so what is far apart on the map was "
    "far apart before.",
    "b": "Look at the synthetic clusters: was the wide one wide on UMAP's map?",
    "c": "Look at the synthetic clusters: was the far one far on the map?",
    "d": "The third dimension is hidden: two dots may be far behind each other.",
    "e": "PCA's map is the same for every seed. Did it keep the most neighbours?",
    "f": "Rotate or mirror such a map: does its cost change?",
    "g": "Remember the maps of noise.",
}

TRUE = frozenset("afg")


@exercise(
    "What a map may tell you",
    hint="Go back to sections 1 and 3: what does a projection do to distances, and "
    "what happened to noise and to the wide cluster C?",
)
def ex08_4(true_statements):
    """Choose the statements, letters from a to g, that are true."""
    letters = read_letters(true_statements, STATEMENTS)
    for letter in sorted(letters ^ TRUE):
        raise NotYet(f"Think about {letter} again. {STATEMENTS[letter]}")
    return sorted(letters)


K_CHECKED = 10  # neighbours, in the lesson and in 8.5


@exercise(
    "Your own maps",
    hint="my_features = normalize(representations.extract(stamps, 'hog')), and "
    "my_maps = {'UMAP': maps.layout(my_features, 'umap'), 't-SNE': "
    "maps.layout(my_features, 'tsne')}.",
)
def ex08_5(my_features, my_maps, sentence):
    """Draw at least two maps of the same features, and say what both allow to say.

    my_features is (n, d), my_maps {name: points (n, 2)}; the sentence has 8 to 80
    words. Neighbours kept, trustworthiness and hotspots of each map are computed here.
    """
    features = _own_features(my_features)
    if not isinstance(my_maps, dict):
        raise NotYet("Give the maps as a dict, {name: points}.")
    if len(my_maps) < 2:
        raise NotYet("Give two maps or more: one cannot show what depends on it.")
    drawn = {str(n): _own_map(n, points, features) for n, points in my_maps.items()}
    for one, other in itertools.combinations(drawn, 2):
        if _same_distances(drawn[one], drawn[other]):
            raise NotYet(
                f"The maps {one!r} and {other!r} are the same, up to their orientation "
                "and scale: change a setting or the algorithm."
            )
    require_words(sentence, "The sentence", 8, 80, different=8)
    found = {name: _measure(features, points) for name, points in drawn.items()}
    return {"maps": found, "n_images": len(features), "sentence": str(sentence)}


def _own_features(value):
    features = as_array(attempted(value), "features, one row per image")
    if features.ndim != 2 or features.shape[1] < 3:
        raise NotYet(
            "my_features must have shape (n, d) with more than two columns, but has "
            f"{features.shape}: give the features, not a map."
        )
    if len(features) <= 3 * K_CHECKED:
        raise NotYet(f"Take more than {3 * K_CHECKED} images, got {len(features)}.")
    if not np.isfinite(features).all():
        raise NotYet("my_features has values that are not finite.")
    if len(np.unique(features, axis=0)) < len(features) / 2:
        raise NotYet("Most rows of my_features are equal: are these features?")
    return features


def _own_map(name, value, features):
    points = as_array(attempted(value), f"the map {name!r}", (len(features), 2))
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() == 0:
        raise NotYet(f"The map {name!r} is not a place for every image.")
    kept, chance = maps.neighbours_kept(features, points, K_CHECKED).mean(), K_CHECKED
    chance /= len(points) - 1
    if kept < 1.5 * chance:
        raise NotYet(
            f"The map {name!r} keeps {kept:.2f} of the neighbours, no more than random "
            f"places ({chance:.2f}): is it a map of my_features, in the same order?"
        )
    return points


def _same_distances(one, other):
    """Whether two maps are one, turned, mirrored or scaled."""
    first, second = (cdist(x, x) for x in (one, other))
    return np.allclose(first / first.max(), second / second.max(), atol=1e-4)


def _measure(features, points):
    trust = sklearn_trustworthiness(features, points, n_neighbors=K_CHECKED)
    kept = maps.neighbours_kept(features, points, K_CHECKED).mean()
    return {
        "neighbours_kept": round(float(kept), 4),
        "trustworthiness": round(float(trust), 4),
        "hotspots": len(maps.find_hotspots(points, features)),
    }
