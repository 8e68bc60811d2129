import os
import stat

MOST_BYTES = 16 * 1024**2  # of one file


def too_large(size):
    return f"{size / 1e6:,.0f} MB: larger than {MOST_BYTES // 1024**2} MB"


def read_regular(path):
    """The bytes of a regular file and no more than MOST_BYTES + 1; OSError if not."""
    if os.path.islink(path):
        raise OSError("a link is not followed")
    flags = ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK")  # not every system has them all
    handle = os.open(path, sum((getattr(os, flag, 0) for flag in flags), os.O_RDONLY))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        return file.read(MOST_BYTES + 1)
