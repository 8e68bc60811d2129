"""Files that nobody vouches for: read within bounds, never unpacked to disk or run."""

import contextlib
import io
import os
import stat
import sys
import zipfile

MAX_BYTES = 16 * 1024**2  # of one file
MAX_DIRECTORY = 2**17  # bytes of the list of members of a .zip file


class BadZip(ValueError):
    """A .zip file, or a member of one, that cannot be read; the message says why."""


def too_large(size):
    """Words for a file of this many bytes."""
    return f"{size / 1e6:,.0f} MB: larger than {MAX_BYTES // 1024**2} MB"


def read_bounded(path):
    """The bytes of a regular file, at most MAX_BYTES + 1; OSError if it is not one."""
    if os.path.islink(path):
        raise OSError("a link is not followed")
    flags = ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK")  # not every system has them all
    handle = os.open(path, sum((getattr(os, flag, 0) for flag in flags), os.O_RDONLY))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        return file.read(MAX_BYTES + 1)


def zip_members(source, max_directory=MAX_DIRECTORY):
    """The `zipfile.ZipInfo`s of a .zip file: a path, or its bytes.

    Raises BadZip, also if the list of members takes more than max_directory bytes, and
    OSError.
    """
    with _opened(source, max_directory) as archive:
        return archive.infolist()


def read_zip_member(source, member, max_bytes, max_directory=MAX_DIRECTORY):
    """The bytes of a member, at most max_bytes + 1, whatever size the list promises.

    Raises as `zip_members`.
    """
    with _opened(source, max_directory) as archive, archive.open(member) as file:
        return file.read(max_bytes + 1)


def packing_problem(member):
    """Why a member is not read, by the way it is packed; "" if it can be read."""
    if member.flag_bits & 0x1:
        return "encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed in an uncommon way"
    return ""


@contextlib.contextmanager
def _opened(source, max_directory):
    try:
        with (
            io.BytesIO(source)
            if isinstance(source, bytes)
            else open(source, "rb") as file
        ):
            capped = _Capped(file, max_directory)
            with zipfile.ZipFile(capped) as archive:  # reads the list of members
                capped.most = sys.maxsize
                yield archive
    except (OSError, BadZip):
        raise
    except Exception as error:  # zipfile raises many kinds for a list that lies
        raise BadZip(str(error) or type(error).__name__) from error


class _Capped:
    """A file of which not more than `most` bytes are read at once."""

    def __init__(self, file, most):
        self.file, self.most = file, most
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        wanted = size if 0 <= size <= self.most else self.most + 1
        data = self.file.read(wanted)
        if len(data) > self.most:
            raise BadZip(f"its list of files has more than {self.most:,} bytes")
        return data
