"""Downloads, by pooch: a file appears whole or not at all, or one line says why."""

import contextlib
import re
import ssl
from urllib.parse import urlsplit

import pooch

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
    import urllib3  # a sixth of a second, and seldom needed; here and below

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
    except (ValueError, OSError, urllib3.exceptions.HTTPError) as error:
        raise DownloadError(_why(error, url, path)) from error


def reason(error, url):
    """Why nothing came from an address, in one line that says what to do.

    error: of requests or urllib3. A wrong certificate and a wrong proxy are told apart
    from no network, because waiting does not help against them.
    """
    import requests

    host, proxy = urlsplit(url).hostname, _proxy(url)
    cause = _innermost(error)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the download of {url} was cut off: try again"
    status = error.response.status_code if isinstance(error, requests.HTTPError) else 0
    if proxy and (status == 407 or "failed: 407" in str(cause)):
        return (
            f"the proxy {proxy} asks for a name and password (407): put them into "
            "http_proxy and https_proxy, like http://name:password@host:port"
        )
    if status:
        return f"{url} answered {status}"
    if proxy and "SOCKS" in str(error):
        return (
            f"the proxy {proxy} needs another package: pip install pysocks, or take "
            "the proxy out of the environment (https_proxy, all_proxy)"
        )
    if proxy and _is_of_proxy(error):
        return (
            f"the proxy {proxy} does not let {host} through ({_shown(cause)}): check "
            "its address in http_proxy, https_proxy or all_proxy"
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} cannot be trusted ({cause.verify_message}): if "
            "your network replaces certificates, as some schools and companies do, let "
            "REQUESTS_CA_BUNDLE name the file with theirs"
        )
    if _is_of_certificates(error, cause):
        return (
            "the file of trusted certificates cannot be used: check what "
            "REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name"
        )
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"no secure connection to {host} is possible ({_shown(cause)}): a proxy or "
            "firewall may be in between"
        )
    through = f" through the proxy {proxy}" if proxy else ""
    return f"{host} cannot be reached{through} or does not answer (no network?)"


def _is_of_proxy(error):
    """Whether the address of a proxy is wrong, or the proxy refuses."""
    import requests
    import urllib3

    kinds = (
        requests.exceptions.ProxyError,
        requests.exceptions.InvalidProxyURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidURL,
        urllib3.exceptions.LocationValueError,  # a port that is no number, for example
    )
    return isinstance(error, kinds)


def _why(error, url, path):
    """Why pooch could not fetch the file."""
    import requests
    import urllib3

    of_network = requests.RequestException | urllib3.exceptions.HTTPError
    if isinstance(error, of_network) or _is_of_certificates(error, error):
        return reason(error, url)
    if isinstance(error, OSError):
        return f"{path} could not be written ({error})"
    return f"{url} is damaged or has changed: {error}"  # its checksum is wrong


def _is_of_certificates(error, cause):
    """Whether the user's own file of certificates is missing or no such file."""
    if isinstance(cause, ssl.SSLError):
        return cause.reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_START_LINE")
    return isinstance(error, OSError) and "CA certificate bundle" in str(error)


def _proxy(url):
    """The proxy that is asked for an address, without name and password, or None."""
    import requests

    with contextlib.suppress(ValueError):
        proxies = requests.utils.get_environ_proxies(url, no_proxy=None)
        proxy = requests.utils.select_proxy(url, proxies)
        return proxy and proxy.rpartition("@")[2]


def _shown(cause):
    """An error without the connection's Python name and without passwords."""
    return re.sub(r"^\w+\(.*?\): |[^\s/'\"]+@", "", str(cause))


def _innermost(error):
    """The error that all others are about: requests wraps those of urllib3 and ssl."""
    while True:
        inner = [getattr(error, "reason", None), *getattr(error, "args", ())]
        inner = [e for e in inner if isinstance(e, Exception)]
        if not inner:
            return error
        error = inner[0]
