"""The search for pictures, against a server here that plays Openverse."""

import csv
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

import numpy as np
import pytest
from conftest import encode, picture_bytes

from course_utils._support import downloads, files
from course_utils.images import openverse as openverse_module
from course_utils.images.openverse import STATE

JPEGS = [picture_bytes(format="JPEG", seed=seed, size=(40, 30)) for seed in range(8)]
JPEG = JPEGS[0]


def answer(body=JPEG, kind="image/jpeg", status=200, **headers):
    """What the server is to say to a request: (status, headers, body)."""
    length = {} if "Content_Length" in headers else {"Content-Length": len(body)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": kind, **length, **named}, body


class Openverse:
    """A server on loopback with Openverse's answers; `special` has a path's own."""

    def __init__(self):
        self.asked, self.times, self.special = [], [], {}
        self.at_once, self.most_at_once, self.lock = 0, 0, threading.Lock()
        self.done = threading.Event()
        openverse = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                openverse.reply(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        run = threading.Thread(target=self.server.serve_forever, args=[0.02])
        run.start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.api = f"{self.base}/v1/images/"
        self.results = [self.result(number) for number in range(27)]

    def result(self, number, **other):
        """One result in the shape of Openverse's API, without some lesser fields."""
        return {
            "id": f"e8c5b8d9-4f2a-4c1e-9b3a-{number:012}",
            "title": f"Tabby cat {number}",
            "creator": f"Anna {number}",
            "creator_url": "https://www.flickr.com/photos/12345",
            "foreign_landing_url": f"https://www.flickr.com/photos/12345/{number}",
            "url": f"https://live.staticflickr.com/65535/{number}_b.jpg",
            "license": "by-sa",
            "license_version": "2.0",
            "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
            "provider": "flickr",
            "source": "flickr",
            "category": "photograph",
            "filesize": None,
            "filetype": "jpg",
            "tags": [{"name": "cat", "accuracy": None}],
            "mature": False,
            "height": 768,
            "width": 1024,
            "thumbnail": f"{self.base}/thumb/{number}/",
            "unstable__sensitivity": [],
            **other,
        }

    def page(self, query):
        size, page = int(query["page_size"][0]), int(query["page"][0])
        return {
            "result_count": len(self.results),
            "page_count": -(-len(self.results) // size),
            "page_size": size,
            "page": page,
            "results": self.results[(page - 1) * size : page * size],
            "warnings": [],
        }

    def reply(self, handler):
        parts = urllib.parse.urlsplit(handler.path)
        with self.lock:
            self.asked.append(handler.path)
            self.times.append((time.monotonic(), parts.path))
            self.headers = handler.headers
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            reply = self.special.get(parts.path)
            if isinstance(reply, list):
                reply = reply.pop(0) if reply else None
        if callable(reply):
            reply = reply(handler)
        elif reply is None and parts.path == "/v1/images/":
            page = self.page(urllib.parse.parse_qs(parts.query))
            reply = answer(json.dumps(page).encode(), "application/json")
        elif reply is None:
            number = int(parts.path.split("/")[2])
            reply = answer(JPEGS[number % len(JPEGS)])
        with self.lock:
            self.at_once -= 1
        try:
            if reply:
                handler.send_response(reply[0])
                for name, value in reply[1].items():
                    handler.send_header(name, str(value))
                handler.end_headers()
                handler.wfile.write(reply[2])
        except OSError:
            pass
        # A body shorter than was promised ends with the connection.
        handler.close_connection = not reply or len(reply[2]) < 50

    def pages(self):
        return [path for path in self.asked if path.startswith("/v1/")]


@pytest.fixture
def openverse(direct, own_cache, monkeypatch):
    monkeypatch.setattr(openverse_module, "API_SECONDS", 0)
    monkeypatch.setattr(openverse_module, "PICTURE_SECONDS", 0)
    running = Openverse()
    yield running
    running.done.set()
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(openverse_module, "PAGE_SIZE", 5)


def look(openverse, word="cat", folder=None, **options):
    return openverse_module.search_openverse(
        word, folder, api=openverse.api, progress=False, **options
    )


def one(openverse, n_good=1, **other):
    """Make the server know a single special result, and some good ones."""
    good = [openverse.result(number) for number in range(1, 1 + n_good)]
    openverse.results = [openverse.result(0, **other), *good]


def reason(openverse, reply=None, **other):
    """Why the one special picture is left out; the good ones have to arrive."""
    one(openverse, n_good=2, **other)
    if reply is not None:
        openverse.special["/thumb/0/"] = reply
    found = look(openverse)
    assert found.captions == ("Tabby cat 1", "Tabby cat 2")
    ((_, why),) = found.problems
    return why


def table(folder):
    with open(folder / "sources.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_pages_until_there_are_enough(openverse, own_cache):
    found = look(openverse, n_images=25)
    assert len(found) == 25
    assert found.images[:2] == ("0001-tabby-cat-0.jpg", "0002-tabby-cat-1.jpg")
    assert found.captions == tuple(f"Tabby cat {n}" for n in range(25))
    assert found.true_labels is None
    assert found.problems == ()
    assert found.read(9) == JPEGS[1]
    queries = [urllib.parse.urlsplit(path).query for path in openverse.pages()]
    assert [dict(urllib.parse.parse_qsl(query)) for query in queries] == [
        {
            "q": "cat",
            "license": "by,by-sa,cc0,pdm",
            "mature": "false",
            "page_size": "20",
            "page": str(page),
        }
        for page in (1, 2)
    ]
    assert len(openverse.asked) == 2 + 25
    assert openverse.most_at_once <= openverse_module.AT_ONCE
    assert "image-clustering-course" in openverse.headers["User-Agent"]
    assert "Cookie" not in openverse.headers
    (folder,) = (own_cache / "search").iterdir()
    assert folder.name.startswith("cat-")
    rows = table(folder)
    assert [row["image"] for row in rows] == list(found.images)
    assert rows[0] == {
        "image": "0001-tabby-cat-0.jpg",
        "title": "Tabby cat 0",
        "creator": "Anna 0",
        "licence": "by-sa",
        "licence_version": "2.0",
        "landing_page": "https://www.flickr.com/photos/12345/0",
        "url": "https://live.staticflickr.com/65535/0_b.jpg",
    }
    visible = {path.name for path in folder.iterdir() if path.name[0] != "."}
    assert visible == {"sources.csv", *found.images}


def test_a_second_call_asks_nobody(openverse, small_pages):
    openverse.results = openverse.results[:12]
    openverse.special["/thumb/3/"] = answer(b"gone", status=404)
    first = look(openverse, n_images=7)
    n_asked = len(openverse.asked)
    second = look(openverse, n_images=7)
    assert second.images == first.images
    assert second.fingerprint == first.fingerprint
    assert second.captions == first.captions
    assert second.problems == first.problems
    assert first.problems == (("0004-tabby-cat-3", "127.0.0.1 answered 404"),)
    assert look(openverse, n_images=5).images == first.images[:5]
    assert len(openverse.asked) == n_asked
    more = look(openverse, n_images=100)
    assert len(more) == 11  # a finished page is not asked for again
    assert set(first.images) < set(more.images)
    everything = len(openverse.asked)
    assert len(look(openverse, n_images=200)) == 11  # that is all: it is known
    assert len(openverse.asked) == everything


def test_an_interrupted_search_goes_on(openverse, tmp_path, monkeypatch):
    written = []

    def interrupted(path, *mode, **how):
        if path.suffix == ".jpg":
            written.append(path)
            # However it ends, there is no picture without its licence.
            assert path.name in [row["image"] for row in table(path.parent)]
            if len(written) == 6:
                raise KeyboardInterrupt
        return atomic_file(path, *mode, **how)

    atomic_file = files.atomic_file
    with monkeypatch.context() as patch:
        patch.setattr(files, "atomic_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            look(openverse, folder=tmp_path / "new", n_images=10)
    there = {path.name for path in (tmp_path / "new").glob("*.jpg")}
    assert len(there) == 5
    assert there < {row["image"] for row in table(tmp_path / "new")}
    openverse.asked.clear()
    found = look(openverse, folder=tmp_path / "new", n_images=10)
    assert len(found) == 10
    assert sorted(found.captions) == sorted({f"Tabby cat {n}" for n in range(10)})
    assert len(openverse.asked) == 1 + 5
    rows = [row["image"] for row in table(tmp_path / "new")]
    assert sorted(path.name for path in (tmp_path / "new").glob("*.jpg")) == rows


def test_without_a_network_what_is_there_is_returned(openverse, small_pages):
    openverse.special["/v1/images/"] = [None, answer(b"", status=500)]
    with pytest.warns(UserWarning, match=r"'cat' stopped at 5 of 8 .* answered 500"):
        assert len(look(openverse, n_images=8)) == 5
    assert len(look(openverse, n_images=8)) == 8


def test_the_rate(openverse, small_pages, monkeypatch):
    monkeypatch.setattr(openverse_module, "API_SECONDS", 0.5)
    monkeypatch.setattr(openverse_module, "PICTURE_SECONDS", 0.03)
    look(openverse, n_images=7)
    pages = [when for when, path in openverse.times if path == "/v1/images/"]
    others = [when for when, path in openverse.times if path != "/v1/images/"]
    assert pages[1] - pages[0] > 0.45
    assert others[4] - others[0] > 4 * 0.03 - 0.02


def test_asked_to_slow_down(openverse, monkeypatch):
    monkeypatch.setattr(openverse_module, "SHORTEST_WAIT", 0.4)
    openverse.special["/v1/images/"] = [answer(b"", status=429, Retry_After=0)]
    openverse.special["/thumb/1/"] = [answer(b"", status=429, Retry_After=0)]
    start = time.monotonic()
    found = look(openverse, n_images=4)
    assert 0.8 <= time.monotonic() - start < 3
    assert found.captions == tuple(f"Tabby cat {n}" for n in range(4))
    assert found.problems == ()


def test_asked_to_wait_too_long(openverse):
    openverse.results = openverse.results[:9]
    slow = answer(b"", status=429, Retry_After=86400)
    openverse.special["/v1/images/"] = slow
    with pytest.raises(downloads.DownloadError, match="asks to wait for 86,400 sec"):
        look(openverse)
    openverse.special = {"/thumb/2/": slow}
    with pytest.warns(UserWarning, match="stopped at .* asks to wait for 86,400 s"):
        found = look(openverse)
    assert "Tabby cat 2" not in found.captions
    openverse.special.clear()
    assert len(look(openverse)) == 9


def test_retry_after_is_a_number_a_date_or_nonsense(monkeypatch):
    assert openverse_module._seconds("37") == 37
    monkeypatch.setattr(time, "time", lambda: 784111777 - 20)
    assert openverse_module._seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 20
    for nonsense in (None, "soon", "-1", "9" * 5000, ""):
        assert openverse_module._seconds(nonsense) == openverse_module.USUAL_WAIT


def test_another_host_cannot_stop_the_search(openverse):
    elsewhere = openverse.base.replace("127.0.0.1", "localhost") + "/thumb/0/"
    slow = answer(b"", status=429, Retry_After=86400)
    assert reason(openverse, slow, thumbnail=elsewhere) == "localhost answered 429"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in to the wireless network</html>",
        b"[]",
        b'{"detail": "no"}',
        b'{"results": {"0": {}}}',
        b'{"results": null}',
        b"[" * 100_000,
        b'{"results": [\xff]}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_an_answer_that_is_none(openverse, own_cache, body):
    openverse.special["/v1/images/"] = answer(body, "application/json")
    with pytest.raises(downloads.DownloadError, match="with a list of pictures") as no:
        look(openverse)
    assert "\n" not in str(no.value)
    assert not own_cache.exists()


def test_an_endless_answer(openverse):
    body = b'{"results": [' + b" " * openverse_module.PAGE_BYTES
    openverse.special["/v1/images/"] = answer(body, "application/json")
    with pytest.raises(downloads.DownloadError, match="more than 2,000,000 bytes"):
        look(openverse)


def test_results_that_are_none_cost_only_themselves(openverse):
    good = openverse.result(1)
    bad = [None, 7, "x", [], {}, {"license": 1}, {**good, "license": "by-nc"}]
    bad += [{**good, "mature": True}, openverse.result(2, thumbnail=7, url=None)]
    bad += [openverse.result(3, thumbnail="http://[/"), {**good, "license": "BY "}]
    openverse.results = [*bad, openverse.result(4, title=["no"], creator={})]
    found = look(openverse)
    assert found.images == ("0002-tabby-cat-1.jpg", "0003-picture.jpg")
    reasons = [why for _, why in found.problems]
    assert len(reasons) == 10
    assert "its licence, 'by-nc', is not one of those asked for" in reasons
    assert "it is marked as mature" in reasons
    assert sum("describes no picture" in why for why in reasons) == 4


def test_nothing_found(openverse, own_cache):
    openverse.results = []
    with pytest.raises(ValueError, match="No picture for 'xyzzy': try another"):
        look(openverse, "xyzzy")
    assert not own_cache.exists()


def endless(handler):
    """A picture that never ends, in chunks: no Content-Length tells."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/jpeg")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b"10000\r\n" + b"\xff" * 65536 + b"\r\n")
    except OSError:
        pass


HUGE = JPEG + bytes(openverse_module.PICTURE_BYTES)
BMP = picture_bytes(format="BMP")
WIDE = encode(np.zeros((6000, 8000), bool))


BAD = [
    (answer(HUGE), "more than 5,000,000 bytes"),
    (endless, "more than 5,000,000 bytes"),
    (answer(HUGE, Content_Length=100), "cut off|no JPEG"),
    (answer(b"<html>" * 20, "text/html"), "'text/html', not a picture"),
    (answer(b"<svg/>" * 20, "image/svg+xml"), "not a picture of a known kind"),
    (answer(b"<html>" * 20), "no JPEG, PNG, WebP or GIF"),
    (answer(BMP), "no JPEG, PNG, WebP or GIF"),
    (answer(WIDE, "image/png"), "8000 × 6000 pixels are too many"),
    (answer(JPEG[:-200]), "cut off"),
    (answer(JPEG[:40], Content_Length=999), "cut off|no JPEG"),
    (answer(b""), "no JPEG"),
    (answer(b"", status=500), "answered 500"),
    (answer(b"", status=302, Location="file:///etc/passwd"), "no address of"),
    (answer(b"", status=302, Location="ftp://example.org/a"), "no address of"),
    (answer(b"", status=302, Location="http://10.1.2.3/"), "in the own network"),
    (answer(b"", status=301, Location="/thumb/15/"), "again and again"),
    (answer(b"", status=302, Location="http://["), "cannot be asked|no address"),
    (None, "answered 404"),
]


def test_a_bad_picture_costs_only_itself(openverse, tmp_path):
    openverse.results = openverse.results[: len(BAD) + 2]
    for number, (reply, _) in enumerate(BAD):
        openverse.special[f"/thumb/{number}/"] = reply or answer(status=404)
    start = time.monotonic()
    found = look(openverse, folder=tmp_path / "new")
    assert time.monotonic() - start < 4
    kept = {path.name for path in (tmp_path / "new").glob("0*")}
    assert kept == set(found.images)  # nothing else was ever written
    assert found.captions == ("Tabby cat 18", "Tabby cat 19")
    assert len(found.problems) == len(BAD)
    for (image, why), (_, expected) in zip(found.problems, BAD, strict=True):
        assert re.search(expected, why), image
        assert "\n" not in why


def test_a_redirect_to_a_picture(openverse):
    one(openverse)
    openverse.special["/thumb/0/"] = answer(b"", status=302, Location="/thumb/5/x.exe")
    found = look(openverse)
    assert found.images == ("0001-tabby-cat-0.jpg", "0002-tabby-cat-1.jpg")
    assert found.read(0) == JPEGS[5]


ELSEWHERE = [
    "http://10.0.0.1/a.jpg",
    "http://169.254.169.254/latest/meta-data",
    "http://192.168.1.1:8080/",
    "http://[fe80::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "file:///etc/passwd",
    "ftp://example.org/a.jpg",
    "//example.org/a.jpg",
    "https://",
]


def test_addresses_that_are_refused(openverse):
    openverse.results = [
        openverse.result(number, thumbnail=address)
        for number, address in enumerate(ELSEWHERE)
    ] + openverse.results[18:20]
    found = look(openverse)
    assert found.captions == ("Tabby cat 18", "Tabby cat 19")
    assert len(found.problems) == len(ELSEWHERE)
    for _, why in found.problems:
        assert re.search("in the own network|none of the web|no address of", why)
    assert len(openverse.asked) == 1 + 2


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_this_computer_is_refused_to_a_public_api(openverse, name):
    """However it is written: a name is judged by who answers, before a word is said."""
    public = openverse_module.Web(openverse_module.OPENVERSE)
    address = f"http://{name}:{openverse.server.server_port}/thumb/0/"
    with pytest.raises(openverse_module.Refused, match="own network"):
        public.get(address, 1000)
    with pytest.raises(openverse_module.Refused, match="own network"):
        public.get(address.replace("http", "https"), 1000)
    assert openverse.asked == []


def test_a_redirect_is_not_read(openverse):
    def reply(handler):
        handler.send_response(302)
        handler.send_header("Location", "/thumb/1/")
        handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        openverse.done.wait(10)

    one(openverse)
    openverse.special["/thumb/0/"] = reply
    start = time.monotonic()
    assert len(look(openverse)) == 2
    assert time.monotonic() - start < 3


def drip(openverse):
    """A server that sends a byte now and then, so that it is never silent for long."""

    def reply(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "image/jpeg")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not openverse.done.wait(0.1):
            handler.wfile.write(b"\xff")

    return reply


def test_pictures_that_do_not_arrive(openverse, monkeypatch):
    monkeypatch.setattr(openverse_module, "FETCH_SECONDS", 0.6)
    monkeypatch.setattr(openverse_module, "SILENCE_SECONDS", 0.3)
    openverse.results = openverse.results[:6]
    openverse.special["/thumb/0/"] = drip(openverse)
    openverse.special["/thumb/1/"] = lambda handler: openverse.done.wait(10) and None
    found = look(openverse)
    assert len(found) == 4
    assert len(found.problems) == 2
    for _, why in found.problems:
        assert re.search("does not answer|cut off", why)


def test_a_silent_api(openverse, monkeypatch):
    monkeypatch.setattr(openverse_module, "FETCH_SECONDS", 0.5)
    openverse.special["/v1/images/"] = drip(openverse)
    start = time.monotonic()
    with pytest.raises(downloads.DownloadError, match="does not answer"):
        look(openverse)
    assert time.monotonic() - start < 2


def test_the_whole_search_has_an_end(openverse, monkeypatch):
    monkeypatch.setattr(openverse_module, "SEARCH_SECONDS", 0.6)
    monkeypatch.setattr(openverse_module, "PICTURE_SECONDS", 0.15)
    with pytest.warns(UserWarning, match=r"stopped at . of 20 .* longer than 0.6 s"):
        assert 1 <= len(look(openverse, n_images=20)) <= 6


def test_pictures_that_no_longer_arrive_stop_it(openverse):
    for number in range(3, 27):
        openverse.special[f"/thumb/{number}/"] = lambda handler: None
    with pytest.warns(UserWarning, match="stopped at 3 of 10 .* no more pictures"):
        assert len(look(openverse, n_images=10)) == 3
    openverse.special.clear()
    assert len(look(openverse, n_images=10)) == 10


def test_names_of_files_are_made_here(openverse, own_cache):
    titles = [
        "../../etc/passwd",
        "CON",
        "a\\b:c*?.exe",
        "Bär & Über",
        "猫",
        "",
        "x" * 300,
    ]
    openverse.results = [
        openverse.result(n, title=title, thumbnail=f"{openverse.base}/thumb/{n}/a.exe")
        for n, title in enumerate(titles)
    ]
    webp = picture_bytes(format="WEBP"), "image/webp"
    openverse.special["/thumb/0/a.exe"] = answer(*webp)
    openverse.special["/thumb/1/a.exe"] = answer(picture_bytes(), "image/jpeg")
    openverse.special["/thumb/2/a.exe"] = answer(
        picture_bytes(format="GIF"), "image/gif"
    )
    found = look(openverse)
    assert found.images == (
        "0001-etc-passwd.webp",
        "0002-con.png",
        "0003-a-b-c-exe.gif",
        "0004-bar-uber.jpg",
        "0005-picture.jpg",
        "0006-picture.jpg",
        f"0007-{'x' * 40}.jpg",
    )
    assert found.captions[:6] == tuple(titles[:6])
    assert len(found.captions[6]) == 200


def test_titles_and_creators_are_clean(openverse, tmp_path):
    one(
        openverse,
        title='=HYPERLINK("http://evil.example","cat")',
        creator="@Anna\u202e\x1b[31m\r\n  B\ud800\x00",
        foreign_landing_url="javascript:alert(1)",
        license_version=None,
    )
    found = look(openverse, folder=tmp_path / "new")
    assert found.captions[0] == '=HYPERLINK("http://evil.example","cat")'
    row = table(tmp_path / "new")[0]
    assert row["title"] == "'" + found.captions[0]
    assert row["creator"] == "'@Anna[31m B?"
    assert row["landing_page"] == row["licence_version"] == ""


def test_without_a_thumbnail_the_picture_itself(openverse):
    openverse.results = [
        openverse.result(3, thumbnail=None, url=f"{openverse.base}/thumb/3/full.jpg"),
        openverse.result(3, thumbnail=None, url=f"{openverse.base}/thumb/3/full.jpg"),
    ]
    assert len(look(openverse)) == 1
    assert openverse.asked[1:] == ["/thumb/3/full.jpg"]


@pytest.mark.parametrize(
    "word", ["Bär", "AC/DC ../..", "猫", "a&license=by-nc#?", "NUL"]
)
def test_words(openverse, own_cache, word):
    found = look(openverse, f"  {word}\n", n_images=1)
    assert found.name == word
    query = urllib.parse.urlsplit(openverse.asked[0]).query
    asked = urllib.parse.parse_qs(query)
    assert asked["q"] == [word]
    assert asked["license"] == ["by,by-sa,cc0,pdm"]
    (folder,) = (own_cache / "search").iterdir()
    assert folder.name.isascii()
    assert folder.name[:-9].replace("-", "").isalnum()


@pytest.mark.parametrize("word", ["", "  \n", "\u202e\x00", "x" * 201])
def test_a_word_of_no_use(openverse, word):
    with pytest.raises(ValueError, match="1 to 200 characters"):
        look(openverse, word)
    assert openverse.asked == []


@pytest.mark.parametrize("n_images", [0, -1, 241])
def test_a_number_of_no_use(openverse, n_images):
    with pytest.raises(ValueError, match="ask for 1 to 240"):
        look(openverse, n_images=n_images)


def test_folders_of_no_use(openverse, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").write_bytes(JPEG)
    with pytest.raises(ValueError, match=r"mine is not an empty folder: give a new"):
        look(openverse, folder=tmp_path / "mine")
    with pytest.raises(ValueError, match="is not an empty folder"):
        look(openverse, folder=tmp_path / "mine" / "holiday.jpg")
    look(openverse, folder=tmp_path / "cats", n_images=2)
    with pytest.raises(
        ValueError, match=r"holds the search for 'cat' at .*another fol"
    ):
        look(openverse, "dog", folder=tmp_path / "cats")
    state = tmp_path / "cats" / STATE
    whole = state.read_text()
    for damaged in (whole[:50], "[]", whole.replace("0001-", "../0001-"), "{}", ""):
        state.write_text(damaged)
        with pytest.raises(ValueError, match=r"is damaged: delete .* and search again"):
            look(openverse, folder=tmp_path / "cats")


def test_a_picture_that_was_deleted_stays_deleted(openverse, tmp_path):
    first = look(openverse, folder=tmp_path / "new", n_images=4)
    (tmp_path / "new" / first.images[1]).unlink()
    openverse.asked.clear()
    second = look(openverse, folder=tmp_path / "new", n_images=4)
    assert len(second) == 3
    assert second.problems[0][0] == first.images[1]
    assert openverse.asked == []


def fails_quickly(message, api, seconds=5):
    start = time.monotonic()
    with pytest.raises(downloads.DownloadError, match=message) as caught:
        openverse_module.search_openverse("cat", api=api, progress=False)
    assert time.monotonic() - start < seconds
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the search for 'cat' found nothing: ")
    assert not files.cache_dir().exists()


def test_no_network(direct, own_cache, monkeypatch):
    fails_quickly("127.0.0.1 cannot be reached", "http://127.0.0.1:9/v1/images/")
    ended = threading.Event()

    def nobody(*_):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    fails_quickly(
        r"openverse.org cannot be found \(no network\?\)", openverse_module.OPENVERSE
    )
    monkeypatch.setattr(openverse_module, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: ended.wait(10))
    fails_quickly(
        "openverse.org cannot be found", openverse_module.OPENVERSE, seconds=2
    )
    ended.set()


def test_an_api_of_no_use(own_cache):
    for api in ("file:///etc/passwd", "openverse.org", "http://10.0.0.1/", ""):
        with pytest.raises(ValueError, match=r"no address of the web|own network"):
            openverse_module.search_openverse("cat", api=api, progress=False)
