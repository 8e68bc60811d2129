"""Checks of lesson 8: maps of images."""

import numpy as np
from scipy.spatial.distance import cdist

from course_utils.lessons.exercises import NotYet, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    read_letters,
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
        mistakes = {
            "Centre the points first: subtract the mean of every column.": _project(
                vectors, vectors, centre=False
            ),
            "Subtract the mean of every column, axis=0, not of every image.": (
                _project(by_images, by_images, centre=False),
                _project(by_images, by_images),
            ),
            "All columns of U have the same variance: multiply U by S, or C by V.": (
                left[:, :2]
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
        otherwise = "These are not the points along the first two directions."
        if _same_map(found - found.mean(axis=0), expected):
            otherwise = "Project the *centred* points, so that their mean is 0."
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
    """Equal up to the sign of each column."""
    atol = 1e-4 * max(1, np.abs(expected).max())
    return same_numbers(np.abs(found), np.abs(expected), atol=atol)


@exercise(
    "Neighbours kept",
    hint="Put infinity on the diagonal of both tables of distances, sort every row, "
    "take the first k; then count what the two sets of an image share; divide by k.",
)
def ex08_2(neighbours_kept):
    """Write `neighbours_kept(vectors, points, k)`: the mean share of neighbours kept.

    It is the share of the k nearest neighbours in `vectors` that are also among the k
    nearest in `points`. No image is its own neighbour.
    """
    for vectors, points, k in _maps():
        found = as_number(call_function(neighbours_kept, vectors, points, k))
        one, other = _nearest(vectors, k), _nearest(points, k)
        shared = _count_shared(one, other)
        expected = shared.mean() / k
        with_itself = _count_shared(
            _nearest(vectors, k, itself=True), _nearest(points, k, itself=True)
        )
        farthest = _count_shared(
            _nearest(vectors, k, far=True), _nearest(points, k, far=True)
        )
        mistakes = {
            "No image is its own neighbour: leave the diagonal out.": (
                with_itself.mean() / k
            ),
            "These are the images furthest away: sort upwards.": farthest.mean() / k,
            "This is a mean number of neighbours: divide by k.": shared.mean(),
            "This is a sum: divide by the number of images.": shared.sum() / k,
            "Divide by k, not by the number of images.": (shared / len(one)).mean(),
            "You compare the neighbours index by index, but their order does not "
            "count.": np.mean(one == other),
            "This is the intersection over the union: divide by k.": np.mean(
                shared / (2 * k - shared)
            ),
            "This is the share that is lost.": 1 - expected,
        }
        otherwise = f"You give {found:.4f}; {expected:.4f} is right (k={k})."
        compare_answer(found, expected, mistakes, otherwise)
    return "share of the k nearest"


def _maps():
    generator = np.random.default_rng(72)
    for n_images, k in ((40, 5), (25, 3)):
        vectors = generator.normal(size=(n_images, 6)) * [4, 3, 1, 1, 1, 1]
        yield vectors, vectors[:, :2] + generator.normal(size=(n_images, 2)) * 0.3, k


def _nearest(places, k, itself=False, far=False):
    apart = cdist(places, places)
    if not itself and not far:
        np.fill_diagonal(apart, np.inf)
    return np.argsort(-apart if far else apart, axis=1, kind="stable")[:, :k]


def _count_shared(one, other):
    return np.array([len({*a} & {*b}) for a, b in zip(one, other, strict=True)])


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
        found = as_number(call_function(trustworthiness, vectors, points, k))
        n_images = len(points)
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
            "Ranks start with 1 at the nearest neighbour; 0 is the image itself.": (
                score(np.maximum(0, faults - 1))
            ),
            "Ranks start with 1 at the nearest neighbour, not with 2.": (
                score(np.maximum(0, faults + 1))
            ),
            "An image is not among its own neighbours.": score(np.maximum(0, own)),
            "The fault is r − k, not r.": score((faults + k) * (faults > 0)),
            "The factor lacks the 2 in the numerator.": (1 + expected) / 2,
        }
        otherwise = f"You give {found:.4f}; {expected:.4f} is right (k={k})."
        compare_answer(found, expected, mistakes, otherwise)
    return "trustworthiness"


def _faults(places, neighbours, k):
    """The ranks of the neighbours by the distances between the places, minus k."""
    ranks = np.argsort(np.argsort(cdist(places, places), axis=1), axis=1)
    return np.take_along_axis(ranks, neighbours, axis=1) - k


STATEMENTS = {
    "a": "A projection makes no distance longer, so what is far apart on the map was "
    "far apart before.",
    "b": "Look at the synthetic clusters: was the wide one wide on UMAP's map?",
    "c": "Look at the synthetic clusters: was the far one far on the map?",
    "d": "The third dimension is hidden: two dots may be far behind each other.",
    "e": "PCA is the same for every seed. Did it keep the most neighbours?",
    "f": "Rotate or mirror such a map: does its cost change?",
    "g": "Remember the maps of noise.",
}

TRUE = frozenset("afg")


@exercise("What a map may tell you", hint="Go back to the figures of sections 1 and 3.")
def ex08_4(true_statements):
    """Choose the statements, letters from a to g, that are true."""
    letters = read_letters(true_statements, STATEMENTS)
    for letter in sorted(letters ^ TRUE):
        raise NotYet(f"Think about {letter} again. {STATEMENTS[letter]}")
    return sorted(letters)
