"""The cache of features when things go wrong: kills, full disks, damaged files."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from conftest import ROOT, picture_bytes

from course_utils.images import datasets
from course_utils.representations import cache, extraction

FOLDERS = [str(ROOT / "tests"), str(ROOT / "tests" / "representations")]
N = 400  # pictures: three chunks and a bit
PROGRAM = """
import hashlib, json, resource, sys, threading, time, warnings
sys.path[:0] = {folders!r}
import test_cache
from course_utils.representations import extraction, handcrafted
{before}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = test_cache.extract(test_cache.many())
print(json.dumps([hashlib.sha256(found).hexdigest(), [str(w.message) for w in caught]]))
"""


def many(n=N):
    contents = {f"{i:03}.png": picture_bytes(size=(32, 32), seed=i) for i in range(n)}
    return datasets.from_bytes("many", contents)


def extract(pictures, representation="colour", **options):
    return extraction.extract(pictures, representation, progress=False, **options)


@pytest.fixture(scope="module")
def fresh():
    return extract(many(), cache=False)


@pytest.fixture
def start(own_cache):
    """start(before) runs an extraction of `many` in a process of its own."""
    running = []

    def program(before=""):
        code = PROGRAM.format(folders=FOLDERS, before=before)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield program
    for process in running:
        process.kill()
        process.communicate()


def result(process):
    """(SHA-256 of the features, warnings) that the process found."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return tuple(json.loads(output))


def hidden(own_cache):
    return [path for path in own_cache.rglob(".*") if path.is_file()]


def computed_again(monkeypatch):
    """Extract `many`: the features, and the indices that were not in the cache."""
    done, compute = [], extraction.compute

    def counted(pictures, indices, *rest, **how):
        done.extend(indices)
        return compute(pictures, indices, *rest, **how)

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "compute", counted)
        return extract(many()), done


def test_a_killed_extraction_goes_on_where_it_stopped(
    start, own_cache, fresh, monkeypatch
):
    process = start("""
colour, lock, seen = handcrafted.colour, threading.Lock(), []
def halts(picture):
    with lock:
        seen.append(1)
        n = len(seen)
    if n > 300:
        time.sleep(60)
    return colour(picture)
handcrafted.HANDCRAFTED["colour"] = halts, 128
""")
    deadline = time.monotonic() + 120
    while len(list(own_cache.rglob("*.txt"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    found, done = computed_again(monkeypatch)
    assert done == list(range(2 * extraction.CHUNK, N))
    assert found.tobytes() == fresh.tobytes()
    assert computed_again(monkeypatch)[1] == []


def test_two_programs_at_once(start, own_cache, fresh, monkeypatch):
    processes = start(), start()
    expected = hashlib.sha256(fresh).hexdigest(), []
    assert [result(process) for process in processes] == [expected, expected]
    found, done = computed_again(monkeypatch)
    assert done == []
    assert found.tobytes() == fresh.tobytes()
    assert hidden(own_cache) == []
    stems = {s: sorted(p.stem for p in own_cache.rglob(s)) for s in ("*.npy", "*.txt")}
    assert stems["*.npy"] == stems["*.txt"]


def test_a_full_disk_costs_the_cache_and_not_the_features(start, own_cache, fresh):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    digest, said = result(start(limit))  # Python ignores SIGXFSZ: writing just fails
    assert digest == hashlib.sha256(fresh).hexdigest()
    assert len(said) == 1
    assert "features are not kept" in said[0]
    assert str(own_cache) in said[0]
    assert "None" not in said[0]
    assert "\n" not in said[0]
    assert hidden(own_cache) == []
    assert list(own_cache.rglob("*.txt")) == []


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch, fresh):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match=r"COURSE_CACHE can name another") as caught:
        found = extract(many())
    assert len(caught) == 1
    assert found.tobytes() == fresh.tobytes()
    assert (tmp_path / "file").read_text("utf-8") == "in the way"


def test_a_cache_without_permission(own_cache, monkeypatch, fresh):
    if os.geteuid() == 0:

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("course_utils._support.files.tempfile.mkstemp", refuse)
    else:
        own_cache.mkdir(mode=0o500)
    with pytest.warns(UserWarning, match="Permission denied"):
        found = extract(many())
    assert found.tobytes() == fresh.tobytes()


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def garbage(path):
    path.write_bytes(b"\x80\xff garbage" * 50)


@pytest.mark.parametrize("damage", [cut, empty, garbage, os.unlink])
@pytest.mark.parametrize("suffix", ["npy", "txt"])
def test_a_damaged_chunk_is_computed_again(
    own_cache, damage, suffix, fresh, monkeypatch
):
    extract(many())
    chunks = sorted(own_cache.rglob("*.txt"))
    assert len(chunks) == 4
    damaged = chunks[1]
    lost = damaged.read_text("utf-8").split()
    places = [i for i, digest in enumerate(many().digests) if digest in lost]
    damage(damaged.with_suffix(f".{suffix}"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, done = computed_again(monkeypatch)
    assert done == places
    assert found.tobytes() == fresh.tobytes()
    assert computed_again(monkeypatch)[1] == []


def test_what_a_kill_in_the_middle_of_writing_leaves_is_ignored(
    own_cache, fresh, monkeypatch
):
    extract(many())
    store = next(own_cache.rglob("about.json")).parent
    (store / ".abc.part").write_bytes(b"half")
    (store / "0123.npy").write_bytes(b"half")
    found, done = computed_again(monkeypatch)
    assert done == []
    assert found.tobytes() == fresh.tobytes()


def test_entries_and_clear(own_cache):
    assert list(cache.entries()["representation"]) == []
    assert cache.clear() == 0
    pictures = many(30)
    for representation in ("colour", "raw", "lbp"):
        extract(pictures, representation)
    (cache.features_dir() / ".DS_Store").write_text(
        "of a file manager", encoding="utf-8"
    )
    found = cache.entries().set_index("representation")
    assert list(found.index) == ["raw", "colour", "lbp"]  # largest first
    assert (found["n_images"] == 30).all()
    assert found.loc["raw", "mb"] == pytest.approx(30 * 3072 * 4 / 1e6, abs=0.01)
    with pytest.raises(ValueError, match="the cache holds nothing of 'VGG19'"):
        cache.clear("VGG19")
    assert cache.clear("raw") > 30 * 3072 * 4
    assert set(cache.entries()["representation"]) == {"colour", "lbp"}
    for folder in ("layouts", "parts/colour"):
        (own_cache / folder).mkdir(parents=True)
        (own_cache / folder / "some.npy").write_bytes(b"x" * 1000)
    assert cache.clear() > 2000
    assert len(cache.entries()) == 0
    assert not [path for path in own_cache.rglob("*") if path.suffix == ".npy"]
    np.testing.assert_array_equal(extract(pictures), extract(pictures, cache=False))


def test_the_cache_may_be_moved_between_two_extractions(tmp_path, monkeypatch):
    for name in ("one", "two"):
        monkeypatch.setenv("COURSE_CACHE", str(tmp_path / name))
        extract(many(3))
        assert len(cache.entries()) == 1
        assert str(cache.features_dir()).startswith(str(tmp_path / name))


def test_the_key_of_a_store_stays_while_the_recipe_does(own_cache):
    """Else features would be computed again after each change of the course."""
    spec = {"base": "raw", "layer": None, "recipe": 2, "pillow": "13.0.0"}
    spec |= {"cv2": "5.0.0"}
    assert cache.Store("raw", spec).folder.name == "raw-3217f4a5aa50"


@pytest.mark.parametrize("changed", [{"recipe": 0}, {"pillow": "1"}, {"of": "another"}])
def test_features_under_another_key_are_never_taken(own_cache, fresh, changed):
    extract(many())
    (folder,) = (own_cache / "features").iterdir()
    about = json.loads((folder / "about.json").read_text("utf-8"))
    spec = {key: about[key] for key in about if key != "representation"}
    other = cache.Store("colour", spec | changed)
    digests = many().digests
    other.write(digests, np.zeros((len(digests), fresh.shape[1]), np.float32))
    shutil.rmtree(folder)
    assert np.array_equal(extract(many()), fresh)
