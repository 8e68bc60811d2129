"""Ctrl-C, a real signal to a real process: what is said, what is kept, what goes on."""

import hashlib
import http.server
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT, start_for_control_c
from small_sets import coloured, contents, one_thread, write_folder  # noqa: F401

from course_utils.__main__ import main
from course_utils._support import downloads, files

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
SET = ["set", "--k", "3"]
MAP = ["map", *SET, "--representation", "colour", "--layouts", "pca", "tsne", "grid"]
COMPARE = ["compare", *SET, "--representations", "colour", "--algorithms", "kmeans"]
EXTRACT = ["extract", "set", "--representation", "colour", "--part-size", "4"]
COMMANDS = {
    "compare": COMPARE,
    "map": MAP,
    "extract": [*EXTRACT, "--to", "to"],
    "grade": ["grade", "class", "--image-set", "set", "--out", "graded"],
    "submit": ["submit", "results", "--student", "ab1", "--name", "A"],
    "check": ["check", "ab1.zip", "--image-set", "set"],
    "cache": ["cache", "list"],
    "backbones": ["backbones"],
}
# The real command, with a Ctrl-C at the n-th call of a function, or at an import.
AT_A_CALL = """
import importlib, os, runpy, signal, sys
place, turn = {place!r}, {turn}
module, name = place.split(":")
module = importlib.import_module(module)
function, calls = getattr(module, name), []
def stopping(*args, **how):
    calls.append(name)
    if len(calls) == turn:
        os.kill(os.getpid(), signal.SIGINT)
    return function(*args, **how)
setattr(module, name, stopping)
sys.argv = ["course_utils", *{arguments!r}]
runpy.run_module("course_utils", run_name="__main__")
"""
AT_AN_IMPORT = """
import os, runpy, signal, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Stop())
sys.argv = ["course_utils", *{arguments!r}]
runpy.run_module("course_utils", run_name="__main__")
"""
WATCHED = """
import os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from course_utils import interruption
interruption.PATIENCE = {patience}
interruption.watch("told once.")
def press():
    os.kill(os.getpid(), signal.SIGINT)
"""


def start(code, folder):
    """A Python process that runs the code in this folder."""
    return start_for_control_c(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


def assert_stopped(process, sentence):
    """It left with status 130, and the sentence is the last that was said, once."""
    _, err = process.communicate(timeout=90)
    assert process.returncode == 130, err
    assert "Traceback" not in err and "Exception ignored" not in err
    assert err.rstrip().endswith(sentence), err
    assert err.count(sentence) == 1


def hidden(*folders):
    """What was half written."""
    return [p for f in folders for p in f.rglob("*") if p.name.startswith(".")]


@pytest.fixture
def place(tmp_path, own_cache, monkeypatch):
    """A folder with the folder `set` of 15 pictures; all commands run there."""
    write_folder(tmp_path / "set", contents()[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "module", "sentence"),
    [
        ("compare", "argparse", "the same command goes on from here."),
        ("compare", "numpy", "the same command goes on from here."),
        (
            "compare",
            "numpy.linalg._umath_linalg",
            "the same command goes on from here.",
        ),
        ("compare", "sklearn", "the same command goes on from here."),
        ("map", "keras", "--out is no whole map."),
        ("extract", "pyarrow", "the same command goes on from there."),
        ("grade", "jinja2", "may be of two gradings until then."),
        ("submit", "cv2", "the same command starts anew."),
        ("check", "jsonschema", "the same command starts anew."),
        ("cache", "pandas", "the same command starts anew."),
        ("backbones", "h5py", "the same command starts anew."),
    ],
)
def test_while_libraries_are_imported(command, module, sentence, place):
    code = AT_AN_IMPORT.format(module=module, arguments=COMMANDS[command])
    assert_stopped(start(code, place), sentence)
    assert {path.name for path in place.iterdir()} <= {"set", "own_cache"}


@pytest.mark.parametrize(
    ("function", "turn"),
    [
        ("course_utils.images.decoding:check", 3),  # in a pool of threads
        ("course_utils.clustering.algorithms:cluster", 2),
    ],
)
def test_a_comparison_goes_on(function, turn, place):
    arguments = [*COMPARE, "--out", "out", "--seeds", "3"]
    code = AT_A_CALL.format(place=function, turn=turn, arguments=arguments)
    assert_stopped(start(code, place), "the same command goes on from here.")
    journal = place / "out" / "runs.jsonl"
    done = journal.read_text().splitlines() if journal.exists() else []
    assert len(done) == {"check": 0, "cluster": 1}[function.split(":")[1]]
    assert hidden(place) == []
    assert main(arguments) == 0
    assert journal.read_text().splitlines()[: len(done)] == done
    assert len((place / "out" / "results.csv").read_text().splitlines()) == 4


def test_a_map_finds_the_layouts_that_were_finished(place):
    arguments = [*MAP, "--out", "map.html"]
    stored = {"place": "course_utils.maps.layouts:_store", "turn": 2}
    code = AT_A_CALL.format(**stored, arguments=arguments)
    assert_stopped(start(code, place), "--out is no whole map.")
    assert not (place / "map.html").exists()
    assert hidden(place) == []
    kept = {p: p.stat().st_mtime_ns for p in place.rglob("layouts/*.npy")}
    assert len(kept) == 1
    assert main(arguments) == 0
    assert (place / "map.html").read_text().endswith("</html>\n")
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


@pytest.mark.parametrize("engine", [(), ("--engine", "dask")])
def test_an_extraction_keeps_its_finished_parts(engine, place):
    arguments = [*EXTRACT, *engine, "--to", "to"]
    at = {"place": "course_utils.representations.extraction:_total", "turn": 3}
    code = AT_A_CALL.format(**at, arguments=arguments)
    assert_stopped(start(code, place), "the same command goes on from there.")
    assert hidden(place) == []
    kept = {p: p.stat().st_mtime_ns for p in place.glob("to/part-*")}
    assert len(kept) >= 2
    assert not (place / "to" / "parts.json").exists()
    assert main([*EXTRACT, "--to", "to"]) == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert len(list(place.glob("to/part-*"))) == 4


def test_grading_starts_anew_and_gives_the_same(place, no_answers):
    from sample_submissions import hand_in

    for student in ("ab1", "cd2", "ef3"):
        hand_in(place / "class" / f"{student}.zip", coloured(), student, student)
    arguments = COMMANDS["grade"]
    written = {"place": "course_utils._support.files:atomic_file", "turn": 4}
    code = AT_A_CALL.format(**written, arguments=arguments)
    assert_stopped(start(code, place), "may be of two gradings until then.")
    assert hidden(place) == []
    assert 0 < len(list((place / "graded").iterdir())) < 5
    assert main(arguments) == 0
    assert main([*arguments[:-1], "uninterrupted"]) == 0
    found, expected = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (place / "graded", place / "uninterrupted")
    )
    assert found == expected


@pytest.mark.parametrize(
    "stuck",
    [
        "try:\n    press()\nexcept:\n    time.sleep(60)",  # it was swallowed
        "def later():\n    time.sleep(0.3)\n    press()\n"  # in C, which does not look
        "threading.Thread(target=later).start()\n"
        "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
        "with ThreadPoolExecutor(2) as pool:\n"  # it waits for all that is to be done
        "    for _ in range(100):\n        pool.submit(time.sleep, 1)\n    press()",
        "os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"  # as while Keras is imported
        "try:\n    press()\nexcept:\n    time.sleep(60)",
    ],
)
def test_what_does_not_stop_is_left(stuck, tmp_path):
    started = time.monotonic()
    assert_stopped(start(WATCHED.format(patience=0.5) + stuck, tmp_path), "told once.")
    assert time.monotonic() - started < 20


def test_a_second_press_does_not_wait(tmp_path):
    code = WATCHED.format(patience=300) + (
        "try:\n    press()\nexcept KeyboardInterrupt:\n    print('first', flush=True)\n"
        "    time.sleep(250)"
    )
    process = start(code, tmp_path)
    assert process.stdout.readline() == "first\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert_stopped(process, "told once.")


def test_what_is_put_away_within_the_patience_is_put_away(tmp_path):
    """A bounce is no second press, another signal none at all."""
    code = WATCHED.format(patience=60) + (
        "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "time.sleep(1)\n"
        "try:\n    press()\nexcept KeyboardInterrupt:\n"
        "    press()\n    time.sleep(1)\n    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    time.sleep(1)\n    Path('away').touch()\n"
        "    threading.Thread(target=time.sleep, args=[60]).start()\n"
        "    interruption.leave(130)"
    )
    process = start(code, tmp_path)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert (tmp_path / "away").exists()


@pytest.mark.parametrize("status", [0, 2])
def test_without_control_c_a_command_ends_as_it_did(status, tmp_path):
    code = WATCHED.format(patience=0) + (
        "import atexit\natexit.register(print, 'last words')\ntime.sleep(1)\n"
        f"interruption.leave({status})"
    )
    process = start(code, tmp_path)
    assert process.communicate(timeout=30) == ("last words\n", "")
    assert process.returncode == status


CONTENT = bytes(range(256)) * 4000
KNOWN_HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def server(direct):
    """A server of CONTENT. settings: as below; asked: the Range of every question."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            range_asked = self.headers.get("Range")
            self.asked.append(range_asked)
            begin = 0
            if range_asked and self.settings["ranges"]:
                begin = int(re.fullmatch(r"bytes=(\d+)-", range_asked)[1])
            self.send_response(206 if begin else 200)
            if begin:
                total = len(CONTENT)
                words = f"bytes {begin}-{total - 1}/{total}"
                self.send_header("Content-Range", words)
            if self.settings["tag"]:
                self.send_header("ETag", self.settings["tag"])
            self.send_header("Content-Length", str(len(CONTENT) - begin))
            self.end_headers()
            stops_at = self.settings["stops_at"]
            self.wfile.write(CONTENT[begin:stops_at])
            if stops_at:
                self.sent.set()
                time.sleep(self.settings.get("silence", 0))

        def log_message(self, *_):
            pass

    Handler.settings = {"tag": '"1"', "ranges": True, "stops_at": None}
    Handler.asked, Handler.sent = [], threading.Event()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=[0.02], daemon=True).start()
    Handler.url = f"http://127.0.0.1:{running.server_port}/weights.h5"
    yield Handler
    running.shutdown()
    running.server_close()


def cut_off(server, path, at=300_000):
    """A download that ends at this byte; what it leaves behind."""
    server.settings["stops_at"] = at
    with pytest.raises(downloads.DownloadError, match="was cut off: try again"):
        downloads.fetch(server.url, path)
    server.settings["stops_at"] = None
    server.asked.clear()
    return sorted(path.parent.iterdir())


def test_a_download_goes_on_after_control_c(server, tmp_path):
    server.settings |= {"stops_at": 400_000, "silence": 8}
    path = tmp_path / "weights.h5"
    code = "from pathlib import Path\nfrom course_utils import downloads\n"
    code += f"downloads.fetch({server.url!r}, Path({str(path)!r}))"
    process = start(code, tmp_path)
    assert server.sent.wait(60)
    deadline = time.monotonic() + 20
    while sum(p.stat().st_size for p in tmp_path.iterdir()) < 300_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    (part,) = tmp_path.iterdir()
    n_bytes = part.stat().st_size
    assert 300_000 <= n_bytes <= 400_000
    server.settings |= {"stops_at": None}
    server.asked.clear()
    downloads.fetch(server.url, path, KNOWN_HASH)
    assert server.asked == [f"bytes={n_bytes}-"]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_that_was_cut_off_twice_goes_on_twice(server, tmp_path):
    path = tmp_path / "weights.h5"
    (part,) = cut_off(server, path)
    first = part.stat().st_size
    (part,) = cut_off(server, path, 500_000)
    assert 200_000 < first < 400_000 < part.stat().st_size
    asked = [f"bytes={part.stat().st_size}-"]
    downloads.fetch(server.url, path)
    assert server.asked == asked
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("change", [{"tag": '"2"'}, {"ranges": False}, {"tag": None}])
def test_a_part_that_may_be_of_another_file_is_not_taken(change, server, tmp_path):
    path = tmp_path / "weights.h5"
    (part,) = cut_off(server, path)
    part.write_bytes(b"\0" * 300_000)  # so that nobody takes it unnoticed
    server.settings |= change
    downloads.fetch(server.url, path)
    assert server.asked == ["bytes=300000-", None]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("tag", [None, 'W/"1"'])
def test_what_has_no_certain_version_is_not_kept(tag, server, tmp_path):
    server.settings["tag"] = tag
    assert cut_off(server, tmp_path / "weights.h5") == []


def test_a_damaged_part_costs_one_attempt(server, tmp_path):
    path = tmp_path / "weights.h5"
    (part,) = cut_off(server, path)
    part.write_bytes(b"\0" * 300_000)
    with pytest.raises(downloads.DownloadError, match="came damaged or changed"):
        downloads.fetch(server.url, path, KNOWN_HASH)
    assert list(tmp_path.iterdir()) == []
    downloads.fetch(server.url, path, KNOWN_HASH)
    assert path.read_bytes() == CONTENT


def test_a_part_is_kept_while_the_server_is_away(server, tmp_path, monkeypatch):
    path = tmp_path / "weights.h5"
    (part,) = cut_off(server, path)
    with pytest.raises(downloads.DownloadError, match="cannot be reached"):
        downloads.fetch("http://127.0.0.1:9/weights.h5", path)
    asked = [f"bytes={part.stat().st_size}-"]
    monkeypatch.setattr(downloads, "_unreachable", {})
    downloads.fetch(server.url, path, KNOWN_HASH)
    assert server.asked == asked
    assert files.sha256(path) == KNOWN_HASH.removeprefix("sha256:")
