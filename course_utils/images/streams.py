"""Image sets too big to list in memory: a stream of parts, each of a few images.

`open_stream` takes a folder tree, a manifest (.csv or .parquet) or tar shards, on this
machine or at an address of fsspec. A part is some listed images, or one tar file. It is
listed, sent to another machine and worked on by itself; its key tells whether its
images are still the same.
"""

import hashlib
import random
import re
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath

from course_utils._support import filesystems
from course_utils.images import image_set, listings, webdataset
from course_utils.images.listings import Found, Item
from course_utils.images.webdataset import write_shards

__all__ = [
    "ImageStream",
    "Item",
    "Part",
    "Shard",
    "from_folder",
    "from_manifest",
    "from_shards",
    "open_stream",
    "write_shards",
]

PART_SIZE = 1024
MAX_PROBLEMS = 10_000  # in a part, so that they do not fill the memory
N_THREADS = 32  # they wait for answers rather than compute

COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


@dataclass(frozen=True)
class ImageStream:
    """Images in a fixed order, of which only one part at a time is in memory."""

    name: str
    address: str
    list_parts: Callable = field(repr=False)

    def parts(self):
        """A fresh iterator of `Part`s: always the same while the images are the same.

        A folder tree is sorted by the whole names, a manifest stays in its order; both
        are cut after each part_size images. A shard is a part, whatever its size;
        sorted, or as the braces say.
        """
        return self.list_parts()

    def sample(self, n, seed=0):
        """An ImageSet of n images drawn at random, in the order of the stream.

        Every n images are as likely as any other; the seed fixes which. Goes through
        the whole listing (of shards: all headers) but reads only what is drawn. Those
        that cannot be decoded are left out and reported. True labels are known if every
        image drawn has one. Source: Vitter, Random sampling with a reservoir (1985),
        algorithm R.
        """
        if n < 1:
            raise ValueError(f"n={n}: draw at least one image.")
        generator, drawn, count = random.Random(seed), [], 0
        for part in self.parts():
            for item in part.items():
                place = count if count < n else generator.randrange(count + 1)
                if count < n:
                    drawn.append((count, item))
                elif place < n:
                    drawn[place] = count, item
                count += 1
        items = [item for _, item in sorted(drawn, key=lambda pair: pair[0])]
        return _image_set(self.name, items)


@dataclass(frozen=True)
class Part:
    """Some images of a stream, small enough to be sent to another process.

    number: 0, 1, … key: hex digest of the address and of all names, sizes, modification
    times (or ETags), labels and captions in it: it changes if any of them does.
    """

    number: int
    key: str
    found: tuple = field(repr=False)
    problems: tuple = field(repr=False, default=())

    def look(self):
        """(items, problems): a list of `Item`, and of (image, reason) left out."""
        return list(self.found), list(self.problems)

    def items(self):
        """The images alone; of a shard, each call reads its headers again."""
        return self.look()[0]


@dataclass(frozen=True)
class Shard:
    """A `Part` that is one tar file, looked into only where `look` is called."""

    number: int
    key: str
    shard: str
    files: object = field(repr=False)
    path: str = field(repr=False)

    def look(self):
        return webdataset.scan(self.files, self.path, self.shard)

    def items(self):
        return self.look()[0]


def open_stream(address, *, name=None, part_size=PART_SIZE, storage_options=None):
    """Open the images at an address, too many to be listed at once.

    Parameters
    ----------
    address : path or str
        A folder with images, class folders, tar shards or Parquet files; a manifest,
        *.csv or *.parquet, with a column `image` (or file, filename, path) and
        optionally `label` (or class, category) and `caption`; in Parquet the images
        may be in the table themselves, as Hugging Face writes them; a tar file; or a
        pattern of tar files with wildcards or braces, as "shard-{0000..0099}.tar". A
        local path, or an address of fsspec, as s3://bucket/folder.
    name : str, optional
        Of the stream; by default from the address.
    part_size : int
        Images per part. A tar file is a part, whatever its size.
    storage_options : dict, optional
        For fsspec, as keys or endpoints.

    Returns
    -------
    ImageStream

    Raises
    ------
    FileNotFoundError
        If nothing is there.
    ValueError
        If it is none of these things; the message says what to give instead.
    ImportError
        That says what to install for this kind of address.

    See Also
    --------
    load : an image set that fits in memory.
    write_shards : writes tar shards.

    References
    ----------
    https://filesystem-spec.readthedocs.io

    Examples
    --------
    >>> stream = open_stream("datasets/stamps/pictures", part_size=200)
    >>> [len(part.items()) for part in stream.parts()]
    [200, 200, 39]
    """
    address = filesystems.absolute(address)
    files, path = filesystems.find(address, storage_options)
    kind = _kind(files, path, address)
    options = {"name": name, "storage_options": storage_options}
    if kind == "shards":
        return from_shards(address, **options)
    read = from_folder if kind == "tree" else from_manifest
    return read(address, part_size=part_size, **options)


def from_folder(address, *, name=None, part_size=PART_SIZE, storage_options=None):
    """The stream of a folder tree; class folders, if it has some, give the labels."""
    address = filesystems.absolute(address)
    _check(part_size)
    files, root = filesystems.find(address, storage_options)
    if files.kind(root) != "folder":
        raise FileNotFoundError(f"{address} is not there, or no folder.")
    listing = partial(listings.tree, files, root)
    _check_any(listing, f"{address} holds no pictures")
    if note := listings.layout_note(files, root):
        warnings.warn(note, stacklevel=2)
    return _stream(name, address, listing, part_size)


def from_manifest(address, *, name=None, part_size=PART_SIZE, storage_options=None):
    """The stream of tables with the column image, optionally label and caption."""
    address = filesystems.absolute(address)
    _check(part_size)
    files, path = filesystems.find(address, storage_options)
    paths = _tables(files, path)
    if not paths:
        raise FileNotFoundError(f"{address} is not there, or no file.")
    listing = partial(listings.manifest, files, paths, storage_options)
    _check_any(listing, f"{address} names no pictures")
    return _stream(name, address, listing, part_size)


def from_shards(address, *, name=None, storage_options=None):
    """The stream of tar files in the WebDataset layout: see `webdataset`."""
    address = filesystems.absolute(address)
    if address.lower().endswith(COMPRESSED):
        raise ValueError(
            f"{address} is compressed, so that no picture can be read by itself: "
            "decompress it to a plain .tar."
        )
    files, path = filesystems.find(address, storage_options)
    folder, names = webdataset.find(files, path)
    if not any(files.kind(files.join(folder, shard)) == "file" for shard in names):
        raise FileNotFoundError(f"{address}: there is no such tar file.")
    list_parts = partial(_tar_parts, files, path, folder, address)
    return ImageStream(name or _name(address), address, list_parts)


def _tables(files, path):
    """The paths of the tables at a path: a file, a folder of .parquet, or a pattern."""
    kind = files.kind(path)
    if kind == "folder":
        names = sorted(e.name for e in files.entries(path) if _is_parquet(e))
        return [files.join(path, name) for name in names]
    if kind == "file":
        return [path]
    return files.glob(path) if re.search(r"[*?[]", path) else []


def _is_parquet(entry):
    return entry.kind == "file" and entry.name.lower().endswith(".parquet")


def _check_any(listing, sentence):
    """Raise ValueError with the sentence, and why, if a listing has no image."""
    reasons = []
    for found in listing():
        if isinstance(found, Found):
            return
        if len(reasons) < 3:
            reasons.append(f"\n  {found[0]}: {found[1]}")
    raise ValueError(f"{sentence}{':' if reasons else '.'}{''.join(reasons)}")


def _kind(files, path, address):
    """ "tree", "manifest" or "shards"; or an error that says what to give instead."""
    lower = address.lower()
    there = files.kind(path)
    if there != "folder":
        if lower.endswith((".csv", ".parquet")):
            return "manifest"
        if lower.endswith((".tar", *COMPRESSED)):
            return "shards"
        if there == "file":
            raise ValueError(
                f"{address} is a file, but neither .csv, .parquet nor .tar: give the "
                "folder that holds the pictures."
            )
        raise FileNotFoundError(f"{address} is not there: check how it is written.")
    entries = files.entries(path)
    if any(e.name == "labels.csv" for e in entries):
        raise ValueError(
            f"{address} holds a labels.csv: open that file to have its labels, or use "
            "from_folder to leave them."
        )
    if any(map(_is_parquet, entries)) and not any(
        e.kind == "folder" or listings.is_image(e.name) for e in entries
    ):
        return "manifest"
    if not any(e.kind == "file" and e.name.endswith(".tar") for e in entries):
        return "tree"
    if any(e.kind == "folder" or listings.is_image(e.name) for e in entries):
        raise ValueError(
            f"{address} holds tar files beside folders or pictures: say which you mean "
            "with from_shards or from_folder."
        )
    return "shards"


def _name(address):
    """A name for what an address holds: its last part without suffix and wildcards."""
    for part in address.split("::"):
        path = part.partition("://")[2] if "://" in part else part
        name = PurePath(path.replace("\\", "/").rstrip("/")).name
        if name := re.split(r"[*?[{]", PurePath(name).stem)[0].rstrip("-_."):
            return name
    return "pictures"


def _check(part_size):
    if part_size < 1:
        raise ValueError(f"part_size={part_size}: at least one image per part.")


def _stream(name, address, listing, part_size):
    list_parts = partial(_cut, address, listing, part_size)
    return ImageStream(name or _name(address), address, list_parts)


def _cut(address, listing, part_size):
    """Yield a listing as parts; what is left out belongs to the image before it."""
    number, pictures, problems = 0, [], []
    for found in listing():
        picture = isinstance(found, Found)
        full = picture and len(pictures) == part_size
        if full or len(problems) >= MAX_PROBLEMS:
            yield _part(number, address, pictures, problems)
            number, pictures, problems = number + 1, [], []
        (pictures if picture else problems).append(found)
    if pictures or problems:
        yield _part(number, address, pictures, problems)


def _part(number, address, pictures, problems):
    remote = not all(p.item.files.is_local for p in pictures)
    if remote and any(p.stamp is None for p in pictures):  # each waits for an answer
        with ThreadPoolExecutor(N_THREADS) as pool:
            looked = list(pool.map(_look, pictures))
    else:
        looked = map(_look, pictures)
    good, problems = {}, list(problems)
    for found, reason in looked:
        image = found.item.image
        if image in good:
            reason = "is there twice: the first is taken"
        if reason:
            problems.append((image, reason))
        else:
            good[image] = found
    state = [
        (f.item.image, f.size, f.stamp, f.item.label, f.item.caption)
        for f in good.values()
    ]
    items = tuple(found.item for found in good.values())
    return Part(number, _key(address, state, problems), items, tuple(problems))


def _look(found):
    """(found with size and stamp, None or why it cannot be read)."""
    if found.stamp is not None:
        return found, None
    try:
        size, stamp = found.item.files.look(found.item.path)
    except OSError as error:
        return found, f"cannot be read ({error.strerror})"
    return found._replace(size=size, stamp=stamp), None


def _tar_parts(files, path, folder, address):
    """Yield a `Shard` for each tar file; one that is missing is found out by `look`."""
    for number, name in enumerate(webdataset.find(files, path)[1]):
        shard = files.join(folder, name)
        try:
            state = files.look(shard)
        except OSError:
            state = None
        yield Shard(number, _key(address, name, state), name, files, shard)


def _key(address, *state):
    return hashlib.sha256(repr((address, *state)).encode()).hexdigest()


def _image_set(name, items):
    """The image set of some items, through `image_set.gather`."""

    def fetch(item):
        if item.files.is_local and item.size is None:
            return Path(item.path)
        try:
            return item.read()
        except OSError as error:
            return error

    with ThreadPoolExecutor(N_THREADS) as pool:
        fetched = list(pool.map(fetch, items))
    found = list(zip(items, fetched, strict=True))
    problems = [
        (item.image, f"cannot be read ({source.strerror})")
        for item, source in found
        if isinstance(source, OSError)
    ]
    sources = {i.image: s for i, s in found if not isinstance(s, OSError)}
    labels = {item.image: item.label for item in items}
    captions = {item.image: item.caption or "" for item in items}
    return image_set.gather(
        name,
        sources,
        None if None in labels.values() else labels,
        captions if any(captions.values()) else None,
        None,
        problems,
        progress=False,
    )
