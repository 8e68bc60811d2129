"""Openly licensed images of a word from Openverse, each with its licence and author.

Openverse is a catalogue that needs no key. Only its API's host is ever asked: it serves
a thumbnail of every image itself. The folder of a search holds the thumbnails,
`sources.csv` with where each comes from, and a hidden file with the same and how far
the search is, so that a finished search needs no network and an unfinished one goes on.
Source: https://api.openverse.org
"""

import csv
import io
import json
import re
import time
import unicodedata
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from PIL import Image
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from course_utils._support import downloads, files
from course_utils._support.progress import progress_bar
from course_utils._support.text import cell, plain, shown
from course_utils.images import decoding, image_set

OPENVERSE = "https://api.openverse.org/v1/images/"
LICENCES = ("by", "by-sa", "cc0", "pdm")
PAGE_SIZE, MAX_IMAGES = 20, 240  # what Openverse gives to those without a key
PAUSE = 0.4  # seconds between two requests: Openverse allows 150 thumbnails per minute
MAX_WAIT = 60  # seconds that the API may ask us to wait
MAX_LOST = 5  # thumbnails in a row that do not arrive
PAGE_BYTES, IMAGE_BYTES = 2_000_000, 5_000_000
USER_AGENT = "image-clustering-course/1.0 (lessons for students; python-requests)"

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}
STATE = ".search.json"
COLUMNS = (
    "image",
    "title",
    "creator",
    "licence",
    "licence_version",
    "landing_page",
    "url",
)


class Refused(ValueError):
    """A result, or what the API sent for it, is not wanted; the message says why."""


class Stop(Exception):
    """Nothing more can be fetched now; the message says why."""


def search_openverse(
    word, folder=None, *, n_images=100, max_seconds=300, progress=True, api=OPENVERSE
):
    """Search Openverse for openly licensed images of a word.

    Thumbnails are downloaded, at most two or three per second, and kept with their
    licences. A finished search is read from its folder and asks nobody; an unfinished
    one goes on.

    Parameters
    ----------
    word : str
        What to search for, 1 to 200 characters. It is sent to Openverse.
    folder : path, optional
        Where the images and `sources.csv` (title, creator, licence and page of each)
        are kept. By default a folder in the cache.
    n_images : int
        How many images, at most 240.
    max_seconds : float
        The search stops after this time, with a warning.
    progress : bool
        Whether to show a progress bar.
    api : str
        The address of Openverse's image search. No other host is contacted.

    Returns
    -------
    ImageSet
        Without labels, with titles as captions; `problems` lists what was left out. A
        search that has to stop early warns and returns what is there.

    Raises
    ------
    ValueError
        If the word or the folder is invalid, or there is no such image.
    DownloadError
        If nothing can be fetched.

    See Also
    --------
    course_utils.images.load : image sets by name, and folders of your own.

    Examples
    --------
    >>> cranes = search_openverse("crane", n_images=60)  # doctest: +SKIP
    """
    word = " ".join(plain(str(word), keep="\t\n").split())
    if not 1 <= len(word) <= 200:
        raise ValueError("The word to search for must have 1 to 200 characters.")
    if not 1 <= n_images <= MAX_IMAGES:
        raise ValueError(f"n_images is {n_images}: ask for 1 to {MAX_IMAGES}.")
    if not re.match("https?://[^/]+/", api):
        raise ValueError(f"api={api!r} must be an address of the web (https://…).")
    if folder is None:
        name = f"{_slug(word)}-{files.digest(f'{api} {word}')[:8]}"
        folder = files.cache_dir() / "search" / name
    search = _earlier(Path(folder).expanduser(), word, api)
    if not search.exhausted and len(search.rows) < n_images:
        try:
            _go_on(search, _Api(api, max_seconds), n_images, progress)
        except Stop as stop:
            if not search.rows:
                message = f"The search for {shown(word)} found nothing: {stop}"
                raise downloads.DownloadError(message) from stop
            warnings.warn(
                f"The search for {shown(word)} stopped at {len(search.rows)} of "
                f"{n_images} images: {stop}. Search again later to go on.",
                stacklevel=2,
            )
    problems = tuple(map(tuple, search.problems.values()))
    if not search.rows:
        listed = "".join(f"\n  {image}: {reason}" for image, reason in problems[:5])
        raise ValueError(f"No image for {shown(word)}: try another word.{listed}")
    captions = {row["image"]: row["title"] for row in search.rows[:n_images]}
    sources = {image: search.folder / image for image in captions}
    return image_set.gather(word, sources, None, captions, None, problems, progress)


def _go_on(search, api, n_images, progress):
    """Take page after page until there are n_images images, or no more pages."""
    # A row lacks its file only if the program was stopped between the two.
    search.rows = [r for r in search.rows if (search.folder / r["image"]).exists()]
    bar = progress_bar(n_images, f"searching {search.word}", progress)
    bar.update(len(search.rows))
    try:
        while len(search.rows) < n_images and not search.exhausted:
            results, last = _page(api, search.word, search.next_page)
            if _take(api, search, results, n_images, bar):
                search.next_page, search.exhausted = search.next_page + 1, last
    finally:
        bar.close()
        if search.rows:
            search.save()


def _page(api, word, number):
    """(results, True if it is the last) of a page of Openverse."""
    question = {"q": word, "license": ",".join(LICENCES), "mature": "false"}
    question |= {"page_size": PAGE_SIZE, "page": number}
    try:
        answer = json.loads(api.get(api.address, PAGE_BYTES, question))
        results, n_pages = answer["results"], answer.get("page_count")
        if not isinstance(results, list):
            raise TypeError("the results are not a list")
    except Refused as error:
        raise Stop(str(error)) from error
    except requests.RequestException as error:
        raise Stop(api.reason(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Stop(
            f"{api.host} did not answer with a list of images (has its API changed?)"
        ) from error
    last = not results or number * PAGE_SIZE >= MAX_IMAGES
    return results[:PAGE_SIZE], last or (isinstance(n_pages, int) and number >= n_pages)


def _take(api, search, results, n_images, bar):
    """Download a page's thumbnails; True if none of them is left for later."""
    known, lost = {row["url"] for row in search.rows}, 0
    for place, result in enumerate(results, start=1):
        if len(search.rows) == n_images:
            return False
        try:
            row, address = _read(result, api)
        except Refused as error:
            where = f"page {search.next_page}, result {place}"
            search.problems[where] = (where, str(error))
            continue
        if row["url"] in known:
            continue
        known.add(row["url"])
        row["image"] = search.new_name(row["title"])
        try:
            data = api.get(address, IMAGE_BYTES)
            row["image"] += _suffix(data)
        except (Refused, decoding.BadPicture) as error:
            search.problems[row["url"]] = (row["image"], str(error))
            lost = 0
        except requests.RequestException as error:
            search.problems[row["url"]] = (row["image"], api.reason(error))
            lost += 1
            if lost == MAX_LOST:
                raise Stop("no more images arrive (no network?)") from error
        else:
            search.add(row, data)
            bar.update()
            lost = 0
    return True


def _read(result, api):
    """(row, address of the thumbnail) of one of the API's results; or Refused."""
    if not isinstance(result, dict):
        raise Refused("the API does not describe an image here")

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
    thumbnail = text("thumbnail", 2000)
    if not thumbnail.startswith(api.address):
        raise Refused(f"its thumbnail {shown(thumbnail)} is not on {api.host}")
    for key in ("landing_page", "url"):
        if not re.match("https?://", row[key], re.IGNORECASE):
            row[key] = thumbnail if key == "url" else ""
    return row, thumbnail


def _suffix(data):
    """The suffix for a whole image of a kind that is wanted; or a ValueError."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as image:
            kind = image.format
    except Exception as error:  # Pillow's plugins raise nearly every kind
        raise Refused("it is not a JPEG, PNG, WebP or GIF") from error
    decoding.check(data)
    return SUFFIXES.get(kind, ".jpg")  # a JPEG of several images is called MPO


class _Api:
    """The API's host: asked one thing at a time, with pauses, until time is up."""

    def __init__(self, address, max_seconds):
        self.address, self.host = address, urlsplit(address).hostname
        self.max_seconds, self.ends = max_seconds, time.monotonic() + max_seconds
        self.next = 0
        self.session = requests.Session()
        self.session.headers["User-Agent"] = USER_AGENT
        # Redirects are not followed: they could lead to other hosts.
        self.session.get_redirect_target = lambda response: None
        retry = _Retry(
            connect=0,
            read=0,
            status=3,
            status_forcelist=(429, 500, 502, 503, 504),
            backoff_factor=0.5,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=retry))

    def get(self, address, max_bytes, question=None):
        """The bytes at an address of the API; or Refused, Stop, RequestException."""
        self._check_time(self.next)
        time.sleep(max(0, self.next - time.monotonic()))
        self.next = time.monotonic() + PAUSE
        with self.session.get(
            address,
            params=question,
            stream=True,
            timeout=downloads.TIMEOUT,
        ) as response:
            if response.status_code == 429:
                raise Stop(f"{self.host} asks for fewer requests")
            if response.status_code != 200:
                raise Refused(f"{self.host} answered {response.status_code}")
            data = bytearray()
            for piece in response.iter_content(1 << 14):
                data += piece
                if len(data) > max_bytes:
                    raise Refused(f"it has more than {max_bytes:,} bytes")
                self._check_time(time.monotonic())
        return bytes(data)

    def reason(self, error):
        """What a RequestException means, in a few words."""
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return f"the answer of {self.host} was cut off"
        return downloads.reason(error, self.address)

    def _check_time(self, moment):
        if moment > self.ends:
            raise Stop(f"it takes longer than {self.max_seconds} seconds")


class _Retry(Retry):
    """Waits as long as the server asks, but ends the search if that is too long."""

    def get_retry_after(self, response):
        seconds = super().get_retry_after(response)
        if seconds and seconds > MAX_WAIT:
            raise Stop(f"Openverse asks to wait for more than {MAX_WAIT} seconds")
        return seconds


@dataclass
class _Search:
    """What the folder holds: rows of sources.csv, problems by address."""

    folder: Path
    word: str
    api: str
    rows: list = field(default_factory=list)
    problems: dict = field(default_factory=dict)
    next_page: int = 1
    numbered: int = 0
    exhausted: bool = False

    def new_name(self, title):
        """The next file's name, without its suffix; of the title only ASCII letters."""
        self.numbered += 1
        return f"{self.numbered:04}-{_slug(title)}"

    def add(self, row, data):
        """Keep an image; its row is written first, so that none lacks its licence."""
        self.rows.append(row)
        self.problems.pop(row["url"], None)
        self.save()
        with files.atomic_file(self.folder / row["image"]) as file:
            file.write(data)

    def save(self):
        """Write all but the images."""
        about = {**asdict(self), "folder": ""}
        with files.atomic_file(self.folder / STATE, "w", encoding="utf-8") as file:
            json.dump(about, file)
        table = self.folder / "sources.csv"
        with files.atomic_file(table, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in self.rows:
                writer.writerow([cell(row[key]) for key in COLUMNS])


def _earlier(folder, word, api):
    """What an earlier search for this word left in the folder."""
    path = folder / STATE
    if not path.exists():
        if folder.exists() and _in_use(folder):
            raise ValueError(f"{folder} is not an empty folder: give a new one.")
        return _Search(folder, word, api)
    try:
        search = _Search(**json.loads(path.read_text(encoding="utf-8")))
        search.problems.values()
        for row in search.rows:
            _ = [row[key] for key in COLUMNS]
            if not re.fullmatch(r"\d{4,}-[a-z0-9-]+\.[a-z]+", row["image"]):
                raise ValueError(f"{row['image']} is not a name given here")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{path} is damaged: delete {folder} and search again."
        raise ValueError(message) from error
    if (search.word, search.api) != (word, api):
        raise ValueError(
            f"{folder} holds the search for {shown(search.word)} at {search.api}: "
            "give another folder."
        )
    search.folder = folder
    return search


def _in_use(folder):
    return not folder.is_dir() or any(f.name[0] != "." for f in folder.iterdir())


def _slug(text):
    """Up to 40 small ASCII letters and digits of a text, for a file name."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "picture"
