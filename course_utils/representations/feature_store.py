"""Features of very many images: a folder of Parquet files, one per part.

A part holds about a thousand images: their names, digests, labels and features. Each
file appears whole or not at all, so a killed run costs the parts it was working on. The
folder may be anywhere that fsspec reaches (`s3://…`, `gs://…`). Any program that reads
Parquet can read it as one table: names that begin with "_" are skipped by all of them.
"""

import contextlib
import io
import json
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from course_utils._support import filesystems
from course_utils._support.files import atomic_file
from course_utils._support.files import rows as empty_rows

ABOUT = "_about.json"  # what the features depend on, besides the images
LISTING = "_parts.json"  # the files of a finished run, in order
PART = re.compile(r"part-\d{6}-[0-9a-f]{16}\.parquet")  # what a part is called

# What the first edition called them, without the "_".
OLD_ABOUT, OLD = "about.json", ("about.json", "parts.json", "codebook.npy")


class FeatureParts:
    """The features of a finished extraction, read part by part.

    Has what `clustering.out_of_core` asks of a source: n_images, width and `blocks()`.
    """

    def __init__(self, address, *, storage_options=None):
        """Open the folder of `extract(…, to=address)`.

        Raises FileNotFoundError if there is none, ValueError if it is not finished.
        """
        self.folder = Folder.at(address, storage_options)
        self.about = self.folder.json(ABOUT)
        if self.about is None:
            raise FileNotFoundError(
                f"{self.folder.address} holds no features, or those of an earlier "
                "edition: then give the same call of `extract` again, which keeps them."
            )
        listing = self.folder.json(LISTING)
        if listing is None:
            raise ValueError(
                f"the extraction to {self.folder.address} is not finished: give the "
                "same call again, it goes on where it stopped."
            )
        self.representation = self.about["representation"]
        self.names = [name for name, _, _ in listing["parts"]]
        self.counts = [count for _, count, _ in listing["parts"]]
        self.width = listing["width"]
        self.n_images = sum(self.counts)
        self.bad = [problems for _, _, problems in listing["parts"]]
        self.n_problems = sum(self.bad)

    def __repr__(self):
        left_out = f", {self.n_problems:,} left out" if self.n_problems else ""
        return (
            f"FeatureParts({self.representation} of {self.about['image_set']}: "
            f"{self.n_images:,} pictures × {self.width} in {len(self.names):,} parts"
            f"{left_out})"
        )

    def __len__(self):
        return self.n_images

    def part(self, name):
        """The `Part` of this file name."""
        return read_part(self.folder, name)

    def parts(self):
        """Every `Part`, in the order of the images."""
        return (self.part(name) for name in self.names)

    def blocks(self):
        """The features of every part that has any: float32 (m, width)."""
        return (part.features for part in self.parts() if part.images)

    def array(self):
        """All features as one array (n_images, width), on disk if it is large."""
        rows = empty_rows(self.n_images, self.width)
        start = 0
        for block in self.blocks():
            rows[start : start + len(block)] = block
            start += len(block)
        return rows

    @property
    def problems(self):
        """What was left out and why: DataFrame with image and reason."""
        some = [name for name, n in zip(self.names, self.bad, strict=True) if n]
        found = [row for name in some for row in _head(self.folder, name)[1]]
        return pd.DataFrame(found, columns=["image", "reason"])


@dataclass(frozen=True)
class Folder:
    """Files in a local folder or at an fsspec address; small, to be sent to workers."""

    address: str
    storage_options: tuple = ()  # (name, value) pairs for fsspec

    @classmethod
    def at(cls, address, storage_options=None):
        """address: a path, one of fsspec's addresses, or a Folder, which is itself."""
        if isinstance(address, Folder):
            return address
        options = tuple((storage_options or {}).items())
        return cls(filesystems.absolute(address).rstrip("/"), options)

    @cached_property
    def _place(self):
        return filesystems.find(self.address, dict(self.storage_options))

    @property
    def is_local(self):
        """Whether its files can be opened by path, and mapped into memory."""
        return self._place[0].is_local

    def path(self, name):
        """Where a file of this name lies."""
        files, root = self._place
        return files.join(root, name)

    def names(self):
        """The set of the names of all files."""
        files, root = self._place
        if files.kind(root) != "folder":
            return set()
        return {entry.name for entry in files.entries(root)}

    def write(self, name, data):
        """Write bytes as a file that appears whole.

        An object store does that by itself; a local file is written under another name
        and renamed.
        """
        files, root = self._place
        if self.is_local:
            with atomic_file(self.path(name)) as file:
                file.write(data)
            return
        files.filesystem.makedirs(root, exist_ok=True)
        files.filesystem.pipe_file(self.path(name), data)

    def remove(self, names):
        """Remove the files of these names, as far as they are there."""
        files, _ = self._place
        for name in sorted(names & self.names()):
            files.filesystem.rm_file(self.path(name))

    def open(self, name):
        """A file to read from; raises FileNotFoundError."""
        return self._place[0].open(self.path(name))

    def read(self, name):
        """The bytes of a file; raises FileNotFoundError."""
        return self._place[0].read(self.path(name))

    def json(self, name):
        """What a file of JSON holds, None if it is not there or damaged."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return json.loads(self.read(name))
        return None


@dataclass(frozen=True, eq=False)
class Part:
    """Some images and their features.

    images, digests: list of str. labels, captions: list of str or None. features:
    float32 (n_images, width). problems: list of (image, reason), images left out.
    """

    images: list
    digests: list
    labels: list
    captions: list
    features: np.ndarray
    problems: list


def to_parquet(part):
    """The bytes of a part as a Parquet file; the same part gives the same bytes."""
    pyarrow = _pyarrow()
    count, width = part.features.shape
    values = pyarrow.array(np.ascontiguousarray(part.features, np.float32).ravel())
    kind = pyarrow.list_(pyarrow.float32(), width) if width else pyarrow.null()
    columns = {
        "image": pyarrow.array(part.images, pyarrow.string()),
        "digest": pyarrow.array(part.digests, pyarrow.string()),
        "label": pyarrow.array(part.labels, pyarrow.string()),
        "caption": pyarrow.array(part.captions, pyarrow.string()),
        "features": pyarrow.FixedSizeListArray.from_arrays(values, type=kind)
        if width
        else pyarrow.nulls(count),
    }
    table = pyarrow.table(columns)
    about = {"problems": part.problems}
    table = table.replace_schema_metadata({"course": json.dumps(about)})
    file = io.BytesIO()
    # Features do not compress; a dictionary would only be tried and given up.
    pyarrow.parquet.write_table(
        table, file, compression="NONE", use_dictionary=["label"]
    )
    return file.getvalue()


def from_parquet(data):
    """A `Part` from the bytes of its file, or from a path, which is memory-mapped."""
    pyarrow = _pyarrow()
    local = isinstance(data, str)
    source = data if local else io.BytesIO(data)
    table = pyarrow.parquet.read_table(source, memory_map=local)
    about = json.loads(table.schema.metadata[b"course"])
    column = table.column("features").combine_chunks()
    width = getattr(column.type, "list_size", 0)
    values = column.flatten().to_numpy(zero_copy_only=False) if width else np.empty(0)
    named = (table[c].to_pylist() for c in ("image", "digest", "label", "caption"))
    rows = np.asarray(values, np.float32).reshape(len(table), width)
    return Part(*named, rows, [tuple(problem) for problem in about["problems"]])


def read_part(folder, name):
    """The `Part` in a file; a local one is mapped into memory."""
    return from_parquet(folder.path(name) if folder.is_local else folder.read(name))


def summary(folder, name):
    """(images, problems, width) of the part in a file; None if it is cut off."""
    try:
        count, problems, width = _head(folder, name)
    except (OSError, _pyarrow().ArrowInvalid, KeyError, ValueError):
        return None
    return count, len(problems), width


def _head(folder, name):
    """(images, list of problems, width), from the description of the file alone."""
    with folder.open(name) as file:
        found = _pyarrow().parquet.ParquetFile(file)
        about = json.loads(found.schema_arrow.metadata[b"course"])
        width = getattr(found.schema_arrow.field("features").type, "list_size", 0)
        return found.metadata.num_rows, about["problems"], width


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ImportError(
            "features in parts need pyarrow: pip install pyarrow"
        ) from None
    return pyarrow
