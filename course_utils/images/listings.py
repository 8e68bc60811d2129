"""The images of a folder tree or of a manifest, one by one, never all at once.

A listing is an iterator: a `Found` for each image, and a pair (image, reason) for
everything that is left out.
"""

import io
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from course_utils._support import filesystems
from course_utils._support.csv_rows import read_rows
from course_utils.images import decoding


@dataclass(frozen=True, slots=True)
class Item:
    """One image and where its bytes are.

    image: its name in the stream (posix, unique). label: its class name or None;
    caption: str or None. start, size: its place inside the file, if it is in a shard.
    """

    image: str
    label: str | None
    caption: str | None
    files: object = field(repr=False)
    path: str
    start: int = 0
    size: int | None = None

    def read(self):
        """The bytes of the image; OSError if not readable. Safe in many threads."""
        return self.files.read(self.path, self.start, self.size)


class Found(NamedTuple):
    """An item of a listing; size and stamp are None if nobody looked yet."""

    item: Item
    size: int | None = None
    stamp: object = None


def tree(files, root):
    """The images below a folder, sorted by their names inside it.

    files, root: from `filesystems.find`. If several folders of the root hold images,
    these are the classes. One folder at a time is listed, so memory grows with the
    largest folder and not with the tree. Raises OSError if the root cannot be opened.
    """
    labelled = _has_classes(files, root)
    for found in _walk(files, root):
        if isinstance(found, Found) and labelled:
            folder, _, name = found.item.image.partition("/")
            if not name:
                yield folder, "lies beside the class folders"
                continue
            item = Item(found.item.image, folder, None, files, found.item.path)
            found = found._replace(item=item)
        yield found


def _walk(files, root, inside=""):
    """Everything below root/inside, folders in between as if they ended in a /."""
    levels = [iter([(inside, filesystems.Entry(inside, "folder"))])]
    while levels:
        image, entry = next(levels[-1], (None, None))
        if image is None:
            levels.pop()
        elif shown := if_not_unicode(entry.name):
            yield image[: -len(entry.name)] + shown, "its name is not Unicode"
        elif entry.kind == "folder":
            try:
                levels.append(_level(files, root, image))
            except OSError as error:
                if not image:
                    raise
                yield image, f"the folder cannot be opened ({error.strerror})"
        elif entry.kind == "link":
            yield image, "a link to a folder is not followed"
        elif not is_image(image):
            yield image, "not a picture by its name"
        else:
            path = files.join(root, image)
            item = Item(image, None, None, files, path)
            yield Found(item, entry.size, entry.stamp)


def _level(files, root, inside):
    """(name inside the root, Entry) of a folder's entries; the folder is read now."""
    entries = files.entries(files.join(root, inside) if inside else root)
    # The order of the whole paths, in which a-1.jpg comes before a/b.jpg.
    entries.sort(key=lambda e: e.name + "/" if e.kind == "folder" else e.name)
    prefix = f"{inside}/" if inside else ""
    return ((prefix + entry.name, entry) for entry in entries)


def _has_classes(files, root):
    """Whether at least two folders of the root hold images."""
    folders = (image for image, e in _level(files, root, "") if e.kind == "folder")
    holding = (
        name
        for name in folders
        if not if_not_unicode(name)
        and any(isinstance(found, Found) for found in _walk(files, root, name))
    )
    return next(holding, None) is not None and next(holding, None) is not None


def is_image(name):
    """Whether a file is an image by its name."""
    return name.lower().endswith(decoding.SUFFIXES)


def if_not_unicode(text):
    """A showable form of a text that cannot be written as UTF-8; else None."""
    if text.isascii():
        return None
    shown = text.encode("utf-8", "backslashreplace").decode()
    return shown if shown != text else None


def manifest(files, path, storage_options=None):
    """The images of a table, in its order: `image` and optionally `label`, `caption`.

    path: a .csv file (UTF-8, with a header) or a .parquet file. image: relative to the
    table's folder, absolute, or an address of fsspec, which is opened with the
    storage_options unless the table lies in a filesystem of another kind. Raises
    OSError, and ValueError if it is no such table.
    """
    rows = _parquet_rows if path.lower().endswith(".parquet") else _csv_rows
    folder = os.path.dirname(path)
    name = os.path.basename(path)
    for number, values in rows(files, path):
        if isinstance(values, str):
            yield f"{name}, {number}", values
            continue
        image, label, caption = (_text(value) for value in values)
        if image is None:
            yield f"{name}, {number}", "the image is empty"
        elif any(shown := [if_not_unicode(v or "") for v in (image, label, caption)]):
            yield shown[0] or image, "its row is not UTF-8"
        elif "://" in image:
            same = files.knows(image)  # or these are options of another filesystem
            try:
                where = filesystems.find(image, storage_options if same else None)
            except ValueError as error:
                yield image, str(error)
            else:
                yield Found(Item(image, label, caption, *where))
        else:
            image = image.replace("\\", "/").removeprefix("./")
            where = files, files.join(folder, image)
            if os.path.isabs(image):
                where = filesystems.find(image)
            yield Found(Item(image, label, caption, *where))


def _csv_rows(files, path):
    """(row, its three values or what is wrong with it) of every row."""
    with (
        files.open(path) as raw,
        io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as text,
    ):
        header, rows = read_rows(text, {"image", "label", "caption"})
        header = [column.strip() for column in header]
        columns = _columns(header, path)
        places = [None if c is None else header.index(c) for c in columns]
        for number, cells in rows:
            if isinstance(cells, str):
                yield f"row {number}", cells
            elif len(cells) > len(header):
                yield f"row {number}", "more values than the header has names"
            else:
                values = [None if p is None else cells[p] for p in places]
                yield f"row {number}", values


def _parquet_rows(files, path):
    try:
        from pyarrow import parquet
    except ImportError:
        raise ImportError(f"{path} needs pyarrow: pip install pyarrow") from None
    with files.open(path) as raw:
        try:
            table = parquet.ParquetFile(raw)
        except ValueError as error:
            raise ValueError(f"{path} is not a Parquet file: {error}") from error
        columns = _columns(table.schema_arrow.names, path)
        named = [column for column in columns if column]
        number = 0
        for batch in table.iter_batches(batch_size=1024, columns=named):
            values = {column: batch.column(column).to_pylist() for column in named}
            nothing = [None] * len(batch)
            by_row = zip(*(values.get(c, nothing) for c in columns), strict=True)
            for row in by_row:
                number += 1
                if row[0] is None or isinstance(row[0], str):
                    yield f"row {number}", row
                else:
                    yield f"row {number}", "the image is no text, but must be its path"


def _columns(header, path):
    """("image", "label" or None, "caption" or None)"""
    if "image" not in header:
        raise ValueError(
            f"{path} lacks the column image (its columns: {', '.join(header)[:200]}): "
            "it must hold the path of each image, beside the table or absolute; "
            "label and caption may be added."
        )
    return ["image", *(c if c in header else None for c in ("label", "caption"))]


def _text(value):
    """A cell as text; None if it is empty or NaN."""
    if value is None or value != value:
        return None
    return str(value).strip() or None
