"""What lies where in a tar file, and how far one can be trusted that is damaged.

The standard library reads any tar, but needs 30 µs a member, more than reading a small
picture takes. So the common header is read here, and every other one by `tarfile`.
Source of the layout: POSIX.1-2017, `pax`, section "ustar Interchange Format".
"""

import io
import tarfile
from typing import NamedTuple

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
