"""Handcrafted representations: what people computed before networks learnt to.

Each function turns one image, a square uint8 RGB array, into one vector. Lesson 3
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
