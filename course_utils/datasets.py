"""Where pictures come from: the embedded sets, Caltech-101, or a folder of your own."""

import csv
import difflib
import os
import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from course_utils import downloads, pictures, storage
from course_utils.imagesets import ImageSet, from_bytes, gather, relabel

__all__ = ["NAMES", "ImageSet", "from_bytes", "load"]

EMBEDDED = Path(__file__).resolve().parent.parent / "datasets"
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
    images = [f for f in files if f.lower().endswith(pictures.SUFFIXES)]
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
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"image", "label"} - set(reader.fieldnames or ())
            if missing:
                raise ValueError(
                    f"{path} lacks the column {' and '.join(sorted(missing))}: its "
                    "first line must be `image,label` (and may add `caption`)."
                )
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV table in UTF-8: {error}") from error
    labels, captions = {}, {}
    for line, row in enumerate(rows, start=2):
        image = (row["image"] or "").strip().replace("\\", "/").removeprefix("./")
        label = (row["label"] or "").strip()
        if not image or not label:
            raise ValueError(f"{path}, line {line}: the image or its label is empty.")
        if image in labels:
            raise ValueError(f"{path}, line {line}: {image} is there twice.")
        labels[image] = label
        captions[image] = (row.get("caption") or "").strip()
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
    home = storage.cache_dir() / "datasets" / "caltech101"
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
