"""Where the course keeps files of its own, and how it writes them.

Everything lies in one folder: $COURSE_CACHE, or the cache folder that the operating
system gives to programs. It can be deleted at any time.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

import numpy as np
import pooch

WRITTEN = ".written.json"  # in a folder of results: the names of what we wrote there
CLUTTER = ("thumbs.db", "ehthumbs.db", "desktop.ini")  # left by Windows
MAX_IN_MEMORY = 2**26  # float32 numbers: 0.27 GB, 52,000 pictures of width 1,280


def cache_dir():
    """The folder of features and downloads (not created here)."""
    chosen = os.environ.get("COURSE_CACHE")
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("image-course"))


@contextlib.contextmanager
def atomic_file(path, mode="wb", **how):
    """Open a file that appears under `path` whole, or not at all.

    It is written beside its place under another name and then renamed, so a killed
    program leaves nothing half-written and two programs may write the same file.
    """
    path = Path(path)
    make_folder(path.parent)
    if "b" not in mode:
        how.setdefault("encoding", "utf-8")
    try:
        handle, temporary = tempfile.mkstemp(".part", ".", path.parent)
    except OSError as error:  # which names the file that nobody knows of
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with naming(path, temporary):
            with os.fdopen(handle, mode, **how) as file:
                yield file
            os.chmod(temporary, 0o644)  # mkstemp's 0o600 would shut out other users
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def naming(path, *others):
    """An OSError without a file (of a full disk) or of one of the others names path."""
    try:
        yield
    except OSError as error:
        if error.strerror and error.filename in (None, *others):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def make_folder(folder):
    """Make a folder and those above it; an error says what is in the way."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        above = [Path(folder), *Path(folder).parents]
        file = next((p for p in above if p.exists() and not p.is_dir()), folder)
        reason = "a file, where a folder is needed: give another name"
        raise NotADirectoryError(errno.ENOTDIR, reason, str(file)) from error


def is_regular(path):
    """Whether a path is a file that can be read to its end: no pipe, no device."""
    return stat.S_ISREG(os.stat(path).st_mode)


def read_regular(path):
    """The bytes of a file; OSError for a pipe, on which reading would wait for ever."""
    if not is_regular(path):
        raise OSError(errno.EINVAL, "not a file", str(path))
    return Path(path).read_bytes()


def written_before(folder):
    """The names of what we wrote into a folder before, as `claim` listed them."""
    try:
        names = json.loads(Path(folder, WRITTEN).read_text("utf-8"))
        return {n for n in names if not Path(n).is_absolute() and ".." not in n}
    except (OSError, TypeError, ValueError):
        return set()


def list_written(folder, names):
    """Put down the names of what we write into a folder."""
    with atomic_file(Path(folder, WRITTEN)) as file:
        file.write(json.dumps(sorted(names), indent=1).encode())


def claim(folder, names, is_ours=None):
    """List names in a folder as written by us; ValueError if another file is there.

    is_ours: says of the path of a file that is not listed whether we wrote it all the
    same, from its content.
    """
    before, names = written_before(folder), set(names)
    for name in sorted(names - before):
        path = Path(folder, name)
        if os.path.lexists(path) and not (is_ours and is_ours(path)):
            raise ValueError(in_the_way(path))
    if names - before:
        list_written(folder, before | names)


def check_folder(folder, pattern, sign, is_ours=None):
    """Raise ValueError rather than write into a folder in which other files are.

    It must be new, empty or hold earlier results of the same command: then the list of
    what we wrote there has a name that matches `sign`, or `is_ours`, called with the
    path of the folder, says so (earlier versions made no list). Even there, no file
    that is not listed may have a name that we shall write.

    pattern, sign: regular expressions, of all names that the command may write and of
    those that no other command writes.
    """
    folder = Path(folder)
    check_no_file(folder)
    if not folder.exists():
        return
    names = sorted(path.name for path in folder.iterdir())
    names = [name for name in names if not is_clutter(name)]
    before = {Path(name).parts[0] for name in written_before(folder)}
    if any(re.fullmatch(sign, name) for name in before):
        for name in names:
            if name not in before and re.fullmatch(pattern, name):
                raise ValueError(in_the_way(folder / name))
    elif names and not (is_ours and is_ours(folder)):
        raise ValueError(
            f"{folder} holds other files: give a new folder. (One of them is "
            f"{names[0]}.)"
        )


def check_no_file(folder):
    """Raise ValueError if a file is where a folder, or one above it, must be."""
    for path in (Path(folder), *Path(folder).parents):
        if path.exists() and not path.is_dir():
            raise ValueError(f"{path} is a file: give the name of a folder.")


def claim_folder(folder, pattern, sign, is_ours=None):
    """`check_folder`, and list what an earlier version wrote into it without a list."""
    check_folder(folder, pattern, sign, is_ours)
    folder, before = Path(folder), written_before(folder)
    if folder.exists() and not any(re.fullmatch(sign, name) for name in before):
        names = [path.name for path in folder.iterdir()]
        if ours := {name for name in names if re.fullmatch(pattern, name)}:
            list_written(folder, before | ours)


def is_clutter(name):
    """Whether a file is one that systems leave in folders, hidden or not."""
    return name.startswith(".") or name.lower() in CLUTTER


def in_the_way(path):
    """The sentence on a file that would be overwritten and is not ours."""
    return (
        f"{path} is in the way and was not written by this command: move it, or give "
        "another name."
    )


def rows(n, width):
    """An empty float32 array (n, width), in memory or, if it is large, in a file.

    The file has no name: it is mapped into memory, so the system keeps of it what there
    is room for, and it is gone with the array.
    """
    if n * width <= MAX_IN_MEMORY:
        return np.empty((n, width), np.float32)
    folder = cache_dir()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    folder = folder if os.access(folder, os.W_OK) else None
    with tempfile.TemporaryFile(dir=folder, prefix="rows-") as file:
        if hasattr(os, "posix_fallocate"):
            try:  # else a full disk would end the program where a row is written
                os.posix_fallocate(file.fileno(), 0, n * width * 4)
            except OSError:
                return np.empty((n, width), np.float32)
        return np.memmap(file, np.float32, "r+", shape=(n, width))


def journal(path):
    """The entries of a file of JSON lines, made if it is not there yet.

    Half a line, which a killed program left, is ended and passed over.
    """
    path = Path(path)
    make_folder(path.parent)
    with open(path, "a+", encoding="utf-8") as file:
        file.seek(0)
        lines = file.read().split("\n")
        if lines[-1]:
            file.write("\n")
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):
            entries.append(json.loads(line))
    return entries


def note(path, entry):
    """Add an entry to a `journal`; it is on the disk when this returns."""
    with naming(path), open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def sha256(path):
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(text):
    """Hexadecimal SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def array_digest(array):
    """Hexadecimal SHA-256 of an array's shape, kind and values."""
    found = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
    found.update(np.ascontiguousarray(array).data)  # without a copy
    return found.hexdigest()


def folder_size(folder):
    """Bytes of all files below a folder."""
    return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())


def remove(folder):
    """Delete a folder of the cache with everything in it; returns the bytes freed."""
    freed = folder_size(folder)
    shutil.rmtree(folder)
    return freed
