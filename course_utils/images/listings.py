"""The images of a folder tree or of a manifest, one by one, never all at once.

A listing is an iterator: a `Found` for each image, and a pair (image, reason) for
everything that is left out.
"""

import errno
import io
import json
import mimetypes
import os
import threading
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

from course_utils._support import filesystems
from course_utils._support.csv_rows import encoding_of, find_columns, read_rows
from course_utils._support.files import is_clutter, written_before
from course_utils.images import decoding

HEAD = 1 << 16  # bytes of a file far away by which it is recognised
# Names of the columns of a table, in any case; the first that is there counts.
IMAGE = ("image", "file", "filename", "path", "img")
LABEL = ("label", "class", "category")
CAPTION = ("caption",)
COLUMNS = {*IMAGE, *LABEL, *CAPTION}
# Names of folders that are parts of a data set rather than classes.
SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}


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
        elif entry.kind == "folder" and image and is_comparison(files, root, image):
            yield image, COMPARISON
        elif entry.kind == "folder":
            try:
                levels.append(_level(files, root, image))
            except OSError as error:
                if not image:
                    raise
                yield image, f"the folder cannot be opened ({error.strerror})"
        elif entry.kind == "link":
            yield image, "a link to a folder is not followed"
        elif is_clutter(entry.name):
            continue
        elif not holds_image(files, path := files.join(root, image)):
            yield image, decoding.OTHER
        else:
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


def holds_image(files, path):
    """Whether a file is an image: by its name, or else by how it begins.

    Of a file far away whose name says that it is something else, nothing is read. One
    that cannot be read is none, whatever it holds.
    """
    if is_image(path):
        return True
    try:
        if files.is_local:
            with files.open(path) as file:
                return decoding.is_picture(file)
        kind = mimetypes.guess_type(path)[0]
        if kind and not kind.startswith("image/"):
            return False
        return decoding.is_picture(io.BytesIO(files.head(path, HEAD)))
    except OSError:
        return False


COMPARISON = "what `compare` wrote: its figures are not taken for pictures"


def is_comparison(files, root, inside):
    """Whether a folder below the root holds the results of a comparison."""
    return files.is_local and "runs.jsonl" in written_before(files.join(root, inside))


def layout_note(files, root):
    """What looks wrong with the folders of an image set, in a sentence; or None."""
    folders = _folders(files, root)
    splits = [name for name in folders if name.lower() in SPLITS]
    splits.sort(key=lambda name: not name.lower().startswith("train"))
    if len(splits) > 1:
        return (
            f"{root}: its folders {' and '.join(splits)} are taken for the classes, "
            "though they look like the parts of a split. If the classes are inside, "
            f"give one of them: {files.join(root, splits[0])}"
        )
    path = root
    while len(folders) == 1:
        path = files.join(path, folders[0])
        folders = _folders(files, path)
    if path != root and _has_classes(files, path):
        return f"{root} has a single folder, so no classes: did you mean {path}?"
    return None


def _folders(files, path):
    """The sorted names of the folders in a folder; none if it cannot be opened."""
    try:
        entries = files.entries(path)
    except OSError:
        return []
    return sorted(e.name for e in entries if e.kind == "folder")


def if_not_unicode(text):
    """A showable form of a text that cannot be written as UTF-8; else None."""
    if text.isascii():
        return None
    shown = text.encode("utf-8", "backslashreplace").decode()
    return shown if shown != text else None


def manifest(files, paths, storage_options=None):
    """The images of tables, in their order: `IMAGE` and optionally `LABEL`, `CAPTION`.

    paths: .csv files (with a header, see `csv_rows`) or .parquet files. The column of
    images holds paths, relative to the table's folder or absolute, or addresses of
    fsspec, which are opened with the storage_options unless the table lies in a
    filesystem of another kind. A Parquet file may hold the images themselves: their
    bytes, or as Hugging Face writes them, a struct with `bytes` and `path`. Raises
    OSError, and ValueError if one is no such table.
    """
    for path in paths:
        rows = _parquet_rows if path.lower().endswith(".parquet") else _csv_rows
        name = os.path.basename(path)
        for number, values in rows(files, path):
            if isinstance(values, str):
                yield f"{name}, {number}", values
                continue
            texts = [_text(value) for value in values[1:]]
            for kind, value, text in zip(
                ("label", "caption"), values[1:], texts, strict=True
            ):
                if text is None and isinstance(value, list | tuple | dict):
                    yield f"{name}, {number}", f"its {kind} is no text: left out"
            yield _listed(
                files, path, f"{name}, {number}", values[0], *texts, storage_options
            )


def _listed(files, path, where, image, label, caption, storage_options):
    """The `Found` of a row, or (image, why it is left out)."""
    if isinstance(image, Found):
        item = image.item
        return image._replace(
            item=Item(item.image, label, caption, item.files, path, item.start)
        )
    image = _text(image)
    if image is None:
        return where, "the image is empty"
    if any(shown := [if_not_unicode(v or "") for v in (image, label, caption)]):
        return shown[0] or image, "its row is not UTF-8"
    if "://" in image:
        same = files.knows(image)  # or these are options of another filesystem
        try:
            place = filesystems.find(image, storage_options if same else None)
        except ValueError as error:
            return image, str(error)
        return Found(Item(image, label, caption, *place))
    image = image.replace("\\", "/").removeprefix("./")
    place = files, files.join(os.path.dirname(path), image)
    if os.path.isabs(image):
        place = filesystems.find(image)
    return Found(Item(image, label, caption, *place))


def _csv_rows(files, path):
    """(row, its three values or what is wrong with it) of every row."""
    with files.open(path) as raw:
        encoding = table_encoding(raw, path)
        text = io.TextIOWrapper(raw, encoding, "surrogateescape", newline="")
        header, rows = read_rows(text, COLUMNS)
        places = _places(header, path)
        for number, cells in rows:
            if isinstance(cells, str):
                yield f"row {number}", cells
            elif len(cells) > len(header):
                yield f"row {number}", "more values than the header has names"
            else:
                values = [None if p is None else cells[p] for p in places]
                yield f"row {number}", values


def table_encoding(file, path):
    """The encoding of a table; a note if it is a guess."""
    encoding = encoding_of(file)
    if encoding == "cp1252":
        warnings.warn(
            f"{path} is not UTF-8 and is read as Windows-1252: if letters come out "
            "wrong, save it as CSV UTF-8.",
            stacklevel=2,
        )
    return encoding


def _parquet_rows(files, path):
    """As `_csv_rows`; an image that is in the table itself is a `Found`."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise ImportError(f"{path} needs pyarrow: pip install pyarrow") from None
    with files.open(path) as raw:
        try:
            table = parquet.ParquetFile(raw)
        except ValueError as error:
            raise ValueError(f"{path} is not a Parquet file: {error}") from error
        schema = table.schema_arrow
        places = _places(schema.names, path)
        image, *others = [None if p is None else schema.names[p] for p in places]
        kind = schema.field(image).type
        inside = inside_of(kind)
        if inside is None and not _holds_text(kind):
            raise ValueError(
                f"{path}: its column {image} is {kind}. It must hold the path of each "
                "image, its bytes, or a struct of `bytes` and `path`."
            )
        columns = [column for column in others if column]
        if inside is None:
            columns.append(image)
        elif inside == "bytes" and kind.get_field_index("path") >= 0:
            columns.append(f"{image}.path")  # the bytes are read when they are needed
        names = _class_names(schema, others[0])
        stamp = files.look(path)
        source = InParquet(files, image, inside, stamp)
        number = 0
        for batch in table.iter_batches(batch_size=1024, columns=columns):
            held = set(batch.schema.names)
            by_column = [
                batch.column(c).to_pylist() if c in held else [None] * len(batch)
                for c in (image, *others)
            ]
            for value, label, caption in zip(*by_column, strict=True):
                if inside is not None:
                    given = (
                        (value or {}).get("path") if isinstance(value, dict) else None
                    )
                    value = Found(_in_table(source, path, number, given), None, stamp)
                if names and isinstance(label, int) and 0 <= label < len(names):
                    label = names[label]
                number += 1
                yield f"row {number}", (value, label, caption)


def _in_table(source, path, number, given):
    name = f"{os.path.basename(path)}/{number:06d}"
    given = os.path.basename((given or "").replace("\\", "/"))
    if given and not if_not_unicode(given):
        name += f"-{given}"
    return Item(name, None, None, source, path, number)


def inside_of(kind):
    """Where in a column of this type of pyarrow the bytes are; None if there are none.

    "" for the column itself, else the name of the field.
    """
    from pyarrow import types

    def is_bytes(one):
        return types.is_binary(one) or types.is_large_binary(one)

    if is_bytes(kind):
        return ""
    place = kind.get_field_index("bytes") if types.is_struct(kind) else -1
    return "bytes" if place >= 0 and is_bytes(kind.field(place).type) else None


def _holds_text(kind):
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    return (
        types.is_string(value) or types.is_large_string(value) or types.is_null(value)
    )


def _class_names(schema, column):
    """The names that Hugging Face keeps for the numbers in a column of classes."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        names = about["info"]["features"][column]["names"]
        return [str(name) for name in names]
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True)
class InParquet:
    """Images that lie in a Parquet file, as an `Item` asks its files for them.

    Two groups of rows are held at a time, in this process, since neighbours are read
    one after the other. Hugging Face puts 100 images in one.
    """

    files: object
    column: str
    inside: str
    stamp: object
    is_local = False  # by a path of its own

    def read(self, path, start=0, size=None):
        """The bytes of the image in row `start`."""
        with _held_lock:
            first, values = self._group(path, start)
        data = values[start - first].as_py()
        if not data:
            raise OSError(errno.ENODATA, "its row holds no bytes", path)
        return data

    def _group(self, path, row):
        """(number of the first row, its values) of the group of rows with this row."""
        for held in _held:
            if held[0] == (path, self.column, self.stamp) and 0 <= row - held[1] < len(
                held[2]
            ):
                return held[1:]
        from pyarrow import parquet

        with self.files.open(path) as raw:
            table, first = parquet.ParquetFile(raw), 0
            for group in range(table.num_row_groups):
                n_rows = table.metadata.row_group(group).num_rows
                if row < first + n_rows:
                    break
                first += n_rows
            else:
                raise OSError(errno.EIO, "the file is shorter than it was", path)
            column = f"{self.column}.{self.inside}" if self.inside else self.column
            values = table.read_row_group(group, columns=[column]).column(self.column)
        values = values.combine_chunks()
        if self.inside:
            values = values.field(self.inside)
        _held[:] = [*_held[-1:], ((path, self.column, self.stamp), first, values)]
        return first, values


_held, _held_lock = [], threading.Lock()


def _places(header, path):
    """The indices of the columns of images, labels and captions, or None."""
    places = find_columns(header, IMAGE, LABEL, CAPTION)
    if places[0] is None:
        raise ValueError(
            f"{path} lacks the column image (its columns: {', '.join(header)[:200]}): "
            "it must hold the path of each image, beside the table or absolute; "
            "label and caption may be added."
        )
    return places


def _text(value):
    """A cell as text; None if it is empty, NaN or no text or number."""
    if value is None or value != value or isinstance(value, list | tuple | dict):
        return None
    return str(value).strip() or None
