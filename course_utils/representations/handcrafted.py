"""Handcrafted representations: what people computed before networks learnt to.

Each function turns one image, a square uint8 RGB array, into one vector. Lesson 3
takes `raw` apart, lesson 4 the others. `hog` and `lbp` give what scikit-image gives,
several times as fast: a table instead of an arctangent per pixel, a filter of OpenCV
instead of an interpolation per pixel and neighbour.
"""

import functools

import cv2
import numpy as np
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

HOG_CELL, HOG_BINS = 16, 9  # pixels along the side of a cell; orientations

LBP_CIRCLES = ((8, 1), (16, 2), (24, 3))  # (neighbours, radius in pixels)

TIE = 1e-3  # grey levels: more than single precision can be wrong by

N_WORDS = 200  # as in Guérin's tutorial

CODEBOOK_PICTURES = 2000  # the codebook is learnt from at most so many pictures

CODEBOOK_DESCRIPTORS = 100  # and so many descriptors of each


def raw(picture):
    """The pixels themselves, shares of 255: 32 × 32 × 3 = 3,072 values."""
    return picture.astype(np.float32).ravel() / 255


def colour(picture):
    """HSV colour histogram: shares of 8 hues × 4 saturations × 4 values, 128 values.

    Source: Swain and Ballard, IJCV 7, 1991.
    """
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist(
        [hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]
    ).ravel()
    return counts / counts.sum()


def hog(picture):
    """Histogram of oriented gradients of the grey picture: 1,764 values.

    9 orientations, cells of 16 × 16 pixels, blocks of 2 × 2 cells.
    Source: Dalal and Triggs, CVPR 2005.
    """
    grey = _grey(picture).astype(np.int32)
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    n_rows, n_cols = np.array(grey.shape) // HOG_CELL
    cells = np.arange(n_rows * n_cols).reshape(n_rows, n_cols) * HOG_BINS
    bins = cells.repeat(HOG_CELL, axis=0).repeat(HOG_CELL, axis=1)
    inside = np.s_[: len(bins), : bins.shape[1]]  # pixels left over have no cell
    down, right = down[inside], right[inside]
    bins += _orientations().take((down + 255) * 511 + right + 255)
    strengths = np.sqrt(down * down + right * right)
    cells = np.bincount(bins.ravel(), strengths.ravel(), n_rows * n_cols * HOG_BINS)
    cells = cells.reshape(n_rows, n_cols, HOG_BINS) / HOG_CELL**2
    windows = np.lib.stride_tricks.sliding_window_view(cells, (2, 2), axis=(0, 1))
    blocks = windows.transpose(0, 1, 3, 4, 2).reshape(-1, 4 * HOG_BINS)
    for most in (0.2, np.inf):  # "L2-Hys": to length 1, cut off, to length 1 again
        lengths = np.sqrt((blocks**2).sum(axis=1, keepdims=True) + 1e-10)
        blocks = np.minimum(blocks / lengths, most)
    return blocks.ravel().astype(np.float32)


@functools.cache
def _orientations():
    """The bin of every gradient: uint8, at [down + 255, right + 255]."""
    steps = np.arange(-255, 256)
    degrees = np.arctan2(steps[:, None], steps) * (180 / np.pi) % 180
    return (degrees // (180 / HOG_BINS)).astype(np.uint8)


def lbp(picture):
    """Uniform local binary patterns: texture as three histograms, 54 values.

    Source: Ojala, Pietikäinen and Mäenpää, PAMI 24, 2002.
    """
    grey = _grey(picture)
    histograms = []
    for n_neighbours, radius in LBP_CIRCLES:
        codes = _uniform_patterns(grey, n_neighbours, radius)
        n_codes = n_neighbours + 2
        counts = cv2.calcHist([codes], [0], None, [n_codes], [0, n_codes])
        histograms.append(counts.ravel().astype(float) / codes.size)
    return np.concatenate(histograms).astype(np.float32)


def _uniform_patterns(grey, n_neighbours, radius):
    """The code of each pixel, to the bit that of scikit-image: uint8, shaped like grey.

    A neighbour's bit is 1 if it is at least as bright as the pixel. It lies between
    four pixels, so it is interpolated. A filter in single precision does this for the
    whole picture, and tells the bit wherever the two differ clearly. They do not on
    plain paper, where four equal pixels give just their level, and in a few other
    places, which are interpolated in double precision, as scikit-image does it. Much is
    done to all neighbours at once: during few long calls other threads can run.
    """
    n_rows, n_cols = grey.shape
    kernels, tops, lefts, downs, rights = _circle(n_neighbours, radius, n_rows, n_cols)
    light, level = grey.astype(np.float32), grey.astype(np.int16)
    padded = np.pad(level, (radius, radius + 1))  # black all around
    four = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    alike = (four[0] == four[1]) & (four[0] == four[2]) & (four[0] == four[3])
    plain = np.where(alike, four[0], -1)

    options = {"anchor": (radius, radius), "borderType": cv2.BORDER_CONSTANT}
    difference = np.empty_like(light)
    bits, unclear, on_plain = np.zeros((3, n_neighbours, n_rows, n_cols), bool)
    for i, (kernel, top, left) in enumerate(zip(kernels, tops, lefts, strict=True)):
        cv2.filter2D(light, -1, kernel, difference, **options)
        if i % (n_neighbours // 4) == 0:  # it is a pixel: nothing is rounded
            np.greater_equal(difference, 0, out=bits[i])
            unclear[i] = bits[i]
        else:
            np.greater_equal(difference, TIE, out=bits[i])
            np.greater(difference, -TIE, out=unclear[i])
            window = plain[top : top + n_rows, left : left + n_cols]
            np.equal(window, level, out=on_plain[i])
    bits |= on_plain
    unclear ^= bits
    which, rows, cols = np.unravel_index(np.flatnonzero(unclear), bits.shape)
    corners = [corner[tops[which] + rows, lefts[which] + cols] for corner in four]
    between = _interpolate(*corners, downs[which, rows], rights[which, cols])
    bits[which, rows, cols] = between >= grey[rows, cols]

    bits = bits.view(np.uint8)
    changes = (bits[1:] ^ bits[:-1]).sum(axis=0, dtype=np.uint8)
    not_uniform = (changes > 2) * np.uint8(n_neighbours + 1)
    return np.maximum(bits.sum(axis=0, dtype=np.uint8), not_uniform)


@functools.lru_cache(maxsize=8)
def _circle(n_neighbours, radius, n_rows, n_cols):
    """Where the neighbours are: the same for all pictures of one size.

    How far a neighbour lies below and right of the pixel above and left of it depends,
    by rounding, on row and column.
    """
    angles = 2 * np.pi * np.arange(n_neighbours)[:, None] / n_neighbours
    rows = np.arange(n_rows) + np.round(-radius * np.sin(angles), 5)
    cols = np.arange(n_cols) + np.round(radius * np.cos(angles), 5)
    downs, rights = rows - np.floor(rows), cols - np.floor(cols)
    tops = np.floor(rows[:, 0]).astype(int) + radius  # in the padded picture
    lefts = np.floor(cols[:, 0]).astype(int) + radius
    kernels = np.zeros((n_neighbours, 2 * radius + 2, 2 * radius + 2), np.float32)
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        down, right = downs[i, 0], rights[i, 0]
        shares = np.outer((1 - down, down), (1 - right, right))
        kernels[i, top : top + 2, left : left + 2] = shares
    kernels[:, radius, radius] -= 1  # the pixel itself
    return kernels, tops, lefts, downs, rights


def _interpolate(top_left, top_right, bottom_left, bottom_right, down, right):
    # The order of operations is scikit-image's: it decides how the last bit is rounded.
    top = (1 - right) * top_left + right * top_right
    bottom = (1 - right) * bottom_left + right * bottom_right
    return (1 - down) * top + down * bottom


def sift(picture):
    """SIFT descriptors of the keypoints of an image.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    ndarray of float32, shape (n_keypoints, 128)
        A flat image has no keypoints.

    See Also
    --------
    bag_of_words : one vector out of them.
    skimage.feature.SIFT : scikit-image's own.

    References
    ----------
    Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 60, 2004.

    Examples
    --------
    >>> sift(np.zeros((64, 64, 3), np.uint8)).shape
    (0, 128)
    """
    # No cv2.setNumThreads here: it holds for the whole process, and is not safe while
    # another thread is at work. A caller that finds OpenCV's threads busy does without.
    _, descriptors = cv2.SIFT_create().detectAndCompute(_grey(picture), None)
    return np.zeros((0, 128), np.float32) if descriptors is None else descriptors


def fit_codebook(descriptors, n_words=N_WORDS, seed=0):
    """Visual words: the centres of k-means over SIFT descriptors (n, 128).

    Returns: float32 (n_words, 128), fewer words if there are fewer descriptors. Raises
    ValueError if there are none. Source: Csurka et al., ECCV workshop 2004.
    """
    if not len(descriptors):
        raise ValueError(
            "no picture has a single SIFT keypoint, so there are no visual words: "
            "leave bovw out for this image set."
        )
    n_words = min(n_words, len(descriptors))
    kmeans = MiniBatchKMeans(n_words, n_init=3, batch_size=4096, random_state=seed)
    with threadpool_limits(1):  # small batches: threads would only wait for each other
        return kmeans.fit(descriptors).cluster_centers_.astype(np.float32)


def bag_of_words(descriptors, codebook):
    """Share of each visual word among the descriptors of one image.

    Parameters
    ----------
    descriptors : ndarray of float32, shape (n_keypoints, 128)
        See `sift`.
    codebook : ndarray of float32, shape (n_words, 128)
        The visual words, see `fit_codebook`.

    Returns
    -------
    ndarray of float32, shape (n_words,)
        Sums to 1; all zeros for an image without keypoints.

    See Also
    --------
    tf_idf : weights the words of many images.

    References
    ----------
    Csurka et al., *Visual categorization with bags of keypoints*, ECCV workshop 2004.

    Examples
    --------
    >>> words = np.array([[0, 0], [9, 9]], np.float32)
    >>> bag_of_words(np.array([[1, 0], [8, 9], [9, 9], [9, 8]], np.float32), words)
    array([0.25, 0.75], dtype=float32)
    """
    # |d - w|² = |d|² - 2 d·w + |w|², and |d|² does not change which word is nearest
    distances = (codebook**2).sum(axis=1) - 2 * descriptors @ codebook.T
    counts = np.bincount(distances.argmin(axis=1), minlength=len(codebook))
    return (counts / max(counts.sum(), 1)).astype(np.float32)


def tf_idf(bags):
    """Weight bags of words by how rare each word is among the images.

    idf = log((1 + n) / (1 + images with the word)) + 1, as in scikit-learn.

    Parameters
    ----------
    bags : ndarray, shape (n_images, n_words)
        See `bag_of_words`.

    Returns
    -------
    ndarray of float32, shape (n_images, n_words)

    See Also
    --------
    sklearn.feature_extraction.text.TfidfTransformer : the same, normalised by default.

    References
    ----------
    Sivic and Zisserman, *Video Google*, ICCV 2003.

    Examples
    --------
    >>> tf_idf(np.array([[0.5, 0.5], [0.0, 1.0]])).round(2)
    array([[0.7, 0.5],
           [0. , 1. ]], dtype=float32)
    """
    n_with_word = (bags > 0).sum(axis=0)
    idf = np.log((1 + len(bags)) / (1 + n_with_word)) + 1
    return (bags * idf).astype(np.float32)


def _grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


# name: (function, side of the square picture it is given)
HANDCRAFTED = {
    "raw": (raw, 32),
    "colour": (colour, 128),
    "hog": (hog, 128),
    "lbp": (lbp, 224),
}

BOVW_SIZE = 224

NAMES = (*HANDCRAFTED, "bovw")
