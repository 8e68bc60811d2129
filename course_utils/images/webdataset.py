"""Images in tar files, the shards of the WebDataset layout.

The files of one sample share their name up to the first dot of its last part: `key.jpg`
the image, `key.cls` its class, `key.txt` its caption, or `key.json` with `label` (or
`class`) and `caption`. A few large files are copied and read far quicker than a million
small ones. Source: https://github.com/webdataset/webdataset
"""

import collections
import io
import itertools
import json
import posixpath
import re
import tarfile
from pathlib import Path

from course_utils._support.files import atomic_file, claim
from course_utils._support.progress import progress_bar
from course_utils.images.listings import Item, if_not_unicode, is_image

MAX_TEXT = 1 << 20  # bytes of a .cls, .txt or .json
MAX_HEADER = 1 << 20  # bytes of a long name and the like, before a member

COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "zstd",
}


def expand(pattern):
    """Every address that a pattern with braces stands for, in the order written.

    "shard-{000..099}.tar" has 100, with their zeros; "{train,test}.tar" has two.
    """
    found = re.search(r"\{([^{}]*,[^{}]*|(\d+)\.\.(\d+))\}", pattern)
    if not found:
        return [pattern]
    inside, first, last = found.groups()
    parts = inside.split(",")
    if first is not None:
        step = 1 if int(first) <= int(last) else -1
        width = len(first) if first.startswith("0") else 0
        parts = [f"{i:0{width}}" for i in range(int(first), int(last) + step, step)]
    before, after = pattern[: found.start()], pattern[found.end() :]
    # dict, not set: once each, in this order
    return list(
        dict.fromkeys(a for part in parts for a in expand(before + part + after))
    )


def find(files, path):
    """(folder, names): the shards of a tar file, a folder of them or a pattern.

    files, path: from `filesystems.find`. names: inside the folder, which is what comes
    before the first wildcard or brace; those of wildcards are sorted.
    """
    if files.kind(path) == "folder":
        entries = sorted(files.entries(path))
        tars = [e.name for e in entries if e.kind == "file" and e.name.endswith(".tar")]
        return path, tars
    if files.kind(path) == "file":
        return posixpath.dirname(path.replace("\\", "/")), [posixpath.basename(path)]
    patterns = expand(path)
    found = itertools.chain.from_iterable(
        files.glob(p) if re.search(r"[*?[]", p) else [p] for p in patterns
    )
    fixed = re.split(r"[*?[{]", path.replace("\\", "/"))[0]
    folder = fixed.rpartition("/")[0]
    names = [shard.replace("\\", "/")[len(folder) :].lstrip("/") for shard in found]
    return folder, list(dict.fromkeys(names))


def scan(files, path, shard):
    """(items, problems) of one tar file, in its order; never raises for its content.

    shard: its name, with which those of its images begin. Only headers, labels and
    captions are read here. Of a damaged file, all before the damage is found.
    """
    samples, problems = collections.defaultdict(_Sample), []
    try:
        size = files.look(path)[0]
        if size is None:
            raise _Damaged("its server does not say how large it is")
        with files.open(path) as file:
            for member in _members(file):
                name = member.name.removeprefix("./").lstrip("/")
                folder, slash, last = name.rpartition("/")
                key, _, extension = last.partition(".")
                if not key:  # a hidden file
                    continue
                sample = samples[folder + slash + key]
                if not member.isreg() or member.sparse is not None:
                    problem = "not a plain file but a link or the like"
                elif member.offset_data + member.size > size:
                    problem = "cut off"
                else:
                    problem = sample.add(file, member, name, extension)
                if problem:
                    sample.spoilt = True
                    shown = if_not_unicode(name) or name
                    problems.append((f"{shard}/{shown}", problem))
    except _Damaged as error:
        problems.append((shard, str(error)))
    except Exception as error:  # every filesystem has errors of its own
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        problems.append((shard, f"cannot be read ({reason})"))
    items = []
    for key, sample in samples.items():
        if not (sample.images or sample.spoilt):
            problems.append((f"{shard}/{key}", "a sample without an image"))
        about = sample.label, sample.caption
        for name, place in sample.images.items():
            items.append(Item(f"{shard}/{name}", *about, files, path, *place))
    return items, problems


class _Damaged(ValueError):
    """A tar file that cannot be read further; the message says why."""


class _Headers:
    """A file of which `tarfile` may read headers, but not a gigabyte at once."""

    def __init__(self, file):
        self.file, self.seek, self.tell = file, file.seek, file.tell

    def read(self, size):
        if not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError("a header of impossible size")
        return self.file.read(size)


def _members(file):
    """Yield the TarInfo of every file in a tar; raise _Damaged where it is damaged.

    The file may be moved between two members.
    """
    head = file.read(6)
    for magic, kind in COMPRESSED.items():
        if head.startswith(magic):
            raise _Damaged(f"compressed with {kind}: decompress it to a plain .tar")
    if not head:
        raise _Damaged("the file is empty (0 bytes)")
    file.seek(0)
    at = 0
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:", encoding="utf-8") as tar:
            for member in tar:
                if member.size < 0:  # `tarfile` would go back and never end
                    raise tarfile.ReadError("a size below 0")
                at = tar.offset
                if not member.isdir():
                    yield member
    except OSError:
        raise
    except Exception as error:  # of many kinds, RecursionError for one
        raise _Damaged(
            f"damaged at byte {at:,}, the rest is left out ({error})"
        ) from error
    # `tarfile` takes a damaged header for the end.
    file.seek(at)
    end = file.read(MAX_HEADER)
    if len(end) < tarfile.BLOCKSIZE:
        raise _Damaged("has no end mark: it is cut off")
    if end[: tarfile.BLOCKSIZE].strip(b"\0"):
        raise _Damaged(f"damaged at byte {at:,}, the rest is left out")
    if end.strip(b"\0"):
        raise _Damaged(
            f"goes on after its end mark at byte {at:,} (joined with another?): "
            "the rest is left out"
        )


class _Sample:
    """The files that share a key, as they come: images {name: (start, size)}."""

    def __init__(self):
        self.images, self.spoilt = {}, False
        self.label = self.caption = None

    def add(self, file, member, name, extension):
        """Take a file of the sample in; returns what is wrong with it, or None."""
        if if_not_unicode(name):
            return "its name is not Unicode"
        if ".." in name and ".." in name.split("/"):
            return "its name leads out of the shard (..)"
        if is_image(name):
            if "." in extension:  # of a mask, a second view, a depth map
                return f"a further picture of its sample (.{extension}): not taken"
            if name in self.images:
                return "is there twice: the first is taken"
            self.images[name] = member.offset_data, member.size
            return None
        extension = extension.lower()
        if extension not in ("cls", "txt", "json"):
            return None  # samples may hold other things than pictures
        if member.size > MAX_TEXT:
            return f"larger than {MAX_TEXT:,} bytes: not read"
        file.seek(member.offset_data)
        try:
            text = file.read(member.size).decode().removeprefix("\ufeff")
            if extension == "cls":
                self.label = text.strip() or self.label
            elif extension == "txt":
                self.caption = text.strip() or self.caption
            else:  # which says less than a file of its own
                about = json.loads(text)
                about = about if isinstance(about, dict) else {}
                label = about.get("label", about.get("class"))
                self.label = self.label or _text(label)
                self.caption = self.caption or _text(about.get("caption"))
                if label is not None and _text(label) is None:
                    return "its label is no text and no number: read without one"
        except UnicodeDecodeError:
            return "not UTF-8"
        except (ValueError, RecursionError):
            return "not JSON"
        return None


def _text(value):
    """A label or caption of a .json as text, if it can be one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return None if if_not_unicode(text) else text or None


def write_shards(image_set, folder, *, per_shard=1000, progress=True):
    """Write an image set as tar files in the WebDataset layout.

    The same image set gives the same bytes. Each shard appears whole or not at all, and
    those of an interrupted run are written again. The names of images keep their
    folders, but lose the dots before their suffix.

    Parameters
    ----------
    image_set : ImageSet
        Its true labels become .cls files, its captions .txt files.
    folder : path
        Made if missing; must not hold other .tar files.
    per_shard : int
        Images per tar file.
    progress : bool
        Whether to show a progress bar on anything over two seconds.

    Returns
    -------
    list of Path
        `shard-000000.tar`, …

    Raises
    ------
    ValueError
        If the folder holds other tar files, or ones of these names that this did not
        write.
    OSError
        If it cannot be written.

    See Also
    --------
    open_stream : reads them.

    Examples
    --------
    >>> import tempfile
    >>> from course_utils.images import load, open_stream
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_shards(load("stamps"), folder, per_shard=100)
    ...     n_items = [len(part.items()) for part in open_stream(folder).parts()]
    >>> [path.name for path in paths], n_items
    (['shard-000000.tar', 'shard-000001.tar'], [100, 93])
    """
    if per_shard < 1:
        raise ValueError(f"per_shard={per_shard}: at least one image per shard.")
    folder = Path(folder)
    starts = range(0, len(image_set), per_shard)
    paths = [folder / f"shard-{number:06d}.tar" for number in range(len(starts))]
    if others := sorted(set(folder.glob("*.tar")) - set(paths)):
        raise ValueError(
            f"{folder} holds shards of something else, as {others[0].name}, that would "
            "be mixed up with these: give an empty folder."
        )
    claim(folder, [path.name for path in paths])
    names, taken = image_set.true_names, set()
    with progress_bar(len(image_set), "writing shards", progress) as bar:
        for path, start in zip(paths, starts, strict=True):
            with (
                atomic_file(path) as file,
                tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar,
            ):
                for i in range(start, min(start + per_shard, len(image_set))):
                    key, suffix = _key(image_set.images[i], i, taken)
                    _put(tar, key + suffix, image_set.read(i))
                    if names:
                        _put(tar, f"{key}.cls", names[i].encode())
                    if image_set.captions and image_set.captions[i]:
                        _put(tar, f"{key}.txt", image_set.captions[i].encode())
                    bar.update()
    return paths


def _key(image, number, taken):
    """(key, suffix) of an image's name: all up to the first dot is the key."""
    stem, suffix = posixpath.splitext(image)
    folder, name = posixpath.split(stem)
    key = posixpath.join(folder, name.replace(".", "_"))
    if key in taken:  # a.jpg and a.png would be one sample
        key = f"{key}-{number}"
    taken.add(key)
    return key, suffix


def _put(tar, name, data):
    info = tarfile.TarInfo(name)  # its time is 0, its owner nobody
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
