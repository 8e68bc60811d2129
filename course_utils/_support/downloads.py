"""Downloads that say quickly and clearly when they cannot be had."""

import contextlib
import functools
import os
import socket
import tarfile
import threading
import time
import urllib.request
import zlib
from urllib.parse import urlsplit

import pooch
import requests
from tqdm.auto import tqdm

from course_utils._support import files

CONNECT_SECONDS = 4  # to look the host up, and again to reach it

SILENCE_SECONDS = 10  # of a server that has accepted and says nothing

RETRY_SECONDS = 60  # a host found unreachable is not asked again for so long

_unreachable = {}

pooch.get_logger().setLevel("WARNING")


class DownloadError(ConnectionError):
    """A file that could not be downloaded; the message is one line."""


def fetch(url, path, known_hash=None):
    """Download `url` to the file `path`, with a progress bar; return the path.

    known_hash: like "sha256:…", checked when given. The file appears whole or not at
    all. What came of it before an interruption is kept in a hidden file beside it, and
    the next call goes on from there if the server lets it. Raises DownloadError within
    seconds if there is no network, the host does not answer, or what came is not what
    was promised.
    """
    host = urlsplit(url).hostname
    if time.monotonic() < _unreachable.get(host, 0):
        raise DownloadError(f"{host} cannot be reached")
    if not urllib.request.getproxies():  # a proxy looks the host up for us
        _look_up(host)
    downloader = functools.partial(_download, path=path)
    try:
        return pooch.retrieve(
            url, known_hash, fname=path.name, path=path.parent, downloader=downloader
        )
    except ValueError as error:  # pooch's word for a wrong checksum
        raise DownloadError(f"{url} came damaged or changed: {error}") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise DownloadError(f"the download of {url} was cut off: try again") from error
    except OSError as error:  # requests' other errors are OSErrors
        if getattr(error, "response", None) is not None:
            raise DownloadError(
                f"{url} answered {error.response.status_code}"
            ) from error
        if error.errno is None:
            raise _gone(host, f"{host} cannot be reached") from error
        raise DownloadError(f"{path} could not be written ({error})") from error


def _download(url, file, _, *, path):
    """What pooch calls to fill a file; goes on with what an earlier call has kept.

    A kept part bears the version of the file that it is of, as the server names it, in
    its own name. Source: RFC 9110, 8.8 (validators) and 14 (range requests).
    """
    for part, start in _parts(path):
        with _get(url, {"Range": f"bytes={start}-"}) as response:
            sent = response.headers.get("Content-Range", "")
            goes_on = response.status_code == 206 and sent.startswith(f"bytes {start}-")
            same = part == _part(path, response)
            if goes_on and same and _taken(part, file, start):
                return _receive(response, file, path, start)
    with _get(url, {}) as response:
        response.raise_for_status()
        for part, _ in _parts(path):  # of another version, for example
            part.unlink(missing_ok=True)
        return _receive(response, file, path, 0)


def _get(url, headers):
    headers |= {"Accept-Encoding": "identity"}  # or the bytes could not be counted
    waits = CONNECT_SECONDS, SILENCE_SECONDS
    return requests.get(url, headers=headers, stream=True, timeout=waits)


def _receive(response, file, path, start):
    """Write the body behind the first `start` bytes of the file."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=path.name)
    try:
        with bar, open(file, "ab" if start else "wb") as out:
            for piece in response.iter_content(1 << 16):
                out.write(piece)
                bar.update(len(piece))
    except BaseException:  # Ctrl-C as well
        if part := _part(path, response):
            with contextlib.suppress(OSError):
                os.replace(file, part)
        raise


def _part(path, response):
    """The file for a part of what this server has; None if it names no version."""
    tag = response.headers.get("ETag", "")
    version = tag if tag and not tag.startswith("W/") else ""
    version = version or response.headers.get("Last-Modified", "")
    if not version:
        return None
    return path.parent / f".{path.name}.{files.digest(version)[:16]}.part"


def _parts(path):
    """(file, bytes) of the parts of this file that were kept, and hold something."""
    found = []
    with contextlib.suppress(OSError):
        for part in path.parent.iterdir():
            if part.name.startswith(f".{path.name}.") and part.suffix == ".part":
                found.append((part, part.stat().st_size))
    return [(part, n_bytes) for part, n_bytes in found if n_bytes]


def _taken(part, file, n_bytes):
    """True if the part is ours now: another program may have taken it before."""
    with contextlib.suppress(OSError):
        os.replace(part, file)
        return os.path.getsize(file) == n_bytes
    return False


def _look_up(host):
    """Ask for the host's address, for CONNECT_SECONDS at most (DNS has no time-out)."""
    answer = []

    def ask():
        try:
            answer.append(socket.getaddrinfo(host, None))
        except OSError:
            answer.append(None)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(CONNECT_SECONDS)
    if not answer or answer[0] is None:
        raise _gone(host, f"{host} cannot be found (no network?)")


def _gone(host, message):
    _unreachable[host] = time.monotonic() + RETRY_SECONDS
    return DownloadError(message)


UNREADABLE = (tarfile.TarError, zlib.error, OSError, EOFError)
