"""Checks of lesson 3: images as raw pixels."""

import re
from functools import partial

import numpy as np

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.images import datasets
from course_utils.lessons.exercises import (
    NotAttempted,
    NotYet,
    attempted,
    exercise,
)
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
    """Write `to_vector(image)` and `to_picture(vector)`.

    The first turns an image (32, 32, 3) of uint8 into a vector of 3,072 numbers from 0
    to 1, the second turns what the first returns back into the same image.
    """
    image = _image()
    expected = np.array([value for row in image for pixel in row for value in pixel])
    vector = as_array(call_function(to_vector, image), "a vector", (3072,))
    if np.array_equal(vector, expected):
        raise NotYet("The values still go up to 255: scale them to go from 0 to 1.")
    if set(np.unique(vector)) <= {0.0, 1.0}:
        raise NotYet("Only 0 and 1 are left: // drops the fraction, / keeps it.")
    if not same_numbers(vector, expected / 255):
        if same_numbers(np.sort(vector), np.sort(expected / 255)):
            raise NotYet(
                "These are the right numbers in another order: go row by row, pixel by "
                "pixel, red, green, blue, and move no axis."
            )
        raise NotYet("These are not the numbers of the image divided by 255.")
    _check_back(to_picture, call_function(to_vector, image), image)
    return "both directions"


def _check_back(to_picture, vector, image):
    back = np.asarray(call_function(to_picture, vector))
    if back.shape != image.shape:
        raise NotYet(f"What comes back has shape {back.shape}, not (32, 32, 3).")
    if np.allclose(back, image / 255, atol=1e-6):
        raise NotYet("The values that come back go from 0 to 1: undo the division too.")
    if (back == 0).mean() > 0.9:
        raise NotYet(
            "Nearly everything is 0: numbers below 1 became integers before they were "
            "multiplied by 255."
        )
    if back.dtype != np.uint8:
        raise NotYet(f"Expected an image of type uint8, but got {back.dtype}.")
    if np.array_equal(back, image):
        return
    lost = back != image
    if (image[lost] - back[lost] == 1).all():
        raise NotYet(
            f"Of the values, {lost.mean():.0%} come back one too small: a product such "
            "as 6.9999 becomes 6, so round before you convert to integers."
        )
    if np.array_equal(np.sort(back, axis=None), np.sort(image, axis=None)):
        raise NotYet("The pixels come back in other places: is the order the same?")
    raise NotYet(f"Of the values, {lost.mean():.0%} come back changed.")


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
    hint="Start from np.ones_like(picture); copy in the part that stays in the frame.",
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
        otherwise = "The pixels are in the wrong places."
        expected = _moved(image, down, right)
        compare_answer(found, expected, mistakes, otherwise, where=where)
    return "all directions"


def _moved(image, down, right, background=1):
    """The reference: pixel by pixel."""
    height, width = image.shape[:2]
    result = np.full_like(image, background)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                result[row + down, column + right] = image[row, column]
    return result


@exercise(
    "What k-means does not notice",
    hint="Take two images a and b and one number of each. What becomes of (a - b)**2, "
    "and of the sum of all such squares? The change is not noticed if the sums stay "
    "as they are for all pairs of images, or are all multiplied by the same number.",
)
def ex03_5(letters):
    """Choose the changes, letters from a to h, that leave the clusters as they are.

    Give them in one string, like "ab". The reasons are printed when all are right.
    """
    if isinstance(letters, str):
        letters = letters.replace(" and ", " ")
    chosen = read_letters(letters, WHY, "change")
    n_wrong, n_missing = len(chosen - UNNOTICED), len(UNNOTICED - chosen)
    said = []
    if n_wrong:
        verb = "changes" if n_wrong == 1 else "change"
        said += [
            f"{n_wrong} of your {len(chosen)} {verb} some distances more than others"
        ]
    if n_missing:
        said += [f"{n_missing} {'is' if n_missing == 1 else 'are'} missing"]
    if said:
        raise NotYet(f"Not all letters are right: {', and '.join(said)}.")
    for letter, reason in WHY.items():
        print(letter, "not noticed:" if letter in UNNOTICED else "noticed:", reason)
    return "".join(sorted(chosen))


@exercise(
    "Make pixels better",
    hint="Start small: image.mean(axis=(0, 1)) is a vector of three numbers. What do "
    "two images of one class share that their pixels do not? Any idea counts, even "
    "one that turns out worse than raw pixels.",
)
def ex03_6(better_pixels, my_expectation):
    """Write `better_pixels(image)`, a vector per stamp, and what you expect of it.

    `my_expectation` is an NMI, a sentence with your reason, or both as a pair. Every
    idea that runs counts; the mean NMI over five seeds is recorded beside that of raw
    pixels and beside your expectation.
    """
    expected, words = _read_expectation(my_expectation)
    names = set(getattr(getattr(better_pixels, "__code__", None), "co_names", ()))
    if used := names & {"true_labels", "true_names", "class_names"}:
        raise NotYet(f"Your function reads {min(used)}: work without the true labels.")
    image_set = datasets.load("stamps", progress=False)
    vectors = _vectors(better_pixels, image_set)
    pixels = [image_set.picture(i, 32).ravel() / 255 for i in range(len(image_set))]
    found = _nmis(image_set.true_labels, vectors)
    raw = _nmis(image_set.true_labels, pixels)
    if np.mean(found) > 0.95:
        raise NotYet(
            f"The mean NMI is {np.mean(found):.3f}, which pixels cannot give: work "
            "without the true labels and the names of the files."
        )
    print(_in_words(found, raw, expected, words))
    return {
        "nmi": round(float(np.mean(found)), 4),
        "raw_nmi": round(float(np.mean(raw)), 4),
        "expected_nmi": expected,
        "expectation": words,
    }


def _read_expectation(expectation):
    """An expected NMI or None, and the words or ""."""
    parts = [expectation]
    if isinstance(expectation, dict):
        parts = expectation.values()
    elif isinstance(expectation, tuple | list | set | np.ndarray):
        parts = list(expectation)
    expected, words = None, []
    for part in map(attempted, parts):
        number, is_text = part, isinstance(part, str)
        if is_text:
            words.append(" ".join(part.split()))
            number = _number_in(part)
        if number is None:
            continue
        number = -1.0 if isinstance(part, bool | np.bool_) else as_number(number)
        if not 0 <= number <= 1:
            raise NotYet(
                f"Your expectation is {part}, but an NMI is a number from 0 to 1."
            )
        expected = number
    words = " ".join(words)
    if expected is None and len(words.split()) < 5:
        raise NotYet(
            "Write down an NMI from 0 to 1, or a sentence of five words or more that "
            "gives your reason."
        )
    return expected, words


def _number_in(text):
    """The only number like .35, 0,35 or 35% in a text, or None."""
    found = re.findall(r"(?<![\w.])\d*[.,]\d+|\d+ ?%", text)
    if len(found) != 1:
        return None
    number = float(found[0].rstrip(" %").replace(",", "."))
    return number / 100 if found[0].endswith("%") else number


def _vectors(better_pixels, image_set):
    """The student's vector of each image, (n, d); NotYet if they are not usable."""
    rows = []
    for index in range(len(image_set)):
        try:
            value = call_function(better_pixels, image_set.picture(index))
        except NotAttempted:
            if index == 0:
                raise
            raise NotYet(f"For image {index}, your function returns None.") from None
        row = np.atleast_1d(as_array(value, "a vector of numbers"))
        if row.ndim != 1 or not row.size:
            raise NotYet(f"The vector has shape {row.shape}: end with .ravel().")
        if not np.isfinite(row).all():
            raise NotYet(
                f"The vector of image {index} contains NaN or infinite values: did you "
                "divide by 0?"
            )
        rows.append(row.astype(np.float32))
        if row.size != rows[0].size:
            raise NotYet(
                f"The vectors have different shapes, {rows[0].shape} for image 0 and "
                f"{row.shape} for image {index}: resize every image to the same size."
            )
    again = as_array(call_function(better_pixels, image_set.picture(0)), "a vector")
    if not np.allclose(rows[0], again, rtol=1e-4, atol=1e-5):
        raise NotYet(
            "Called twice with the same image, your function returns two different "
            "vectors: use no randomness, or a fixed seed."
        )
    n_different = len(np.unique(rows, axis=0))
    if n_different == 1:
        raise NotYet("All images get the same vector: nothing is left to cluster.")
    if n_different < 7:
        raise NotYet(
            f"There are only {n_different} different vectors: seven clusters need at "
            "least seven."
        )
    return np.stack(rows)


def _nmis(true, vectors):
    vectors = algorithms.prepare(np.float32(vectors), "pca192+kmeans")  # it is quicker
    found = [algorithms.cluster(vectors, "kmeans", 7, seed) for seed in TRIES]
    return [metrics.nmi(labels_true=true, labels_pred=labels) for labels in found]


def _in_words(found, raw, expected, words):
    """What came out, beside raw pixels and beside what was expected."""
    mean, gain = np.mean(found), np.mean(found) - np.mean(raw)
    beside = "Higher than raw pixels" if gain > 0 else "Lower than raw pixels"
    if abs(gain) <= max(np.std(found), np.std(raw)):
        beside = "No clear difference from raw pixels"
    lines = [
        f"{beside}: mean NMI {mean:.3f} (standard deviation {np.std(found):.3f} over "
        f"{len(found)} seeds), raw pixels {np.mean(raw):.3f} ({np.std(raw):.3f})."
    ]
    if expected is not None:
        beside = "higher" if mean > expected else "lower"
        close = abs(mean - expected) <= 0.03
        verdict = "as expected" if close else f"not as expected, {beside}"
        lines.append(f"You expected {expected:.3g}: {verdict}.")
    if words:
        lines.append(f"You wrote: {words}")
    return "\n".join(lines)
