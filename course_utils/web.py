"""Asks servers that strangers chose: slowly, for a while, and not in the own network.

An address that came in somebody's answer may lead anywhere, and what comes from there
may be endless. So every connection is looked at before a word is said on it, redirects
are followed here one by one, bytes are counted while they come, and nothing is waited
for longer than it is worth. Source: OWASP, *Server-Side Request Forgery Prevention*.
"""

import email.utils
import http.cookiejar
import ipaddress
import socket
import threading
import time
import urllib.request
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from course_utils import texts
from course_utils.downloads import CONNECT_SECONDS, SILENCE_SECONDS
from course_utils.pictures import BadPicture

USER_AGENT = "image-clustering-course/1.0 (lessons for students; python-requests)"
API_SECONDS = 1  # between two questions to the API
PICTURE_SECONDS = 0.4  # between two pictures: Openverse allows 150 a minute
FETCH_SECONDS = 15  # for one answer, redirects included
SEARCH_SECONDS = 300  # for everything
MOST_REDIRECTS = 5
MOST_WAITS, SHORTEST_WAIT, USUAL_WAIT, LONGEST_WAIT = 3, 1, 5, 60  # times; seconds


class Refused(ValueError):
    """An address, or what came from it, is not wanted; the message says why."""


class Slower(Exception):
    """The API asks to wait; the argument is the number of seconds."""


class Stop(Exception):
    """Nothing more can be had now; the message says why."""


class Task(threading.Thread):
    """A call in the background that may be given up, whatever it hangs on."""

    def __init__(self, function, *given):
        super().__init__(daemon=True)
        self.call, self.value, self.error = (function, given), None, None
        self.until = time.monotonic() + FETCH_SECONDS
        self.start()

    def run(self):
        function, given = self.call
        try:
            self.value = function(*given)
        except Exception as error:
            self.error = error

    def ended(self):
        """True if it is done, or has taken too long."""
        return not self.is_alive() or time.monotonic() > self.until

    def result(self, seconds=0):
        """What the call returned or raised; TimeoutError if it is not done by then."""
        self.join(seconds)
        if self.is_alive():
            raise TimeoutError
        if self.error:
            raise self.error
        return self.value


class Web:
    """One search: an API, and the hosts that its answers lead to.

    Only public addresses are spoken to; this computer too if the API is on it. Behind
    a proxy it is the proxy that looks names up and refuses.
    """

    def __init__(self, api):
        self.loopback = host(api) in ("localhost", "127.0.0.1", "::1")
        check_address(api, self.loopback)
        self.api = api
        self.ends = time.monotonic() + SEARCH_SECONDS
        self.waits = MOST_WAITS
        self.next_question = self.next_picture = self.quiet_until = 0
        self.session = requests.Session()
        self.session.headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self.session.auth = lambda request: request  # or ~/.netrc would be sent
        no_cookies = http.cookiejar.DefaultCookiePolicy(allowed_domains=())
        self.session.cookies.set_policy(no_cookies)
        # requests would read the whole body of a redirect, however long.
        self.session.get_redirect_target = lambda response: None
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _Guarded(self.loopback))

    def ask(self, question, most):
        """The bytes that the API answers to a question, `most` of them; or Stop."""
        if not urllib.request.getproxies():  # a proxy looks the host up for us
            try:
                Task(socket.getaddrinfo, host(self.api), None).result(CONNECT_SECONDS)
            except (OSError, UnicodeError) as error:
                raise Stop(f"{host(self.api)} cannot be found (no network?)") from error
        while True:
            self.sleep_until(self.next_question)
            self.next_question = time.monotonic() + API_SECONDS
            try:
                task = Task(self.get, f"{self.api}?{question}", most)
                return task.result(FETCH_SECONDS)[1]
            except Slower as slower:
                self.slow_down(slower)
            except Exception as error:
                raise Stop(reason(error, self.api)) from error

    def get(self, url, most):
        """(content type, bytes) at an address: Refused if they are more than `most`."""
        until = time.monotonic() + FETCH_SECONDS
        for _ in range(1 + MOST_REDIRECTS):
            check_address(url, self.loopback)
            with self.session.get(
                url,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            ) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["Location"])
                    continue
                later = response.headers.get("Retry-After")
                status = response.status_code
                if self.is_api(url) and (status == 429 or (status == 503 and later)):
                    raise Slower(_seconds(later))
                if status != 200:
                    raise Refused(f"{host(url)} answered {status}")
                data = _read(response.raw, most, until)
                return response.headers.get("Content-Type", ""), data
        raise Refused("it is redirected again and again")

    def is_api(self, url):
        """True if this address is on the host of the API."""
        return host(url) == host(self.api)

    def slow_down(self, slower):
        """Wait as the API asks before anything else is asked for; or Stop."""
        now, seconds = time.monotonic(), max(SHORTEST_WAIT, slower.args[0])
        if now < self.quiet_until:
            return  # it was said to several at once
        if not self.waits or seconds > LONGEST_WAIT:
            raise Stop(f"{host(self.api)} asks to wait for {seconds:,.0f} seconds")
        self.waits -= 1
        self.next_question = self.next_picture = self.quiet_until = now + seconds

    def sleep_until(self, moment):
        """Sleep; Stop if the time for the whole search is over before that."""
        if moment > self.ends:
            raise Stop(f"it takes longer than {SEARCH_SECONDS} seconds")
        time.sleep(max(0, moment - time.monotonic()))


def check_address(url, loopback=False):
    """Raise Refused unless the address is of http(s) and, by its look, public."""
    if not url.lower().startswith(("http://", "https://")) or not host(url):
        raise Refused(f"{texts.shown(url)} is no address of the web (http, https)")
    try:
        public = is_public(host(url), loopback)
    except ValueError:  # a name: what it stands for is seen when it is connected to
        public = loopback or host(url) != "localhost"
    if not public:
        raise Refused(f"{host(url)} is an address in the own network")


def is_public(address, loopback=False):
    """True if an IP address is one of the internet; ValueError if it is none at all."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip  # ::ffff:127.0.0.1 is 127.0.0.1
    return (ip.is_global and not ip.is_multicast) or (loopback and ip.is_loopback)


def host(url):
    """The host in an address, "" if there is none."""
    try:
        return texts.plain(urlsplit(url).hostname or "", most=100)
    except ValueError:
        return ""


def reason(error, url):
    """Why nothing came from this address, in a few words."""
    if isinstance(error, (Refused, BadPicture)):
        return str(error)
    if isinstance(error, (requests.ConnectionError, requests.Timeout, TimeoutError)):
        return f"{host(url)} cannot be reached or does not answer"
    if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
        return f"what {host(url)} sent was cut off"
    return f"{host(url)} cannot be asked ({type(error).__name__})"


def _seconds(later):
    """Seconds of a Retry-After: a number, or a date. Source: RFC 9110, 10.2.3."""
    try:
        if later.strip().isdecimal():
            return int(later)
        return email.utils.parsedate_to_datetime(later).timestamp() - time.time()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return USUAL_WAIT


def _read(raw, most, until):
    """The body as it is sent, not unpacked: what unpacks may become endless."""
    data = bytearray()
    while piece := raw.read(1 << 14, decode_content=False):
        data += piece
        if len(data) > most:
            raise Refused(f"it has more than {most:,} bytes")
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(data)


class _Guarded(requests.adapters.HTTPAdapter):
    """Looks who is at the other end before anything is said (a name can mislead)."""

    def __init__(self, loopback):
        self.loopback = loopback
        super().__init__()

    def init_poolmanager(self, *args, **options):
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": self._guarded(urllib3.HTTPConnectionPool),
            "https": self._guarded(urllib3.HTTPSConnectionPool),
        }

    def _guarded(self, pool):
        loopback = self.loopback

        class Connection(pool.ConnectionCls):
            def _new_conn(self):
                connected = super()._new_conn()
                address = connected.getpeername()[0]
                if not is_public(address, loopback):
                    connected.close()
                    raise Refused(f"{self.host} is an address in the own network")
                return connected

        return type("Pool", (pool,), {"ConnectionCls": Connection})
