"""Downloads, by pooch: a file appears whole or not at all, or one line says why."""

from urllib.parse import urlsplit

import pooch
import requests

TIMEOUT = (4, 10)  # seconds to connect, and between two pieces of an answer

pooch.get_logger().setLevel("WARNING")


class DownloadError(ConnectionError):
    """A file that could not be downloaded; the message is one line."""


def fetch(url, path, known_hash=None):
    """Download `url` to the file `path` unless it is there already; return the path.

    A progress bar is shown. `known_hash`, like "sha256:…", is checked when given.
    Nothing is tried twice, so that without a network the error comes within seconds.
    Raises DownloadError.
    """
    downloader = pooch.HTTPDownloader(
        progressbar=True,
        chunk_size=1 << 16,
        timeout=TIMEOUT,
        headers={"Accept-Encoding": "identity"},  # a .gz file must stay packed
    )
    try:
        return pooch.retrieve(
            url, known_hash, fname=path.name, path=path.parent, downloader=downloader
        )
    except (ValueError, OSError) as error:
        raise DownloadError(_reason(error, url, path)) from error


def _reason(error, url, path):
    """Why pooch could not fetch the file; the errors of requests are OSErrors."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the download of {url} was cut off: try again"
    if isinstance(error, requests.HTTPError):
        return f"{url} answered {error.response.status_code}"
    if isinstance(error, requests.RequestException):
        return f"{urlsplit(url).hostname} cannot be reached (no network?)"
    if isinstance(error, OSError):
        return f"{path} could not be written ({error})"
    return f"{url} is damaged or has changed: {error}"  # its checksum is wrong
