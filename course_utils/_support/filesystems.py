"""Files on this machine or far away, through fsspec: the few calls that streams need.

An address is a local path, or one of fsspec's (`s3://bucket/folder`).
"""

import contextlib
import errno
import os
import posixpath
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from course_utils._support.files import is_regular

# What filesystems call that which changes with a file's content.
STAMPS = (
    *("ETag", "etag", "md5Hash", "content_md5", "checksum", "CRC", "mtime"),
    *("LastModified", "last_modified", "updated", "modified", "created", "date_time"),
)
BLOCK_SIZE = 1 << 22  # bytes asked for at once where a file far away is read in order


class Entry(NamedTuple):
    """A line of a folder's listing; kind: "file", "folder" or "link" (to a folder).

    size (bytes) and stamp (changes with the content) are None if they cost a look.
    """

    name: str
    kind: str
    size: int | None = None
    stamp: object = None


@dataclass(frozen=True)
class Files:
    """The files of an fsspec filesystem; it holds no open ones, and can be pickled.

    All methods raise OSErrors, whatever the filesystem's own errors are.
    """

    filesystem: fsspec.AbstractFileSystem

    @property
    def is_local(self):
        """Whether its files can be opened by path."""
        return isinstance(self.filesystem, LocalFileSystem)

    def kind(self, path):
        """What is at a path: "file", "folder" or None."""
        with _as_oserror(path):
            if self.filesystem.isdir(path):
                return "folder"
            return "file" if self.filesystem.exists(path) else None

    def knows(self, address):
        """Whether storage options given with these files may serve an address too."""
        return self.is_local or address.partition(":")[0] in self.filesystem.protocol

    def join(self, folder, inside):
        return posixpath.join(folder, inside)

    def entries(self, folder):
        """The `Entry`s of a folder, without hidden ones and in no order."""
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
            if about.get("islink") and os.path.isdir(path):
                kind = "link"
            if self.is_local:
                entries.append(Entry(name, kind))
            else:
                entries.append(Entry(name, kind, about.get("size"), _stamp(about)))
        return entries

    def glob(self, pattern):
        """Paths of the files that match a pattern, sorted."""
        with _as_oserror(pattern):
            self.filesystem.invalidate_cache()
            return sorted(self.filesystem.glob(pattern))

    def look(self, path):
        """(size in bytes, stamp) of a file."""
        with _as_oserror(path):
            about = self.filesystem.info(path)
            if about["type"] != "file":
                raise OSError(errno.EINVAL, "not a file", path)
            # fsspec rounds the time of a local file.
            stamp = os.stat(path).st_mtime_ns if self.is_local else _stamp(about)
        return about.get("size"), stamp

    def open(self, path):
        """A file object to read bytes from, which can seek."""
        with _as_oserror(path):
            self._check_regular(path)
            return self.filesystem.open(path, "rb", block_size=BLOCK_SIZE)

    def head(self, path, size):
        """The first bytes of a file, at most `size`."""
        with _as_oserror(path):
            self._check_regular(path)
            return self.filesystem.cat_file(path, end=size)

    def read(self, path, start=0, size=None):
        """The bytes of a file, or `size` of them from `start` on."""
        if size == 0:  # an empty range means the whole file to some
            return b""
        end = None if size is None else start + size
        with _as_oserror(path):
            self._check_regular(path)
            data = self.filesystem.cat_file(path, start=start or None, end=end)
        if size is not None and len(data) != size:
            raise OSError(errno.EIO, "the file is shorter than it was", path)
        return data

    def _check_regular(self, path):
        if self.is_local and not is_regular(path):  # a pipe would wait for ever
            raise OSError(errno.EINVAL, "not a file", path)


def find(address, storage_options=None):
    """(files, path): the `Files` and the path in them of an address.

    storage_options: dict, for the fsspec filesystem (keys, endpoints). Raises
    ImportError that names the package to install, ValueError for an unknown protocol.
    """
    address = absolute(address)
    if not is_url(address):
        return Files(fsspec.filesystem("file")), address
    try:
        filesystem, path = url_to_fs(address, **(storage_options or {}))
    except ImportError as error:
        raise ImportError(f"{address} needs another package: {error}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{address} cannot be opened with these storage_options: {error}"
        ) from error
    return Files(filesystem), path


def absolute(address):
    """An address that means the same in every working folder."""
    address = os.fspath(address)
    if address.startswith("file://") and "::" not in address:
        address = url2pathname(urlsplit(address).path)
    return address if is_url(address) else os.path.abspath(os.path.expanduser(address))


def is_url(address):
    """Whether an address is one of fsspec's rather than a local path."""
    return "://" in address or "::" in address


def _stamp(about):
    """What changes with the content, out of a line of fsspec's listing."""
    values = [about[name] for name in STAMPS if about.get(name) is not None]
    return [str(v.timestamp() if isinstance(v, datetime) else v) for v in values]


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
