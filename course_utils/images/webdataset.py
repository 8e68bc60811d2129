"""Pictures in tar files, the shards of the WebDataset layout.

The files of one sample share their name up to the first dot of its last part: `key.jpg`
the picture, `key.cls` its class, `key.txt` its caption, or `key.json` with `label` (or
`class`) and `caption`. A few large files are copied and read far quicker than a million
small ones. Source: https://github.com/webdataset/webdataset

What lies where in a tar file, and how far one can be trusted that is damaged.

The standard library reads any tar, but needs 30 µs a member, more than reading a small
picture takes. So the common header is read here, and every other one by `tarfile`.
Source of the layout: POSIX.1-2017, `pax`, section "ustar Interchange Format".
"""

import collections
import io
import itertools
import json
import posixpath
import re
import tarfile
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from course_utils._support.files import atomic_file
from course_utils.images.listings import Item, if_not_unicode, is_picture

LARGEST_TEXT = 1 << 20  # bytes of a .cls, .txt or .json


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

    files, path: from `addresses.find`. names: inside the folder, which is what comes
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

    shard: its name, with which those of its pictures begin. Only headers, labels and
    captions are read here. Of a damaged file, all before the damage is found.
    """
    samples, problems = collections.defaultdict(_Sample), []
    try:
        size = files.look(path)[0]
        with files.open(path) as file:
            for member in members(file, size):
                name = _clean(member.name)
                folder, slash, last = name.rpartition("/")
                key, _, extension = last.partition(".")
                if not key:  # a hidden file
                    continue
                sample = samples[folder + slash + key]
                problem = member.problem or sample.add(file, member, name, extension)
                if problem:
                    sample.spoilt = True
                    shown = if_not_unicode(name) or name
                    problems.append((f"{shard}/{shown}", problem))
    except Damaged as error:
        problems.append((shard, str(error)))
    except OSError as error:
        problems.append((shard, f"cannot be read ({error.strerror or error})"))
    items = []
    for key, sample in samples.items():
        if not (sample.pictures or sample.spoilt):
            problems.append((f"{shard}/{key}", "a sample without a picture"))
        about = sample.label, sample.caption
        for name, place in sample.pictures.items():
            items.append(Item(f"{shard}/{name}", *about, files, path, *place))
    return items, problems


class _Sample:
    """The files that share a key, as they come: pictures {name: (start, size)}."""

    def __init__(self):
        self.pictures, self.spoilt = {}, False
        self.label = self.caption = None

    def add(self, file, member, name, extension):
        """Take a file of the sample in; returns what is wrong with it, or None."""
        if if_not_unicode(name):
            return "its name is not Unicode"
        if ".." in name and ".." in name.split("/"):
            return "its name leads out of the shard (..)"
        if is_picture(name):
            if name in self.pictures:
                return "is there twice: the first is taken"
            self.pictures[name] = member.start, member.size
            return None
        extension = extension.lower()
        if extension not in ("cls", "txt", "json"):
            return None  # samples may hold other things than pictures
        if member.size > LARGEST_TEXT:
            return f"larger than {LARGEST_TEXT:,} bytes: not read"
        file.seek(member.start)
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
        except UnicodeDecodeError:
            return "not UTF-8"
        except (ValueError, RecursionError):
            return "not JSON"
        return None


def _clean(name):
    """The name of a tar's member without the ./ or / that some programs put before."""
    return name.removeprefix("./").lstrip("/")


def _text(value):
    """A label or caption of a .json as text, if it can be one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return None if if_not_unicode(text) else text or None


def write_shards(image_set, folder, *, per_shard=1000, progress=True):
    """Write an image set as shards: `shard-000000.tar`, … Returns their paths.

    folder: made if missing; must hold no other .tar files. per_shard: pictures in each.
    Names keep their folders, but lose the dots before their suffix. The same image set
    gives the same bytes, each shard appears whole or not at all, and those of an
    interrupted run are written again. Raises ValueError or OSError.
    """
    if per_shard < 1:
        raise ValueError(f"per_shard={per_shard}: at least one picture a shard.")
    folder = Path(folder)
    starts = range(0, len(image_set), per_shard)
    paths = [folder / f"shard-{number:06d}.tar" for number in range(len(starts))]
    if others := sorted(set(folder.glob("*.tar")) - set(paths)):
        raise ValueError(
            f"{folder} holds shards of something else, as {others[0].name}, that would "
            "be mixed up with these: give an empty folder."
        )
    names, taken = image_set.true_names, set()
    bar = tqdm(
        total=len(image_set),
        desc="writing shards",
        unit=" pictures",
        delay=2,
        disable=not progress,
    )
    with bar:
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
    """(key, suffix) of a picture's name: all up to the first dot is the key."""
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


BLOCK = tarfile.BLOCKSIZE

LARGEST_EXTENSION = 1 << 20  # bytes of a long name and the like, before a header

PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "zstd",
}


class Member(NamedTuple):
    """A file in a tar: size bytes from start on; problem: why it cannot be read."""

    name: str
    start: int
    size: int
    problem: str | None = None


class Damaged(ValueError):
    """A tar file that cannot be read further; the message says why."""


def members(file, size):
    """Yield every file of a tar as `Member`; folders are passed over.

    file: open for reading bytes, which may be moved between two members; size: all its
    bytes. Raises Damaged after what comes before the damage.
    """
    file.seek(0)
    head = file.read(BLOCK)
    for magic, kind in PACKED.items():
        if head.startswith(magic):
            raise Damaged(f"compressed with {kind}: decompress it to a plain .tar")
    if not head:
        raise Damaged("the file is empty (0 bytes)")
    at = 0
    try:
        # An empty one first, since it would read the first header whatever its size.
        tar = tarfile.TarFile(fileobj=io.BytesIO(bytes(2 * BLOCK)))
        tar.fileobj = file
        while True:
            member, following = _member(file, at, tar)
            if following <= at or (member and member.size < 0):
                raise tarfile.ReadError("a size below 0")
            if member and member.start + member.size > size:
                member = member._replace(problem="cut off")
            if member:
                yield member
            at = following
    except tarfile.EOFHeaderError:  # the end, as it should be
        file.seek(at)
        if file.read(LARGEST_EXTENSION).strip(b"\0"):
            raise Damaged(
                f"goes on after its end mark at byte {at:,} (joined with another?): "
                "the rest is left out"
            ) from None
    except tarfile.EmptyHeaderError:
        raise Damaged("has no end mark: it is cut off") from None
    except tarfile.TruncatedHeaderError:
        raise Damaged(f"cut off at byte {size:,}") from None
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        raise Damaged(
            f"damaged at byte {at:,}, the rest is left out ({error})"
        ) from error


def _member(file, at, tar):
    """(Member or None if there is nothing to read, where the next header is)."""
    file.seek(at)
    head = file.read(BLOCK)
    if plain := _plain(head):
        name, size = plain
        return Member(name, at + BLOCK, size), at + BLOCK + -(-size // BLOCK) * BLOCK
    extension = head[156:157] in b"xgXLK" and len(head) == BLOCK
    if extension and not 0 <= tarfile.nti(head[124:136]) <= LARGEST_EXTENSION:
        raise tarfile.ReadError("a header of senseless size")  # it would be read whole
    file.seek(at)
    info = tarfile.TarInfo.fromtarfile(tar)
    if info.isdir():
        return None, tar.offset
    plain = info.isreg() and info.sparse is None
    problem = None if plain else "not a plain file but a link or the like"
    return Member(info.name, info.offset_data, info.size, problem), tar.offset


def _plain(head):
    """(name, size) from the header of a plain file with a short name, else None."""
    kind, size = head[156:157], head[124:136].rstrip(b"\0 ")
    if kind not in (b"0", b"\0") or head[257:262] != b"ustar" or not size.isdigit():
        return None
    name = head[:100].partition(b"\0")[0]
    checksum = head[148:156].strip(b"\0 ")
    if head[345] or name.endswith(b"/") or len(head) < BLOCK or not checksum.isdigit():
        return None
    # Of the checksum's own eight bytes each counts as a space; zeros need no adding.
    rest = (head[:148] + head[156:]).translate(None, b"\0")
    if sum(rest) + 8 * 32 != int(checksum, 8):
        return None
    return name.decode("utf-8", "surrogateescape"), int(size, 8)
