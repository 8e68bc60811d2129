"""Nouns: where their names come from, and for the bundled network their vectors.

The last layer of EfficientNetLite0 holds one vector for each of ImageNet's 1000 nouns;
an image's logit for a noun is the product of the image's features and that vector. So
both are in one space of 1280 dimensions, and nothing is downloaded. Names without
vectors, for CLIP: all nouns of WordNet.
"""

import csv
import tarfile
import zlib
from pathlib import Path

import numpy as np
from sklearn.preprocessing import normalize

from course_utils._support import downloads, files, keras

WORDNET_URL = "https://wordnetcode.princeton.edu/wn3.1.dict.tar.gz"  # 16 MB

WORDNET_HASH = "sha256:3f7d8be8ef6ecc7167d39b10d66954ec734280b5bdcd57f7d9eafe429d11c22a"

MAX_BYTES = 40_000_000  # of the unpacked list of nouns: it has 16 million


def imagenet_class_names():
    """The names of ImageNet's 1000 classes, in the order of the networks' outputs.

    Returns
    -------
    list of str
        No name appears twice.

    See Also
    --------
    imagenet_nouns : with a vector for each.
    keras.applications.imagenet_utils.decode_predictions : names for probabilities.

    Examples
    --------
    >>> imagenet_class_names()[:3]
    ['tench', 'goldfish', 'great white shark']
    """
    path = Path(__file__).parent / "weights" / "imagenet_classes.csv"
    with open(path, encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file)]


def imagenet_nouns():
    """ImageNet's 1000 nouns, with vectors in the space of EfficientNetLite0's features.

    Returns
    -------
    names : list of str
    vectors : ndarray of float64, shape (1000, 1280)
        The weights of EfficientNetLite0's last layer, not normalised.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights file is missing or damaged.

    See Also
    --------
    centred : removes what all vectors have in common.
    name_clusters : names clusters by their nearest nouns.

    Examples
    --------
    >>> names, vectors = imagenet_nouns()  # doctest: +SKIP
    """
    names, vectors, _ = last_layer()
    return names, vectors.astype(np.float64)


def last_layer():
    """What turns EfficientNetLite0's features into nouns: (names, weights, biases).

    A list of 1000 str, float32 arrays (1000, 1280) and (1000,): features @ weights.T +
    biases are what its softmax gets. Errors as for `imagenet_nouns`.
    """
    with keras.computing_in("float32"):
        from course_utils.representations import bundled

        weights, biases = bundled.efficientnet_lite0().get_layer("top").get_weights()
    return imagenet_class_names(), weights.T, biases


def centred(vectors):
    """Vectors without what all have in common: minus their mean, then length 1.

    Parameters
    ----------
    vectors : array-like, shape (n, d)

    Returns
    -------
    ndarray of float64, shape (n, d)

    Raises
    ------
    ValueError
        If a vector equals the mean of all, so that it has no direction left.

    See Also
    --------
    sklearn.preprocessing.normalize : to length 1 only.

    Examples
    --------
    >>> centred([[1, 5], [3, 5]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    apart = vectors - vectors.mean(axis=0)
    if not np.linalg.norm(apart, axis=1).all():
        raise ValueError("a vector equals the mean of all: it has no direction left.")
    return normalize(apart)


def name_clusters(pictures, nouns, names, cluster_labels, n_names=3):
    """Name each cluster by the nouns nearest to its centre.

    Parameters
    ----------
    pictures : ndarray, shape (n_images, d)
        Vectors of the images.
    nouns : ndarray, shape (n_nouns, d)
        Vectors of the nouns, in the same space.
    names : sequence of str, length n_nouns
    cluster_labels : array-like of int, shape (n_images,)
    n_names : int
        Nouns per cluster.

    Returns
    -------
    dict
        {cluster label: list of n_names nouns, nearest first}, by the inner product.

    Examples
    --------
    >>> images, nouns = np.array([[1, 0], [1, 0], [0, 1]]), np.eye(2)
    >>> name_clusters(images, nouns, ["owl", "coin"], [0, 0, 1], n_names=1)
    {0: ['owl'], 1: ['coin']}
    """
    found = {}
    for cluster in np.unique(cluster_labels):
        centre = pictures[np.asarray(cluster_labels) == cluster].mean(axis=0)
        best = np.argsort(-(nouns @ centre), kind="stable")[:n_names]
        found[int(cluster)] = [names[noun] for noun in best]
    return found


def wordnet_nouns(archive=None):
    """The nouns of WordNet 3.1: the first word of each of its about 82,000 meanings.

    Parameters
    ----------
    archive : path, optional
        The file wn3.1.dict.tar.gz; by default it is downloaded (16 MB) and kept.

    Returns
    -------
    list of str
        With spaces, no name twice.

    Raises
    ------
    DownloadError
        If it cannot be downloaded.
    ValueError
        If the archive holds no nouns.

    See Also
    --------
    noun_vectors : their vectors by CLIP.

    References
    ----------
    Princeton University, *WordNet 3.1*, https://wordnet.princeton.edu

    Examples
    --------
    >>> nouns = wordnet_nouns()  # doctest: +SKIP
    """
    if archive is None:
        path = files.cache_dir() / "wordnet" / "wn3.1.dict.tar.gz"
        try:
            archive = downloads.fetch(WORDNET_URL, path, WORDNET_HASH)
        except downloads.DownloadError as error:
            raise downloads.DownloadError(
                f"WordNet could not be downloaded: {error}. With a network it comes by "
                f"itself, or put {WORDNET_URL} at {path}."
            ) from error
    try:
        with tarfile.open(archive) as tar:
            member = tar.getmember("dict/data.noun")
            if member.size > MAX_BYTES:
                raise ValueError(f"data.noun claims {member.size / 1e6:.0f} MB")
            lines = tar.extractfile(member).read().decode("utf-8").splitlines()
        # a line: offset, lexicographer file, "n", number of words, first word, ...
        words = [line.split()[4] for line in lines if not line.startswith(" ")]
    except (
        *(OSError, EOFError, zlib.error, tarfile.TarError),  # not an archive
        *(KeyError, IndexError, ValueError),  # of something else
    ) as error:
        raise ValueError(f"{archive} is not WordNet's archive: {error}") from error
    return list(dict.fromkeys(word.replace("_", " ") for word in words))
