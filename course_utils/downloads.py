"""Downloads that say quickly and clearly when they cannot be had."""

import socket
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import pooch
import requests

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
    all. Raises DownloadError within seconds if there is no network, the host does not
    answer, or what came is not what was promised.
    """
    host = urlsplit(url).hostname
    if time.monotonic() < _unreachable.get(host, 0):
        raise DownloadError(f"{host} cannot be reached")
    if not urllib.request.getproxies():  # a proxy looks the host up for us
        _look_up(host)
    downloader = pooch.HTTPDownloader(
        progressbar=True, timeout=(CONNECT_SECONDS, SILENCE_SECONDS)
    )
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
