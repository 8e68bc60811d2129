"""CIFAR-10 and STL-10, on which papers compare: downloaded when somebody asks for them.

Both come as archives of plain bytes with a known checksum; nothing is unpickled. Here
are their test pictures. Sources: Krizhevsky, *Learning multiple layers of features from
tiny images*, 2009; Coates, Ng and Lee, AISTATS 2011.
"""

import io
import tarfile
from dataclasses import dataclass

import numpy as np
from PIL import Image

from course_utils import downloads, storage
from course_utils.imagesets import from_bytes
from course_utils.nouns import UNREADABLE


@dataclass(frozen=True)
class Archive:
    """Where the test pictures of a set are. first: the number of the first class."""

    url: str
    known_hash: str
    megabytes: int
    images: str
    labels: str | None  # None: one byte before each picture
    side: int
    n_images: int
    first: int
    classes: str


ARCHIVES = {
    "cifar10": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170,
        "cifar-10-batches-bin/test_batch.bin",
        None,
        32,
        10_000,
        0,
        "airplane automobile bird cat deer dog frog horse ship truck",
    ),
    "stl10": Archive(
        "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        "md5:91f7769df0f17e558f3565bffb0c7dfb",
        2640,
        "stl10_binary/test_X.bin",
        "stl10_binary/test_y.bin",
        96,
        8_000,
        1,
        "airplane bird car cat deer dog horse monkey ship truck",
    ),
}


def load(name, archive=None):
    """The test pictures of "cifar10" (170 MB) or "stl10" (2.6 GB) as an image set.

    archive: the file, if you have it; otherwise it is downloaded once and kept in the
    cache. Raises ValueError for another name or a damaged archive, and, within seconds
    where there is no network, downloads.DownloadError.
    """
    if name not in ARCHIVES:
        raise ValueError(f"{name!r} is not one of {', '.join(ARCHIVES)}.")
    about = ARCHIVES[name]
    if archive is None:
        path = storage.cache_dir() / "datasets" / name / about.url.rsplit("/", 1)[-1]
        try:
            archive = downloads.fetch(about.url, path, about.known_hash)
        except downloads.DownloadError as error:
            raise downloads.DownloadError(
                f"{name} ({about.megabytes} MB) could not be downloaded: {error}. With "
                f"a network it comes by itself, or put {about.url} at {path}."
            ) from error
    pixels, numbers = _read(archive, about)
    classes = about.classes.split()
    names = [f"{i:05d}.png" for i in range(len(pixels))]
    contents = dict(zip(names, map(_png, pixels), strict=True))
    labels = {i: classes[n - about.first] for i, n in zip(names, numbers, strict=True)}
    return from_bytes(name, contents, labels)


def _read(archive, about):
    """(pixels, numbers): uint8 (n, side, side, 3) and the class number of each."""
    n_bytes = 3 * about.side**2
    try:
        with tarfile.open(archive) as tar:
            if about.labels is None:
                rows = _member(tar, about.images, about.n_images * (n_bytes + 1))
                rows = rows.reshape(about.n_images, n_bytes + 1)
                numbers, rows = rows[:, 0], rows[:, 1:]
            else:
                rows = _member(tar, about.images, about.n_images * n_bytes)
                numbers = _member(tar, about.labels, about.n_images)
    except (*UNREADABLE, KeyError, ValueError) as error:
        raise ValueError(f"{archive} is not the archive expected: {error}") from error
    planes = rows.reshape(about.n_images, 3, about.side, about.side)  # red, green, blue
    if about.labels is None:
        return planes.transpose(0, 2, 3, 1), numbers
    return planes.transpose(0, 3, 2, 1), numbers  # STL-10 goes down the columns


def _member(tar, name, n_bytes):
    member = tar.getmember(name)
    if member.size != n_bytes:
        raise ValueError(f"{name} has {member.size:,} bytes, not {n_bytes:,}")
    return np.frombuffer(tar.extractfile(member).read(), dtype=np.uint8)


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
    return file.getvalue()
