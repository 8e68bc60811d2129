"""Where the course keeps files of its own, and how it writes them.

Everything lies in one folder: $COURSE_CACHE, or the cache folder that the operating
system gives to programs. It can be deleted at any time.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pooch

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
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, mode, **how) as file:
            yield file
        os.chmod(temporary, 0o644)  # mkstemp's 0o600 would shut out other users
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


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
    path.parent.mkdir(parents=True, exist_ok=True)
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
    with open(path, "a", encoding="utf-8") as file:
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
