"""Checks of lesson 3: images as raw pixels."""

from functools import partial

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import NotYet, attempted, exercise
from course_utils.lessons.matching import (
    as_array,
    as_number,
    call_function,
    compare_answer,
    find_mistake,
    read_letters,
    same_numbers,
)

TRIES = range(5)  # seeds of k-means in the open exercise

UNNOTICED = set("adeh")

WHY = {
    "a": "If every image is mirrored, the same pixels are still compared.",
    "b": "Between a mirrored image and one that is not, different pixels are compared.",
    "c": "Squaring widens the gaps between bright values and narrows dark ones.",
    "d": "If every value is halved, so is every distance: the nearest stays nearest.",
    "e": "A sum does not depend on the order of its terms, so no distance changes.",
    "f": "If each image has an order of its own, different pixels are compared.",
    "g": "In grey, two colours of the same brightness become equal.",
    "h": "Since (1 - a) - (1 - b) is b - a, the square of the difference is the same.",
}


def _image(seed=0, height=32, width=32):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


@exercise(
    "There and back again", hint="ravel() goes there, reshape(32, 32, 3) comes back."
)
def ex03_1(to_vector, to_picture):
    """Write `to_vector(picture)` and `to_picture(vector)`.

    The first turns an image (32, 32, 3) of uint8 into a vector of 3,072 shares from 0
    to 1, the second turns such a vector back into the image.
    """
    image = _image()
    expected = np.array([value for row in image for pixel in row for value in pixel])
    vector = as_array(call_function(to_vector, image), "a vector", (3072,))
    if np.array_equal(vector, expected):
        raise NotYet("The values still go up to 255: scale them to go from 0 to 1.")
    if set(np.unique(vector)) <= {0.0, 1.0}:
        raise NotYet("Only 0 and 1 are left: // divides integers, / gives shares.")
    if not same_numbers(vector, expected / 255):
        if same_numbers(np.sort(vector), np.sort(expected / 255)):
            raise NotYet(
                "These are the right numbers in another order: go row by row, pixel by "
                "pixel, red, green, blue, and move no axis."
            )
        raise NotYet("These are not the numbers of the image divided by 255.")
    for kind in (np.float32, np.float64):
        _check_back(to_picture, expected.astype(kind) / kind(255), image)
    return "both directions"


def _check_back(to_picture, vector, image):
    back = np.asarray(call_function(to_picture, vector))
    if back.shape != image.shape:
        raise NotYet(f"What comes back has shape {back.shape}, not (32, 32, 3).")
    if np.allclose(back, image / 255, atol=1e-6):
        raise NotYet("The values that come back go from 0 to 1: undo the division too.")
    if (back == 0).mean() > 0.9:
        raise NotYet(
            "Nearly everything is 0: shares below 1 became integers before they were "
            "multiplied by 255."
        )
    if back.dtype != np.uint8:
        raise NotYet(f"Expected an image of type uint8, but got {back.dtype}.")
    if not np.array_equal(back, image):
        raise NotYet("The pixels come back at other places: is the order the same?")


@exercise(
    "The distance between two images",
    hint="Make both images float and divide by 255 before you subtract.",
)
def ex03_2(pixel_distance):
    """Write `pixel_distance(first, second)`: the Euclidean distance of two images.

    Both are of uint8, (height, width, 3); divide their values by 255.
    """
    for seed, (height, width) in enumerate(((32, 32), (5, 7), (1, 1))):
        first, second = _image(seed, height, width), _image(seed + 9, height, width)
        value = call_function(pixel_distance, first, second)
        found = as_number(value, "one number, the sum over all three axes")
        gaps = (first.astype(float) - second) / 255
        right = np.sqrt((gaps**2).sum())
        if not same_numbers(found, right, rtol=1e-4):
            raise NotYet(_wrong_distance(found, first, second, gaps, right))
    return found


def _wrong_distance(found, first, second, gaps, right):
    wrapped = (first - second).astype(float)
    squares = ((first - second) ** 2).astype(float)
    overflown = (wrapped**2, squares, wrapped**2 / 255**2, squares / 255**2)
    mean = (gaps**2).mean()
    mistakes = {
        "The square root is missing.": right**2,
        "The values are not divided by 255.": right * 255,
        "The square root and the division by 255 are missing.": (right * 255) ** 2,
        "Nothing is squared: this is the Manhattan distance.": np.abs(gaps).sum(),
        "This is a mean over the numbers; a distance takes the sum.": mean**0.5,
        "This is a mean of squares: take the sum, then the square root.": mean,
        "Plus and minus cancel: square before you add up.": gaps.sum(),
        "Eight bits overflowed: 3 - 5 is 254 in uint8, and squares wrap around too. "
        "Convert to float first.": tuple(
            root(values.sum()) for values in overflown for root in (np.sqrt, float)
        ),
    }
    mistake = find_mistake(found, mistakes, partial(same_numbers, rtol=1e-3))
    return mistake or (
        f"For two random images your function gives {found:.4g}; right is {right:.4g}."
    )


@exercise(
    "Nearest neighbours",
    hint="Set the image's distance to itself to np.inf, then use np.argsort.",
)
def ex03_3(nearest):
    """Write `nearest(vectors, index, n)`: the n images nearest to one of them.

    Return their indices, the nearest first, without the image itself.
    """
    generator = np.random.default_rng(3)
    vectors = generator.random((12, 8))
    vectors[2] = vectors[7]  # twins
    for index in (5, 7, 2, 0):
        gaps = np.linalg.norm(vectors - vectors[index], axis=1)
        gaps[index] = np.inf
        best = np.sort(gaps)[:4]
        value = call_function(nearest, vectors, index, 4)
        found = as_array(value, "the indices of four neighbours", (4,))
        if not set(found) <= set(range(12)):
            raise NotYet(
                "These are not indices from 0 to 11: are they distances? Use argsort."
            )
        places = found.astype(int)
        if index in places:
            raise NotYet(
                f"Image {index} is among its own neighbours. Leave it out by its "
                "index, not by its rank: beside a twin it need not come first."
            )
        if best[0] == 0 and gaps[places].min() > 0:
            raise NotYet(
                f"Image {index} has a twin at distance 0, and it is missing: leave out "
                "the image itself, not whatever is at distance 0."
            )
        if len(set(places)) < 4 or not np.allclose(np.sort(gaps[places]), best):
            raise NotYet("Nearer images are left out: sum along axis 1, sort upwards.")
        if not np.allclose(gaps[places], best):
            raise NotYet(
                "These are the right images in another order: put the nearest first."
            )
    return places.tolist()


@exercise(
    "Up, down, left, right",
    hint="Start from np.ones_like(picture) and copy the part that stays on the paper.",
)
def ex03_4(shifted):
    """Write `shifted(picture, down, right)`: the image moved by so many pixels.

    Its size stays the same; what opens at the edges is white, 1. Negative numbers move
    it up and left.
    """
    image = np.random.default_rng(4).random((6, 9, 3)) * 0.9
    what = "an image of the same size"
    for down, right in ((0, 3), (2, 0), (-2, 0), (0, -3), (1, -4), (-5, 8), (0, 0)):
        found = as_array(call_function(shifted, image, down, right), what, image.shape)
        mistakes = {
            "What leaves on one side comes back on the other, as with np.roll.": (
                np.roll(image, (down, right), (0, 1))
            ),
            "Down and right are swapped: rows are axis 0.": _moved(image, right, down),
            "It moved the other way.": _moved(image, -down, -right),
            "What opens at the edge is black, but white is 1.": _moved(
                image, down, right, 0
            ),
            "White is 1 here, not 255.": _moved(image, down, right, 255),
            "Nothing moved.": image,
        }
        where = f"For down={down}, right={right}, the result is wrong."
        otherwise = "The pixels are at the wrong places."
        expected = _moved(image, down, right)
        compare_answer(found, expected, mistakes, otherwise, where=where)
    return "all directions"


def _moved(image, down, right, paper=1):
    """The reference: pixel by pixel."""
    height, width = image.shape[:2]
    result = np.full_like(image, paper)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                result[row + down, column + right] = image[row, column]
    return result


@exercise(
    "What k-means does not notice",
    hint="Which ones stretch all distances alike, if they change them at all?",
)
def ex03_5(letters):
    """Choose the changes, letters from a to h, that leave the clusters as they are.

    Give them in one string, like "ab".
    """
    chosen = read_letters(letters, WHY, "change")
    for letter in sorted(chosen - UNNOTICED):
        raise NotYet(f"Change {letter} may change the clusters. {WHY[letter]}")
    for letter in sorted(UNNOTICED - chosen):
        raise NotYet(f"One is missing. {WHY[letter]}")
    return "".join(sorted(chosen))


def _nmis(true, vectors):
    vectors = algorithms.prepare(np.float32(vectors), "pca192+kmeans")  # it is quicker
    found = [algorithms.cluster(vectors, "kmeans", 7, seed) for seed in TRIES]
    return [metrics.nmi(labels_true=true, labels_pred=labels) for labels in found]


@exercise(
    "Make pixels better",
    hint="Above all, the clusters reflect brightness. What is left when you remove it?",
)
def ex03_6(better_pixels):
    """Write `better_pixels(picture)`: a vector per image that clusters better.

    Its mean NMI over five seeds must beat the best seed of the raw pixels.
    """
    image_set = datasets.load("stamps", progress=False)
    attempted(better_pixels(image_set.picture(0)))
    rows = [
        as_array(better_pixels(image_set.picture(index)), "a vector of numbers")
        for index in range(len(image_set))
    ]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise NotYet(
            f"The vectors have different shapes, such as {sorted(shapes)[:2]}: scale "
            "every image to the same size first."
        )
    if rows[0].ndim != 1 or not rows[0].size:
        raise NotYet(f"The vector has shape {rows[0].shape}: end with .ravel().")
    vectors = np.stack(rows)
    if not np.isfinite(vectors).all():
        raise NotYet("There are NaN or infinite values: did you divide by 0?")
    if np.ptp(vectors, axis=0).max() == 0:
        raise NotYet("All images get the same vector: nothing is left to cluster.")
    pixels = [image_set.picture(i, 32).ravel() / 255 for i in range(len(image_set))]
    best = max(_nmis(image_set.true_labels, pixels))
    mean = float(np.mean(_nmis(image_set.true_labels, vectors)))
    if mean <= best:
        raise NotYet(
            f"It runs, and its mean NMI is {mean:.3f}; the raw pixels' best seed has "
            f"{best:.3f}. Such a finding counts as well: note it, try another idea."
        )
    return {"nmi": round(mean, 4)}
