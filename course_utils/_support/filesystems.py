"""Files on this machine or far away, read through the same few methods.

An address is a local path, or one of fsspec's (`s3://bucket/folder`), which is imported
for those alone. `Local` and `Remote` hold no open files: they can be pickled and used
by many threads at once.
"""

import contextlib
import errno
import glob
import io
import os
import posixpath
import stat
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

PACKAGES = {
    "s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs",
    "http": "aiohttp", "https": "aiohttp", "hf": "huggingface_hub", "sftp": "paramiko",
}  # fmt: skip

# What filesystems call that which changes with a file's content.
STAMPS = (
    "ETag", "etag", "md5Hash", "content_md5", "checksum", "CRC", "mtime",
    "LastModified", "last_modified", "updated", "modified", "created", "date_time",
)  # fmt: skip

BUFFER = 1 << 22  # bytes asked for at once where a file far away is read in order


class Entry(NamedTuple):
    """A line of a folder's listing; kind: "file", "folder" or "link" (to a folder).

    size (bytes) and stamp (changes with the content) are None if they cost a look.
    """

    name: str
    kind: str
    size: int | None = None
    stamp: object = None


@dataclass(frozen=True)
class Local:
    """Files of this machine; paths are absolute. All methods raise OSError."""

    def kind(self, path):
        """What lies there: "file", "folder" or None."""
        if os.path.isdir(path):
            return "folder"
        return "file" if os.path.exists(path) else None

    def knows(self, address):
        """Whether storage options given with these files may serve an address too."""
        return True

    def join(self, folder, inside):
        return os.path.join(folder, inside)

    def entries(self, folder):
        """The `Entry`s of a folder, without hidden ones and in no order."""
        with os.scandir(folder) as found:
            return [Entry(e.name, _kind(e)) for e in found if e.name[0] != "."]

    def glob(self, pattern):
        """Paths of the files that match a pattern, sorted."""
        return sorted(glob.glob(pattern, recursive=True))

    def look(self, path):
        """(size in bytes, stamp) of a file."""
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            raise OSError(errno.EINVAL, "not a file", path)
        return found.st_size, found.st_mtime_ns

    def open(self, path):
        """A file object to read bytes from, which can seek."""
        return open(path, "rb")

    def read(self, path, start=0, size=None):
        """The bytes of a file, or `size` of them from `start` on."""
        with open(path, "rb", buffering=0) as file:
            if start:
                file.seek(start)
            data = file.read() if size is None else file.read(size)
        return _whole(data, path, size)


@dataclass(frozen=True)
class Remote:
    """Files of an fsspec filesystem; see `Local` for the methods."""

    filesystem: object

    def kind(self, path):
        with _as_oserror(path):
            if self.filesystem.isdir(path):
                return "folder"
            return "file" if self.filesystem.exists(path) else None

    def knows(self, address):
        return address.partition(":")[0] in self.filesystem.protocol

    def join(self, folder, inside):
        return posixpath.join(folder, inside)

    def entries(self, folder):
        with _as_oserror(folder):
            # Listings are kept by fsspec: an old one hides changes, many fill memory.
            self.filesystem.invalidate_cache(folder)
            found = self.filesystem.ls(folder, detail=True)
            self.filesystem.invalidate_cache(folder)
        entries = []
        for about in found:
            path = about["name"].rstrip("/")
            name = posixpath.basename(path)
            if name.startswith(".") or path == folder.rstrip("/"):  # S3 marks a folder
                continue
            kind = "folder" if about["type"] == "directory" else "file"
            entries.append(Entry(name, kind, about.get("size"), _stamp(about)))
        return entries

    def glob(self, pattern):
        with _as_oserror(pattern):
            self.filesystem.invalidate_cache()
            return sorted(self.filesystem.glob(pattern))

    def look(self, path):
        with _as_oserror(path):
            about = self.filesystem.info(path)
        if about["type"] != "file":
            raise OSError(errno.EINVAL, "not a file", path)
        return about.get("size"), _stamp(about)

    def open(self, path):
        # By ranges, since fsspec's own file objects may be shared between threads.
        if (size := self.look(path)[0]) is None:
            raise OSError(errno.EIO, "its server does not say how large it is", path)
        return io.BufferedReader(_Ranges(self, path, size), BUFFER)

    def read(self, path, start=0, size=None):
        if size == 0:  # an empty range means the whole file to some
            return b""
        end = None if size is None else start + size
        with _as_oserror(path):
            data = self.filesystem.cat_file(path, start=start or None, end=end)
        return _whole(data, path, size)


def find(address, storage_options=None):
    """(files, path): `Local` or `Remote` and the path in it of an address.

    storage_options: dict, for the fsspec filesystem (keys, endpoints). Raises
    ImportError that names the package to install, ValueError for an unknown protocol.
    """
    address = absolute(address)
    if not is_url(address):
        return Local(), address
    protocol = address.partition(":")[0]
    package = PACKAGES.get(protocol, "")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ImportError(
            f"{address} is read by fsspec: pip install {f'fsspec {package}'.strip()}"
        ) from None
    try:
        filesystem, path = url_to_fs(address, **(storage_options or {}))
    except ImportError as error:
        advice = f"pip install {package}" if package else str(error)
        raise ImportError(f"{address} needs another package: {advice}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{address} cannot be opened with these storage_options: {error}"
        ) from error
    return Remote(filesystem), path


def absolute(address):
    """An address that means the same in every working folder."""
    address = os.fspath(address)
    if address.startswith("file://") and "::" not in address:
        address = url2pathname(urlsplit(address).path)
    return address if is_url(address) else os.path.abspath(os.path.expanduser(address))


def is_url(address):
    """Whether an address is one of fsspec's rather than a local path."""
    return "://" in address or "::" in address


class _Ranges(io.RawIOBase):
    """A file far away, fetched range by range where it is read."""

    def __init__(self, files, path, size):
        self.files, self.path, self.size, self.at = files, path, size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at}.get(whence, self.size)
        return self.at

    def readinto(self, buffer):
        size = max(min(len(buffer), self.size - self.at), 0)
        buffer[:size] = self.files.read(self.path, self.at, size)
        self.at += size
        return size


def _kind(entry):
    # Of a link that leads nowhere, whoever reads it will be told.
    with contextlib.suppress(OSError):
        if entry.is_dir():
            return "link" if entry.is_symlink() else "folder"
    return "file"


def _stamp(about):
    """What changes with the content, out of a line of fsspec's listing."""
    values = [about[name] for name in STAMPS if about.get(name) is not None]
    return [str(v.timestamp() if isinstance(v, datetime) else v) for v in values]


def _whole(data, path, size):
    if size is not None and len(data) != size:
        raise OSError(errno.EIO, "the file is shorter than it was", path)
    return data


@contextlib.contextmanager
def _as_oserror(path):
    """Every filesystem has errors of its own; here they are OSErrors with a reason."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise
        kinds = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES}
        code = kinds.get(type(error), errno.EIO)
        known = type(error) in kinds
        reason = os.strerror(code) if known else f"{type(error).__name__}: {error}"
        raise OSError(code, reason, path) from error  # of the kind that code says
