"""The search for images, against a server here that plays Openverse."""

import csv
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

import pytest
from conftest import picture_bytes

from course_utils._support import downloads, files
from course_utils.images import openverse as openverse_module
from course_utils.images.openverse import STATE

JPEGS = [picture_bytes(format="JPEG", seed=seed, size=(40, 30)) for seed in range(8)]
JPEG = JPEGS[0]


def thumbnail(number):
    """The path of a thumbnail on the API's host."""
    return f"/v1/images/e8c5b8d9-4f2a-4c1e-9b3a-{number:012}/thumb/"


def answer(body=JPEG, kind="image/jpeg", status=200, **headers):
    """What the server is to say to a request: (status, headers, body)."""
    length = {} if "Content_Length" in headers else {"Content-Length": len(body)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": kind, **length, **named}, body


class Openverse:
    """A server on loopback with Openverse's answers; `special` has a path's own."""

    def __init__(self):
        self.asked, self.special = [], {}
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
            "thumbnail": self.base + thumbnail(number),
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
        self.asked.append(handler.path)
        self.headers = handler.headers
        reply = self.special.get(parts.path)
        if isinstance(reply, list):
            reply = reply.pop(0) if reply else None
        if callable(reply):
            reply = reply(handler)
        elif reply is None and parts.path == "/v1/images/":
            page = self.page(urllib.parse.parse_qs(parts.query))
            reply = answer(json.dumps(page).encode(), "application/json")
        elif reply is None:
            number = int(parts.path.split("/")[3].rpartition("-")[2])
            reply = answer(JPEGS[number % len(JPEGS)])
        try:
            if reply:
                handler.send_response(reply[0])
                for name, value in reply[1].items():
                    handler.send_header(name, str(value))
                if len(reply[2]) < 50:  # and what was promised does not come
                    handler.send_header("Connection", "close")
                handler.end_headers()
                handler.wfile.write(reply[2])
        except OSError:
            pass
        handler.close_connection = not reply or len(reply[2]) < 50

    def pages(self):
        return [path for path in self.asked if path.startswith("/v1/images/?")]


@pytest.fixture
def openverse(direct, own_cache, monkeypatch):
    monkeypatch.setattr(openverse_module, "PAUSE", 0)
    monkeypatch.setattr(openverse_module._Retry, "get_backoff_time", lambda retry: 0)
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
        openverse.special[thumbnail(0)] = reply
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
    openverse.special[thumbnail(3)] = answer(b"gone", status=404)
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
    openverse.special["/v1/images/"] = [None, *4 * [answer(b"", status=500)]]
    with pytest.warns(UserWarning, match=r"'cat' stopped at 5 of 8 .* answered 500"):
        assert len(look(openverse, n_images=8)) == 5
    assert len(look(openverse, n_images=8)) == 8


def test_the_rate(openverse, small_pages, monkeypatch):
    slept = []
    monkeypatch.setattr(openverse_module, "PAUSE", 30)
    monkeypatch.setattr(time, "sleep", slept.append)
    look(openverse, n_images=7)
    assert len(openverse.asked) == len(slept) == 2 + 7
    assert slept[0] == 0
    assert all(20 < seconds <= 30 for seconds in slept[1:])  # since the request before


def test_asked_to_slow_down(openverse, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    later = answer(b"", status=429, Retry_After=1)
    openverse.special["/v1/images/"] = [later]
    openverse.special[thumbnail(1)] = [later, answer(b"", status=503)]
    found = look(openverse, n_images=4)
    assert slept.count(1) == 2  # it has waited as long as it was told
    assert found.captions == tuple(f"Tabby cat {n}" for n in range(4))
    assert found.problems == ()
    assert len(openverse.asked) == 2 + 3 + 3


def test_asked_to_wait_too_long(openverse):
    openverse.results = openverse.results[:9]
    slow = answer(b"", status=429, Retry_After=86400)
    openverse.special["/v1/images/"] = slow
    with pytest.raises(
        downloads.DownloadError, match="asks to wait for more than 60 sec"
    ):
        look(openverse)
    openverse.special = {thumbnail(2): slow}
    with pytest.warns(
        UserWarning, match="stopped at 2 .* asks to wait for more than 60 s"
    ):
        found = look(openverse)
    assert found.captions == ("Tabby cat 0", "Tabby cat 1")
    openverse.special.clear()
    assert len(look(openverse)) == 9


@pytest.mark.parametrize("later", ["soon", None])
def test_asked_to_slow_down_again_and_again(openverse, later):
    more = {"Retry_After": later} if later else {}
    openverse.special["/v1/images/"] = answer(b"", status=429, **more)
    with pytest.raises(downloads.DownloadError, match=r"fewer requests|not answer"):
        look(openverse)
    assert len(openverse.asked) <= 4


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
    with pytest.raises(downloads.DownloadError, match="with a list of images") as no:
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
    assert found.images == ("0001-tabby-cat-1.jpg", "0002-picture.jpg")
    reasons = [why for _, why in found.problems]
    assert len(reasons) == 10
    assert "its licence, 'by-nc', is not one of those asked for" in reasons
    assert "it is marked as mature" in reasons
    assert sum("does not describe an image" in why for why in reasons) == 4
    assert sum("is not on 127.0.0.1" in why for why in reasons) == 2


def test_nothing_found(openverse, own_cache):
    openverse.results = []
    with pytest.raises(ValueError, match="No image for 'xyzzy': try another"):
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


HUGE = JPEG + bytes(openverse_module.IMAGE_BYTES)
BAD = [
    (answer(HUGE), "more than 5,000,000 bytes"),
    (endless, "more than 5,000,000 bytes"),
    (answer(b"<html>" * 20, "text/html"), "not a JPEG, PNG, WebP or GIF"),
    (answer(picture_bytes(format="BMP")), "not a JPEG, PNG, WebP or GIF"),
    (answer(JPEG[:-200]), "cut off"),
    (answer(JPEG[:40], Content_Length=999), "cut off"),
    (answer(b""), "not a JPEG"),
    (answer(b"", status=500), "answered 500"),
    (answer(b"", status=404), "answered 404"),
    (answer(b"", status=302, Location="https://example.org/a.jpg"), "answered 302"),
    (answer(b"", status=301, Location="http://["), "answered 301"),
]


def test_a_bad_image_costs_only_itself(openverse, tmp_path):
    openverse.results = openverse.results[: len(BAD) + 2]
    for number, (reply, _) in enumerate(BAD):
        openverse.special[thumbnail(number)] = reply
    found = look(openverse, folder=tmp_path / "new")
    kept = {path.name for path in (tmp_path / "new").glob("0*")}
    assert kept == set(found.images)  # nothing else was ever written
    assert found.captions == ("Tabby cat 11", "Tabby cat 12")
    assert len(found.problems) == len(BAD)
    for (image, why), (_, expected) in zip(found.problems, BAD, strict=True):
        assert re.search(expected, why), image
        assert "\n" not in why


def test_no_host_but_the_api_is_ever_contacted(openverse, monkeypatch):
    port = openverse.server.server_port
    elsewhere = [
        "https://live.staticflickr.com/65535/1_b.jpg",
        f"http://localhost:{port}{thumbnail(1)}",
        f"http://127.0.0.1.example.org{thumbnail(1)}",
        f"http://127.0.0.1:{port}@example.org{thumbnail(1)}",
        f"https://127.0.0.1:{port}{thumbnail(1)}",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//example.org/a.jpg",
        "",
    ]
    openverse.results = [
        openverse.result(number, thumbnail=address)
        for number, address in enumerate(elsewhere)
    ] + openverse.results[17:20]
    redirect = answer(b"", status=302, Location="https://example.org/a.jpg")
    openverse.special[thumbnail(17)] = redirect
    contacted, look_up = set(), socket.getaddrinfo

    def watched(host, port, *rest):
        contacted.add((host, port))
        return look_up(host, port, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    found = look(openverse)
    assert contacted == {("127.0.0.1", port)}
    assert found.captions == ("Tabby cat 18", "Tabby cat 19")
    assert len(found.problems) == 1 + len(elsewhere)
    assert all("is not on 127.0.0.1" in why for _, why in found.problems[1:])
    assert len(openverse.asked) == 1 + 3


def test_images_that_do_not_arrive(openverse, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (4, 0.2))
    openverse.results = openverse.results[:6]
    for number in (0, 3):
        openverse.special[thumbnail(number)] = lambda handler: (
            openverse.done.wait(10) and None
        )
    found = look(openverse)
    assert len(found) == 4
    assert len(found.problems) == 2
    for _, why in found.problems:
        assert "does not answer" in why


def test_a_silent_api(openverse, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (4, 0.2))
    openverse.special["/v1/images/"] = lambda handler: openverse.done.wait(10) and None
    with pytest.raises(downloads.DownloadError, match="does not answer"):
        look(openverse)
    assert len(openverse.asked) == 1


def test_the_whole_search_has_an_end(openverse, monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(openverse_module.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(openverse_module.time, "sleep", lambda seconds: None)
    with pytest.warns(UserWarning, match=r"stopped at . of 20 .* longer than 20 s"):
        assert 1 <= len(look(openverse, n_images=20, max_seconds=20)) < 10


def test_pictures_that_no_longer_arrive_stop_it(openverse):
    for number in range(3, 27):
        openverse.special[thumbnail(number)] = lambda handler: None
    with pytest.warns(UserWarning, match="stopped at 3 of 10 .* no more images"):
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
        openverse.result(n, title=title) for n, title in enumerate(titles)
    ]
    webp = picture_bytes(format="WEBP"), "image/webp"
    openverse.special[thumbnail(0)] = answer(*webp)
    openverse.special[thumbnail(1)] = answer(picture_bytes(), "image/jpeg")
    openverse.special[thumbnail(2)] = answer(picture_bytes(format="GIF"), "image/gif")
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


def test_the_same_image_twice_is_taken_once(openverse):
    openverse.results = [openverse.result(3), openverse.result(3)]
    assert len(look(openverse)) == 1
    assert openverse.asked[1:] == [thumbnail(3)]


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
    whole = state.read_text("utf-8")
    for damaged in (whole[:50], "[]", whole.replace("0001-", "../0001-"), "{}", ""):
        state.write_text(damaged, encoding="utf-8")
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


def fails(message, api):
    with pytest.raises(downloads.DownloadError, match=message) as caught:
        openverse_module.search_openverse("cat", api=api, progress=False)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("The search for 'cat' found nothing: ")
    assert not files.cache_dir().exists()


def test_no_network(direct, own_cache, monkeypatch):
    fails("127.0.0.1 cannot be reached", "http://127.0.0.1:9/v1/images/")
    looked_up = []

    def nobody(host, *_):
        looked_up.append(host)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    fails(
        r"openverse.org cannot be reached .*\(no network\?\)",
        openverse_module.OPENVERSE,
    )
    assert looked_up == ["api.openverse.org"]  # nothing is tried twice


@pytest.mark.parametrize("api", ["file:///etc/passwd", "openverse.org", ""])
def test_an_api_of_no_use(own_cache, api):
    with pytest.raises(ValueError, match="must be an address of the web"):
        openverse_module.search_openverse("cat", api=api, progress=False)
