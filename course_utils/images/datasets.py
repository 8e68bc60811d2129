"""Where images come from: sets known by name, or a folder of your own.

The stamps, the photos and the words come with the course. Caltech-101, CIFAR-10 and
STL-10 are downloaded when they are asked for, and kept. Sources: Li, Andreeto, Ranzato
and Perona, *Caltech 101*, 2022; Krizhevsky, *Learning multiple layers of features from
tiny images*, 2009; Coates, Ng and Lee, *An analysis of single-layer networks*, AISTATS
2011.
"""

import collections
import csv
import difflib
import io
import os
import posixpath
import shutil
import socket
import tarfile
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils._support import downloads, filesystems
from course_utils._support.csv_rows import find_columns, read_rows
from course_utils._support.downloads import DownloadError
from course_utils._support.files import cache_dir, is_clutter, is_regular
from course_utils._support.keras import import_keras
from course_utils.images import decoding, listings
from course_utils.images.image_set import ImageSet, from_bytes, gather, relabel
from course_utils.images.listings import if_not_unicode

__all__ = ["NAMES", "DownloadError", "ImageSet", "from_bytes", "is_here", "load"]

NAMES = {
    "stamps": "193 images of 7 classes, comes with the course",
    "stamps-all": "all images of the stamps with captions, comes with the course",
    "photos": "250 photographs of 10 classes, comes with the course",
    "words": "134 images that three ambiguous words find, comes with the course",
    "caltech101": "9,144 images of 101 classes and BACKGROUND_Google (137 MB)",
    "caltech101-objects": "the same without BACKGROUND_Google: 8,677 images",
    "cifar10": "the 10,000 test images of CIFAR-10, 10 classes (170 MB)",
    "stl10": "the 8,000 test images of STL-10, 10 classes (2.6 GB)",
}

EMBEDDED = Path(__file__).resolve().parents[2] / "datasets"

CALTECH101_URL = (
    "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip?download=1"
)
CALTECH101_HASH = (
    "sha256:331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91"
)
STL10_URL = "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
STL10_HASH = "md5:91f7769df0f17e558f3565bffb0c7dfb"

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
STL10_CLASSES = "airplane bird car cat deer dog horse monkey ship truck"


def load(name="stamps", *, folder=None, progress=True):
    """Load an image set by name, or from a folder of your own.

    Parameters
    ----------
    name : str or path
        One of `NAMES`, or a folder with images: one subfolder per class; or with a
        `labels.csv` (columns image, label and optionally caption); or without labels.
        What is an image, its content says and not its name.
    folder : path, optional
        A folder that already holds Caltech-101; so does the environment variable
        COURSE_CALTECH101. Without them it is downloaded.
    progress : bool
        Whether to show a progress bar on anything over two seconds.

    Returns
    -------
    ImageSet
        Images in a fixed order, sorted by name.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such image set or it cannot be read; the message says what to do.
    DownloadError
        If a download fails.

    See Also
    --------
    from_bytes : an image set held in memory.
    open_stream : for very many images.
    sklearn.datasets.load_files : scikit-learn's loader of a folder per class.

    Examples
    --------
    >>> load("stamps", progress=False)
    ImageSet(stamps: 193 pictures, 7 classes)
    """
    name = os.fspath(name)
    if name in ("stamps", "stamps-all"):
        return _stamps(name, progress)
    if name == "photos":
        return _photos(progress)
    if name == "words":
        return _words(progress)
    if name in ("caltech101", "caltech101-objects"):
        return _caltech101(name, folder, progress)
    if name == "cifar10":
        return _cifar10()
    if name == "stl10":
        return _stl10()
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, path.resolve().name, progress)
    if path.is_file():
        raise ValueError(f"{path} is a file: give the folder that holds the images.")
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise FileNotFoundError(
        f"no image set and no folder is called {name!r}: {hint}"
        f"Known are {', '.join(NAMES)}, or give the path of a folder with pictures."
    )


def is_here(name):
    """Whether an image set can be loaded without a download.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_here("stamps")
    True
    """
    kept = cache_dir() / "datasets"
    if name.startswith("caltech101"):
        here = (kept / "caltech101" / "101_ObjectCategories").is_dir()
        return here or bool(os.environ.get("COURSE_CALTECH101"))
    if name == "cifar10":
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        found = (home / "datasets").glob("cifar-10-batches-py*")
        return any(path.is_dir() for path in found)
    if name == "stl10":
        return (kept / "stl10" / "stl10_binary").is_dir()
    return name in NAMES


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


def _photos(progress):
    root = EMBEDDED / "photos"
    with open(root / "photos.csv", newline="", encoding="utf-8") as file:
        labels = {row["image"]: row["class"] for row in csv.DictReader(file)}
    sources = {image: root / image for image in labels}
    return gather("photos", sources, labels, None, None, (), progress)


def _words(progress):
    root = EMBEDDED / "words"
    with open(root / "words.csv", newline="", encoding="utf-8") as file:
        by_image = {row["image"]: row for row in csv.DictReader(file)}

    def column(key):
        return {image: row[key] for image, row in by_image.items()}

    sources = {image: root / image for image in by_image}
    senses, captions = column("sense"), column("caption")
    return gather("words", sources, senses, captions, column("source"), (), progress)


def _folder(root, name, progress, left_out=()):
    """The image set of a folder; left_out: names of files that do not belong to it."""
    problems, files = [], []
    here = filesystems.find(root)[0]

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
        for results in list(subfolders):
            inside = Path(folder, results).relative_to(root).as_posix()
            if listings.is_comparison(here, str(root), inside):
                subfolders.remove(results)
                problems.append((inside, listings.COMPARISON))
        files += [Path(folder, n).relative_to(root).as_posix() for n in names]
    files = sorted(f for f in files if not Path(f).name.startswith("."))
    # Names in another encoding than the system's cannot be written into any result.
    strange = {name: shown for name in files if (shown := if_not_unicode(name))}
    files = [name for name in files if name not in strange]
    problems += [(shown, "the file name is not Unicode") for shown in strange.values()]
    files = [f for f in files if not is_clutter(Path(f).name) and f != "labels.csv"]
    images = [
        f
        for f in files
        if f not in left_out and listings.holds_image(here, str(root / f))
    ]
    problems += [(f, decoding.OTHER) for f in set(files) - set(images)]
    labels = captions = None
    table = root / "labels.csv"
    found = _labels_csv(table, images) if table.exists() else None
    if found:
        labels, captions, missing = found
        problems += [(i, "in labels.csv, but not here") for i in missing]
        problems += [(i, "has no row in labels.csv") for i in set(images) - set(labels)]
        images = [i for i in images if i in labels]
        if not images:
            raise ValueError(
                f"{table} names none of the pictures in {root}: its column `image` "
                "must hold their paths inside the folder."
            )
    else:
        if len({i.split("/")[0] for i in images if "/" in i}) > 1:
            problems += [
                (i, "lies beside the class folders") for i in images if "/" not in i
            ]
            images = [i for i in images if "/" in i]
            labels = {i: i.split("/")[0] for i in images}
        if note := listings.layout_note(here, str(root)):
            warnings.warn(note, stacklevel=3)
    sources = {image: root / image for image in images}
    return gather(name, sources, labels, captions, None, tuple(problems), progress)


def _labels_csv(path, images):
    """({image: label}, {image: caption} or None, names of no image) of a table.

    None for a table that a comparison wrote: it holds cluster labels, not true ones.
    """
    if not is_regular(path):
        raise ValueError(f"{path} is not a file that can be read.")
    labels, captions = {}, {}
    find = _finder(path, images)
    try:
        with open(path, "rb") as raw:
            encoding = listings.table_encoding(raw, path)
            text = io.TextIOWrapper(raw, encoding, newline="")
            header, rows = read_rows(text, listings.COLUMNS)
            if header[:2] == ["image", "true_label"]:
                warnings.warn(
                    f"{path} holds the cluster labels of a comparison: it is not taken "
                    "for true labels.",
                    stacklevel=4,
                )
                return None
            places = find_columns(
                header, listings.IMAGE, listings.LABEL, listings.CAPTION
            )
            names = zip(("image", "label"), places, strict=False)
            if lacking := [name for name, place in names if place is None]:
                raise ValueError(
                    f"{path} lacks the column {' and '.join(lacking)}: its first line "
                    "must be `image,label` (and may add `caption`)."
                )
            for number, cells in rows:
                where = f"{path}, row {number}"
                if isinstance(cells, str):
                    raise ValueError(f"{where}: {cells}.")
                image, label, caption = (
                    "" if place is None else cells[place].strip() for place in places
                )
                if not image or not label:
                    raise ValueError(f"{where}: the image or its label is empty.")
                name = image.replace("\\", "/").removeprefix("./")
                image = find(name, where) or name
                if image in labels:
                    raise ValueError(f"{where}: {image} is there twice.")
                labels[image], captions[image] = label, caption
    except UnicodeError as error:
        raise ValueError(
            f"{path} is not a CSV table in UTF-8, UTF-16 or Windows-1252 ({error}): "
            "save it as CSV UTF-8."
        ) from error
    missing = set(labels) - set(images)
    return labels, captions if any(captions.values()) else None, missing


def _finder(path, images):
    """find(name, where): the image that a table means, or None.

    It may be written with fewer folders or more than inside the image set, in other
    capitals and without its suffix, as long as only one image can be meant.
    """
    exact, by_name = set(images), collections.defaultdict(list)
    for image in images:
        last = posixpath.basename(image).casefold()
        by_name[last].append(image)
        if (stem := posixpath.splitext(last)[0]) != last:
            by_name[stem].append(image)

    def fits(image, name):
        image, name = f"/{image.casefold()}", f"/{name.casefold().lstrip('/')}"
        shapes = image, posixpath.splitext(image)[0]
        return any(shape.endswith(name) or name.endswith(shape) for shape in shapes)

    def find(name, where):
        if name in exact:
            return name
        last = posixpath.basename(name).casefold()
        found = [image for image in by_name[last] if fits(image, name)]
        if len(found) > 1:
            raise ValueError(
                f"{where}: {name} may be {found[0]} or {found[1]}: write the whole "
                "path inside the folder."
            )
        return found[0] if found else None

    return find


def _caltech101(name, folder, progress):
    # The archive holds a copy of one of the pictures under this name.
    left_out = ("BACKGROUND_Google/tmp",)
    found = _folder(_caltech101_folder(folder), name, progress, left_out)
    if name == "caltech101":
        return found
    background = found.class_names.index("BACKGROUND_Google")
    objects = found.subset(np.flatnonzero(found.true_labels != background))
    problems = [p for p in found.problems if not p[0].startswith("BACKGROUND_")]
    objects = replace(objects, problems=tuple(problems))
    return relabel(objects, [objects.class_names[i] for i in objects.true_labels])


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
    classes = cache_dir() / "datasets" / "caltech101" / "101_ObjectCategories"
    if classes.is_dir():
        return classes
    archive = classes.with_name("caltech.zip")
    try:
        downloads.fetch(CALTECH101_URL, archive, CALTECH101_HASH)
    except DownloadError as error:
        raise DownloadError(
            f"Caltech-101 could not be downloaded: {error}. With the folder "
            "101_ObjectCategories at hand, name it in COURSE_CALTECH101."
        ) from error
    member = "caltech-101/101_ObjectCategories.tar.gz"
    with (
        zipfile.ZipFile(archive) as outer,
        outer.open(member) as inner,
        tarfile.open(fileobj=inner) as tar,
    ):
        _extract(tar, classes)
    archive.unlink()
    return classes


def _cifar10():
    datasets = import_keras().datasets
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(max(downloads.TIMEOUT))  # Keras would wait for ever
    try:
        _, (pixels, numbers) = datasets.cifar10.load_data()
    except Exception as error:  # Keras raises plain Exceptions
        raise DownloadError(
            f"cifar10 (170 MB) could not be downloaded by Keras: {error}"
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    return _of_arrays("cifar10", pixels, numbers.ravel(), CIFAR10_CLASSES)


def _stl10():
    folder = cache_dir() / "datasets" / "stl10" / "stl10_binary"
    if not folder.is_dir():
        archive = folder.with_name("stl10_binary.tar.gz")
        try:
            downloads.fetch(STL10_URL, archive, STL10_HASH)
        except DownloadError as error:
            raise DownloadError(
                f"stl10 (2.6 GB) could not be downloaded: {error}. Or put {STL10_URL} "
                f"at {archive}."
            ) from error
        with tarfile.open(archive) as tar:
            names = [f"stl10_binary/test_{part}.bin" for part in "Xy"]
            _extract(tar, folder, [tar.getmember(name) for name in names])
        archive.unlink()
    planes = np.fromfile(folder / "test_X.bin", np.uint8).reshape(-1, 3, 96, 96)
    pixels = planes.transpose(0, 3, 2, 1)  # its images go down the columns
    numbers = np.fromfile(folder / "test_y.bin", np.uint8)
    return _of_arrays("stl10", pixels, numbers - 1, STL10_CLASSES)


def _extract(tar, folder, members=None):
    """Extract a folder of a tar file to where it shall be, whole or not at all."""
    unpacking = folder.with_name(f"unpacking-{os.getpid()}")
    try:
        # Python 3.11.3 and older, as in Debian 12, have no filters; the archives that
        # come here are those of a known hash
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(unpacking, members)
        os.replace(unpacking / folder.name, folder)
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)


def _of_arrays(name, pixels, numbers, classes):
    """The image set of arrays (n, side, side, 3) and (n,)."""
    classes = classes.split()
    names = [f"{i:05d}.png" for i in range(len(pixels))]
    contents = dict(zip(names, map(_png, pixels), strict=True))
    labels = {i: classes[n] for i, n in zip(names, numbers, strict=True)}
    return from_bytes(name, contents, labels)


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
    return file.getvalue()
