"""The image set: images in a fixed order, with what is known of them.

Every image is decoded once while a set is made, so that a broken one is named and left
out here and nowhere else.
"""

import hashlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from course_utils._support.files import read_regular
from course_utils._support.progress import progress_bar
from course_utils.images import decoding


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in a fixed order, with what is known of them.

    It is made by `load`, `from_bytes` or a search. All arrays of features and labels in
    the course have their rows in its order.

    Attributes
    ----------
    name : str
    images : tuple of str
        Path of each image inside the set, its name everywhere (posix, unique).
    sources : tuple of Path or bytes
        For each image its file, or its bytes.
    digests : tuple of str
        SHA-256 of each image's bytes.
    true_labels : ndarray of int, shape (n,), or None
        An index into class_names; None if not known.
    class_names : tuple of str
    captions, categories : tuple of str, or None
        One per image; None if not known.
    problems : tuple of (image, reason)
        Every file that was left out.

    See Also
    --------
    load : an image set by name or from a folder.
    open_stream : for images too many to be listed.

    Examples
    --------
    >>> from course_utils.images import load
    >>> stamps = load("stamps")
    >>> len(stamps), stamps.picture(0).shape
    (193, (224, 224, 3))
    >>> stamps.subset(stamps.true_labels == 0)
    ImageSet(stamps: 35 pictures, 7 classes)
    """

    name: str
    images: tuple
    sources: tuple = field(repr=False)
    digests: tuple = field(repr=False)
    true_labels: np.ndarray | None = None
    class_names: tuple = ()
    captions: tuple | None = None
    categories: tuple | None = None
    problems: tuple = ()

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        classes = (
            f"{len(self.class_names)} classes" if self.class_names else "no labels"
        )
        left_out = f", {len(self.problems)} left out" if self.problems else ""
        return f"ImageSet({self.name}: {len(self):,} pictures, {classes}{left_out})"

    def read(self, index):
        """The bytes of an image; ValueError if it changed since the set was loaded."""
        source = self.sources[index]
        try:
            data = source if isinstance(source, bytes) else read_regular(source)
        except OSError as error:  # deleted, moved, or on a disk that is gone
            raise ValueError(
                f"{self.images[index]} can no longer be read "
                f"({error.strerror or error}): load the image set {self.name} again."
            ) from error
        if hashlib.sha256(data).hexdigest() != self.digests[index]:
            raise ValueError(
                f"{self.images[index]} has changed since {self.name} was loaded: "
                "load the image set again."
            )
        return data

    def picture(self, index, size=None):
        """An image as uint8 RGB array (height, width, 3); see `decoding.decode`."""
        return decoding.decode(self.read(index), size)

    def subset(self, indices):
        """The same set with only these images, in this order (classes are kept)."""
        indices = np.arange(len(self))[indices]

        def pick(values):
            return None if values is None else tuple(values[i] for i in indices)

        labels = None if self.true_labels is None else self.true_labels[indices]
        return replace(
            self,
            images=pick(self.images),
            sources=pick(self.sources),
            digests=pick(self.digests),
            true_labels=labels,
            captions=pick(self.captions),
            categories=pick(self.categories),
        )

    @property
    def true_names(self):
        """The class name of every image, or None."""
        if self.true_labels is None:
            return None
        return [self.class_names[label] for label in self.true_labels]

    @cached_property
    def fingerprint(self):
        """One SHA-256 for the images, their names and their order."""
        return fingerprint(self.images, self.digests)


def fingerprint(images, digests):
    """One SHA-256 for images by their names and digests, in this order."""
    lines = "\n".join(f"{d} {i}" for d, i in zip(digests, images, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def left_out(problems, rest=""):
    """The first ten (image, reason) pairs as lines; rest: where the others are.

    Files that do not claim to be pictures share one line.
    """
    others = [image for image, reason in problems if reason == decoding.OTHER]
    problems = [pair for pair in problems if pair[1] != decoding.OTHER]
    lines = [f"left out: {image}: {reason}" for image, reason in problems[:10]]
    if len(problems) > 10:
        lines.append(f"… and {len(problems) - 10:,} more{rest}")
    if others:
        more = f" and {len(others) - 1:,} more files" if len(others) > 1 else ""
        lines.append(f"no pictures: {others[0]}{more}")
    return lines


def from_bytes(name, contents, labels=None, captions=None, progress=False):
    """An image set held in memory.

    Parameters
    ----------
    name : str
        What to call it.
    contents : dict
        {image name: bytes of its file}, in the order that the set is to have.
    labels, captions : dict, optional
        {image name: class name} and {image name: caption}.
    progress : bool
        Whether to show a progress bar on anything over two seconds.

    Returns
    -------
    ImageSet

    Raises
    ------
    ValueError
        If none of the images can be decoded.

    See Also
    --------
    load : from files.

    Examples
    --------
    >>> from course_utils.images import load
    >>> stamps = load("stamps")
    >>> from_bytes("two", {"a.jpg": stamps.read(0), "b.jpg": stamps.read(1)})
    ImageSet(two: 2 pictures, no labels)
    """
    return gather(name, dict(contents), labels, captions, None, (), progress)


def gather(name, sources, labels, captions, categories, problems, progress):
    """Make an image set of the images that can be decoded; the rest become problems.

    sources: {image: file or bytes}; labels, captions, categories: {image: str} or None;
    problems: (image, reason) pairs known already. Raises ValueError if none is left.
    """

    def look(item):
        image, source = item
        try:
            data = source if isinstance(source, bytes) else read_regular(source)
            if decoding.check(data):
                rescaled.append(image)
            return image, hashlib.sha256(data).hexdigest(), None
        except decoding.BadPicture as error:
            return image, None, str(error)
        except OSError as error:
            return image, None, f"cannot be read ({error.strerror})"

    looked, rescaled = [], []
    bar = progress_bar(len(sources), f"reading {name}", progress)
    with ThreadPoolExecutor() as pool, bar:
        for found in pool.map(look, sources.items()):
            looked.append(found)
            bar.update()
    if rescaled:
        more = f" and {len(rescaled) - 1:,} more" if len(rescaled) > 1 else ""
        warnings.warn(f"{min(rescaled)}{more}: {decoding.RESCALED}.", stacklevel=3)
    bad = tuple((image, reason) for image, _, reason in looked if reason)
    good = [(image, digest) for image, digest, reason in looked if not reason]
    problems = tuple(sorted((*problems, *bad)))
    if not good:
        listed = "".join(f"\n  {image}: {reason}" for image, reason in problems[:5])
        raise ValueError(f"{name} holds no picture that can be read.{listed}")
    images = tuple(image for image, _ in good)

    def column(values):
        return None if values is None else tuple(values[image] for image in images)

    image_set = ImageSet(
        name=name,
        images=images,
        sources=tuple(sources[image] for image in images),
        digests=tuple(digest for _, digest in good),
        captions=column(captions),
        categories=column(categories),
        problems=problems,
    )
    return image_set if labels is None else relabel(image_set, column(labels))


def relabel(image_set, names):
    """The same image set with other true labels.

    Parameters
    ----------
    image_set : ImageSet
    names : sequence of str, length n
        The class name of each image.

    Returns
    -------
    ImageSet
        Its class_names are sorted.

    See Also
    --------
    sklearn.preprocessing.LabelEncoder : the same for any array.

    Examples
    --------
    >>> from course_utils.images import load
    >>> stamps = load("stamps").subset(range(3))
    >>> relabel(stamps, ["b", "a", "b"]).true_labels
    array([1, 0, 1])
    """
    class_names, true_labels = np.unique(names, return_inverse=True)
    return replace(
        image_set, true_labels=true_labels, class_names=tuple(map(str, class_names))
    )
