"""Openly licensed pictures of a word, from the web, each with its licence and author.

Openverse is asked, a catalogue that needs no key. Its answers, and whatever they lead
to, were written by strangers: a file gets a name made here, an address in the own
network is not spoken to, size, kind and time are bounded, and what is wrong with one
picture costs that picture only. Source: https://api.openverse.org and its throttle.
"""

import collections
import io
import json
import re
import time
import warnings
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from tqdm.auto import tqdm

from course_utils import (
    downloads,
    imagesets,
    pictures,
    search_folder,
    storage,
    texts,
    web,
)

OPENVERSE = "https://api.openverse.org/v1/images/"
LICENCES = ("by", "by-sa", "cc0", "pdm")
PAGE_SIZE, MOST_IMAGES = 20, 240  # what Openverse gives to those without a key
AT_ONCE = 4  # pictures
MOST_LOST = 5  # pictures in a row that the API's host does not give
PAGE_BYTES, PICTURE_BYTES, PICTURE_PIXELS = 2_000_000, 5_000_000, 40_000_000
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}
TYPES = ("image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif")


def search(word, folder=None, *, n_images=100, progress=True, api=OPENVERSE):
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
    word = " ".join(texts.plain(str(word), keep="\t\n").split())
    if not 1 <= len(word) <= 200:
        raise ValueError("The word to search for must have 1 to 200 characters.")
    if not 1 <= n_images <= MOST_IMAGES:
        raise ValueError(f"n_images is {n_images}: ask for 1 to {MOST_IMAGES}.")
    if folder is None:
        name = f"{search_folder.slug(word)}-{storage.digest(f'{api} {word}')[:8]}"
        folder = storage.cache_dir() / "search" / name
    found = search_folder.earlier(Path(folder).expanduser(), word, api)
    if not found.exhausted and len(found.rows) < n_images:
        try:
            _go_on(found, n_images, progress)
        except web.Stop as stop:
            if not found.rows:
                message = f"the search for {texts.shown(word)} found nothing: {stop}"
                raise downloads.DownloadError(message) from stop
            warnings.warn(
                f"the search for {texts.shown(word)} stopped at {len(found.rows)} of "
                f"{n_images} pictures: {stop}. Search again later to go on.",
                stacklevel=2,
            )
    problems = tuple(map(tuple, found.problems.values()))
    if not found.rows:
        listed = "".join(f"\n  {image}: {reason}" for image, reason in problems[:5])
        raise ValueError(f"No picture for {texts.shown(word)}: try another.{listed}")
    captions = {row["image"]: row["title"] for row in found.rows[:n_images]}
    sources = {image: found.folder / image for image in captions}
    return imagesets.gather(word, sources, None, captions, None, problems, progress)


def _go_on(found, n_images, progress):
    """Take page after page until there are n_images pictures, or no more pages."""
    # Without its file is a row only if the program was stopped between the two.
    found.rows = [r for r in found.rows if (found.folder / r["image"]).exists()]
    asked = web.Web(found.api)
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
        raise web.Stop(
            f"{web.host(asked.api)} did not answer with a list of pictures "
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
        except web.Refused as error:
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
            asked.next_picture = time.monotonic() + web.PICTURE_SECONDS
            running[web.Task(asked.get, address, PICTURE_BYTES)] = (row, address)
            row["image"] = row["image"] or found.name(row["title"])
        for task in [task for task in running if task.ended()]:
            row, address = running.pop(task)
            try:
                content_type, data = task.result()
                suffix = _suffix(content_type, data)
            except web.Slower as slower:
                waiting.appendleft((row, address))
                asked.slow_down(slower)
            except Exception as error:  # whatever it is, it costs this picture only
                found.problems[row["url"]] = (row["image"], web.reason(error, address))
                silent = not isinstance(error, ValueError)
                lost = lost + 1 if silent and asked.is_api(address) else 0
                if lost == MOST_LOST:
                    raise web.Stop("no more pictures arrive (no network?)") from error
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
        raise web.Refused("the API describes no picture here")

    def text(key, most=200):
        value = result.get(key)
        value = value if isinstance(value, str) else ""
        return " ".join(texts.plain(value, keep="\t\n", most=most).split())

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
        licence = texts.shown(row["licence"])
        raise web.Refused(f"its licence, {licence}, is not one of those asked for")
    if result.get("mature"):
        raise web.Refused("it is marked as mature")
    address = text("thumbnail", 2000) or row["url"]
    for value in (address, row["url"]):
        if not re.match("https?://", value, re.IGNORECASE):
            raise web.Refused(f"its address {texts.shown(value)} is none of the web")
    if not re.match("https?://", row["landing_page"], re.IGNORECASE):
        row["landing_page"] = ""
    return row, address


def _suffix(content_type, data):
    """The suffix for a whole picture of a kind that is wanted; or a ValueError."""
    kind = content_type.split(";")[0].strip().lower()
    if kind not in TYPES:
        raise web.Refused(f"it is {texts.shown(kind)}, not a picture of a known kind")
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as image:
                (width, height), kind = image.size, image.format
        except Exception as error:  # Pillow's plugins raise nearly every kind
            raise web.Refused("it is no JPEG, PNG, WebP or GIF") from error
        if width * height > PICTURE_PIXELS:
            raise web.Refused(f"{width} × {height} pixels are too many")
        pictures.check(data)
    return SUFFIXES.get(kind, ".jpg")  # a JPEG of several pictures is called MPO
