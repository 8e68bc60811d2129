"""Where pictures come from: the embedded sets, Caltech-101, or a folder of your own.

CIFAR-10 and STL-10, on which papers compare: downloaded when somebody asks for them.

Both come as archives of plain bytes with a known checksum; nothing is unpickled. Here
are their test pictures. Sources: Krizhevsky, *Learning multiple layers of features from
tiny images*, 2009; Coates, Ng and Lee, AISTATS 2011.
"""

import csv
import difflib
import io
import os
import shutil
import tarfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils._support import downloads
from course_utils._support.csv_rows import read_rows
from course_utils._support.downloads import UNREADABLE, DownloadError
from course_utils._support.files import cache_dir
from course_utils.images import decoding
from course_utils.images.image_set import ImageSet, from_bytes, gather, relabel

__all__ = ["NAMES", "DownloadError", "ImageSet", "from_bytes", "is_here", "load"]

EMBEDDED = Path(__file__).resolve().parents[2] / "datasets"

CALTECH101_URL = (
    "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1"
)

CALTECH101_HASH = (
    "sha256:331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91"
)

NAMES = {
    "stamps": "193 pictures of 7 classes, comes with the course",
    "stamps-all": "all pictures of the stamps with captions, comes with the course",
    "caltech101": "9,144 pictures of 101 classes and BACKGROUND_Google (137 MB)",
    "caltech101-objects": "the same without BACKGROUND_Google: 8,677 pictures",
}


def load(name="stamps", *, folder=None, progress=True):
    """Load an image set by name, or from a folder of your own.

    name: one of `NAMES`, or the path of a folder with pictures: one subfolder a class;
    or flat with a `labels.csv` (columns image, label and optionally caption); or
    without labels. folder: for Caltech-101, a folder that already holds it; so does the
    environment variable COURSE_CALTECH101; otherwise it is downloaded.
    Returns: ImageSet. Raises ValueError or FileNotFoundError that says what to do, and
    downloads.DownloadError when a download cannot be had.
    """
    name = os.fspath(name)
    if name in ("stamps", "stamps-all"):
        return _stamps(name, progress)
    if name in ("caltech101", "caltech101-objects"):
        classes = _caltech101_folder(folder)
        found = _folder(classes, name, progress)
        if name == "caltech101":
            return found
        background = found.class_names.index("BACKGROUND_Google")
        objects = found.subset(np.flatnonzero(found.true_labels != background))
        problems = [p for p in found.problems if not p[0].startswith("BACKGROUND_")]
        objects = replace(objects, problems=tuple(problems))
        return relabel(objects, [objects.class_names[i] for i in objects.true_labels])
    if name in ARCHIVES:
        return load_benchmark(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, path.resolve().name, progress)
    if path.is_file():
        raise ValueError(f"{path} is a file: give the folder that holds the pictures.")
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise FileNotFoundError(
        f"no image set and no folder is called {name!r}: {hint}"
        f"Known are {', '.join(NAMES)}, or give the path of a folder with pictures."
    )


def is_here(name):
    """Whether an image set of `NAMES` can be loaded without a download."""
    if name.startswith("caltech101"):
        kept = cache_dir() / "datasets" / "caltech101" / "101_ObjectCategories"
        return bool(os.environ.get("COURSE_CALTECH101")) or kept.is_dir()
    return name in ("stamps", "stamps-all")


def _stamps(name, progress):
    root = EMBEDDED / "stamps"
    with open(root / "stamps.csv", newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["class"] or name == "stamps-all"]
    by_image = {row["image"]: row for row in rows}

    def column(key):
        return {image: row[key] for image, row in by_image.items()}

    sources = {image: root / image for image in by_image}
    labels = column("class") if name == "stamps" else None
    return gather(
        name, sources, labels, column("caption"), column("category"), (), progress
    )


def _folder(root, name, progress):
    problems, files = [], []

    def unreadable(error):
        if Path(error.filename) == root:
            raise PermissionError(f"{root} cannot be opened ({error.strerror}).")
        inside = Path(error.filename).relative_to(root).as_posix()
        problems.append((inside, f"the folder cannot be opened ({error.strerror})"))

    for folder, subfolders, names in os.walk(root, onerror=unreadable):
        subfolders[:] = [s for s in subfolders if not s.startswith(".")]
        for link in [s for s in subfolders if Path(folder, s).is_symlink()]:
            inside = Path(folder, link).relative_to(root).as_posix()
            problems.append((inside, "a link to a folder is not followed"))
        files += [Path(folder, n).relative_to(root).as_posix() for n in names]
    files = sorted(f for f in files if not Path(f).name.startswith("."))
    # Names in another encoding than the system's cannot be written into any result.
    strange = {name: shown for name in files if (shown := _if_not_unicode(name))}
    files = [name for name in files if name not in strange]
    problems += [(shown, "the file name is not Unicode") for shown in strange.values()]
    images = [f for f in files if f.lower().endswith(decoding.SUFFIXES)]
    others = set(files) - set(images) - {"labels.csv"}
    problems += [(f, "not a picture by its name") for f in others]
    labels = captions = None
    if "labels.csv" in files:
        labels, captions = _labels_csv(root / "labels.csv")
        problems += [
            (i, "in labels.csv, but not here") for i in set(labels) - set(images)
        ]
        problems += [(i, "has no row in labels.csv") for i in set(images) - set(labels)]
        images = [i for i in images if i in labels]
        if not images:
            raise ValueError(
                f"{root / 'labels.csv'} names none of the pictures in {root}: its "
                "column `image` must hold their paths inside the folder."
            )
    elif len({i.split("/")[0] for i in images if "/" in i}) > 1:
        problems += [
            (i, "lies beside the class folders") for i in images if "/" not in i
        ]
        images = [i for i in images if "/" in i]
        labels = {i: i.split("/")[0] for i in images}
    sources = {image: root / image for image in images}
    return gather(name, sources, labels, captions, None, tuple(problems), progress)


def _if_not_unicode(name):
    """A showable form of a file name that is not valid Unicode; else None."""
    shown = os.fsencode(name).decode("utf-8", "backslashreplace")
    return shown if shown != name else None


def _labels_csv(path):
    """{image: label} and {image: caption} or None, from a table with a header."""
    labels, captions = {}, {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header, rows = read_rows(file, {"image", "label", "caption"})
            columns = [name.strip() for name in header]
            if missing := {"image", "label"} - set(columns):
                raise ValueError(
                    f"{path} lacks the column {' and '.join(sorted(missing))}: its "
                    "first line must be `image,label` (and may add `caption`)."
                )
            for number, cells in rows:
                where = f"{path}, row {number}"
                if isinstance(cells, str):
                    raise ValueError(f"{where}: {cells}.")
                row = dict(zip(columns, map(str.strip, cells), strict=False))
                image = row["image"].replace("\\", "/").removeprefix("./")
                if not image or not row["label"]:
                    raise ValueError(f"{where}: the image or its label is empty.")
                if image in labels:
                    raise ValueError(f"{where}: {image} is there twice.")
                labels[image] = row["label"]
                captions[image] = row.get("caption", "")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a CSV table in UTF-8: {error}") from error
    return labels, captions if any(captions.values()) else None


def _caltech101_folder(folder=None):
    """The folder of the 102 class folders, downloaded if nobody says where it is."""
    chosen = folder or os.environ.get("COURSE_CALTECH101")
    if chosen:
        for place in (Path(chosen), Path(chosen, "101_ObjectCategories")):
            if (place / "accordion").is_dir():
                return place
        raise FileNotFoundError(
            f"{chosen} does not hold Caltech-101: no folder 101_ObjectCategories in it."
        )
    home = cache_dir() / "datasets" / "caltech101"
    classes = home / "101_ObjectCategories"
    if classes.is_dir():
        return classes
    try:
        archive = downloads.fetch(CALTECH101_URL, home / "caltech.zip", CALTECH101_HASH)
    except downloads.DownloadError as error:
        raise downloads.DownloadError(
            f"Caltech-101 could not be downloaded: {error}. With the folder "
            "101_ObjectCategories at hand, name it in COURSE_CALTECH101."
        ) from error
    unpacking = home / f"unpacking-{os.getpid()}"
    try:
        with zipfile.ZipFile(archive) as outer:
            member = "caltech-101/101_ObjectCategories.tar.gz"
            with outer.open(member) as inner, tarfile.open(fileobj=inner) as tar:
                tar.extractall(unpacking, filter="data")
        os.replace(unpacking / "101_ObjectCategories", classes)
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
    Path(archive).unlink()
    return classes


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


def load_benchmark(name, archive=None):
    """The test pictures of "cifar10" (170 MB) or "stl10" (2.6 GB) as an image set.

    archive: the file, if you have it; otherwise it is downloaded once and kept in the
    cache. Raises ValueError for another name or a damaged archive, and, within seconds
    where there is no network, downloads.DownloadError.
    """
    if name not in ARCHIVES:
        raise ValueError(f"{name!r} is not one of {', '.join(ARCHIVES)}.")
    about = ARCHIVES[name]
    if archive is None:
        path = cache_dir() / "datasets" / name / about.url.rsplit("/", 1)[-1]
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
