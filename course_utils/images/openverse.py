"""Openly licensed pictures of a word, from the web, each with its licence and author.

Openverse is asked, a catalogue that needs no key. Its answers, and whatever they lead
to, were written by strangers: a file gets a name made here, an address in the own
network is not spoken to, size, kind and time are bounded, and what is wrong with one
picture costs that picture only. Source: https://api.openverse.org and its throttle.

The folder of a search: the pictures, and beside them where each comes from.

`sources.csv` is for people; a hidden file holds the same and how far the search is, so
that it can be read again without a network, or go on after an interruption.

Asks servers that strangers chose: slowly, for a while, and not in the own network.

An address that came in somebody's answer may lead anywhere, and what comes from there
may be endless. So every connection is looked at before a word is said on it, redirects
are followed here one by one, bytes are counted while they come, and nothing is waited
for longer than it is worth. Source: OWASP, *Server-Side Request Forgery Prevention*.
"""

import collections
import csv
import email.utils
import http.cookiejar
import io
import ipaddress
import json
import re
import socket
import threading
import time
import unicodedata
import urllib.request
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import requests
import urllib3
from PIL import Image
from tqdm.auto import tqdm

from course_utils._support import downloads, files
from course_utils._support.downloads import CONNECT_SECONDS, SILENCE_SECONDS
from course_utils._support.text import cell, plain, shown
from course_utils.images import decoding, image_set
from course_utils.images.decoding import BadPicture

OPENVERSE = "https://api.openverse.org/v1/images/"

LICENCES = ("by", "by-sa", "cc0", "pdm")

PAGE_SIZE, MOST_IMAGES = 20, 240  # what Openverse gives to those without a key

AT_ONCE = 4  # pictures

MOST_LOST = 5  # pictures in a row that the API's host does not give

PAGE_BYTES, PICTURE_BYTES, PICTURE_PIXELS = 2_000_000, 5_000_000, 40_000_000

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}

TYPES = ("image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif")


def search_openverse(word, folder=None, *, n_images=100, progress=True, api=OPENVERSE):
    """Search the web for openly licensed pictures of a word.

    folder: where the pictures and `sources.csv` (title, creator, licence and page of
    each) are kept; otherwise a folder in the cache. A finished search is read from
    there and asks nobody; an unfinished one goes on. n_images: at most 240; about two
    thumbnails a second are downloaded. api: the address of Openverse's image search.
    Returns: ImageSet without labels, titles as captions, what was left out in its
    problems. A search that has to stop early warns and returns what is there. Raises
    ValueError if the word or the folder will not do or there is no such picture, and
    downloads.DownloadError, within seconds, if nothing can be had.
    """
    word = " ".join(plain(str(word), keep="\t\n").split())
    if not 1 <= len(word) <= 200:
        raise ValueError("The word to search for must have 1 to 200 characters.")
    if not 1 <= n_images <= MOST_IMAGES:
        raise ValueError(f"n_images is {n_images}: ask for 1 to {MOST_IMAGES}.")
    if folder is None:
        name = f"{slug(word)}-{files.digest(f'{api} {word}')[:8]}"
        folder = files.cache_dir() / "search" / name
    found = earlier(Path(folder).expanduser(), word, api)
    if not found.exhausted and len(found.rows) < n_images:
        try:
            _go_on(found, n_images, progress)
        except Stop as stop:
            if not found.rows:
                message = f"the search for {shown(word)} found nothing: {stop}"
                raise downloads.DownloadError(message) from stop
            warnings.warn(
                f"the search for {shown(word)} stopped at {len(found.rows)} of "
                f"{n_images} pictures: {stop}. Search again later to go on.",
                stacklevel=2,
            )
    problems = tuple(map(tuple, found.problems.values()))
    if not found.rows:
        listed = "".join(f"\n  {image}: {reason}" for image, reason in problems[:5])
        raise ValueError(f"No picture for {shown(word)}: try another.{listed}")
    captions = {row["image"]: row["title"] for row in found.rows[:n_images]}
    sources = {image: found.folder / image for image in captions}
    return image_set.gather(word, sources, None, captions, None, problems, progress)


def _go_on(found, n_images, progress):
    """Take page after page until there are n_images pictures, or no more pages."""
    # Without its file is a row only if the program was stopped between the two.
    found.rows = [r for r in found.rows if (found.folder / r["image"]).exists()]
    asked = Web(found.api)
    bar = tqdm(
        total=n_images,
        initial=len(found.rows),
        desc=f"searching {found.word}",
        unit=" pictures",
        leave=False,
        disable=not progress,
    )
    try:
        while len(found.rows) < n_images and not found.exhausted:
            results, last = _page(asked, found.word, found.next_page)
            if _take(asked, found, results, n_images, bar):
                found.next_page, found.exhausted = found.next_page + 1, last
    finally:
        bar.close()
        if found.rows:
            found.save()


def _page(asked, word, number):
    """(results, True if it is the last) of a page of Openverse."""
    question = {"q": word, "license": ",".join(LICENCES), "mature": "false"}
    question |= {"page_size": PAGE_SIZE, "page": number}
    data = asked.ask(urlencode(question), PAGE_BYTES)
    try:
        answer = json.loads(data)
        results, n_pages = answer["results"], answer.get("page_count")
        if not isinstance(results, list):
            raise TypeError("the results are no list")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Stop(
            f"{host(asked.api)} did not answer with a list of pictures "
            "(has its API changed?)"
        ) from error
    last = not results or number * PAGE_SIZE >= MOST_IMAGES
    return results[:PAGE_SIZE], last or (isinstance(n_pages, int) and number >= n_pages)


def _take(asked, found, results, n_images, bar):
    """Download a page's pictures; True if none of them is left for later."""
    waiting, running, lost = collections.deque(), {}, 0
    known = {row["url"] for row in found.rows}
    for place, result in enumerate(results, start=1):
        try:
            row, address = _read(result)
        except Refused as error:
            where = f"page {found.next_page}, result {place}"
            found.problems[where] = (where, str(error))
            continue
        if row["url"] not in known:
            known.add(row["url"])
            waiting.append((row, address))
    while running or (waiting and len(found.rows) < n_images):
        free = min(AT_ONCE, n_images - len(found.rows)) - len(running)
        if waiting and free > 0 and time.monotonic() >= asked.next_picture:
            row, address = waiting.popleft()
            asked.next_picture = time.monotonic() + PICTURE_SECONDS
            running[Task(asked.get, address, PICTURE_BYTES)] = (row, address)
            row["image"] = row["image"] or found.name(row["title"])
        for task in [task for task in running if task.ended()]:
            row, address = running.pop(task)
            try:
                content_type, data = task.result()
                suffix = _suffix(content_type, data)
            except Slower as slower:
                waiting.appendleft((row, address))
                asked.slow_down(slower)
            except Exception as error:  # whatever it is, it costs this picture only
                found.problems[row["url"]] = (row["image"], reason(error, address))
                silent = not isinstance(error, ValueError)
                lost = lost + 1 if silent and asked.is_api(address) else 0
                if lost == MOST_LOST:
                    raise Stop("no more pictures arrive (no network?)") from error
            else:
                lost = 0
                row["image"] += suffix
                found.add(row, data)
                bar.update()
        asked.sleep_until(time.monotonic() + 0.01)
    return not waiting


def _read(result):
    """(row, address of the picture) of one of the API's results; or web.Refused."""
    if not isinstance(result, dict):
        raise Refused("the API describes no picture here")

    def text(key, most=200):
        value = result.get(key)
        value = value if isinstance(value, str) else ""
        return " ".join(plain(value, keep="\t\n", most=most).split())

    row = {
        "image": "",
        "title": text("title"),
        "creator": text("creator"),
        "licence": text("license").lower(),
        "licence_version": text("license_version"),
        "landing_page": text("foreign_landing_url", 2000),
        "url": text("url", 2000) or text("thumbnail", 2000),
    }
    if row["licence"] not in LICENCES:
        licence = shown(row["licence"])
        raise Refused(f"its licence, {licence}, is not one of those asked for")
    if result.get("mature"):
        raise Refused("it is marked as mature")
    address = text("thumbnail", 2000) or row["url"]
    for value in (address, row["url"]):
        if not re.match("https?://", value, re.IGNORECASE):
            raise Refused(f"its address {shown(value)} is none of the web")
    if not re.match("https?://", row["landing_page"], re.IGNORECASE):
        row["landing_page"] = ""
    return row, address


def _suffix(content_type, data):
    """The suffix for a whole picture of a kind that is wanted; or a ValueError."""
    kind = content_type.split(";")[0].strip().lower()
    if kind not in TYPES:
        raise Refused(f"it is {shown(kind)}, not a picture of a known kind")
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as image:
                (width, height), kind = image.size, image.format
        except Exception as error:  # Pillow's plugins raise nearly every kind
            raise Refused("it is no JPEG, PNG, WebP or GIF") from error
        if width * height > PICTURE_PIXELS:
            raise Refused(f"{width} × {height} pixels are too many")
        decoding.check(data)
    return SUFFIXES.get(kind, ".jpg")  # a JPEG of several pictures is called MPO


STATE = ".search.json"

COLUMNS = ("image", "title", "creator", "licence", "licence_version", "landing_page")

COLUMNS += ("url",)


@dataclass
class Found:
    """What the folder holds: rows of sources.csv, problems by address."""

    folder: Path
    word: str
    api: str
    rows: list = field(default_factory=list)
    problems: dict = field(default_factory=dict)
    next_page: int = 1
    numbered: int = 0
    exhausted: bool = False

    def name(self, title):
        """The next file's name, without its suffix; of the title only ASCII letters."""
        self.numbered += 1
        return f"{self.numbered:04}-{slug(title)}"

    def add(self, row, data):
        """Keep a picture; its row is written first, so that none lacks its licence."""
        self.rows.append(row)
        self.problems.pop(row["url"], None)
        self.save()
        with files.atomic_file(self.folder / row["image"]) as file:
            file.write(data)

    def save(self):
        """Write all but the pictures, best match first."""
        self.rows.sort(key=lambda row: int(row["image"].split("-")[0]))
        about = {**asdict(self), "folder": ""}
        with files.atomic_file(self.folder / STATE, "w", encoding="utf-8") as file:
            json.dump(about, file)
        table = self.folder / "sources.csv"
        with files.atomic_file(table, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in self.rows:
                writer.writerow([cell(row[key]) for key in COLUMNS])


def earlier(folder, word, api):
    """What an earlier search for this word left in the folder."""
    path = folder / STATE
    if not path.exists():
        if folder.exists() and _in_use(folder):
            raise ValueError(f"{folder} is not an empty folder: give a new one.")
        return Found(folder, word, api)
    try:
        found = Found(**json.loads(path.read_text(encoding="utf-8")))
        found.problems.values()
        for row in found.rows:
            _ = [row[key] for key in COLUMNS]
            if not re.fullmatch(r"\d{4,}-[a-z0-9-]+\.[a-z]+", row["image"]):
                raise ValueError(f"{row['image']} is no name given here")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{path} is damaged: delete {folder} and search again."
        raise ValueError(message) from error
    if (found.word, found.api) != (word, api):
        raise ValueError(
            f"{folder} holds the search for {shown(found.word)} at {found.api}: "
            "give another folder."
        )
    found.folder = folder
    return found


def _in_use(folder):
    return not folder.is_dir() or any(f.name[0] != "." for f in folder.iterdir())


def slug(text):
    """Up to 40 small ASCII letters and digits of a text, for a file name."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "picture"


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
                data = _read_body(response.raw, most, until)
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
        raise Refused(f"{shown(url)} is no address of the web (http, https)")
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
        return plain(urlsplit(url).hostname or "", most=100)
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


def _read_body(raw, most, until):
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
