"""Nouns: where their names come from, and for the bundled network their vectors.

The last layer of EfficientNetLite0 holds one vector for each of ImageNet's 1000 nouns;
a picture's score for a noun is the product of the picture's features and that vector.
So both lie in one space of 1280 dimensions, and nothing is downloaded. Names without
vectors, for CLIP: all nouns of WordNet.
"""

import tarfile
import zlib

import numpy as np
from sklearn.preprocessing import normalize

from course_utils._support import downloads, files, keras

WORDNET_URL = "https://wordnetcode.princeton.edu/wn3.1.dict.tar.gz"  # 16 MB

WORDNET_HASH = "sha256:3f7d8be8ef6ecc7167d39b10d66954ec734280b5bdcd57f7d9eafe429d11c22a"

MAX_BYTES = 40_000_000  # of the unpacked list of nouns: it has 16 million


def imagenet_nouns():
    """ImageNet's 1000 nouns: (names, vectors), list of str and array (1000, 1280).

    The vectors are the weights of EfficientNetLite0's last layer as they are, of any
    length. Raises FileNotFoundError or ValueError if the weights file is not whole.
    """
    names, vectors, _ = last_layer()
    return names, vectors.astype(np.float64)


def last_layer():
    """What turns EfficientNetLite0's features into nouns: (names, weights, biases).

    A list of 1000 str, float32 arrays (1000, 1280) and (1000,): features @ weights.T +
    biases are what its softmax gets. Errors as for `imagenet_nouns`.
    """
    keras.accelerator()  # imports Keras quietly, which `bundled` needs
    from course_utils.representations import bundled

    weights, biases = bundled.efficientnet_lite0().get_layer("top").get_weights()
    return bundled.imagenet_class_names(), weights.T, biases


def centred(vectors):
    """The vectors (n, d) without what all have in common: minus their mean, length 1.

    Raises ValueError if all vectors are the same.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    apart = vectors - vectors.mean(axis=0)
    if not np.linalg.norm(apart, axis=1).all():
        raise ValueError("a vector equals the mean of all: it has no direction left.")
    return normalize(apart)


def name_clusters(pictures, nouns, names, cluster_labels, n_names=3):
    """{cluster label: list of the n_names nouns nearest its centre, nearest first}."""
    found = {}
    for cluster in np.unique(cluster_labels):
        centre = pictures[np.asarray(cluster_labels) == cluster].mean(axis=0)
        best = np.argsort(-(nouns @ centre), kind="stable")[:n_names]
        found[int(cluster)] = [names[noun] for noun in best]
    return found


def wordnet_nouns(archive=None):
    """The nouns of WordNet 3.1: a list of names, no name twice.

    Of each of its about 82,000 meanings (synsets) the first word, with spaces.
    archive: the file wn3.1.dict.tar.gz; if None it is downloaded (16 MB) and kept.
    Raises downloads.DownloadError within seconds without a network, and ValueError for
    an archive without nouns. Source: Princeton University, *WordNet 3.1*.
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
