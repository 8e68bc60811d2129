"""Representations made by hand: what people computed before networks learnt to.

Each function turns one picture, a square uint8 RGB array, into one vector. Lesson 3
takes `raw` apart, lesson 4 the others.
"""

import cv2
import numpy as np
from skimage.feature import hog as skimage_hog
from skimage.feature import local_binary_pattern
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

LBP_CIRCLES = ((8, 1), (16, 2), (24, 3))  # (neighbours, radius in pixels)

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
    return skimage_hog(
        _grey(picture), orientations=9, pixels_per_cell=(16, 16), cells_per_block=(2, 2)
    ).astype(np.float32)


def lbp(picture):
    """Uniform local binary patterns: texture as three histograms, 54 values.

    Source: Ojala, Pietikäinen and Mäenpää, PAMI 24, 2002.
    """
    grey = _grey(picture)
    histograms = []
    for n_neighbours, radius in LBP_CIRCLES:
        codes = local_binary_pattern(grey, n_neighbours, radius, method="uniform")
        counts = np.bincount(codes.astype(int).ravel(), minlength=n_neighbours + 2)
        histograms.append(counts / codes.size)
    return np.concatenate(histograms).astype(np.float32)


def sift(picture):
    """SIFT descriptors of a picture: float32 (number of keypoints, 128).

    A flat picture has none. Source: Lowe, IJCV 60, 2004.
    """
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
    """Share of each visual word among the descriptors of one picture: (n_words,).

    A picture without keypoints is all zeros.
    """
    # |d - w|² = |d|² - 2 d·w + |w|², and |d|² does not change which word is nearest
    distances = (codebook**2).sum(axis=1) - 2 * descriptors @ codebook.T
    counts = np.bincount(distances.argmin(axis=1), minlength=len(codebook))
    return (counts / max(counts.sum(), 1)).astype(np.float32)


def tf_idf(bags):
    """Weigh bags of words (n, n_words) by how rare a word is among the pictures.

    idf = log((1 + n) / (1 + pictures with the word)) + 1, as in scikit-learn.
    Source: Sivic and Zisserman, ICCV 2003.
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
